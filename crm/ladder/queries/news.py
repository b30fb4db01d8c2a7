"""What changed on the ladder within some days: kinds of `crm.core.news`.

A change counts on the day it took effect, like every figure of the ladder: what the figures gain or lose between two
days are these moves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core.news import Line, News
from crm.core.permissions import Actor
from crm.core.words import C_, N_, Message
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder.models import Application, ApplicationMove, Certification, StageInterval
from crm.ladder.queries.within import ONE
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.words import ApplicationStep, EndCause, Stage

_RANK = {stage: rank for rank, stage in enumerate(Stage)}
# entered wrongly it never was; replaced it goes on
_NO_LOSS = (EndCause.ENTERED_WRONGLY, EndCause.REPLACED)


def _firm(viewer: Actor) -> list[sa.ColumnElement[bool]]:
    return [visible_to(viewer), Firm.archived_on.is_(None)]


def _rank(stage: Any) -> sa.ColumnElement[int]:
    return sa.case(*((stage == each, rank) for each, rank in _RANK.items()), else_=-1)


def _is_up(was: Any, now: Any) -> sa.ColumnElement[bool]:
    return sa.and_(was.id.is_not(None), _rank(now.stage) > _rank(was.stage))


def _moves(
    which: Callable[[Any, Any], sa.ColumnElement[bool]],
) -> Callable[[Actor, dt.date, dt.date], sa.Select[Any]]:
    """Firms that came to another stage; `which` compares (the stage before, the stage now)."""

    def keys(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
        now, was = aliased(StageInterval), aliased(StageInterval)
        on: Any = now.from_on
        key: Any = now.id
        found = sa.select(on.label("on"), key.label("id"))
        return (
            found.join(Firm, Firm.id == now.firm_id)
            .outerjoin(was, sa.and_(was.firm_id == now.firm_id, was.to_on == now.from_on))
            .where(now.from_on.between(first, last), which(was, now), *_firm(viewer))
        )

    return keys


def _left(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    gone, then = aliased(StageInterval), aliased(StageInterval)
    goes_on = sa.exists(ONE).where(then.firm_id == gone.firm_id, then.from_on == gone.to_on)
    on: Any = gone.to_on
    found: sa.Select[Any] = sa.select(on.label("on"), gone.id.label("id"))
    return found.join(Firm, Firm.id == gone.firm_id).where(
        gone.to_on.between(first, last), sa.not_(goes_on), *_firm(viewer)
    )


def _stages(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    now, was = aliased(StageInterval), aliased(StageInterval)
    rows = session.execute(
        sa.select(now.id, now.firm_id, Firm.name, now.from_on, was.stage.label("before"), now.stage.label("after"))
        .join(Firm, Firm.id == now.firm_id)
        .outerjoin(was, sa.and_(was.firm_id == now.firm_id, was.to_on == now.from_on))
        .where(now.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: _line(
            row,
            row.from_on,
            Message("%(before)s → %(after)s", {"before": row.before, "after": row.after})
            if row.before
            else Message(N_("进入「%(stage)s」"), {"stage": row.after}),
        )
        for row in rows
    }


def _leavers(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    rows = session.execute(
        sa.select(
            StageInterval.id, StageInterval.firm_id, Firm.name, StageInterval.to_on, StageInterval.stage
        )
        .join(Firm, Firm.id == StageInterval.firm_id)
        .where(StageInterval.id.in_(ids))
    )
    return {
        row.id: _line(row, row.to_on, Message(N_("原在「%(stage)s」"), {"stage": row.stage})) for row in rows
    }


def _line(row: Any, on: dt.date, text: Message) -> Line:
    return Line(on, row.name, text, "firms.show", {"firm_id": row.firm_id})


def _granted(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    return _certificates(
        viewer,
        Certification.granted_on,
        Certification.granted_on.between(first, last),
        sa.or_(Certification.end_cause.is_(None), Certification.end_cause != EndCause.ENTERED_WRONGLY),
    )


def _ended(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    return _certificates(
        viewer,
        Certification.ended_on,
        Certification.ended_on.between(first, last),
        sa.or_(Certification.end_cause.is_(None), Certification.end_cause.not_in(_NO_LOSS)),
    )


def _lapsed(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    """The last valid day lies within the days before the last, and nothing came after it."""
    later = aliased(Certification)
    renewed = sa.exists(ONE).where(
        later.firm_id == Certification.firm_id, later.kind == Certification.kind,
        later.ended_on.is_(None), later.granted_on > Certification.granted_on,
        sa.or_(later.expires_on.is_(None), later.expires_on > Certification.expires_on),
    )  # fmt: skip
    return _certificates(
        viewer,
        Certification.expires_on,
        Certification.expires_on.between(first, last - dt.timedelta(1)),
        Certification.ended_on.is_(None),
        sa.not_(renewed),
    )


def _certificates(viewer: Actor, on: Any, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(on.label("on"), Certification.id.label("id"))
        .join(Firm, Firm.id == Certification.firm_id)
        .where(*where, *_firm(viewer))
    )


def _certificate_lines(
    text: str, day: Callable[[Certification], dt.date | None]
) -> Callable[[Session, Sequence[int], Actor], Mapping[int, Line]]:
    def load(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
        rows = session.execute(
            sa.select(Certification, Firm.name)
            .join(Firm, Firm.id == Certification.firm_id)
            .where(Certification.id.in_(ids))
        )
        found = {}
        for paper, name in rows:
            known = KINDS.get(paper.kind)
            said = {"kind": known.name if known else paper.kind, "cause": paper.end_cause or "—"}
            found[paper.id] = Line(
                day(paper) or paper.granted_on, name, Message(text, said), "firms.show", {"firm_id": paper.firm_id}
            )  # fmt: skip
        return found

    return load


def _application_moves(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    """Steps of applications, the first one included; what was granted is told by the certificate."""
    on: Any = ApplicationMove.on
    found: sa.Select[Any] = sa.select(on.label("on"), ApplicationMove.id.label("id"))
    return (
        found.join(Application, Application.id == ApplicationMove.application_id)
        .join(Firm, Firm.id == Application.firm_id)
        .where(
            ApplicationMove.on.between(first, last),
            ApplicationMove.step != ApplicationStep.GRANTED,
            *_firm(viewer),
        )
    )


def _applications(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    rows = session.execute(
        sa.select(
            ApplicationMove.id, Application.firm_id, Firm.name, ApplicationMove.on, Application.kind,
            ApplicationMove.step,
        )
        .join(Application, Application.id == ApplicationMove.application_id)
        .join(Firm, Firm.id == Application.firm_id)
        .where(ApplicationMove.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: _line(
            row,
            row.on,
            Message(
                N_("%(kind)s：%(step)s"),
                {"kind": KINDS[row.kind].short if row.kind in KINDS else row.kind, "step": row.step},
            ),
        )
        for row in rows
    }


NEWS = [
    News("risen", N_("升级"), _moves(_is_up), _stages),
    News("fallen", C_("news", "退回"), _moves(lambda was, now: _rank(now.stage) < _rank(was.stage)), _stages),
    News("joined", N_("进入梯队"), _moves(lambda was, _now: was.id.is_(None)), _stages),
    News("left", N_("离开梯队"), _left, _leavers),
    News("granted", N_("新证书"), _granted, _certificate_lines("%(kind)s", lambda paper: paper.granted_on)),
    News("ended", N_("证书终止"), _ended, _certificate_lines(N_("%(kind)s终止：%(cause)s"), lambda paper: paper.ended_on)),
    News("lapsed", C_("news", "证书到期"), _lapsed, _certificate_lines("%(kind)s", lambda paper: paper.expires_on)),
    News("application", N_("申报进展"), _application_moves, _applications),
]  # fmt: skip
