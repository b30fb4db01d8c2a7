"""What a list of the reserve is held against: the candidates that are there with all a list tells of them, and people by
name; and the same told back as rows of a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core.folding import fold
from crm.core.words import N_, Refused
from crm.firms.models import Firm
from crm.firms.rules.standing import mask_person
from crm.listing.models import Candidate, CandidateEvidence, CandidateMove, CandidatePlan, Intermediary
from crm.listing.queries.record import excuses, met_items, term_days
from crm.listing.rules.incoming import Here
from crm.listing.rules.sheet import BY_STAGE, HELP, PLAN_LABELS, STEPS, paper_name
from crm.listing.rules.stages import PIPELINE, PROOFS
from crm.listing.rules.words import Evidence, IntermediaryKind, Stage, State

PART = 900


@dataclass(slots=True)
class There:
    """A candidate with what a list may tell of it."""

    candidate: Candidate
    since: dt.date
    met: set[str] = field(default_factory=set)
    excused: dict[str, str] = field(default_factory=dict)
    terms: dict[Stage, dt.date] = field(default_factory=dict)
    days: dict[Stage, dt.date] = field(default_factory=dict)  # the last time each stage was entered
    papers: dict[Evidence, tuple[dt.date, str | None]] = field(default_factory=dict)  # the newest of each
    plans: dict[Stage, dt.date] = field(default_factory=dict)
    help: dict[IntermediaryKind, tuple[str, str | None]] = field(default_factory=dict)  # name, person

    def here(self) -> Here:
        one = self.candidate
        return Here(one.stage, one.state, one.stage_on, self.since, self.terms, self.excused)

    def day_of(self, stage: Stage) -> dt.date | None:
        """The day of a stage it has passed: that it was entered, or of its document when it was jumped over."""
        paper = PROOFS.get(stage)
        proof = self.papers.get(paper) if paper is not None else None
        return self.days.get(stage) or (proof[0] if proof is not None else None)


def present(session: Session, firm_ids: Iterable[int]) -> dict[int, There]:
    """Candidates of firms that were not put away, by firm: a few statements for any number."""
    wanted, found = sorted(set(firm_ids)), dict[int, There]()
    for start in range(0, len(wanted), PART):
        candidates = session.scalars(
            sa.select(Candidate)
            .where(Candidate.firm_id.in_(wanted[start : start + PART]), Candidate.is_current == 1)
            .order_by(Candidate.id)
        ).all()
        found |= {there.candidate.firm_id: there for there in with_all(session, candidates)}
    return found


def with_all(session: Session, candidates: Sequence[Candidate]) -> list[There]:
    """What lists tell of these candidates; at most `PART` of them at once."""
    ids = [candidate.id for candidate in candidates]
    by_id = {candidate.id: There(candidate, candidate.stage_on) for candidate in candidates}
    met, excused, terms = met_items(session, candidates), excuses(session, ids), term_days(session, ids)
    for key, there in by_id.items():
        there.met, there.excused, there.terms = met[key], excused[key], terms[key]
    moves = sa.select(
        CandidateMove.candidate_id, CandidateMove.from_stage, CandidateMove.stage, CandidateMove.on
    )
    for move in session.execute(
        moves.where(CandidateMove.candidate_id.in_(ids)).order_by(CandidateMove.on, CandidateMove.id)
    ):
        there = by_id[move.candidate_id]
        there.since = max(there.since, move.on)
        if PIPELINE.is_entry(move):
            there.days[move.stage] = move.on
    papers = sa.select(CandidateEvidence).where(
        CandidateEvidence.candidate_id.in_(ids), CandidateEvidence.removed_on.is_(None)
    )
    for paper in session.scalars(papers.order_by(CandidateEvidence.on, CandidateEvidence.id)):
        by_id[paper.candidate_id].papers[paper.kind] = (paper.on, paper.reference)
    for plan in session.scalars(sa.select(CandidatePlan).where(CandidatePlan.candidate_id.in_(ids))):
        by_id[plan.candidate_id].plans[plan.stage] = plan.on
    helpers = sa.select(Intermediary).where(Intermediary.candidate_id.in_(ids), Intermediary.to_on.is_(None))
    for helper in session.scalars(helpers.order_by(Intermediary.from_on, Intermediary.id)):
        by_id[helper.candidate_id].help[helper.kind] = (helper.name, helper.person)
    return list(by_id.values())


def people_named(session: Session, names: Iterable[str]) -> dict[str, list[int]]:
    """People in use by folded name, as far as these names need it."""
    wanted, found = {fold(name) for name in names}, dict[str, list[int]]()
    if not wanted:
        return found
    for row in session.execute(sa.select(User.id, User.name).where(User.is_active).order_by(User.id)):
        if fold(row.name) in wanted:
            found.setdefault(fold(row.name), []).append(row.id)
    return found


def person(book: Mapping[str, list[int]], written: str) -> int:
    """The one person of a name. Raises `Refused`."""
    found = book.get(fold(written), [])
    if len(found) != 1:
        raise Refused(N_("没有叫「%(name)s」的在用人员，或不止一位"), name=written, field="officer")
    return found[0]


def told_rows(session: Session, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Candidates as rows of a list, values by column name, in the order of `ids`: read in again they change nothing.
    Persons of intermediaries are masked, as contacts are."""
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        candidates = session.scalars(sa.select(Candidate).where(Candidate.id.in_(part))).all()
        firms = {
            row.id: row
            for row in session.execute(
                sa.select(Firm.id, Firm.name, Firm.code).where(
                    Firm.id.in_([each.firm_id for each in candidates])
                )
            )
        }
        names = {
            row.id: row.name
            for row in session.execute(
                sa.select(User.id, User.name).where(
                    User.id.in_([each.officer_id for each in candidates]), User.is_active
                )
            )
        }
        for there in with_all(session, candidates):
            one, firm = there.candidate, firms[there.candidate.firm_id]
            found[one.id] = {
                "code": firm.code, "name": firm.name, **_row(there),
                "officer": names.get(one.officer_id) if one.officer_id is not None else None,
            }  # fmt: skip
    return [found[each] for each in ids if each in found]


def _row(there: There) -> dict[str, Any]:
    one = there.candidate
    told: dict[str, Any] = {
        "board": one.board, "stage": one.stage, "stock_code": one.stock_code, "note": one.note,
        "state": None if one.stage is Stage.LISTED else one.state,  # what is listed goes on no more
    }  # fmt: skip
    if one.state is not State.ACTIVE:
        told |= {"state_on": one.state_on, "state_reason": one.state_reason}
    for stage, on in told_days(there).items():
        told[BY_STAGE[stage].on] = on
        proof = there.papers.get(BY_STAGE[stage].paper)
        if proof is not None:
            told[paper_name(BY_STAGE[stage])] = proof[1]
    for stage in PLAN_LABELS:
        told[BY_STAGE[stage].plan] = there.plans.get(stage)
    for kind, (column, _label, _headings, _people) in HELP.items():
        told[column], person = there.help.get(kind, (None, None))
        told[f"{column}_person"] = mask_person(person)
    return told


def told_days(there: There) -> dict[Stage, dt.date]:
    """The days of the stages passed, as far as they are in order: of one gone back from and jumped over since, the
    old day is left out."""
    days: dict[Stage, dt.date] = {}
    bound = dt.date.max
    for step in reversed(STEPS):
        if PIPELINE.order[step.stage] > PIPELINE.order[there.candidate.stage]:
            continue
        on = there.day_of(step.stage)
        if on is not None and on <= bound:
            days[step.stage] = bound = on
    return {stage: days[stage] for stage in Stage if stage in days}
