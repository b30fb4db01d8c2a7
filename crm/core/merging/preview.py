"""What a merge would do, before it is done: facts to choose, rows that move, and where both sides have the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import records
from crm.core.audit import AuditChange, AuditEnvelope, AuditHead
from crm.core.audit.journal import columns_of
from crm.core.merging.declaring import Merging, rules_of
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind
from crm.core.words import N_, Conflict, Refused

LEFT, RIGHT = "left", "right"
SIDES = (LEFT, RIGHT)
EACH, BOTH = "each", "both"
Row = dict[str, Any]


def other(side: str) -> str:
    return RIGHT if side == LEFT else LEFT


@dataclass(frozen=True, slots=True)
class Choice:
    """Facts that differ: what each side has, and which is taken unless a person says otherwise. `name` is its key in
    the form; `facts` go together."""

    name: str
    facts: tuple[Fact, ...]
    left: tuple[Any, ...]
    right: tuple[Any, ...]
    default: str

    def of(self, side: str) -> tuple[Any, ...]:
        return self.left if side == LEFT else self.right


@dataclass(frozen=True, slots=True)
class Clash:
    """Both sides have a row of the same key. `choices` are its facts that differ, under names of their own."""

    name: str
    part: Part
    left: Row
    right: Row
    choices: tuple[Choice, ...]
    default: str

    def of(self, side: str) -> Row:
        return self.left if side == LEFT else self.right


@dataclass(slots=True)
class Moving:
    """What becomes of one relation: how many rows of the other move, which clash, how many stay where they are."""

    part: Part
    rows: dict[str, list[Row]]
    clashes: list[Clash] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    cleared: list[Row] = field(default_factory=list)  # rows that lose the flag only one may have

    @property
    def total(self) -> int:
        return len(self.rows[LEFT]) + len(self.rows[RIGHT])


@dataclass(slots=True)
class Preview:
    """Two records of a kind side by side. `stays` is the side that goes on; `mark` tells this state from any later
    one, `since` is the end of the audit when it was read."""

    kind: RecordKind
    rules: Merging
    left: Any
    right: Any
    stays: str
    facts: list[Choice]
    parts: list[Moving]
    mark: str
    since: int

    def of(self, side: str) -> Any:
        return self.left if side == LEFT else self.right

    @property
    def kept(self) -> Any:
        return self.of(self.stays)

    @property
    def gone(self) -> Any:
        return self.of(other(self.stays))

    @property
    def has_two_identities(self) -> bool:
        """Both have an identity of their own (two credit codes): by rights two things."""
        name = self.rules.identity
        if not name:
            return False
        values = [getattr(row, name) for row in (self.left, self.right)]
        return all(values) and values[0] != values[1]


def preview(
    session: Session, kind: RecordKind, left_id: int, right_id: int, *, viewer: Actor, stays: str
) -> Preview:
    """What merging the two would do. The viewer must see and may change both. Raises `Missing`, `Forbidden`,
    `Conflict` when one has been merged, `Refused` when they cannot merge."""
    rules = rules_of(kind)
    viewer.require(rules.needs)
    left = records.editable(session, kind, left_id, actor=viewer)
    right = records.editable(session, kind, right_id, actor=viewer)
    if left_id == right_id:
        raise Refused(N_("请选两条不同的记录。"))
    for row in (left, right):
        if row.merged_into_id is not None:
            raise Conflict(
                N_("「%(name)s」已经并入另一条记录，不能再合并。"), name=records.name_of(kind, row)
            )
    kept = left if stays == LEFT else right
    if kept.archived_on is not None:
        raise Refused(
            N_("「%(name)s」已经归档，不能作为留下的一条。请先恢复它，或留下另一条。"),
            name=records.name_of(kind, kept),
        )
    since = session.execute(sa.select(AuditHead.seq).where(AuditHead.id == 1)).scalar() or 0
    rows = {part: _rows(session, part, left_id, right_id) for part in rules.parts}
    facts = _facts(kind, rules, left, right, stays, rows)
    parts = [_moving(part, rows[part], stays) for part in rules.parts]
    return Preview(kind, rules, left, right, stays, facts, parts, _mark(left, right, rows), since)


def default_side(kind: RecordKind, left: Any, right: Any) -> str:
    """Which of the two goes on unless a person says otherwise: the one not archived, with an identity, the older."""
    name = rules_of(kind).identity

    def rank(row: Any) -> tuple[bool, bool, int]:
        return row.archived_on is not None, not (name and getattr(row, name)), row.id

    return LEFT if rank(left) <= rank(right) else RIGHT


def _rows(session: Session, part: Part, left_id: int, right_id: int) -> dict[str, list[Row]]:
    columns = columns_of(part.model)
    statement = sa.select(*(column.label(f"c_{name}") for name, column in columns.items()))
    found: dict[str, list[Row]] = {LEFT: [], RIGHT: []}
    for values in session.execute(
        statement.where(part.holds([left_id, right_id])).order_by(
            *(columns[name] for name in part.key), columns["id"]
        )
    ):
        row = dict(zip(columns, values, strict=True))
        found[LEFT if row[part.column] == left_id else RIGHT].append(row)
    return found


def _mark(left: Any, right: Any, rows: Mapping[Part, Mapping[str, Sequence[Row]]]) -> str:
    state = [("", left.id, left.version), ("", right.id, right.version)]
    for part, sides in rows.items():
        state += [
            (part.model.__tablename__, row["id"], row.get("version", 0))
            for side in SIDES
            for row in sides[side]
        ]
    return hashlib.sha256(repr(sorted(state)).encode()).hexdigest()[:32]


def _facts(
    kind: RecordKind,
    rules: Merging,
    left: Any,
    right: Any,
    stays: str,
    rows: Mapping[Part, Mapping[str, Sequence[Row]]],
) -> list[Choice]:
    choices = []
    done: set[str] = set(rules.fixed)
    for fact in kind.facts:
        if fact.name in done:
            continue
        names = next((group for group in rules.together if fact.name in group), (fact.name,))
        done.update(names)
        here, there = (tuple(getattr(row, name) for name in names) for row in (left, right))
        following = [sides for part, sides in rows.items() if part.follows in names]
        has = {side: any(sides[side] for sides in following) for side in SIDES}
        if here == there and not all(has.values()):
            continue
        if names == (rules.identity,) and not (here[0] and there[0]):
            continue  # the one there is stays: nothing to choose
        values = {LEFT: here, RIGHT: there}
        default = _default(rules, names, values, stays, has)
        found = tuple(item for name in names if (item := kind.fact(name)) is not None)
        choices.append(Choice(f"fact-{names[0]}", found, here, there, default))
    return choices


def _default(
    rules: Merging,
    names: tuple[str, ...],
    values: Mapping[str, tuple[Any, ...]],
    stays: str,
    has: Mapping[str, bool],
) -> str:
    """The side that stays, where it says anything; of two first days the earlier."""
    gone = other(stays)
    if names[0] in rules.earliest:
        days = {side: values[side][0] for side in SIDES if values[side][0] is not None}
        return min(days, key=lambda side: (days[side], side != stays)) if days else stays
    if has[stays] or not (has[gone] or any(value is not None for value in values[gone])):
        return stays
    own = [
        value
        for name, value in zip(names, values[stays], strict=True)
        if value is not None and value != rules.blanks.get(name)
    ]
    return stays if own else gone


def _moving(part: Part, rows: dict[str, list[Row]], stays: str) -> Moving:
    gone = other(stays)
    moving = Moving(part, rows)
    if part.whole:
        standing = {side: [row for row in rows[side] if key_of(part, row) is not None] for side in SIDES}
        moving.clashes = [
            _clash(part, one, two, stays)
            for one, two in zip(standing[stays], standing[gone], strict=False)
            if key_of(part, one) == key_of(part, two)
        ]
        moving.moves = rows[gone] if side_going_on(moving, stays) == gone else []
        return moving
    by_key: dict[Any, list[Row]] = {}
    for row in rows[stays]:
        if (key := key_of(part, row)) is not None:
            by_key.setdefault(key, []).append(row)
    clashing: set[int] = set()
    for row in rows[gone]:
        same = _same(part, by_key.get(key_of(part, row), []), row)
        if same is not None:
            clashing.add(row["id"])
            moving.clashes.append(_clash(part, same, row, stays))
    moving.moves = [row for row in rows[gone] if row["id"] not in clashing or part.settle is not None]
    if part.single and any(row[part.single] for row in rows[stays]):
        moving.cleared = [row for row in moving.moves if row[part.single]]
    return moving


def _same(part: Part, found: list[Row], row: Row) -> Row | None:
    """The row of the other side this one stands against, which then stands against no other: rather one it is the
    same thing as."""
    if part.either is not None:
        found.sort(key=lambda each: part.either is None or part.either(each, row) is None)
    return found.pop(0) if found else None


def side_going_on(moving: Moving, stays: str) -> str:
    """Whose rows of one history go on where nobody chooses: those that stand, else those of the record that stays."""
    gone = other(stays)
    for found in (lambda row: key_of(moving.part, row) is not None, bool):
        for side in (stays, gone):
            if any(found(row) for row in moving.rows[side]):
                return side
    return stays


def key_of(part: Part, row: Row) -> tuple[Any, ...] | None:
    """What is unique of a row; None when nothing is."""
    if not part.key or (part.counts is not None and not part.counts(row)):
        return None
    key = tuple(row[name] for name in part.key)
    return None if any(value is None for value in key) else key


def _clash(part: Part, kept: Row, gone: Row, stays: str) -> Clash:
    left, right = (kept, gone) if stays == LEFT else (gone, kept)
    name = f"{part.model.__tablename__}-{left['id']}-{right['id']}"
    choices = []
    done: set[str] = set()
    for fact in () if part.whole or part.either is not None else part.facts:
        if fact.name in done:
            continue
        names = next((group for group in part.together if fact.name in group), (fact.name,))
        done.update(names)
        one, two = (tuple(row[each] for each in names) for row in (left, right))
        if one != two:
            side = fills(part, names, kept)
            facts = tuple(item for item in part.facts if item.name in names)
            choices.append(Choice(f"{name}-{fact.name}", facts, one, two, other(stays) if side else stays))
    default = stays
    if part.either is not None:
        going = part.either(kept, gone)
        default = BOTH if going is None else stays if going is kept else other(stays)
    return Clash(name, part, left, right, tuple(choices), default)


def fills(part: Part, names: Sequence[str], row: Row) -> bool:
    """Whether a row says nothing here, so that the other's value fills the gap."""
    return names[0] not in part.plain and all(row[name] is None for name in names)


@dataclass(frozen=True, slots=True)
class Since:
    """An operation on one of the two since the preview was read."""

    at: Any
    who: str
    action: str


def changed_since(session: Session, shown: Preview, since: int) -> list[Since]:
    """What was done to the two records and their parts after this end of the audit, newest first, at most 20."""
    ids = [shown.left.id, shown.right.id]
    clauses = [sa.and_(AuditChange.kind == shown.kind.table, AuditChange.row_id.in_(ids))]
    for moving in shown.parts:
        rows = [row["id"] for side in SIDES for row in moving.rows[side]]
        if rows:
            clauses.append(
                sa.and_(AuditChange.kind == moving.part.model.__tablename__, AuditChange.row_id.in_(rows))
            )
    touched = sa.select(AuditChange.operation).where(sa.or_(*clauses))
    about = sa.and_(AuditEnvelope.subject_kind == shown.kind.code, AuditEnvelope.subject_id.in_(ids))
    found = session.execute(
        sa.select(AuditEnvelope.at, AuditEnvelope.actor_name, AuditEnvelope.action)
        .where(AuditEnvelope.seq > since, sa.or_(about, AuditEnvelope.operation.in_(touched)))
        .order_by(AuditEnvelope.seq.desc())
        .limit(20)
    )
    return [Since(*row) for row in found]
