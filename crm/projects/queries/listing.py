"""The list of projects: which conditions, orders and columns there are. Kanban and funnel use the same filter."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.words import C_, N_, Word
from crm.firms.rules.names import normalise
from crm.firms.rules.words import LeadingIndustry
from crm.projects.models import Project, ProjectCharge
from crm.projects.queries.cells import cells
from crm.projects.queries.days import start_of
from crm.projects.queries.escalation import climbed_where
from crm.projects.queries.holding import pool_where
from crm.projects.queries.lights import colour_where
from crm.projects.queries.limits import limits_of
from crm.projects.queries.mine import in_hand, turned_where
from crm.projects.queries.people import lead_units, leaders, officers
from crm.projects.queries.reach import cohort_where, reached_where
from crm.projects.queries.scope import exportable_by, visible_to
from crm.projects.rules.words import (
    GOING,
    Act,
    ChainRole,
    Colour,
    Confidentiality,
    Headquarters,
    InvestorKind,
    Origin,
    Source,
    Stage,
    State,
)

NONE, MINE, OPEN = "none", "me", "open"
YUAN_OF = {"1": 10**8, "10": 10 * 10**8, "20": 20 * 10**8, "50": 50 * 10**8}  # policy.md § 7.5


def _word(column: Any, words: type[Word]) -> Any:
    known = {member.value: member for member in words}

    def where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
        if value == NONE:
            return column.is_(None)  # type: ignore[no-any-return]
        return column == known[value] if value in known else None

    return where


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _day(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _text(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    key = normalise(value)
    plain = re.sub(r"[%_\\]", "", key)
    if not plain:
        return None
    like = f"%{plain}%"
    return sa.or_(
        Project.name_key.like(like), Project.investor_key.like(like), Project.product_key.like(like)
    )


def _state(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == OPEN:
        return Project.state.in_(GOING)
    known = {member.value: member for member in State}
    return Project.state == known[value] if value in known else None


def _holder(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == NONE:
        return Project.holder_id.is_(None)
    wanted = viewer.user_id if value == MINE else _number(value)
    return None if wanted is None else Project.holder_id == wanted


def _leader(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    current = sa.select(ProjectCharge.project_id).where(ProjectCharge.is_current == 1)
    if value == NONE:
        return Project.id.not_in(current)
    wanted = viewer.user_id if value == MINE else _number(value)
    return None if wanted is None else Project.id.in_(current.where(ProjectCharge.leader_id == wanted))


def _unit(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    wanted = _number(value)
    if wanted is None:
        return None
    current = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1, ProjectCharge.lead_unit_id == wanted
    )
    return Project.id.in_(current)


def _total(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == NONE:
        return Project.total_yuan.is_(None)
    return Project.total_yuan >= YUAN_OF[value] if value in YUAN_OF else None


def _innovative(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"yes": Project.is_innovative.is_(True), "no": Project.is_innovative.is_(False)}.get(value)


def _headquarters(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == "any":
        return Project.headquarters.is_not(None)
    known = {member.value: member for member in Headquarters}
    return Project.headquarters == known[value] if value in known else None


def _reported_from(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    day = _day(value)
    return None if day is None else Project.first_reported_at >= start_of(day)


def _reported_until(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    day = _day(value)
    return None if day is None else Project.first_reported_at < start_of(day + dt.timedelta(1))


def _reached(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    known = {member.value: member for member in Stage}
    return reached_where(known[value]) if value in known else None


def _cohort(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    year = _number(value)
    return cohort_where(year) if year is not None and 2000 <= year <= 2100 else None


def _late(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Those with an open next step due before a day."""
    day = _day(value)
    if day is None:
        return None
    late = sa.select(NextStep.subject_id).where(
        NextStep.kind == "project", NextStep.state == StepState.OPEN, NextStep.due_on < day
    )
    return Project.id.in_(late)


def _team(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    return in_hand(viewer) if value == MINE else None


def _climbed(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Understood here; what has climbed to the viewer depends on the day, which `matching` knows."""
    return sa.true() if value == MINE else None


def _turned(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Understood here; what turned red since then depends on the day, which `matching` knows."""
    return sa.true() if _day(value) is not None else None


def _pool(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Understood here; which leads are in the pool depends on the day, which `matching` knows."""
    return sa.true() if value == "yes" else None


def _archived(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"yes": Project.archived_on.is_not(None)}.get(value)


TROUBLE = "trouble"  # red or out
COLOURS = {member.value: member for member in Colour}


def _light(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Understood here; what it means depends on the day, which `matching` knows."""
    return sa.true() if value in COLOURS or value == TROUBLE else None


def _of(words: type[Word], *more: tuple[str, str]) -> lists.Choices:
    return lambda _session, _viewer: [*more, *((member.value, member.label) for member in words)]


def _people(read: Any, nobody: str) -> lists.Choices:
    def choices(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
        return [(MINE, N_("我")), *((str(key), name) for key, name in read(session)), (NONE, nobody)]

    return choices


FILTERS: list[lists.Filter] = [
    lists.Filter("q", N_("名称、投资方或产品"), _text, kind="text", is_first=True),
    lists.Filter("stage", N_("项目阶段"), _word(Project.stage, Stage), _of(Stage), is_first=True),
    lists.Filter(
        "state", N_("项目状态"), _state, _of(State, (OPEN, N_("推进中和暂缓"))), is_first=True
    ),
    lists.Filter(
        "light", N_("灯"), _light, _of(Colour, (TROUBLE, N_("红灯和出库"))), is_first=True
    ),
    lists.Filter("holder", N_("跟进人"), _holder, _people(officers, N_("线索池")), is_first=True),
    lists.Filter("leader", N_("牵头领导"), _leader, _people(leaders, N_("未定"))),
    lists.Filter(
        "unit", N_("牵头单位"), _unit,
        lambda session, _viewer: [(str(key), name) for key, name in lead_units(session)],
    ),
    lists.Filter(
        "industry", N_("主导产业"), _word(Project.leading_industry, LeadingIndustry),
        _of(LeadingIndustry, (NONE, N_("未填"))),
    ),
    lists.Filter(
        "total", N_("总投资"), _total,
        lambda _session, _viewer: [
            ("1", N_("1 亿元以上")), ("10", N_("10 亿元以上")), ("20", N_("20 亿元以上")),
            ("50", N_("50 亿元以上")), (NONE, N_("未填")),
        ],
    ),
    lists.Filter("kind", N_("投资方类别"), _word(Project.investor_kind, InvestorKind), _of(InvestorKind)),
    lists.Filter("origin", N_("投资方来自"), _word(Project.origin, Origin), _of(Origin, (NONE, N_("未填")))),
    lists.Filter("chain", N_("产业链作用"), _word(Project.chain_role, ChainRole), _of(ChainRole)),
    lists.Filter(
        "hq", N_("总部类型"), _headquarters, _of(Headquarters, ("any", N_("任一类总部")))
    ),
    lists.Filter(
        "innovative", N_("创新型重点科技项目"), _innovative,
        lambda _session, _viewer: [("yes", N_("是")), ("no", N_("不是"))],
    ),
    lists.Filter("source", N_("线索来源"), _word(Project.source, Source), _of(Source)),
    lists.Filter(
        "open_to", N_("可见范围"), _word(Project.confidentiality, Confidentiality), _of(Confidentiality)
    ),
    lists.Filter("from", N_("首报不早于"), _reported_from, kind="day"),
    lists.Filter("until", N_("首报不晚于"), _reported_until, kind="day"),
    lists.Filter(
        "pool", N_("线索池"), _pool, lambda _session, _viewer: [("yes", N_("没人跟进或保护期已过"))]
    ),
    lists.Filter("team", N_("在手"), _team, lambda _session, _viewer: [(MINE, N_("我跟进或在专班"))]),
    lists.Filter("climbed", N_("逾期已上报给"), _climbed, kind="hidden"),
    lists.Filter("turned", N_("此日以来新亮红灯"), _turned, kind="hidden"),
    lists.Filter("cohort", N_("首报年份"), _cohort, kind="hidden"),
    lists.Filter("reached", N_("曾到过"), _reached, kind="hidden"),
    lists.Filter("late", N_("下一步早于此日仍未办"), _late, kind="hidden"),
    lists.Filter(
        "archived", N_("归档"), _archived, lambda _session, _viewer: [("yes", N_("只看已归档"))]
    ),
]  # fmt: skip

SORTS: list[lists.Sort] = [
    lists.Sort("updated", N_("更新时间"), Project.updated_at, is_descending=True),
    lists.Sort("name", N_("名称"), Project.name_sort),
    lists.Sort("total", N_("总投资"), Project.total_yuan, is_descending=True, is_nullable=True),
    lists.Sort("reported", N_("首报时间"), Project.first_reported_at, is_descending=True),
]


K = lists.Kind
COLUMNS: list[lists.Column] = [
    lists.Column("stage", N_("项目阶段"), kind=K.WORD, width=10),
    lists.Column("light", N_("灯"), kind=K.LIGHT, width=10),
    lists.Column("total", N_("总投资 万元"), sort="total", kind=K.MONEY, heading=N_("总投资（元）")),
    lists.Column("holder", N_("跟进人"), width=10),
    lists.Column("leader", N_("牵头领导"), is_default=False, width=10),
    lists.Column("step", N_("下一步"), width=30),
    lists.Column("lacking", N_("下一阶段还差"), kind=K.NUMBER, width=10),
    lists.Column("updated", N_("更新"), sort="updated", kind=K.MOMENT, heading=N_("更新时间")),
    lists.Column(
        "reported", N_("首报"), sort="reported", kind=K.MOMENT, is_default=False, heading=N_("首报时间")
    ),
    lists.Column("state", N_("项目状态"), kind=K.WORD, is_default=False, width=10),
    lists.Column("industry", N_("主导产业"), kind=K.WORD, is_default=False, width=12),
    lists.Column("source", N_("线索来源"), kind=K.WORD, is_default=False, width=10),
    lists.Column("origin", N_("投资方来自"), kind=K.WORD, is_default=False, width=10),
    lists.Column("kind", N_("投资方类别"), kind=K.WORD, is_default=False, width=12),
    lists.Column("chain", N_("产业链作用"), kind=K.WORD, is_default=False, width=10),
    lists.Column("agreed", N_("协议投资 万元"), kind=K.MONEY, is_default=False, heading=N_("协议投资（元）")),
    lists.Column(
        "fixed", N_("固定资产投资 万元"), kind=K.MONEY, is_default=False, heading=N_("固定资产投资（元）")
    ),
    lists.Column("unit", N_("牵头单位"), is_default=False, width=12),
    lists.Column("signed", N_("签约日期"), kind=K.DAY, is_default=False),
    lists.Column("due", N_("下一步日期"), kind=K.DAY, is_default=False),
]

_HOLDER, _LEADER, _LEAD_UNIT = aliased(User), aliased(User), aliased(Unit)
ROW = (
    Project.id, Project.name, Project.investor, Project.stage, Project.state, Project.total_yuan.label("total"),
    Project.agreed_yuan.label("agreed"), Project.fixed_yuan.label("fixed"), Project.source, Project.origin,
    Project.investor_kind.label("kind"), Project.chain_role.label("chain"), Project.signed_on.label("signed"),
    Project.leading_industry.label("industry"), Project.updated_at.label("updated"),
    Project.first_reported_at.label("reported"), Project.archived_on, Project.confidentiality,
    _HOLDER.name.label("holder"), _LEADER.name.label("leader"), _LEAD_UNIT.short_name.label("unit"),
)  # fmt: skip
BULK: list[lists.Bulk] = []


def matching(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    """A select of the ids of all projects the filter finds for this viewer, and the conditions it understood.
    Archived ones are left out unless they are asked for."""
    clauses, understood = lists.conditions(session, wanted, FILTERS, viewer)
    if "archived" not in understood:
        clauses.append(Project.archived_on.is_(None))
    if "light" in understood and wanted.today is not None:
        limits, asked = limits_of(session), understood["light"]
        colours = [Colour.RED, Colour.OUT] if asked == TROUBLE else [COLOURS[asked]]
        clauses.append(sa.or_(*(colour_where(colour, wanted.today, limits) for colour in colours)))
    if "pool" in understood and wanted.today is not None:
        clauses.append(pool_where(wanted.today))
    if "climbed" in understood and wanted.today is not None:
        clauses.append(climbed_where(session, viewer, wanted.today))
    if "turned" in understood and wanted.today is not None:
        since = _day(understood["turned"])
        if since is not None:
            clauses.append(turned_where(since, wanted.today, limits_of(session)))
    return sa.select(Project.id).where(visible_to(viewer), *clauses), understood


def rows(ids: sa.Select[Any], wanted: lists.Asked) -> sa.Select[Any]:
    columns: list[Any] = [*ROW, wanted.sort.column.label(f"sort_{wanted.sort.key}")]
    return (
        ids.with_only_columns(*columns)
        .outerjoin(_HOLDER, _HOLDER.id == Project.holder_id)
        .outerjoin(
            ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
        )
        .outerjoin(_LEADER, _LEADER.id == ProjectCharge.leader_id)
        .outerjoin(_LEAD_UNIT, _LEAD_UNIT.id == ProjectCharge.lead_unit_id)
    )


LIST = lists.List(
    key="projects",
    label=C_("subject", "项目"),
    unit=C_("projects", "个"),
    endpoint="projects.index",
    needs=("project:read",),
    id=Project.id,
    sorts=SORTS,
    filters=FILTERS,
    columns=COLUMNS,
    matching=matching,
    rows=rows,
    cells=cells,
    kind="project",
    bulk=BULK,
    exports="export:run",
    exportable_by=exportable_by,
    always=(
        lists.Column("name", N_("项目名称"), width=36),
        lists.Column("investor", N_("投资方"), width=30),
    ),
    export_act=Act.EXPORT,
)
