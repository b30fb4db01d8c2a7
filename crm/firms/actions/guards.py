"""Permission and duplicate checks every write of the registry passes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core.db import Versioned
from crm.core.permissions import Actor, Forbidden, Scope
from crm.core.pinyin import sort_key
from crm.core.words import N_, Conflict, Message, Refused
from crm.firms.models import Contact, Firm
from crm.firms.queries.merged import survivor
from crm.firms.queries.scope import reach
from crm.firms.rules.names import normalise


class Duplicate(Refused):
    """The firm exists already; `firm_id` and `firm_name` lead to it."""

    def __init__(
        self, text: str, /, *, firm_id: int, firm_name: str, field: str, is_archived: bool = False
    ) -> None:
        super().__init__(text, field=field, name=firm_name)
        self.firm_id = firm_id
        self.firm_name = firm_name
        self.is_archived = is_archived


def named(name: str) -> dict[str, str]:
    """A name with its two keys: equal names have equal `name_key`, `name_sort` orders by pinyin."""
    return {"name": name, "name_key": normalise(name)[:200], "name_sort": sort_key(name)[:400]}


def require(session: Session, actor: Actor, permission: str, firm_id: int) -> None:
    """Raises `Forbidden` unless the permission reaches this firm."""
    actor.require(permission)
    if actor.scope(permission) is Scope.ALL:
        return
    found = session.execute(sa.select(Firm.id).where(Firm.id == firm_id, reach(actor, permission)))
    if found.scalar_one_or_none() is None:
        raise Forbidden(N_("您的角色只能改本街道或本人负责的企业。"))


def require_street(actor: Actor, street_id: int | None) -> None:
    """A reporter may only put firms into the unit's own streets. Raises `Refused`."""
    if actor.scope("firm:edit") is Scope.UNIT and street_id not in actor.unit_ids:
        raise Refused(N_("您只能登记本街道的企业，请选择本单位的街道。"), field="street")


def lock(firm: Firm | Contact, version: int | None) -> None:
    """Raises `Conflict` when the record has changed since the form was filled."""
    if version is not None and firm.version != version:
        text = N_("这家企业刚刚被别人改过，请核对后再保存。")
        raise Conflict(text if isinstance(firm, Firm) else N_("这一条刚刚被别人改过，请核对后再保存。"))


def same_version(row: Versioned | None, version: int | None) -> None:
    """Raises `Conflict` when a row is no longer the one the form was filled from; 0 stands for no row."""
    if version is not None and (0 if row is None else row.version) != version:
        raise Conflict(N_("这一条刚刚被别人改过，请核对后再保存。"))


def refuse_duplicate(session: Session, *, name: str | None, code: str | None, but: int | None = None) -> None:
    """Raises `Duplicate` for a code that is taken, or a name that is when one of the two firms has no code."""
    clauses = []
    if code:
        clauses.append(Firm.code == code)
    if name:
        same = Firm.name_key == normalise(name)[:200]
        clauses.append(sa.and_(same, Firm.code.is_(None)) if code else same)
    if not clauses:
        return
    # a code left with a firm that was merged away still means the firm it went to
    mine = sa.or_(Firm.merged_into_id.is_(None), Firm.code == code) if code else Firm.merged_into_id.is_(None)
    statement = (
        sa.select(Firm.id, Firm.name, Firm.code, Firm.archived_on, Firm.merged_into_id)
        .where(sa.or_(*clauses), mine)
        .order_by(sa.case((Firm.code == code, 0), else_=1) if code else Firm.id, Firm.id)
    )
    if but is not None:
        statement = statement.where(Firm.id != but)
    found = session.execute(statement.limit(1)).one_or_none()
    if found is None:
        return
    if found.merged_into_id is not None:
        into, name = survivor(session, found.merged_into_id)
        if into == but:
            text = N_("这个信用代码留在已经并入本企业的「%(name)s」上，请撤销那次合并后另选代码。")
            raise Duplicate(text, firm_id=found.id, firm_name=found.name, field="code", is_archived=True)
        text = N_("这个信用代码属于已经并入「%(name)s」的企业。")
        raise Duplicate(text, firm_id=into, firm_name=name, field="code")
    archived = found.archived_on is not None
    if code and found.code == code:
        text = N_("这个信用代码已经登记：%(name)s。")
        raise Duplicate(text, firm_id=found.id, firm_name=found.name, field="code", is_archived=archived)
    text = N_("这家企业已经登记：%(name)s。")
    if code:
        text = N_("同名企业已经登记，还没有信用代码：%(name)s。请打开它补上信用代码。")
    raise Duplicate(text, firm_id=found.id, firm_name=found.name, field="name", is_archived=archived)


def flush(session: Session, *, name: str | None = None, code: str | None = None) -> None:
    """Flush; when somebody else was quicker with the same key, say so like any duplicate."""
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        refuse_duplicate(session, name=name, code=code)
        raise Conflict(N_("同样的内容刚刚由别人保存了，请刷新后核对。")) from None


__all__ = [
    "Duplicate",
    "Message",
    "flush",
    "lock",
    "named",
    "refuse_duplicate",
    "require",
    "require_street",
    "same_version",
]
