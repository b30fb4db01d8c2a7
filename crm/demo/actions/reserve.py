"""Writing the demo's listing reserve through the product's own import; then what a list does not tell: obstacles, and one
application withdrawn and filed again on another board."""

from __future__ import annotations

import datetime as dt
import random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.transaction import commit
from crm.demo.rules import SOURCE
from crm.demo.rules.reserve import COUNT, OBSTACLES, invent_candidates
from crm.firms.actions.targets import Incoming
from crm.firms.models import Firm
from crm.firms.rules.words import FirmStatus
from crm.listing import actions
from crm.listing.actions.importing import ListingTarget
from crm.listing.models import Candidate
from crm.listing.rules.words import GOING, Board, Evidence, Stage, State


def enter_candidates(session: Session, *, seed: int, today: dt.date, actor: Actor) -> int:
    """Invent and write the reserve once; commits. Returns how many candidates, 0 where the demo's people are missing or
    there are candidates."""
    officer = session.execute(
        sa.select(User.id, User.name).where(User.is_demo, User.is_active, User.username == "finance")
    ).one_or_none()
    if officer is None or session.scalar(sa.select(Candidate.id).limit(1)) is not None:
        return 0
    rng = random.Random(seed + 6)  # noqa: S311 invented data, repeatable from its seed
    told = invent_candidates(rng, today)
    firms = session.scalars(
        sa.select(Firm.id)
        .where(
            Firm.source == SOURCE, Firm.status == FirmStatus.ACTIVE, Firm.archived_on.is_(None),
            Firm.registered_on < today - dt.timedelta(3650),
        )
        .order_by(Firm.capital_yuan.desc().nulls_last(), Firm.id)
        .limit(COUNT)
    ).all()  # fmt: skip
    rows = [Incoming(n, firm, values) for n, (firm, values) in enumerate(zip(firms, told, strict=False), 1)]
    audit.begin(session, actor=actor, action="demo.candidates", count=len(rows), seed=seed)
    target = ListingTarget()
    target.compare(session, rows, today=today)
    target.write(session, rows, actor=actor, today=today, source=SOURCE)
    for candidate in session.scalars(sa.select(Candidate).order_by(Candidate.id)).all():
        actions.edit(session, candidate, actor=actor, today=today, values={"officer_id": officer.id})
    commit(session)
    _obstacles(session, rng, officer.id, today=today, actor=actor)
    _file_again(session, today=today, actor=actor)
    return len(rows)


def _obstacles(session: Session, rng: random.Random, owner: int, *, today: dt.date, actor: Actor) -> None:
    units = session.scalars(sa.select(Unit.id).where(Unit.ends_on.is_(None)).order_by(Unit.id)).all()
    going = session.scalars(
        sa.select(Candidate)
        .where(Candidate.state.in_(GOING), Candidate.stage.not_in([Stage.LISTED, Stage.EFFECTIVE]))
        .order_by(Candidate.id)
    ).all()
    for candidate in going[::3]:
        actions.raise_obstacle(
            session, candidate, actor=actor, today=today, text=rng.choice(OBSTACLES), owner_id=owner,
            unit_id=rng.choice(units), due_on=today + dt.timedelta(rng.randint(5, 90)),
        )  # fmt: skip
    commit(session)


def _file_again(session: Session, *, today: dt.date, actor: Actor) -> None:
    """One was withdrawn, took another board, went back to its tutoring, and is filed again."""
    candidate = session.scalars(
        sa.select(Candidate).where(Candidate.state == State.WITHDRAWN).order_by(Candidate.id).limit(1)
    ).one_or_none()
    if candidate is None or candidate.state_on is None:
        return
    board = Board.BSE if candidate.board is not Board.BSE else Board.CHINEXT
    on = candidate.state_on
    actions.change_board(
        session, candidate, actor=actor, today=today, board=board, on=on, reason="规模更合适新板块的定位"
    )
    actions.resume(session, candidate, actor=actor, today=today, on=on, reason="换板块重新申报")
    actions.move(
        session,
        candidate,
        actor=actor,
        today=today,
        stage=Stage.TUTORED,
        on=on,
        reason="撤回后重新申报，补充辅导",
    )
    again = on + dt.timedelta((today - on).days // 2)
    actions.prove(
        session, candidate, actor=actor, today=today, kind=Evidence.TUTORING_LETTER, on=on, reference="浙证监辅函（换板块）"
    )  # fmt: skip
    actions.prove(
        session, candidate, actor=actor, today=today, kind=Evidence.ACCEPTANCE, on=again, reference="受理（换板块）"
    )  # fmt: skip
    actions.move(session, candidate, actor=actor, today=today, stage=Stage.ACCEPTED, on=again)
    commit(session)
