"""Staging: the verdicts of a long list are stored without a second copy of all of them in memory."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crm.core.bulk import CHUNK
from crm.firms.actions import staging
from crm.firms.rules.words import RowOutcome


def test_rows_are_staged_a_part_at_a_time(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[int] = []
    told: list[int] = []

    def insert(_connection: Any, _table: Any, rows: Sequence[Any]) -> None:
        put.append(len(rows))
        told.extend(row["row_no"] for row in rows)

    monkeypatch.setattr(staging, "insert_rows", insert)
    joined = SimpleNamespace(outcome=RowOutcome.NEW, firm_id=None, how=None, candidates=[], reasons=[])
    many: list[Any] = [
        SimpleNamespace(read=SimpleNamespace(row_no=n, raw={}, values={}), joined=joined, changes={})
        for n in range(2 * CHUNK + 1)
    ]
    staging.put(session, 1, many)
    assert put == [CHUNK, CHUNK, 1]
    assert told == list(range(2 * CHUNK + 1))
