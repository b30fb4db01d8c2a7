"""A person asks for a copy of his data, or to be forgotten: found across the tables, exported, erased.

The audit keeps that it was done, by whom and why, never about whom: its personal values go too, its commitments stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditPersonal
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Message, Refused
from crm.firms.actions.contacts import wait_for_own
from crm.firms.models import Contact, ImportBatch, ImportFile, ImportRow
from crm.firms.queries import persons as found_in
from crm.firms.queries.contacts import looked
from crm.firms.queries.persons import KIND, Person, Place
from crm.firms.rules.contacts import MOST_A_DAY, Identity
from crm.firms.rules.reasons import kept
from crm.firms.rules.standing import check_reason, mask_mail, mask_phone
from crm.firms.rules.words import Act, RowOutcome, SheetKind

GONE = Message(N_("这一行的个人信息已按本人要求抹去"))


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: contacts, values of the log, rows of imports; firms of others that still have the person."""

    contacts: int
    logged: int
    staged: int
    left: tuple[str, ...] = ()


def search_person(
    session: Session,
    *,
    actor: Actor,
    at: dt.datetime,
    name: str = "",
    phone: str = "",
    mail: str = "",
) -> Person:
    """Find a person; counted and in the audit, without saying whom. Raises `Refused` beyond a day's number."""
    actor.require("firm:edit")
    wait_for_own(session, actor)
    searched = looked(session, actor.user_id, at).searched
    if searched >= MOST_A_DAY:
        raise Refused(
            N_("您 24 小时内已经查找了 %(n)d 次，每天最多 %(most)d 次。请明天再查。"),
            n=searched,
            most=MOST_A_DAY,
        )
    person = found_in.find_person(session, viewer=actor, name=name, phone=phone, mail=mail)
    if not (person.who.names or person.who.phones or person.who.mails):
        raise Refused(N_("请写姓名、电话或邮箱中的一项；电话至少 5 位数字。"), field="phone")
    audit.begin(
        session, actor=actor, action=Act.PERSON_FIND, contacts=len(person.places), staged=len(person.staged),
        logged=len(person.logged),
    )  # fmt: skip
    return person


def chosen(session: Session, ids: Sequence[int], *, typed: Identity, actor: Actor) -> Person:
    """The person of these contacts and of what was typed, wherever he is. Raises `Refused`."""
    actor.require("firm:edit")
    picked = found_in.places(session, typed, viewer=actor, ids=ids) if ids else []
    if len(picked) < len(set(ids)):
        raise Refused(N_("所选的联系人里有已经不在的，请重新查找。"))
    who = typed.and_also(found_in.of_places(picked)) if picked else typed
    if not picked and not (who.phones or who.mails):
        raise Refused(N_("请先选择是哪几位联系人；只有姓名分不清是不是同一个人。"))
    firms = {place.firm_id for place in picked}
    person = Person(who, list(picked))
    sure = [place for place in found_in.places(session, who, viewer=actor) if place.is_sure]
    known = {place.id for place in picked}
    person.places += [place for place in sure if place.id not in known]
    person.staged = found_in.staged_rows(session, who, firms)
    person.logged = found_in.logged_ids(session, who, firms, known)
    return person


def export_person(session: Session, person: Person, *, actor: Actor, reason: str | None) -> list[Place]:
    """The contacts to hand to the person: in full where the actor may look, else masked. In the audit, and counted
    with what the actor has taken out."""
    reason = check_reason(reason)
    if person.is_empty:
        raise Refused(N_("没有找到这个人的信息。"))
    full = sum(place.may_reveal for place in person.places)
    audit.begin(
        session, actor=actor, action=Act.PERSON_EXPORT, contacts=full, masked=len(person.places) - full,
        staged=len(person.staged), reason=reason,
    )  # fmt: skip
    return [
        place
        if place.may_reveal
        else replace(place, phone=mask_phone(place.phone), email=mask_mail(place.email))
        for place in person.places
    ]


def erase_person(session: Session, person: Person, *, actor: Actor, reason: str | None) -> Erased:
    """Delete the person's contacts, what the log keeps of his values, and his cells in staged rows (their files too:
    bytes cannot be picked apart). Contacts of firms the actor may not edit stay, and are named."""
    actor.require("firm:edit")
    reason = check_reason(reason)
    mine = [place for place in person.places if place.may_edit]
    left = tuple(dict.fromkeys(place.firm for place in person.places if not place.may_edit))
    if person.places and not mine:
        raise Forbidden(N_("您的角色只能改本街道或本人负责的企业。"))
    if person.is_empty:
        raise Refused(N_("没有找到这个人的信息。"))
    firms = sorted({place.firm_id for place in mine})
    kept_ids = {place.id for place in person.places if not place.may_edit}
    audit.begin(
        session, actor=actor, action=Act.PERSON_ERASE, subject=("firm", firms[0]) if firms else None,
        reason=reason, firms=firms[:200], contacts=len(mine), staged=len(person.staged), left=len(left),
    )  # fmt: skip
    ids = sorted({place.id for place in mine})
    audit.delete_many(session, Contact, ids)
    logged = _forget_logged(session, sorted((person.logged | set(ids)) - kept_ids))
    _forget_staged(session, person)
    session.flush()
    return Erased(len(ids), logged, len(person.staged), left)


def _forget_logged(session: Session, ids: Sequence[int]) -> int:
    erased = 0
    for start in range(0, len(ids), 2000):
        done = session.execute(
            sa.delete(AuditPersonal).where(
                AuditPersonal.kind == KIND, AuditPersonal.row_id.in_(ids[start : start + 2000])
            )
        )
        erased += int(getattr(done, "rowcount", 0))
    return erased


def _forget_staged(session: Session, person: Person) -> None:
    rows = session.scalars(
        sa.select(ImportRow).where(ImportRow.id.in_([row.id for row in person.staged]))
    ).all()
    batches = {
        batch.id: batch
        for batch in session.scalars(
            sa.select(ImportBatch).where(ImportBatch.id.in_(sorted({row.batch_id for row in rows})))
        )
    }
    for row in rows:
        batch = batches[row.batch_id]
        if batch.sheet is SheetKind.CONTACTS:
            _count(batch, row.outcome, RowOutcome.REFUSED)
            row.raw, row.values, row.changes, row.candidates = {}, {}, {}, []
            row.outcome, row.decision, row.reasons = RowOutcome.REFUSED, None, [kept(GONE)]
            continue
        row.raw = {key: cell for key, cell in row.raw.items() if not found_in.is_personal(person.who, cell)}
        row.values = {
            key: cell for key, cell in row.values.items() if not found_in.is_personal(person.who, cell)
        }
    session.execute(sa.delete(ImportFile).where(ImportFile.batch_id.in_(sorted(batches))))


def _count(batch: ImportBatch, old: RowOutcome, new: RowOutcome) -> None:
    if old is not new:
        counts: dict[str, Any] = dict(batch.counts)
        counts[old.value] = max(0, int(counts.get(old.value, 0)) - 1)
        counts[new.value] = int(counts.get(new.value, 0)) + 1
        batch.counts = counts


__all__ = ["Erased", "chosen", "erase_person", "export_person", "search_person"]
