"""Is the audit chain whole? Walks it once, in constant memory, and names the first link that is not as written.

What the chain itself cannot know, that its end was cut off together with the head, anchors tell: links written down
elsewhere (a file in `CRM_DATA`, the log, a sheet of paper).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import GENESIS, AuditChange, AuditEnvelope, AuditHead, change_bytes, envelope_hash
from crm.core.words import N_, Message, Refused, Word

CHUNK = 500


class Fault(Word):
    """What is wrong with the first broken link."""

    ENVELOPE_ALTERED = "envelope-altered", N_("信封内容与它的哈希不符：被改过")
    PREVIOUS_MISMATCH = "previous-mismatch", N_("前一环的哈希对不上：前一环被换过或顺序被调过")
    MISSING = "missing", N_("缺少这一环：被删除")
    ADDED = "added", N_("多出的一环：不在链上")
    CHANGE_ALTERED = "change-altered", N_("变更行的内容与摘要不符：被改过")
    CHANGE_REMOVED = "change-removed", N_("变更行少了：被删除")
    CHANGE_ADDED = "change-added", N_("变更行多了：被添加")
    CHANGE_ORPHANED = "change-orphaned", N_("有变更行没有信封")
    TRUNCATED = "truncated", N_("链尾被截断：链头记着更后的一环")
    HEAD_ALTERED = "head-altered", N_("链头与最后一环不符")
    HEAD_MISSING = "head-missing", N_("链头那一行没有了")
    ANCHOR_MISMATCH = "anchor-mismatch", N_("与另存的锚点不符：这一环被重写过")
    ANCHOR_BEYOND = "anchor-beyond", N_("另存的锚点在链尾之后：链被截断")


@dataclass(frozen=True, slots=True)
class Break:
    """The first link that is not as written: its number, what is wrong, and a detail for the log."""

    seq: int
    fault: Fault
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link written down elsewhere."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass
class Report:
    """What was walked, and the first break, if any. `last` is the chain's end: keep it elsewhere."""

    links: int = 0
    changes: int = 0
    last: Anchor = field(default_factory=lambda: Anchor(0, GENESIS))
    anchors: int = 0
    broken: Break | None = None

    @property
    def is_whole(self) -> bool:
        return self.broken is None

    @property
    def message(self) -> Message:
        if self.broken is None:
            return Message(
                N_("审计链完整：%(links)s 环，%(changes)s 行变更。末环 %(last)s"),
                {"links": self.links, "changes": self.changes, "last": str(self.last)},
            )
        return Message(
            N_("审计链断在第 %(seq)s 环：%(fault)s"), {"seq": self.broken.seq, "fault": self.broken.fault}
        )


def parse_anchor(text: str) -> Anchor:
    """``SEQ:HASH``. Raises `Refused`."""
    match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip().lower())
    if match is None:
        raise Refused(N_("锚点应写成「序号：64 位哈希」，就像上次校验打印的那样。"), field="anchor")
    return Anchor(int(match[1]), match[2])


def verify(session: Session, anchors: Iterable[Anchor] = ()) -> Report:
    """Walk the whole chain within one snapshot. Call it on a session that has not begun a transaction yet."""
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    report = Report()
    wanted: dict[int, list[str]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.seq, []).append(anchor.hash)
        report.anchors += 1
    report.broken = _walk(session, report, wanted) or _strays(session)
    return report


def _walk(session: Session, report: Report, wanted: dict[int, list[str]]) -> Break | None:
    head = session.execute(sa.select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)).one_or_none()
    if head is None:
        return Break(0, Fault.HEAD_MISSING)
    if not isinstance(head.seq, int):
        return Break(0, Fault.HEAD_ALTERED)
    size = CHUNK
    while True:
        part: list[dict[str, Any]] = []
        try:
            part = _envelopes(session, report.last.seq, size)
            digests = _digests(session, [row["operation"] for row in part])
        except (ValueError, TypeError, LookupError) as error:  # a value no longer of its column's type
            if size > 1:
                size = 1  # go on one by one, to name it
                continue
            return Break(
                report.last.seq + 1, Fault.CHANGE_ALTERED if part else Fault.ENVELOPE_ALTERED, str(error)
            )
        for row in part:
            if broken := _link(row, report.last, head, digests, wanted.pop(row["seq"], [])):
                return broken
            report.last = Anchor(row["seq"], row["hash"])
            report.links += 1
            report.changes += row["changes_count"]
        if not part:
            break
    if report.last.seq < head.seq:
        return Break(report.last.seq + 1, Fault.TRUNCATED, f"head is at {head.seq}")
    if report.last.hash != head.hash:
        return Break(report.last.seq, Fault.HEAD_ALTERED)
    for seq, hashes in sorted(wanted.items()):
        if seq == 0 and set(hashes) == {GENESIS}:
            continue
        return Break(seq, Fault.ANCHOR_BEYOND, hashes[0])
    return None


def _link(
    row: dict[str, Any], last: Anchor, head: Any, digests: dict[str, tuple[int, str]], anchored: list[str]
) -> Break | None:
    seq = row["seq"]
    if seq != last.seq + 1:  # ordered by seq and unique: only a gap is possible, or a number below the first
        return Break(last.seq + 1, Fault.MISSING) if seq > last.seq else Break(seq, Fault.ADDED)
    if seq > head.seq:
        return Break(seq, Fault.ADDED, f"head is at {head.seq}")
    if envelope_hash(row) != row["hash"]:
        return Break(seq, Fault.ENVELOPE_ALTERED)
    if row["previous"] != last.hash:
        return Break(seq, Fault.PREVIOUS_MISMATCH)
    count, digest = digests.get(row["operation"], (0, hashlib.sha256().hexdigest()))
    if count < row["changes_count"]:
        return Break(seq, Fault.CHANGE_REMOVED, f"{count} of {row['changes_count']}")
    if count > row["changes_count"]:
        return Break(seq, Fault.CHANGE_ADDED, f"{count} instead of {row['changes_count']}")
    if digest != row["changes_digest"]:
        return Break(seq, Fault.CHANGE_ALTERED)
    if any(value != row["hash"] for value in anchored):
        return Break(seq, Fault.ANCHOR_MISMATCH)
    return None


def _envelopes(session: Session, after: int, size: int) -> list[dict[str, Any]]:
    table = cast(sa.Table, AuditEnvelope.__table__)
    # the very first step also looks below 1: a link put there would be outside the chain
    floor = sa.true() if after == 0 else table.c.seq > after
    return [
        dict(row)
        for row in session.execute(sa.select(table).where(floor).order_by(table.c.seq).limit(size)).mappings()
    ]


def _digests(session: Session, operations: list[str]) -> dict[str, tuple[int, str]]:
    """Count and digest of the change rows of each operation, streamed in the order they were written."""
    table = cast(sa.Table, AuditChange.__table__)
    statement = (
        sa.select(
            table.c.operation,
            table.c.n,
            table.c.kind,
            table.c.row_id,
            table.c.verb,
            table.c.before,
            table.c.after,
        )
        .where(table.c.operation.in_(operations))
        .order_by(table.c.operation, table.c.n)
        .execution_options(yield_per=2000)
    )
    running: dict[str, tuple[int, Any]] = {}
    for operation, *change in session.execute(statement):
        count, digest = running.get(operation) or (0, hashlib.sha256())
        digest.update(change_bytes(*change))
        running[operation] = (count + 1, digest)
    return {operation: (count, digest.hexdigest()) for operation, (count, digest) in running.items()}


def _strays(session: Session) -> Break | None:
    """Change rows that belong to no envelope."""
    known = sa.exists().where(AuditEnvelope.operation == AuditChange.operation)
    row = session.execute(
        sa.select(AuditChange.id, AuditChange.kind, AuditChange.row_id)
        .where(~known)
        .order_by(AuditChange.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Break(
        _seq_beside(session, row.id), Fault.CHANGE_ORPHANED, f"change {row.id}: {row.kind} {row.row_id}"
    )


def _seq_beside(session: Session, change_id: int) -> int:
    """The link whose change rows come right before a stray one; 0 when there is none."""
    found = session.execute(
        sa.select(AuditEnvelope.seq)
        .join(AuditChange, AuditChange.operation == AuditEnvelope.operation)
        .where(AuditChange.id < change_id)
        .order_by(AuditChange.id.desc())
        .limit(1)
    ).scalar()
    return int(found or 0)


# ── anchors kept elsewhere ────────────────────────────────────────────────────────────────────────────────────


def anchor_file(data: Path, url: str) -> Path:
    """The file of anchors in the data folder, one a database."""
    if url.startswith("sqlite"):
        return data / "audit-anchors.log"
    parts = sa.make_url(url)
    name = hashlib.sha256(f"{parts.host}:{parts.port}/{parts.database}".encode()).hexdigest()[:8]
    return data / f"audit-anchors-{name}.log"


def read_anchors(path: Path) -> Iterator[Anchor]:
    """The anchors of a file, lines ``MOMENT SEQ:HASH``. A line that cannot be read is an anchor nobody can meet."""
    if not path.exists():
        return
    with path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if words:
                try:
                    yield parse_anchor(words[-1])
                except Refused:
                    yield Anchor(0, "unreadable line")


def keep_anchor(session: Session, path: Path, moment: str) -> Anchor | None:
    """Append the chain's end to the file of anchors when it has moved since. Returns it, None when nothing is new."""
    row = session.execute(sa.select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)).one_or_none()
    if row is None or row.seq == 0:
        return None
    anchor = Anchor(row.seq, row.hash)
    if deque(read_anchors(path), maxlen=1) == deque([anchor]):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.write(f"{moment} {anchor}\n")
        file.flush()
        os.fsync(file.fileno())
    return anchor
