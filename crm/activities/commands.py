"""Commands of follow-up: verify the stored files, scan those that wait."""

from __future__ import annotations

import argparse
import hashlib
from typing import Any

from sqlalchemy.orm import Session

from crm.activities.actions import scanning
from crm.activities.queries import files as reads
from crm.activities.rules.words import Scan
from crm.core.cli import Command, Context
from crm.core.clock import now
from crm.core.db import db, intent
from crm.core.files import CHUNK, FileStore, Gone, is_old, store
from crm.core.i18n import say
from crm.core.transaction import commit, let_go
from crm.core.words import N_, Refused


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tidy", action="store_true", help="删除一天前留下的多余内容 / delete left-overs older than a day"
    )


def run_verify(arguments: argparse.Namespace, context: Context) -> int:
    """Compare what is registered with what is stored: missing, changed, orphaned, unfinished. 1 when anything that is
    registered cannot be handed out as it was."""
    context.actor.require("job:manage")
    kept, session = store(), db.session()
    with intent("read"):
        session.rollback()
        found = _compare(session, kept)
        session.rollback()
    if arguments.tidy:
        found["deleted"] = _tidy(session, kept, found)
    if context.as_json:
        context.emit(found)
    else:
        _report(found, context)
    return 1 if found["missing"] or found["changed"] else 0


def _compare(session: Session, kept: FileStore) -> dict[str, Any]:
    found: dict[str, Any] = {
        "files": 0, "bytes": 0, "missing": [], "changed": [], "orphaned": [], "unfinished": [],
    }  # fmt: skip
    stored = dict(kept.iterate())  # before the rows: what is uploaded meanwhile is no orphan
    known = set()
    for file_id, sha256, size in reads.contents(session):
        known.add(sha256)
        found["files"] += 1
        found["bytes"] += size
        state = _look(kept, sha256, size)
        if state:
            found[state].append({"sha256": sha256, "on": reads.places(session, file_id)})
    found["orphaned"] = [key for key in stored if key not in known]
    found["unfinished"] = [name for name, at in kept.unfinished() if is_old(at, hours=1)]
    return found


def _look(kept: FileStore, sha256: str, size: int) -> str | None:
    hashed, read = hashlib.sha256(), 0
    try:
        with kept.open(sha256) as content:
            while chunk := content.read(CHUNK):
                hashed.update(chunk)
                read += len(chunk)
    except Gone:
        return "missing"
    except OSError:
        return "changed"
    return None if (read, hashed.hexdigest()) == (size, sha256) else "changed"


def _tidy(session: Session, kept: FileStore, found: dict[str, Any]) -> int:
    """Delete left-overs that nobody can be about to attach: a second look at the rows, and a day of age."""
    ages = dict(kept.iterate())
    known = {sha256 for _id, sha256, _size in reads.contents(session)}
    orphans = [key for key in found["orphaned"] if key not in known and is_old(ages.get(key, 0.0))]
    for key in orphans:
        kept.delete(key)
    parts = [name for name, at in kept.unfinished() if is_old(at)]
    for name in parts:
        kept.clear(name)
    return len(orphans) + len(parts)


def _report(found: dict[str, Any], context: Context) -> None:
    lines = (
        ("missing", N_("内容缺失：%(key)s（%(where)s）")),
        ("changed", N_("内容被改动或损坏：%(key)s（%(where)s）")),
    )
    for state, text in lines:
        for each in found[state]:
            where = "; ".join(f"{kind} {row_id} {name}" for kind, row_id, name in each["on"]) or "-"
            context.say(say(text, key=each["sha256"], where=where))
    for key in found["orphaned"]:
        context.say(say(N_("没有记录指向的内容：%(key)s"), key=key))
    for name in found["unfinished"]:
        context.say(say(N_("没有写完的内容：%(key)s"), key=name))
    context.say(
        say(
            N_("登记 %(files)s 份内容，共 %(bytes)s 字节：缺失 %(missing)s，改动 %(changed)s，多余 %(orphaned)s，没写完 %(unfinished)s。"),
            **{key: value if isinstance(value, int) else len(value) for key, value in found.items()},
        )
    )  # fmt: skip


def run_scan(arguments: argparse.Namespace, context: Context) -> int:
    """Scan every content that waits, one after the other. 1 when the scanner gave no verdict on some."""
    context.actor.require("job:manage")
    kept, session = store(), db.session()
    counts = {Scan.CLEAN.value: 0, Scan.REFUSED.value: 0, Scan.WAITING.value: 0}
    for file_id in reads.waiting(session):
        key = reads.content_of(session, file_id).sha256
        let_go()  # the scanner may take its time
        verdict = Scan.WAITING
        try:
            with kept.on_disk(key) as path:
                verdict = scanning.SCANNER[0](path) if scanning.SCANNER else Scan.CLEAN
        except Refused as refusal:
            context.say(f"{key}: {say(refusal)}")
        counts[verdict.value] += 1
        if verdict is not Scan.WAITING:
            stored = reads.content_of(session, file_id)
            scanning.settle(session, stored, verdict, actor=context.actor, at=now())
            commit(session)
    if context.as_json:
        context.emit(counts)
    else:
        context.say("，".join(f"{say(state.label)} {counts[state.value]}" for state in Scan))
    return 1 if counts[Scan.WAITING.value] else 0


COMMANDS = [
    Command(
        ("files", "verify"),
        "核对附件：缺失、改动、多余的内容 / find missing, changed and orphaned files",
        run_verify,
        _verify_arguments,
    ),
    Command(("files", "scan"), "检查仍在等待的附件 / scan the files that wait", run_scan),
]
