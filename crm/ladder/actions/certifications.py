"""Granting, renewing, ending and correcting certifications: one firm, a selection, or a whole published list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Message, Refused
from crm.firms.models import Firm, FirmMove
from crm.firms.rules.words import PRESENT
from crm.ladder.actions.applications import close_granted
from crm.ladder.models import Certification
from crm.ladder.rules import certifications as law
from crm.ladder.rules.certifications import Held
from crm.ladder.rules.kinds import Kind, get_kind
from crm.ladder.rules.words import Act, EndCause, RowResult

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Grant:
    """A certificate to enter. Without `expires_on` the kind's own validity decides."""

    firm_id: int
    kind: str
    granted_on: dt.date
    number: str | None = None
    expires_on: dt.date | None = None
    level: str | None = None
    document: str | None = None
    batch_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of one `Grant`: the certificate's id, or why it was refused. A `warning` is for the person: a
    list that prints one number twice is entered as it was published."""

    grant: Grant
    result: RowResult
    certification_id: int | None = None
    refusal: Refused | None = None
    warning: Message | None = None


def grant(
    session: Session,
    firm: Firm,
    *,
    kind: str,
    granted_on: dt.date,
    actor: Actor,
    today: dt.date,
    number: str | None = None,
    expires_on: dt.date | None = None,
    document: str | None = None,
    note: str | None = None,
) -> Certification:
    """Enter one certificate of a firm; its open application of the kind is closed. Raises `Refused`."""
    audit.begin(session, actor=actor, action=Act.GRANT, subject=("firm", firm.id), kind=kind)
    wanted = Grant(firm.id, kind, granted_on, number, expires_on, document=document, note=note)
    entered = grant_many(session, [wanted], actor=actor, today=today)[0]
    if entered.refusal is not None:
        raise entered.refusal
    if entered.result is RowResult.SAME:
        raise Refused(
            N_("%(kind)s（%(on)s）已经登记过。"), kind=get_kind(kind).name, on=granted_on, field="granted_on"
        )
    return session.get_one(Certification, entered.certification_id)


def renew(
    session: Session,
    certification: Certification,
    *,
    granted_on: dt.date,
    actor: Actor,
    today: dt.date,
    number: str | None = None,
    expires_on: dt.date | None = None,
    document: str | None = None,
    version: int | None = None,
) -> Certification:
    """Enter the certificate that follows this one. Raises `Refused`."""
    _same_version(certification, version)
    if granted_on <= certification.granted_on:
        raise Refused(
            N_("新证书的发证日期要晚于旧证书（%(on)s）。"), on=certification.granted_on, field="granted_on"
        )
    firm = session.get_one(Firm, certification.firm_id)
    return grant(
        session, firm, kind=certification.kind, granted_on=granted_on, actor=actor, today=today, number=number,
        expires_on=expires_on, document=document,
    )  # fmt: skip


def grant_many(session: Session, grants: Sequence[Grant], *, actor: Actor, today: dt.date) -> list[Entered]:
    """Enter many certificates set-based; each is judged by the same rules as a single one, those of the same call
    included. Never raises for a row: the refusal is in the answer, in the order given. The caller names the
    operation when it is more than a grant."""
    actor.require("ladder:tag")
    audit.begin(session, actor=actor, action=Act.GRANT, rows=len(grants))
    answers, renews = _judge(session, grants, today=today, lock=True)
    places = [place for place, answer in enumerate(answers) if answer.result in _WRITTEN]
    rows = [_row(answers[place].grant, renews.get(place)) for place in places]
    ids = audit.insert_many(session, Certification, rows)
    for place, new_id in zip(places, ids, strict=True):
        answers[place] = replace(answers[place], certification_id=new_id)
    granted = [
        (item.grant.firm_id, item.grant.kind, item.grant.granted_on, new_id)
        for item, new_id in ((answers[place], new_id) for place, new_id in zip(places, ids, strict=True))
    ]
    close_granted(session, granted, actor=actor)
    return answers


def judge_many(session: Session, grants: Sequence[Grant], *, today: dt.date) -> list[Entered]:
    """What `grant_many` would answer; writes and locks nothing."""
    return _judge(session, grants, today=today, lock=False)[0]


_WRITTEN = (RowResult.GRANTED, RowResult.RENEWED)


def _judge(
    session: Session, grants: Sequence[Grant], *, today: dt.date, lock: bool
) -> tuple[list[Entered], dict[int, int]]:
    """The answers, and for renewals the certificate renewed by the grant's place."""
    firm_ids = sorted({item.firm_id for item in grants})
    firms = _standing(session, firm_ids, lock=lock)
    held = _held(session, firm_ids, {item.kind for item in grants})
    taken = _numbers(session, grants)
    answers: list[Entered] = []
    renews: dict[int, int] = {}
    numbers: dict[tuple[str, str], str] = {}
    for place, item in enumerate(grants):
        try:
            kind = get_kind(item.kind)
            clean = _clean(kind, item, today)
            _check_there(firms, clean)
            known = held.setdefault((clean.firm_id, clean.kind), [])
            result, other = law.judge(kind, clean.granted_on, clean.expires_on, clean.number, known)
            if result is not RowResult.SAME:
                _check_number(taken, clean)
        except Refused as refusal:
            answers.append(Entered(item, RowResult.NOT_WRITTEN, refusal=refusal))
            continue
        if result is RowResult.SAME:
            answers.append(Entered(clean, result, other or None))
            continue
        if result is RowResult.RENEWED and other:
            renews[place] = other
        printed = numbers.get((clean.kind, clean.number or ""))
        text = N_("名单里「%(firm)s」也是这个编号，请核对原文。")
        warning = Message(text, {"firm": printed}) if printed is not None else None
        answers.append(Entered(clean, result, warning=warning))
        # a later row of the same call is judged against this one too; 0 stands for an id not given yet
        known.append(Held(0, clean.granted_on, clean.expires_on, number=clean.number))
        if clean.number:
            numbers.setdefault((clean.kind, clean.number), firms[clean.firm_id].name)
    return answers, renews


def _check_number(taken: dict[tuple[str, str], tuple[int, str]], item: Grant) -> None:
    owner = taken.get((item.kind, item.number)) if item.number else None
    if owner is not None and owner[0] != item.firm_id:
        raise Refused(
            N_("编号 %(number)s 已登记在「%(firm)s」名下。"),
            number=item.number,
            firm=owner[1],
            field="number",
        )


def revoke(
    session: Session,
    certification: Certification,
    *,
    on: dt.date,
    reason: str,
    actor: Actor,
    today: dt.date,
    version: int | None = None,
) -> Certification:
    """The authority has withdrawn the title, from `on` on. Raises `Refused`."""
    return end(
        session,
        certification,
        on=on,
        cause=EndCause.REVOKED,
        reason=reason,
        actor=actor,
        today=today,
        version=version,
    )


def end(
    session: Session,
    certification: Certification,
    *,
    on: dt.date,
    cause: EndCause,
    reason: str,
    actor: Actor,
    today: dt.date,
    version: int | None = None,
) -> Certification:
    """A certificate stops holding on a day, for a reason; one entered wrongly never held. Raises `Refused`."""
    actor.require("ladder:tag")
    _same_version(certification, version)
    reason = law.need_reason(reason)
    if cause is EndCause.ENTERED_WRONGLY:
        on = certification.granted_on
        law.check_end(certification.granted_on, None, certification.ended_on, on, today)
    else:
        law.check_end(certification.granted_on, certification.expires_on, certification.ended_on, on, today)
    audit.begin(
        session, actor=actor, action=Act.END, subject=("firm", certification.firm_id),
        kind=certification.kind, cause=cause.value,
    )  # fmt: skip
    certification.ended_on, certification.end_cause, certification.end_reason = on, cause, reason
    session.flush()
    return certification


def reopen(
    session: Session, certification: Certification, *, reason: str, actor: Actor, version: int | None = None
) -> Certification:
    """An end that was entered by mistake is taken back. Raises `Refused`."""
    actor.require("ladder:tag")
    _same_version(certification, version)
    reason = law.need_reason(reason)
    if certification.ended_on is None:
        raise Refused(N_("这张证书没有终止过。"))
    others = [
        item
        for item in _held(session, [certification.firm_id], {certification.kind})[
            (certification.firm_id, certification.kind)
        ]
        if item.id != certification.id
    ]
    kind = get_kind(certification.kind)
    law.judge(kind, certification.granted_on, certification.expires_on, certification.number, others)
    audit.begin(
        session, actor=actor, action=Act.REOPEN, subject=("firm", certification.firm_id),
        kind=certification.kind, reason=reason,
    )  # fmt: skip
    certification.ended_on = certification.end_cause = certification.end_reason = None
    session.flush()
    return certification


def correct(
    session: Session,
    certification: Certification,
    *,
    granted_on: dt.date,
    expires_on: dt.date | None,
    number: str | None,
    reason: str,
    actor: Actor,
    today: dt.date,
    document: str | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Certification:
    """Put typing mistakes right: dates, number, document. What it said before stays in the audit. Raises `Refused`."""
    actor.require("ladder:tag")
    _same_version(certification, version)
    reason = law.need_reason(reason)
    kind = get_kind(certification.kind)
    wanted = _clean(
        kind, Grant(certification.firm_id, certification.kind, granted_on, number, expires_on), today
    )
    if expires_on is None:
        wanted = replace(wanted, expires_on=None if kind.expires(granted_on) is None else wanted.expires_on)
    _standing(session, [certification.firm_id], lock=True)
    key = (certification.firm_id, certification.kind)
    others = [item for item in _held(session, [key[0]], {key[1]})[key] if item.id != certification.id]
    result, _other = law.judge(kind, wanted.granted_on, wanted.expires_on, wanted.number, others)
    if result is RowResult.SAME:
        raise Refused(N_("同一天已有另一张同类证书。"), field="granted_on")
    _check_number(_numbers(session, [wanted]), wanted)
    if certification.ended_on is not None and certification.ended_on < wanted.granted_on:
        raise Refused(N_("发证日期晚于终止日期 %(on)s。"), on=certification.ended_on, field="granted_on")
    audit.begin(
        session, actor=actor, action=Act.CORRECT, subject=("firm", certification.firm_id),
        kind=certification.kind, reason=reason,
    )  # fmt: skip
    certification.granted_on, certification.expires_on = wanted.granted_on, wanted.expires_on
    certification.number = wanted.number
    certification.document, certification.note = document, note
    if certification.end_cause is EndCause.ENTERED_WRONGLY:
        certification.ended_on = wanted.granted_on
    session.flush()
    return certification


def _same_version(certification: Certification, version: int | None) -> None:
    if version is not None and certification.version != version:
        raise Conflict(N_("这张证书刚刚被别人改过，请看看新的内容再保存。"))


def _clean(kind: Kind, item: Grant, today: dt.date) -> Grant:
    law.check_day(item.granted_on, today, field="granted_on")
    expires_on = item.expires_on if item.expires_on is not None else kind.expires(item.granted_on)
    law.check_span(kind, item.granted_on, expires_on)
    return replace(item, number=kind.read_number(item.number), expires_on=expires_on)


def _row(item: Grant, renews_id: int | None) -> dict[str, object]:
    return {
        "firm_id": item.firm_id,
        "kind": item.kind,
        "number": item.number,
        "level": item.level or get_kind(item.kind).level.value,
        "granted_on": item.granted_on,
        "expires_on": item.expires_on,
        "document": item.document,
        "batch_id": item.batch_id,
        "renews_id": renews_id,
        "note": item.note,
    }


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of a firm matters for a grant: since when it is outside, whether its record is still in use."""

    name: str
    is_archived: bool
    moves: tuple[tuple[dt.date, bool, str], ...]


def _standing(session: Session, firm_ids: Sequence[int], *, lock: bool) -> dict[int, _Standing]:
    """How the firms stand. With `lock` they are locked in order of their ids, so that two writers of one firm's
    certificates wait for each other."""
    found: dict[int, _Standing] = {}
    for start in range(0, len(firm_ids), CHUNK):
        part = firm_ids[start : start + CHUNK]
        moves: dict[int, list[tuple[dt.date, bool, str]]] = {}
        query = sa.select(FirmMove.firm_id, FirmMove.on, FirmMove.status).where(FirmMove.firm_id.in_(part))
        for firm_id, on, status in session.execute(query.order_by(FirmMove.on, FirmMove.id)):
            moves.setdefault(firm_id, []).append((on, status in PRESENT, status.label))
        statement = (
            sa.select(Firm.id, Firm.name, Firm.status, Firm.status_on, Firm.archived_on, Firm.merged_into_id)
            .where(Firm.id.in_(part))
            .order_by(Firm.id)
        )
        rows = session.execute(statement.with_for_update(key_share=True) if lock else statement)
        for firm_id, name, status, status_on, archived_on, merged_into_id in rows:
            known = moves.get(firm_id, [])
            if not known and status_on is not None and status not in PRESENT:
                known = [(status_on, False, status.label)]
            is_archived = archived_on is not None or merged_into_id is not None
            found[firm_id] = _Standing(name, is_archived, tuple(known))
    return found


def _check_there(firms: dict[int, _Standing], item: Grant) -> None:
    firm = firms.get(item.firm_id)
    if firm is None:
        raise Refused(N_("没有这家企业。"), field="firm")
    if firm.is_archived:
        raise Refused(N_("「%(firm)s」的档案已归档，不能再登记证书。"), firm=firm.name, field="firm")
    last: tuple[dt.date, bool, str] | None = None
    for move in firm.moves:
        if move[0] <= item.granted_on:
            last = move
    if last is not None and not last[1]:
        raise Refused(
            N_("「%(firm)s」已于 %(on)s 离开本区或注销。"), firm=firm.name, on=last[0], field="firm"
        )


def _held(
    session: Session, firm_ids: Sequence[int], kinds: Iterable[str]
) -> dict[tuple[int, str], list[Held]]:
    wanted = sorted(kinds)
    found: dict[tuple[int, str], list[Held]] = {(firm, kind): [] for firm in firm_ids for kind in wanted}
    for start in range(0, len(firm_ids), CHUNK):
        query = sa.select(
            Certification.firm_id, Certification.kind, Certification.id, Certification.granted_on,
            Certification.expires_on, Certification.ended_on, Certification.end_cause, Certification.number,
        ).where(Certification.firm_id.in_(firm_ids[start : start + CHUNK]), Certification.kind.in_(wanted))  # fmt: skip
        for firm_id, kind, cert_id, granted_on, expires_on, ended_on, cause, number in session.execute(query):
            found[(firm_id, kind)].append(Held(cert_id, granted_on, expires_on, ended_on, cause, number))
    return found


def _numbers(session: Session, grants: Sequence[Grant]) -> dict[tuple[str, str], tuple[int, str]]:
    """(kind, number) → the firm that holds it and its name, for the numbers given; void certificates left out."""
    wanted: dict[str, set[str]] = {}
    for item in grants:
        try:
            number = get_kind(item.kind).read_number(item.number)
        except Refused:
            continue
        if number:
            wanted.setdefault(item.kind, set()).add(number)
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for kind, numbers in wanted.items():
        ordered = sorted(numbers)
        for start in range(0, len(ordered), CHUNK):
            query = (
                sa.select(Certification.number, Certification.firm_id, Firm.name)
                .join(Firm, Firm.id == Certification.firm_id)
                .where(
                    Certification.kind == kind,
                    Certification.number.in_(ordered[start : start + CHUNK]),
                    sa.or_(
                        Certification.end_cause.is_(None), Certification.end_cause != EndCause.ENTERED_WRONGLY
                    ),
                )
            )
            for held_number, firm_id, name in session.execute(query):
                found[(kind, held_number or "")] = (firm_id, name)
    return found
