"""The ladder as a list: firms with their stage on a day, their certificates and applications."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core import lists
from crm.core.audit import AuditEnvelope
from crm.core.permissions import Actor
from crm.core.words import C_, N_, Message, Money, Named
from crm.firms.models import Firm
from crm.firms.queries import exportable_by, officers, streets, visible_to
from crm.firms.queries.finding import text_condition
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Application, Certification, StageInterval
from crm.ladder.queries.cards import held_by, under_way_of
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.within import Within, day_of, open_on, query_of, within_of
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.stages import MESSAGES
from crm.ladder.rules.words import Act, EndCause, Stage

SORTS = [
    lists.Sort("until", N_("下次变动"), StageInterval.to_on, is_nullable=True),
    lists.Sort("since", N_("进入阶段"), StageInterval.from_on, is_descending=True),
    lists.Sort("name", C_("subject", "企业"), Firm.name_sort),
]
OUTSIDE = "outside"
PENDING = {"only": True, "any": None}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the ladder a list shows. `was`/`was_on`: the stage on an earlier day (``outside`` = none then)."""

    within: Within
    text: str = ""
    stage: Stage | None = None
    pending: bool | None = None
    kind: str | None = None
    under_way: str | None = None  # kind of an open application, "any" for all
    was: str | None = None
    was_on: dt.date | None = None

    def where(self, session: Session, viewer: Actor) -> list[sa.ColumnElement[bool]]:
        """Conditions on `Firm` joined to its interval on the day."""
        as_of = self.within.as_of
        clauses = [at_stage(as_of, self.stage, pending=self.pending), *self.within.where(viewer)]
        if self.text.strip():
            found = text_condition(session, self.text, viewer)
            clauses.append(found if found is not None else sa.true())
        if self.kind is not None:
            clauses.append(Firm.id.in_(sa.select(Certification.firm_id).where(valid_on(as_of, self.kind))))
        if self.under_way is not None:
            open_ones = sa.select(Application.firm_id).where(open_on(as_of))
            if self.under_way != "any":
                open_ones = open_ones.where(Application.kind == self.under_way)
            clauses.append(Firm.id.in_(open_ones))
        if self.was is not None and self.was_on is not None:
            earlier = sa.select(StageInterval.firm_id)
            if self.was == OUTSIDE:
                clauses.append(Firm.id.not_in(earlier.where(at_stage(self.was_on, pending=None))))
            else:
                clauses.append(
                    Firm.id.in_(earlier.where(at_stage(self.was_on, Stage(self.was), pending=None)))
                )
        return clauses


def all_ids(session: Session, wanted: Wanted, *, viewer: Actor, most: int) -> list[int]:
    """The ids the filter finds, at most `most` and one more."""
    return list(session.scalars(ids_of(session, wanted, viewer).order_by(Firm.id).limit(most + 1)))


def names_of(session: Session, ids: Sequence[int], *, viewer: Actor) -> list[tuple[int, str]]:
    """Those of the firms the viewer may see, by name."""
    query = sa.select(Firm.id, Firm.name).where(
        Firm.id.in_(ids), visible_to(viewer), Firm.archived_on.is_(None)
    )
    return [(row.id, row.name) for row in session.execute(query.order_by(Firm.name_sort, Firm.id))]


def own_operation(session: Session, operation: str, actions: Sequence[str], *, viewer: Actor) -> bool:
    """Whether the viewer did this operation and it is one of these."""
    found = session.scalar(
        sa.select(AuditEnvelope.seq).where(
            AuditEnvelope.operation == operation.replace("\x00", "")[:32],
            AuditEnvelope.actor_id == viewer.user_id,
            AuditEnvelope.action.in_(actions),
        )
    )
    return found is not None


def ids_of(session: Session, wanted: Wanted, viewer: Actor) -> sa.Select[Any]:
    """The ids of the firms on the ladder that this finds."""
    return (
        sa.select(Firm.id)
        .join(StageInterval, StageInterval.firm_id == Firm.id)
        .where(*wanted.where(session, viewer))
    )


def wanted_of(args: Mapping[str, str], day: dt.date, viewer: Actor) -> Wanted:
    """What a query string asks of the list."""
    stages = {member.value: member for member in Stage}
    was = args.get("was")
    was_on = day_of(args.get("was_on"), day) if args.get("was_on") else None
    return Wanted(
        within_of(args, day, viewer),
        text=lists.clean(args.get("q", "")),
        stage=stages.get(args.get("stage", "")),
        pending=PENDING.get(args.get("pending", ""), False),
        kind=args.get("kind") if args.get("kind") in KINDS else None,
        under_way=args.get("way") if args.get("way") in (*KINDS, "any") else None,
        was=was if (was in stages or was == OUTSIDE) and was_on else None,
        was_on=was_on,
    )


def query_of_wanted(wanted: Wanted, args: Mapping[str, str], day: dt.date) -> dict[str, str]:
    """The query string of it, without what is the default."""
    values = {
        **query_of(wanted.within, day),
        "q": wanted.text,
        "stage": wanted.stage.value if wanted.stage else "",
        "kind": wanted.kind or "",
        "way": wanted.under_way or "",
        "was": wanted.was or "",
        "was_on": wanted.was_on.isoformat() if wanted.was and wanted.was_on else "",
        "pending": args["pending"] if args.get("pending") in PENDING else "",
    }
    return {key: value for key, value in values.items() if value}


def cause_of(code: str, params: Mapping[str, Any]) -> Message:
    """Why a stage began, as a sentence."""
    shown: dict[str, Any] = dict(params)
    if "kind" in shown and shown["kind"] in KINDS:
        shown["kind"] = KINDS[shown["kind"]].name
    if "why" in shown:
        shown["why"] = EndCause(shown["why"])
    if "amount_yuan" in shown:
        shown["amount"] = Money(shown.pop("amount_yuan"))
    return Message(MESSAGES.get(code, code), shown)


def _matching(session: Session, asked: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    day = _day(asked)
    wanted = wanted_of(asked.conditions, day, viewer)
    return ids_of(session, wanted, viewer), query_of_wanted(wanted, asked.conditions, day)


def _day(asked: lists.Asked) -> dt.date:
    if asked.today is None:
        raise RuntimeError("the ladder is always as of a day")
    return asked.today


def _rows(ids: sa.Select[Any], asked: lists.Asked) -> sa.Select[Any]:
    street, officer = aliased(Unit), aliased(User)
    columns: list[Any] = [
        Firm.id, Firm.name, Firm.code, Firm.leading_industry.label("industry"), Firm.registered_on.label("registered"),
        street.short_name.label("street"), officer.name.label("officer"), StageInterval.stage,
        StageInterval.from_on.label("since"), StageInterval.to_on.label("until"), StageInterval.is_pending,
        StageInterval.cause, StageInterval.params, asked.sort.column.label(f"sort_{asked.sort.key}"),
    ]  # fmt: skip
    return (
        ids.with_only_columns(*columns)
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
    )


def _short(kind: str) -> Named | str:
    return KINDS[kind].short if kind in KINDS else kind


def _held(found: Sequence[Any]) -> list[Message]:
    until, plain = N_("%(kind)s 至 %(day)s"), "%(kind)s"
    return [
        Message(until, {"kind": _short(item.kind), "day": item.expires_on})
        if item.expires_on
        else Message(plain, {"kind": _short(item.kind)})
        for item in found
    ]


def _cells(
    session: Session, columns: Sequence[lists.Column], ids: Sequence[int], viewer: Actor, asked: lists.Asked
) -> dict[str, Mapping[int, Any]]:
    """Stage, certificates and applications on the day the list is about: at most three statements."""
    keys = {column.key for column in columns}
    day = wanted_of(asked.conditions, _day(asked), viewer).within.as_of
    cells: dict[str, Mapping[int, Any]] = {}
    if keys & {"held", "expires", "numbers"}:
        held = held_by(session, ids, day)
        cells["held"] = {key: _held(found) for key, found in held.items()}
        cells["numbers"] = {
            key: [item.number for item in found if item.number] for key, found in held.items()
        }
        cells["expires"] = {
            key: min((item.expires_on for item in found if item.expires_on), default=None)
            for key, found in held.items()
        }
    if "way" in keys:
        cells["way"] = {
            key: [
                Message("%(kind)s %(step)s", {"kind": _short(kind), "step": step})
                for kind, step, _on in found
            ]
            for key, found in under_way_of(session, ids, day).items()
        }
    if keys & {"stage", "cause"}:
        rows = session.execute(
            sa.select(
                StageInterval.firm_id,
                StageInterval.stage,
                StageInterval.is_pending,
                StageInterval.cause,
                StageInterval.params,
            ).where(StageInterval.firm_id.in_(ids), at_stage(day, pending=None))
        ).all()
        cells["stage"] = {
            row.firm_id: lists.Shown(row.stage, mark=N_("待复评") if row.is_pending else "") for row in rows
        }
        cells["cause"] = {row.firm_id: cause_of(row.cause, row.params) for row in rows}
    return cells


def _unused(_session: Session, _value: str, _viewer: Actor) -> None:
    """The conditions of the ladder depend on each other's day: `Wanted.where` reads them all at once."""


def _of_kinds(*more: tuple[str, str]) -> lists.Choices:
    return lambda _session, _viewer: [
        *more,
        *((kind.code, Message("%(kind)s", {"kind": kind.short})) for kind in KINDS.values()),
    ]


def _stages(_session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [(stage.value, stage.label) for stage in Stage]


K = lists.Kind
FILTERS = [
    lists.Filter("q", N_("名称"), _unused, kind="text", is_first=True),
    lists.Filter("as_of", N_("截至"), _unused, kind="day", is_first=True),
    lists.Filter("stage", N_("阶段"), _unused, _stages, is_first=True),
    lists.Filter("pending", N_("待复评"), _unused, lambda _s, _v: [("any", N_("一并列出")), ("only", N_("只看待复评"))]),
    lists.Filter(
        "industry", N_("主导产业"), _unused, lambda _s, _v: [(m.value, m.label) for m in LeadingIndustry], is_first=True
    ),
    lists.Filter(
        "street", N_("街道"), _unused,
        lambda session, _v: [*((str(key), name) for key, name in streets(session)), ("none", N_("未填"))],
    ),
    lists.Filter(
        "officer", N_("服务专员"), _unused,
        lambda session, _v: [("me", N_("我")), *((str(key), name) for key, name in officers(session)), ("none", N_("未定"))],
        is_first=True,
    ),
    lists.Filter("kind", N_("有效证书"), _unused, _of_kinds(), is_first=True),
    lists.Filter("way", N_("在途申报"), _unused, _of_kinds(("any", N_("任一")))),
    lists.Filter("show", N_("范围"), _unused, lambda _s, _v: [("candidates", N_("只看在途申报"))]),
    lists.Filter(
        "was", N_("原来"), _unused, lambda session, viewer: [*_stages(session, viewer), (OUTSIDE, N_("不在区内"))], kind="hidden"
    ),
    lists.Filter("was_on", N_("原来的日期"), _unused, kind="hidden"),
]  # fmt: skip
COLUMNS = [
    lists.Column("stage", N_("阶段"), kind=K.WORD, width=12),
    lists.Column("since", N_("进入"), kind=K.DAY, sort="since", heading=N_("进入日期")),
    lists.Column("cause", N_("原因"), width=36),
    lists.Column("held", N_("有效证书"), width=36),
    lists.Column("way", N_("在途申报"), width=24),
    lists.Column("until", N_("下次变动"), kind=K.DAY, sort="until"),
    lists.Column("street", N_("街道"), width=12),
    lists.Column("officer", N_("服务专员"), width=12),
    lists.Column("industry", N_("主导产业"), kind=K.WORD, is_default=False, width=12),
    lists.Column("expires", N_("最近到期"), kind=K.DAY, is_default=False),
    lists.Column("numbers", N_("证书编号"), is_default=False, width=24),
    lists.Column("registered", N_("成立日期"), kind=K.DAY, is_default=False),
]
LIST = lists.List(
    key="ladder",
    label=N_("培育梯队名单"),
    unit=N_("家"),
    endpoint="ladder.index",
    needs=("firm:read",),
    id=Firm.id,
    sorts=SORTS,
    filters=FILTERS,
    columns=COLUMNS,
    matching=_matching,
    rows=_rows,
    cells=_cells,
    kind="firm",
    bulk=(
        lists.Bulk(N_("标记证书"), "tag", "ladder.tag_selection", "ladder:tag"),
        lists.Bulk(N_("开始跟踪"), "target-arrow", "ladder.follow_selection", "ladder:tag"),
    ),
    exports="export:run",
    exportable_by=exportable_by,
    always=(
        lists.Column("code", N_("统一社会信用代码"), width=22),
        lists.Column("name", N_("企业名称"), width=36),
    ),
    export_act=Act.EXPORT,
    head=C_("subject", "企业"),
)
