"""The list of firms: which conditions, orders and columns there are, one page of it, and all of it for an export.

Higher features add to `FILTERS`, `COLUMNS` and `BULK` in the factory (the ladder its stages), never here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.words import N_, Word
from crm.firms.models import AboveScale, Firm
from crm.firms.queries.finding import text_condition
from crm.firms.queries.own import quiet_since
from crm.firms.queries.scope import exportable_by, visible_to
from crm.firms.rules.words import Act, FirmStatus, LeadingIndustry, SizeClass

NONE = "none"  # the value of a filter that asks for firms without one
MINE = "me"
PRESENT = "present"  # active or moved in


def _word_where(column: Any, words: type[Word]) -> Any:
    known = {member.value: member for member in words}

    def where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
        if value == NONE:
            return column.is_(None)  # type: ignore[no-any-return]
        return column == known[value] if value in known else None

    return where


def _id_where(column: Any) -> Any:
    def where(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
        if value == NONE:
            return column.is_(None)  # type: ignore[no-any-return]
        if value == MINE and viewer.user_id is not None:
            return column == viewer.user_id  # type: ignore[no-any-return]
        if value.isascii() and value.isdigit() and len(value) < 16:
            return column == int(value)  # type: ignore[no-any-return]
        return None

    return where


def _status_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == PRESENT:
        return Firm.status.in_([FirmStatus.ACTIVE, FirmStatus.MOVED_IN])
    known = {member.value: member for member in FirmStatus}
    return Firm.status == known[value] if value in known else None


def _above_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """``2025`` above scale in that year, ``yes`` in the latest year on record, ``no`` not above scale there."""
    latest = sa.select(sa.func.max(AboveScale.year)).scalar_subquery()
    year: Any = latest
    if value.isascii() and value.isdigit() and len(value) == 4:
        year = int(value)
    elif value not in ("yes", "no"):
        return None
    inside = Firm.id.in_(sa.select(AboveScale.firm_id).where(AboveScale.year == year, AboveScale.is_above))
    return sa.not_(inside) if value == "no" else inside


def _code_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"yes": Firm.code.is_not(None), "no": Firm.code.is_(None)}.get(value)


def _archived_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"yes": Firm.archived_on.is_not(None)}.get(value)


def _from_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    day = _day(value)
    return None if day is None else Firm.registered_on >= day


def _until_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    day = _day(value)
    return None if day is None else Firm.registered_on <= day


def _quiet_where(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    day = _day(value)
    return None if day is None else quiet_since(day, viewer)


def _day(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _once(session: Session, key: str, read: Callable[[], list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """Choices that several parts of a page offer are read once a transaction."""
    transaction, known = session.info.get("choices", (None, {}))
    if transaction is None or transaction is not session.get_transaction():
        known = {}
    if key not in known:
        known[key] = read()
        session.info["choices"] = (session.get_transaction(), known)
    found: list[tuple[int, str]] = known[key]
    return found


def streets(session: Session) -> list[tuple[int, str]]:
    """Streets in the order of their names: (id, short name)."""
    return _once(session, "streets", lambda: _streets(session))


def _streets(session: Session) -> list[tuple[int, str]]:
    rows = session.execute(
        sa.select(Unit.id, Unit.short_name)
        .where(Unit.kind == UnitKind.STREET)
        .order_by(Unit.short_name, Unit.id)
    )
    return [(row.id, row.short_name) for row in rows]


def officers(session: Session) -> list[tuple[int, str]]:
    """People who may be a firm's service officer: (id, name with unit)."""
    return _once(session, "officers", lambda: _officers(session))


def _officers(session: Session) -> list[tuple[int, str]]:
    rows = session.execute(
        sa.select(User.id, User.name, Unit.short_name)
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.is_active)
        .order_by(Unit.short_name, User.name_sort, User.id)
    )
    return [(row.id, f"{row.name} · {row.short_name}" if row.short_name else row.name) for row in rows]


def _street_choices(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in streets(session)] + [(NONE, N_("未填"))]


def _officer_choices(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    found = [(str(key), name) for key, name in officers(session)]
    return [(MINE, N_("我")), *found, (NONE, N_("未定"))]


def _of(words: type[Word], *more: tuple[str, str]) -> lists.Choices:
    return lambda _session, _viewer: [*more, *((member.value, member.label) for member in words)]


def _fixed(*choices: tuple[str, str]) -> lists.Choices:
    return lambda _session, _viewer: choices


OWN_FILTERS: list[lists.Filter] = [
    lists.Filter("q", N_("名称或代码"), text_condition, kind="text", is_first=True),
    lists.Filter(
        "industry",
        N_("主导产业"),
        _word_where(Firm.leading_industry, LeadingIndustry),
        _of(LeadingIndustry),
        is_first=True,
    ),
    lists.Filter("street", N_("街道"), _id_where(Firm.street_id), _street_choices, is_first=True),
    lists.Filter("officer", N_("服务专员"), _id_where(Firm.officer_id), _officer_choices, is_first=True),
    lists.Filter(
        "status", N_("状态"), _status_where, _of(FirmStatus, (PRESENT, N_("在营和迁入"))), is_first=True
    ),
    lists.Filter(
        "size", N_("规模"), _word_where(Firm.size_class, SizeClass), _of(SizeClass, (NONE, N_("未填")))
    ),
    lists.Filter("above", N_("规上"), _above_where, _fixed(("yes", N_("是")), ("no", N_("不是")))),
    lists.Filter("from", N_("成立不早于"), _from_where, kind="day"),
    lists.Filter("until", N_("成立不晚于"), _until_where, kind="day"),
    lists.Filter("quiet", N_("此后没有走访联系"), _quiet_where, kind="day"),
    lists.Filter("code", N_("信用代码"), _code_where, _fixed(("yes", N_("有")), ("no", N_("没有")))),
    lists.Filter("archived", N_("归档"), _archived_where, _fixed(("yes", N_("只看已归档")))),
]

SORTS: list[lists.Sort] = [
    lists.Sort("updated", N_("更新时间"), Firm.updated_at, is_descending=True),
    lists.Sort("name", N_("名称"), Firm.name_sort),
    lists.Sort("registered", N_("成立日期"), Firm.registered_on, is_descending=True, is_nullable=True),
]

K = lists.Kind
OWN_COLUMNS: list[lists.Column] = [
    lists.Column("industry", N_("主导产业"), kind=K.WORD, width=12),
    lists.Column("street", N_("街道"), width=12),
    lists.Column("size", N_("规模"), kind=K.WORD, heading=N_("企业规模"), width=10),
    lists.Column("status", N_("状态"), kind=K.WORD, width=8),
    lists.Column("officer", N_("服务专员"), width=12),
    lists.Column("registered", N_("成立日期"), sort="registered", kind=K.DAY),
    lists.Column("updated", N_("更新"), sort="updated", kind=K.MOMENT, heading=N_("更新时间")),
    lists.Column(
        "capital", N_("注册资本 万元"), is_default=False, kind=K.MONEY, heading=N_("注册资本（元）")
    ),
    lists.Column("industry_code", N_("行业代码"), is_default=False, width=10),
    lists.Column("address", N_("地址"), is_default=False, width=36),
]

# the slots: the factory puts in what higher features add
FILTERS: list[lists.Filter] = [*OWN_FILTERS]
COLUMNS: list[lists.Column] = [*OWN_COLUMNS]
BULK: list[lists.Bulk] = []

_STREET = aliased(Unit)
_OFFICER = aliased(User)
ROW = (
    Firm.id,
    Firm.code,
    Firm.name,
    Firm.leading_industry.label("industry"),
    _STREET.short_name.label("street"),
    Firm.size_class.label("size"),
    Firm.status,
    _OFFICER.name.label("officer"),
    Firm.capital_yuan.label("capital"),
    Firm.industry_code,
    Firm.address,
    Firm.updated_at.label("updated"),
    Firm.registered_on.label("registered"),
    Firm.archived_on,
)


def matching(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    """A select of the ids of all firms the filter finds for this viewer, and the conditions it understood.
    Archived firms are left out unless they are asked for."""
    clauses, understood = lists.conditions(session, wanted, FILTERS, viewer)
    if "archived" not in understood:
        clauses.append(Firm.archived_on.is_(None))
    return sa.select(Firm.id).where(visible_to(viewer), *clauses), understood


def _rows(ids: sa.Select[Any], wanted: lists.Asked) -> sa.Select[Any]:
    columns: list[Any] = [*ROW, wanted.sort.column.label(f"sort_{wanted.sort.key}")]
    return (
        ids.with_only_columns(*columns)
        .outerjoin(_STREET, _STREET.id == Firm.street_id)
        .outerjoin(_OFFICER, _OFFICER.id == Firm.officer_id)
    )


LIST = lists.List(
    key="firms",
    label=N_("企业"),
    unit=N_("家"),
    endpoint="firms.index",
    needs=("firm:read",),
    id=Firm.id,
    sorts=SORTS,
    filters=FILTERS,
    columns=COLUMNS,
    matching=matching,
    rows=_rows,
    kind="firm",
    bulk=BULK,
    exports="export:run",
    exportable_by=exportable_by,
    always=(
        lists.Column("code", N_("统一社会信用代码"), width=22),
        lists.Column("name", N_("企业名称"), width=36),
    ),
    export_act=Act.EXPORT,
)


def chosen_ids(session: Session, wanted: lists.Asked, viewer: Actor, most: int) -> list[int]:
    """The ids the filter finds, for an action on all of them; at most `most` and one more."""
    ids, _ = matching(session, wanted, viewer)
    return list(session.scalars(ids.order_by(Firm.id).limit(most + 1)))
