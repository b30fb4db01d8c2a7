"""Leaving a group out of the mail, and taking it back."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.reminders import Group
from crm.core.transaction import refusing
from crm.core.words import N_, Refused
from crm.digest.models import DigestMute
from crm.digest.rules.links import ALL

MUTABLE = [group for group in Group if group.can_be_muted]


def groups_of(code: str) -> list[Group]:
    """The groups a link or form means: one, or all that may be muted. Raises `Refused`."""
    if code == ALL:
        return MUTABLE
    found = [group for group in MUTABLE if group.value == code]
    if not found:
        raise Refused(N_("这一组不能取消：上报给您的事一定会告诉您。"), field="groups")
    return found


def settle(session: Session, *, actor: Actor, groups: Collection[str]) -> bool:
    """Mute these groups and no others, for the actor himself. Returns whether anything changed. Raises `Refused`."""
    wanted = {group.value for code in groups for group in groups_of(code)}
    return _set(session, actor, wanted)


def mute(session: Session, *, actor: Actor, group: str) -> bool:
    """Leave a group (`all`: every one that may be) out of the actor's mail. Muting twice is muting once."""
    return _set(session, actor, _now(session, actor) | {each.value for each in groups_of(group)})


def unmute(session: Session, *, actor: Actor, group: str) -> bool:
    """Take a group back into the actor's mail."""
    return _set(session, actor, _now(session, actor) - {each.value for each in groups_of(group)})


def _now(session: Session, actor: Actor) -> set[str]:
    return set(session.scalars(sa.select(DigestMute.group).where(DigestMute.user_id == actor.user_id)))


def _set(session: Session, actor: Actor, wanted: set[str]) -> bool:
    rows = {
        row.group: row
        for row in session.scalars(sa.select(DigestMute).where(DigestMute.user_id == actor.user_id))
    }
    added, dropped = sorted(wanted - rows.keys()), sorted(rows.keys() - wanted)
    if not added and not dropped:
        return False
    audit.begin(session, actor=actor, action="digest.mute", added=added, dropped=dropped)
    both = Refused(N_("刚才已经在别处改过，请刷新后再看。"))
    with refusing(session, {"uq_digest_mutes_user_id_group_code": both}):
        for code in dropped:
            session.delete(rows[code])
        for code in added:
            session.add(DigestMute(user_id=actor.user_id, group=code))
    return True
