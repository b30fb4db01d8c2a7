"""Who may appoint whom: nobody makes a firm his own. A colleague with the right has to, and the audit keeps who. Pure.

What is one's own opens yearly figures and contacts, so the form, the bulk change, the import, a merge and an undo
all ask here; `actions.appointing` asks once more, of every transaction, before it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm.core.permissions import Actor, Scope
from crm.core.words import N_, Message, Refused

SELF = N_("您不能把自己设为服务专员：这家企业现在不归您服务，也不是您登记的。请由别的同事来指定。")
UNIT = N_("您不能把别处的企业划到本单位名下：街道和服务专员请由别的同事来改。")
TAKEN = N_("这样会把别人服务的企业的数据或联系人并到您自己的企业名下。请由别的同事来做。")
ROWS = N_(
    "第 %(rows)s 行会让您自己成为服务专员，而企业不归您服务。请由别的同事写入这一批，或去掉这几行再传。"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whose a firm is: its service officer and the officer's unit, who registered it by hand, its street."""

    officer_id: int | None = None
    creator_id: int | None = None
    street_id: int | None = None
    officer_unit_id: int | None = None

    def is_own(self, actor: Actor) -> bool:
        """Whether the firm is the actor's own."""
        return actor.user_id is not None and actor.user_id in (self.officer_id, self.creator_id)

    def is_of_unit(self, actor: Actor) -> bool:
        """Whether the firm lies in the actor's unit: by its street, or by its officer's unit."""
        return self.street_id in actor.unit_ids or self.officer_unit_id in actor.unit_ids


def objection(actor: Actor, before: Standing, after: Standing) -> Message | None:
    """Why the actor may not bring a firm from `before` to `after`, or None when nothing is against it."""
    if actor.user_id is None:
        return None
    if after.officer_id == actor.user_id != before.officer_id and not before.is_own(actor):
        return Message(SELF)
    is_narrow = actor.scope("figure:read") is Scope.UNIT
    if is_narrow and after.is_of_unit(actor) and not (before.is_of_unit(actor) or before.is_own(actor)):
        return Message(UNIT)
    return None


def check(actor: Actor, before: Standing, after: Standing) -> None:
    """Raises `Refused` when there is an objection, at the field it is about."""
    found = objection(actor, before, after)
    if found is not None:
        raise Refused(found.text, field="officer" if found.text == SELF else "street")


def check_taking(actor: Actor, permission: str, source: Standing, target: Standing) -> None:
    """Rows that `permission` opens go from one firm to another (a merge). Raises `Refused` when that would put
    them within the actor's reach for the first time."""
    scope = actor.scope(permission)
    if scope is Scope.OWN and target.is_own(actor) and not source.is_own(actor):
        raise Refused(TAKEN)
    if scope is Scope.UNIT and target.is_of_unit(actor) and not source.is_of_unit(actor):
        raise Refused(TAKEN)
