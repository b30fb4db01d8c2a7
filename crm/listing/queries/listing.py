"""The list of candidates: which conditions, orders and columns there are. The board uses the same filter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.accounts.queries.readers import readers
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.words import C_, N_, Message, Word
from crm.firms.models import Firm
from crm.firms.queries import streets
from crm.firms.queries.finding import text_condition
from crm.firms.rules.words import LeadingIndustry
from crm.listing.models import Candidate, Intermediary, Obstacle
from crm.listing.queries.clocks import clocks_where, mark, standing_in
from crm.listing.queries.counting import KINDS, counted_where, withdrawn_where
from crm.listing.queries.due import LISTED, ONGOING, UNDATED, obstacle_late, plan_late
from crm.listing.queries.record import open_counts
from crm.listing.queries.scope import exportable_by, visible_to
from crm.listing.rules.words import Act, Board, IntermediaryKind, Stage, State

NONE, MINE, OPEN = "none", "me", "open"


def _word(column: Any, words: type[Word]) -> Any:
    known = {member.value: member for member in words}

    def where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
        if value == NONE:
            return column.is_(None)  # type: ignore[no-any-return]
        return column == known[value] if value in known else None

    return where


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _text(session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    found = text_condition(session, value, viewer)
    return None if found is None else sa.or_(found, Candidate.stock_code == value.strip())


def _state(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    known = {member.value: Candidate.state == member for member in State}
    known |= {
        OPEN: ONGOING, Stage.LISTED.value: LISTED,
        State.ACTIVE.value: sa.and_(Candidate.state == State.ACTIVE, sa.not_(LISTED)),
    }  # fmt: skip
    return known.get(value)


def _officer(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == NONE:
        return Candidate.officer_id.is_(None)
    wanted = viewer.user_id if value == MINE else _number(value)
    return None if wanted is None else Candidate.officer_id == wanted


def _street(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    wanted = _number(value)
    return None if wanted is None else Firm.street_id == wanted


def _intermediary(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """``sponsor:浙海证券``: where this firm works in this role now."""
    kind, _, name = value.partition(":")
    known = {member.value: member for member in IntermediaryKind}
    if kind not in known:
        return None
    at_work = sa.select(Intermediary.candidate_id).where(
        Intermediary.kind == known[kind], Intermediary.name == name, Intermediary.to_on.is_(None)
    )
    return Candidate.id.in_(at_work)


def _intermediaries(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    rows = session.execute(
        sa.select(Intermediary.kind, Intermediary.name).where(Intermediary.to_on.is_(None)).distinct()
    )
    return [(f"{row.kind.value}:{row.name}", row.name) for row in rows]


def _obstacles(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    open_ones = sa.select(Obstacle.candidate_id).where(Obstacle.closed_on.is_(None))
    known = {"open": Candidate.id.in_(open_ones), "none": Candidate.id.not_in(open_ones), "late": sa.true()}
    return known.get(value)  # what is late depends on the day, which `matching` knows


CLOCKS = ("trouble", "soon", "out", "tutored")


def _of_the_day(*known: str) -> Callable[[Session, str, Actor], sa.ColumnElement[bool] | None]:
    """Understood here; what it means depends on the day, which `matching` knows."""
    return lambda _session, value, _viewer: sa.true() if value in known else None


def _counted(session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """``reform:2026-11-23``: what a count as of that day holds; ``accepted-withdrawn:…``: those withdrawn by then."""
    kind, _, day = value.partition(":")
    key, _, part = kind.partition("-")
    try:
        if part not in ("", "withdrawn"):
            return None
        which = withdrawn_where if part else counted_where
        return which(session, key, dt.date.fromisoformat(day))
    except (ValueError, KeyError):
        return None


def _count_told(value: str) -> Message:
    kind, _, day = value.partition(":")
    key, _, part = kind.partition("-")
    text = N_("%(count)s，截至 %(day)s 已撤回的") if part else N_("%(count)s，截至 %(day)s")
    return Message(text, {"count": Message(KINDS[key][1]), "day": day})


def _archived(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"yes": Candidate.archived_on.is_not(None)}.get(value)


def _of(words: type[Word], *more: tuple[str, str]) -> lists.Choices:
    return lambda _session, _viewer: [*more, *((member.value, member.label) for member in words)]


def finance_people(session: Session) -> list[tuple[int, str]]:
    """People who may look after a candidate, or what stands in its way: (id, name) of who may read the reserve."""
    found = [
        (key, reader.actor.name)
        for key, reader in readers(session).items()
        if reader.actor.may("listing:read")
    ]
    return sorted(found, key=lambda person: (person[1], person[0]))


def units_in_use(session: Session) -> list[tuple[int, str]]:
    """Units in use: (id, short name)."""
    rows = session.execute(
        sa.select(Unit.id, Unit.short_name).where(Unit.ends_on.is_(None)).order_by(Unit.short_name, Unit.id)
    )
    return [(row.id, row.short_name) for row in rows]


FILTERS: list[lists.Filter] = [
    lists.Filter("q", N_("企业名称、代码或证券代码"), _text, kind="text", is_first=True),
    lists.Filter("stage", N_("上市阶段"), _word(Candidate.stage, Stage), _of(Stage), is_first=True),
    lists.Filter(
        "state", N_("上市状态"), _state, _of(State, (OPEN, N_("推进中和中止")), (Stage.LISTED.value, Stage.LISTED.label)), is_first=True
    ),
    lists.Filter(
        "board", N_("目标板块"), _word(Candidate.board, Board), _of(Board, (NONE, N_("未定"))), is_first=True
    ),
    lists.Filter(
        "officer", N_("金融专员"), _officer,
        lambda session, _viewer: [
            (MINE, N_("我")), *((str(key), name) for key, name in finance_people(session)), (NONE, N_("未定")),
        ],
    ),
    lists.Filter(
        "industry", N_("主导产业"), _word(Firm.leading_industry, LeadingIndustry), _of(LeadingIndustry)
    ),
    lists.Filter(
        "street", N_("街道"), _street,
        lambda session, _viewer: [(str(key), name) for key, name in streets(session)],
    ),
    lists.Filter(
        "obstacles", N_("一企一策难题"), _obstacles,
        lambda _session, _viewer: [
            ("open", N_("有未办结的")), ("late", N_("有逾期的")), ("none", N_("没有未办结的")),
        ],
    ),
    lists.Filter(
        "clock", N_("期限"), _of_the_day(*CLOCKS),
        lambda _session, _viewer: [
            ("trouble", N_("快到或已过")), ("soon", N_("期限快到")), ("out", N_("期限已过")), ("tutored", N_("辅导期已满")),
        ],
    ),
    lists.Filter(
        "plan", N_("计划日期"), _of_the_day("late"), lambda _session, _viewer: [("late", N_("计划日期已过"))]
    ),
    lists.Filter(
        "listed", N_("上市日期"),
        lambda _session, value, _viewer: UNDATED if value == "unknown" else None,
        lambda _session, _viewer: [("unknown", N_("日期待补"))],
    ),
    lists.Filter("intermediary", N_("中介机构"), _intermediary, _intermediaries, kind="hidden"),
    lists.Filter("counted", N_("计入"), _counted, kind="hidden", told=_count_told),
    lists.Filter(
        "archived", N_("归档"), _archived, lambda _session, _viewer: [("yes", N_("只看已归档"))]
    ),
]  # fmt: skip

SORTS: list[lists.Sort] = [
    lists.Sort("updated", N_("更新时间"), Candidate.updated_at, is_descending=True),
    lists.Sort("name", N_("名称"), Firm.name_sort),
    lists.Sort("since", N_("阶段起"), Candidate.stage_on),
    lists.Sort("listed", N_("上市日期"), Candidate.listed_on, is_descending=True, is_nullable=True),
]

K = lists.Kind
COLUMNS: list[lists.Column] = [
    lists.Column("stage", N_("上市阶段"), kind=K.WORD, width=12),
    lists.Column("state", N_("上市状态"), kind=K.WORD, width=10),
    lists.Column("board", N_("目标板块"), kind=K.WORD, width=10),
    lists.Column("since", N_("阶段起"), sort="since", kind=K.DAY),
    lists.Column("clock", N_("期限"), kind=K.DAY, width=24),
    lists.Column("lacking", N_("下一阶段还差"), kind=K.NUMBER, width=10),
    lists.Column("obstacles", N_("未办结难题"), kind=K.NUMBER, width=10),
    lists.Column("officer", N_("金融专员"), width=10),
    lists.Column("updated", N_("更新"), sort="updated", kind=K.MOMENT, heading=N_("更新时间")),
    lists.Column("industry", N_("主导产业"), kind=K.WORD, is_default=False, width=12),
    lists.Column("stock_code", N_("证券代码"), is_default=False, width=10),
    lists.Column("reformed", N_("股改日期"), kind=K.DAY, is_default=False),
    lists.Column("accepted", N_("首次报会日期"), kind=K.DAY, is_default=False),
    lists.Column("listed", N_("上市日期"), sort="listed", kind=K.DAY, is_default=False),
]
BULK: list[lists.Bulk] = []

_OFFICER = aliased(User)
ROW = (
    Candidate.id, Firm.name, Firm.code, Candidate.firm_id, Candidate.stage, Candidate.state, Candidate.board,
    sa.case((UNDATED, None), else_=Candidate.stage_on).label("since"), Candidate.stock_code, Candidate.reformed_on.label("reformed"),
    Candidate.accepted_on.label("accepted"), Candidate.listed_on.label("listed"),
    Candidate.updated_at.label("updated"), Firm.leading_industry.label("industry"), Candidate.archived_on,
    _OFFICER.name.label("officer"),
)  # fmt: skip


def matching(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    """A select of the ids of all candidates the filter finds for this viewer, and the conditions it understood."""
    clauses, understood = lists.conditions(session, wanted, FILTERS, viewer)
    if "archived" not in understood:
        clauses.append(Candidate.archived_on.is_(None))
    today = wanted.today
    if "clock" in understood and today is not None:
        asked = ("soon", "out") if understood["clock"] == "trouble" else (understood["clock"],)
        clauses.append(standing_in(clocks_where(session), today, *asked))
    if "plan" in understood and today is not None:
        clauses.append(plan_late(today))
    if understood.get("obstacles") == "late" and today is not None:
        clauses.append(obstacle_late(today))
    ids = sa.select(Candidate.id).join(Firm, Firm.id == Candidate.firm_id)
    return ids.where(visible_to(viewer), *clauses), understood


def rows(ids: sa.Select[Any], wanted: lists.Asked) -> sa.Select[Any]:
    columns: list[Any] = [*ROW, wanted.sort.column.label(f"sort_{wanted.sort.key}")]
    return ids.with_only_columns(*columns).outerjoin(_OFFICER, _OFFICER.id == Candidate.officer_id)


def cells(
    session: Session,
    columns: Sequence[lists.Column],
    ids: Sequence[int],
    _viewer: Actor,
    wanted: lists.Asked,
) -> dict[str, Mapping[int, Any]]:
    """What the page's rows show beside the row itself."""
    keys = {column.key for column in columns}
    found: dict[str, Mapping[int, Any]] = {}
    if "state" in keys:
        states = sa.select(Candidate.id, Candidate.stage, Candidate.state).where(Candidate.id.in_(ids))
        found["state"] = {
            row.id: row.stage if row.stage is Stage.LISTED else row.state for row in session.execute(states)
        }
    if "lacking" in keys:
        found["lacking"] = {key: count for key, count in open_counts(session, ids).items() if count}
    if "clock" in keys:
        if wanted.today is None:
            raise RuntimeError("a clock depends on the day")
        found["clock"] = {
            key: lists.Shown(clock.due_on, Message(clock.kind.label), mark(clock, wanted.today))
            for key, clock in clocks_where(session, Candidate.id.in_(ids)).items()
        }
    if "obstacles" in keys:
        counted = session.execute(
            sa.select(Obstacle.candidate_id, sa.func.count())
            .where(Obstacle.candidate_id.in_(ids), Obstacle.closed_on.is_(None))
            .group_by(Obstacle.candidate_id)
        )
        found["obstacles"] = {key: count for key, count in counted}
    return found


LIST = lists.List(
    key="listing",
    label=N_("上市后备"),
    unit=N_("家"),
    endpoint="listing.index",
    needs=("listing:read",),
    id=Candidate.id,
    sorts=SORTS,
    filters=FILTERS,
    columns=COLUMNS,
    matching=matching,
    rows=rows,
    cells=cells,
    bulk=BULK,
    exports="export:run",
    exportable_by=exportable_by,
    always=(
        lists.Column("name", N_("企业名称"), width=36),
        lists.Column("code", N_("统一社会信用代码"), width=22),
    ),
    export_act=Act.EXPORT,
    head=C_("subject", "企业"),
)
