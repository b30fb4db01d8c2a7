"""Somebody with the database in hand changes the log: the check names the first link that is not as written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.core import audit, audit_verify, transaction
from crm.core.audit import AuditEnvelope, AuditHead, envelope_hash
from crm.core.audit_verify import Anchor, Fault, Report, verify
from crm.core.permissions import Actor
from crm.core.words import Refused
from crm.firms.models import Firm

ME = Actor(user_id=None, name="测试员")


@pytest.fixture
def chain(session: Session) -> Iterator[Session]:
    """Six links more, each with two change rows; the fourth from the end is called `mid`."""
    for n in range(6):
        audit.begin(session, actor=ME, action="test.link", n=n)
        audit.insert_many(
            session, Firm, [{"name": f"甲{n}{k}", "name_key": f"k{n}{k}", "name_sort": "s"} for k in range(2)]
        )
        transaction.commit(session)
    yield session


def check(session: Session, *anchors: Anchor) -> Report:
    session.rollback()
    session.expunge_all()
    report = verify(session, anchors)
    session.rollback()
    return report


def broken(session: Session, *anchors: Anchor) -> tuple[int, Fault]:
    report = check(session, *anchors)
    assert report.broken is not None, "nothing was found"
    return report.broken.seq, report.broken.fault


def tamper(session: Session, *statements: str, **values: Any) -> None:
    connection = session.connection()
    for statement in statements:
        connection.execute(sa.text(statement), values)
    session.commit()


def end(session: Session) -> int:
    return int(session.scalar(sa.select(AuditHead.seq)) or 0)


def operation_of(session: Session, seq: int) -> str:
    return str(session.scalar(sa.select(AuditEnvelope.operation).where(AuditEnvelope.seq == seq)))


def test_an_untouched_chain_is_whole(chain: Session) -> None:
    report = check(chain)
    assert report.is_whole
    assert report.links == end(chain)
    assert report.changes == chain.scalar(sa.select(sa.func.count()).select_from(audit.AuditChange))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_envelopes SET actor_name = '别人' WHERE seq = :seq",
        "UPDATE audit_envelopes SET at = '2020-01-01 00:00:00.000000' WHERE seq = :seq",
        "UPDATE audit_envelopes SET is_success = NOT is_success WHERE seq = :seq",
        "UPDATE audit_envelopes SET params = '{\"n\": 9}' WHERE seq = :seq",
        "UPDATE audit_envelopes SET address = '10.1.1.1' WHERE seq = :seq",
        "UPDATE audit_envelopes SET changes_count = 3 WHERE seq = :seq",
        "UPDATE audit_envelopes SET operation = 'x' WHERE seq = :seq",
    ],
)
def test_an_altered_envelope_is_named(chain: Session, sql: str) -> None:
    seq = end(chain) - 3
    tamper(chain, sql, seq=seq)
    assert broken(chain) == (seq, Fault.ENVELOPE_ALTERED)


def test_an_altered_envelope_whose_hash_was_made_anew_is_named_by_the_next(chain: Session) -> None:
    seq = end(chain) - 3
    row = dict(
        chain.execute(sa.select(AuditEnvelope.__table__).where(AuditEnvelope.seq == seq)).mappings().one()
    )
    row["actor_name"] = "别人"
    tamper(
        chain,
        "UPDATE audit_envelopes SET actor_name = '别人', hash = :hash WHERE seq = :seq",
        seq=seq,
        hash=envelope_hash(row),
    )
    assert broken(chain) == (seq + 1, Fault.PREVIOUS_MISMATCH)


def test_a_removed_link_is_named(chain: Session) -> None:
    seq = end(chain) - 3
    tamper(
        chain,
        "DELETE FROM audit_changes WHERE operation = :op",
        "DELETE FROM audit_envelopes WHERE seq = :seq",
        seq=seq,
        op=operation_of(chain, seq),
    )
    assert broken(chain) == (seq, Fault.MISSING)


def test_the_first_link_removed_is_named(chain: Session) -> None:
    tamper(
        chain,
        "DELETE FROM audit_changes WHERE operation = :op",
        "DELETE FROM audit_envelopes WHERE seq = 1",
        op=operation_of(chain, 1),
    )
    assert broken(chain) == (1, Fault.MISSING)


def test_reordered_links_are_named(chain: Session) -> None:
    seq = end(chain) - 3
    tamper(
        chain,
        "UPDATE audit_envelopes SET seq = -1 WHERE seq = :seq",
        "UPDATE audit_envelopes SET seq = :seq WHERE seq = :seq + 1",
        "UPDATE audit_envelopes SET seq = :seq + 1 WHERE seq = -1",
        seq=seq,
    )
    assert broken(chain) == (seq, Fault.ENVELOPE_ALTERED)


@pytest.mark.parametrize("where", [0, 1])
def test_an_added_link_is_named(chain: Session, where: int) -> None:
    last = end(chain)
    row = dict(
        chain.execute(sa.select(AuditEnvelope.__table__).where(AuditEnvelope.seq == last)).mappings().one()
    )
    row |= {
        "seq": last + 1 if where else 0,
        "operation": "f" * 32,
        "previous": row["hash"],
        "changes_count": 0,
        "changes_digest": hashlib.sha256().hexdigest(),
    }
    row["hash"] = envelope_hash(row)
    chain.connection().execute(sa.insert(AuditEnvelope.__table__), [row])
    chain.commit()
    assert broken(chain) == (row["seq"], Fault.ADDED)


def test_a_truncated_chain_is_named_by_the_head(chain: Session) -> None:
    last = end(chain)
    tamper(
        chain,
        "DELETE FROM audit_changes WHERE operation = :op",
        "DELETE FROM audit_envelopes WHERE seq = :seq",
        seq=last,
        op=operation_of(chain, last),
    )
    assert broken(chain) == (last, Fault.TRUNCATED)


def test_a_chain_truncated_together_with_its_head_is_named_by_an_anchor(chain: Session) -> None:
    last = end(chain)
    anchor = check(chain).last
    assert anchor.seq == last
    tamper(
        chain,
        "DELETE FROM audit_changes WHERE operation = :op",
        "DELETE FROM audit_envelopes WHERE seq = :seq",
        "UPDATE audit_head SET seq = :seq - 1, hash = (SELECT hash FROM audit_envelopes WHERE seq = :seq - 1)",
        seq=last,
        op=operation_of(chain, last),
    )
    assert check(chain).is_whole  # the chain alone cannot know
    assert broken(chain, anchor) == (last, Fault.ANCHOR_BEYOND)


def test_a_chain_written_anew_is_named_by_an_anchor(chain: Session) -> None:
    anchor = check(chain).last
    seq, previous = anchor.seq - 2, ""
    for row in (
        chain.execute(
            sa.select(AuditEnvelope.__table__).where(AuditEnvelope.seq >= seq).order_by(AuditEnvelope.seq)
        )
        .mappings()
        .all()
    ):
        new = dict(row)
        if previous:
            new["previous"] = previous
        else:
            new["actor_name"] = "别人"
        new["hash"] = previous = envelope_hash(new)
        chain.connection().execute(
            sa.update(AuditEnvelope.__table__).where(AuditEnvelope.seq == new["seq"]).values(new)
        )
    tamper(chain, "UPDATE audit_head SET hash = :hash", hash=previous)
    assert check(chain).is_whole
    assert broken(chain, anchor) == (anchor.seq, Fault.ANCHOR_MISMATCH)


def test_an_altered_change_row_is_named(chain: Session) -> None:
    seq = end(chain) - 3
    operation = operation_of(chain, seq)
    after = chain.scalar(
        sa.text("SELECT after FROM audit_changes WHERE operation = :op AND n = 1"), {"op": operation}
    )
    values = {**(after if isinstance(after, dict) else json.loads(after)), "name": "乙"}
    tamper(
        chain,
        "UPDATE audit_changes SET after = :after WHERE operation = :op AND n = 1",
        op=operation,
        after=json.dumps(values),
    )
    assert broken(chain) == (seq, Fault.CHANGE_ALTERED)


def test_change_rows_in_another_order_are_named(chain: Session) -> None:
    seq = end(chain) - 3
    tamper(
        chain, "UPDATE audit_changes SET n = 9 WHERE operation = :op AND n = 0", op=operation_of(chain, seq)
    )
    assert broken(chain) == (seq, Fault.CHANGE_ALTERED)


def test_a_removed_change_row_is_named(chain: Session) -> None:
    seq = end(chain) - 3
    tamper(chain, "DELETE FROM audit_changes WHERE operation = :op AND n = 1", op=operation_of(chain, seq))
    assert broken(chain) == (seq, Fault.CHANGE_REMOVED)


COPY = (
    "INSERT INTO audit_changes (operation, n, kind, row_id, verb, before, after) "
    "SELECT :new, 7, kind, row_id, verb, before, after FROM audit_changes WHERE operation = :op AND n = 0"
)


def test_an_added_change_row_is_named(chain: Session) -> None:
    seq = end(chain) - 3
    operation = operation_of(chain, seq)
    tamper(chain, COPY, op=operation, new=operation)
    assert broken(chain) == (seq, Fault.CHANGE_ADDED)


def test_a_change_row_without_an_envelope_is_named(chain: Session) -> None:
    tamper(chain, COPY, op=operation_of(chain, end(chain)), new="e" * 32)
    assert broken(chain) == (end(chain), Fault.CHANGE_ORPHANED)


def test_a_head_moved_or_removed_is_named(chain: Session) -> None:
    last = end(chain)
    tamper(chain, "UPDATE audit_head SET hash = :hash", hash="1" * 64)
    assert broken(chain) == (last, Fault.HEAD_ALTERED)
    tamper(chain, "DELETE FROM audit_head")
    assert broken(chain) == (0, Fault.HEAD_MISSING)


def test_a_value_that_cannot_even_be_read_is_named(chain: Session) -> None:
    if chain.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL would not take it
    seq = end(chain) - 3
    tamper(chain, "UPDATE audit_envelopes SET params = '{oops' WHERE seq = :seq", seq=seq)
    assert broken(chain) == (seq, Fault.ENVELOPE_ALTERED)
    tamper(
        chain,
        "UPDATE audit_envelopes SET params = '{}' WHERE seq = :seq",
        "UPDATE audit_changes SET after = '{oops' WHERE operation = :op",
        seq=seq,
        op=operation_of(chain, seq - 1),
    )
    assert broken(chain) == (seq - 1, Fault.CHANGE_ALTERED)


def test_long_chains_are_walked_in_parts(chain: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_verify, "CHUNK", 2)
    assert check(chain).links == end(chain)
    seq = end(chain) - 3
    tamper(chain, "DELETE FROM audit_changes WHERE operation = :op AND n = 1", op=operation_of(chain, seq))
    assert broken(chain) == (seq, Fault.CHANGE_REMOVED)


def test_anchors_are_kept_once_and_read_again(chain: Session, tmp_path: Path) -> None:
    path = tmp_path / "audit-anchors.log"
    kept = audit_verify.keep_anchor(chain, path, "2026-11-23T00:00:00+00:00")
    assert kept is not None and kept.seq == end(chain)
    assert audit_verify.keep_anchor(chain, path, "2026-11-23T01:00:00+00:00") is None
    assert list(audit_verify.read_anchors(path)) == [kept]
    assert check(chain, *audit_verify.read_anchors(path)).is_whole
    path.write_text("2026 rubbish\n", encoding="ascii")
    assert not check(chain, *audit_verify.read_anchors(path)).is_whole


def test_an_anchor_that_is_none_is_refused() -> None:
    for text in ("", "12", "12:zz", "-1:" + "0" * 64):
        with pytest.raises(Refused):
            audit_verify.parse_anchor(text)


def test_the_command_says_where_and_fails(
    app: Flask, chain: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    from crm.core import cli
    from crm.core.permissions import system
    from crm.ops.commands import COMMANDS

    parser = cli.parser_of(COMMANDS)
    out, err = cli.streams()
    with app.test_request_context():
        arguments = parser.parse_args(["audit", "verify", "--json"])
        assert arguments.command.run(arguments, cli.Context(system("cli"), True, out, err)) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["whole"] is True and told["last"].startswith(f"{told['links']}:")
        seq = end(chain) - 3
        tamper(chain, "UPDATE audit_envelopes SET actor_name = '别人' WHERE seq = :seq", seq=seq)
        assert arguments.command.run(arguments, cli.Context(system("cli"), True, out, err)) == 1
        told = json.loads(capsys.readouterr().out)
        assert (told["broken"]["seq"], told["broken"]["fault"]) == (seq, "envelope-altered")
