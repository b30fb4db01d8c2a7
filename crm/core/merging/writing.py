"""Writing a merge: one operation, set-based, nothing deleted, so that undo brings every value back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, records
from crm.core.audit.journal import columns_of
from crm.core.db import Stamped
from crm.core.folding import legible
from crm.core.merging.finding import ACTION
from crm.core.merging.preview import (
    BOTH,
    EACH,
    SIDES,
    Choice,
    Clash,
    Moving,
    Preview,
    fills,
    other,
    preview,
    side_going_on,
)
from crm.core.permissions import Actor
from crm.core.records import RecordKind
from crm.core.undo.planning import references
from crm.core.words import N_, Conflict, Refused

Picks = Mapping[str, str]


def merge(
    session: Session,
    kind: RecordKind,
    left_id: int,
    right_id: int,
    *,
    actor: Actor,
    today: dt.date,
    stays: str,
    mark: str | None = None,
    picks: Picks | None = None,
    reason: str = "",
) -> audit.Operation:
    """Merge two records; `stays` is the side that goes on, `picks` a choice's name → side, `mark` the preview the
    choices were made on. Raises `Conflict` when something has changed since, `Refused` for two identities without a
    reason, and what `preview` raises. Flushes; the caller commits."""
    table = kind.column("id")
    session.execute(sa.select(table).where(table.in_([left_id, right_id])).order_by(table).with_for_update())
    shown = preview(session, kind, left_id, right_id, viewer=actor, stays=stays)
    if mark is not None and mark != shown.mark:
        raise Conflict(N_("您打开预览之后，有人改过这两条记录，请按新的内容再选一次。"))
    reason = legible(reason)[:200]
    if shown.has_two_identities and not reason:
        raise Refused(
            N_("两条记录的信用代码不同（%(one)s、%(two)s），按规定是两家企业。确实是同一家时，请写明原因再合并。"),
            field="reason", one=getattr(shown.left, shown.rules.identity), two=getattr(shown.right, shown.rules.identity),
        )  # fmt: skip
    chosen = picks or {}
    kept, gone = shown.kept, shown.gone
    operation = audit.begin(
        session, actor=actor, action=ACTION, subject=(kind.code, kept.id), kind=kind.code, kept=kept.id,
        gone=gone.id, kept_name=records.name_of(kind, kept), gone_name=records.name_of(kind, gone),
        merge_reason=reason,
    )  # fmt: skip
    values = _facts(shown, chosen)
    for moving in shown.parts:
        _move(session, shown, moving, chosen, actor=actor, today=today)
    if shown.rules.absorb is not None:
        values |= shown.rules.absorb(session, kept, gone, values=values, today=today)
    _records(session, shown, values, today=today, reason=reason)
    return operation


def side_of(choice: Choice, picks: Picks) -> str:
    """What was chosen, else the default; anything unknown is the default."""
    picked = picks.get(choice.name, "")
    return picked if picked in SIDES else choice.default


def _facts(shown: Preview, picks: Picks) -> dict[str, Any]:
    """Columns of the record that stays which change."""
    values: dict[str, Any] = {}
    for choice in shown.facts:
        side = side_of(choice, picks)
        if side != shown.stays:
            values |= dict(zip((fact.name for fact in choice.facts), choice.of(side), strict=True))
    return values


def _records(
    session: Session, shown: Preview, values: dict[str, Any], *, today: dt.date, reason: str
) -> None:
    """The other is put away first, so that what only one may have is free."""
    kind, kept, gone = shown.kind, shown.kept, shown.gone
    identity = shown.rules.identity
    away: dict[str, Any] = {"merged_into_id": kept.id}
    if gone.archived_on is None:
        away |= {"archived_on": today, "archive_reason": reason or None}
    back: dict[str, Any] = {}
    if identity and getattr(gone, identity) and (identity in values or not getattr(kept, identity)):
        values[identity] = getattr(gone, identity)
        away[identity] = None
        if getattr(kept, identity):
            back[identity] = getattr(kept, identity)  # not chosen: it stays with the record put away
    if issubclass(kind.model, Stamped) and gone.created_at < kept.created_at:
        values |= {"created_at": gone.created_at, "created_by_id": gone.created_by_id}
    kept_id, gone_id = kept.id, gone.id
    audit.update_many(session, kind.model, [(gone_id, {}, away)])
    if values:
        audit.update_many(session, kind.model, [(kept_id, {}, values)])
    if back:
        audit.update_many(session, kind.model, [(gone_id, {}, back)])


def _move(
    session: Session, shown: Preview, moving: Moving, picks: Picks, *, actor: Actor, today: dt.date
) -> None:
    part, stays, gone = moving.part, shown.stays, other(shown.stays)
    if part.follows:
        lead = next((item for item in shown.facts if part.follows in {f.name for f in item.facts}), None)
        side = side_of(lead, picks) if lead is not None else _only(moving, stays)
        if side == stays:
            return
        changes = [(row["id"], {part.column: shown.kept.id}) for row in moving.rows[gone]]
        changes += [(row["id"], {part.column: shown.gone.id}) for row in moving.rows[stays]]
        _write(session, part.model, changes)
        return
    if part.whole:
        _take_history(session, shown, moving, picks, actor=actor, today=today)
        return
    settled: dict[int, dict[str, Any]] = {}
    copied: list[tuple[int, dict[str, Any]]] = []
    follow: dict[int, int] = {}
    for clash in moving.clashes:
        kept_row, gone_row = clash.of(stays), clash.of(gone)
        picked = picks.get(clash.name, "")
        picked = picked if picked in (*SIDES, BOTH) else clash.default
        if part.either is not None and picked == BOTH:
            continue
        has_copies = bool(part.facts) and part.either is None
        if has_copies:
            if taken := taken_of(clash, picks, stays):
                copied.append((kept_row["id"], taken))
            follow[gone_row["id"]] = kept_row["id"]
        loser = gone_row
        if not has_copies and picked == gone:
            loser = kept_row
        if part.settle is not None:
            settled[loser["id"]] = dict(part.settle(session, loser, actor=actor, today=today))
    # what gives way first, then what moves into its place
    _write(session, part.model, list(settled.items()))
    cleared = {row["id"] for row in moving.cleared}
    _write(
        session,
        part.model,
        [
            (
                row["id"],
                {part.column: shown.kept.id, **({part.single: False} if row["id"] in cleared else {})},
            )
            for row in moving.moves
        ],
    )
    _write(session, part.model, copied)
    _point(session, shown, part.model.__tablename__, follow)


def _take_history(
    session: Session, shown: Preview, moving: Moving, picks: Picks, *, actor: Actor, today: dt.date
) -> None:
    """All rows of the side chosen belong to the record that stays, all others to the one put away."""
    part, stays, gone = moving.part, shown.stays, other(shown.stays)
    picked = next((picks.get(clash.name, clash.default) for clash in moving.clashes), "")
    side = picked if picked in SIDES else side_going_on(moving, stays)
    if part.settle is not None:
        lost = [row for row in moving.rows[other(side)] if all(row[name] is not None for name in part.key)]
        _write(
            session, part.model,
            [(row["id"], dict(part.settle(session, row, actor=actor, today=today))) for row in lost],
        )  # fmt: skip
    if side == gone:
        for mine, record in ((stays, shown.gone), (gone, shown.kept)):
            _write(session, part.model, [(row["id"], {part.column: record.id}) for row in moving.rows[mine]])


def _only(moving: Moving, stays: str) -> str:
    """Nothing to choose: the side that has rows."""
    return stays if moving.rows[stays] or not moving.rows[other(stays)] else other(stays)


def taken_of(clash: Clash, picks: Picks, stays: str) -> dict[str, Any]:
    """Columns of the row that stays which take the other's value: by the side chosen (what that side does not know is
    filled from the other), or one by one."""
    gone = other(stays)
    whole = picks.get(clash.name, clash.default)
    taken: dict[str, Any] = {}
    for choice in clash.choices:
        names = [fact.name for fact in choice.facts]
        side = side_of(choice, picks) if whole == EACH else whole if whole in SIDES else clash.default
        if whole != EACH and fills(clash.part, names, clash.of(side)):
            side = other(side)
        if side == gone:
            taken |= {name: clash.of(gone)[name] for name in names}
    if taken and clash.part.combine is not None:
        taken |= clash.part.combine(clash.of(stays), clash.of(gone), frozenset(taken))
    return taken


def _write(session: Session, model: Any, changes: list[tuple[int, dict[str, Any]]]) -> None:
    audit.update_many(session, model, [(row_id, {}, after) for row_id, after in changes if after])


def _point(session: Session, shown: Preview, table: str, follow: Mapping[int, int]) -> None:
    """Rows of the record that name a row which has given way name the one that stays."""
    if not follow:
        return
    models = {moving.part.model: moving.part for moving in shown.parts}
    for model, name, target in references():
        if target != table or model not in models:
            continue
        columns = columns_of(model)
        own = columns[models[model].column]
        rows = session.execute(
            sa.select(columns["id"], columns[name]).where(
                columns[name].in_(list(follow)), own.in_([shown.kept.id, shown.gone.id])
            )
        ).all()
        _write(session, model, [(row_id, {name: follow[to]}) for row_id, to in rows if follow[to] != row_id])


__all__ = ["merge", "side_of", "taken_of"]
