"""Certificates from a spreadsheet: the import of firms compares and writes them through this target."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.firms.actions.targets import Incoming
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import RowOutcome
from crm.ladder.actions.certifications import Grant, grant_many, judge_many
from crm.ladder.rules.words import RowResult


class CertificationTarget:
    """One row a certificate, told apart by firm, kind and day of grant; judged like one typed in."""

    def key(self, firm_id: int, values: Mapping[str, Any]) -> Any:
        return (firm_id, values.get("kind"), values.get("granted_on"))

    def compare(self, session: Session, rows: Sequence[Incoming], *, today: dt.date) -> None:
        """New, the same, or refused with the sentence a form would show. Certificates are never changed here."""
        answers = judge_many(session, [_grant(row, None) for row in rows], today=today)
        for row, answer in zip(rows, answers, strict=True):
            if answer.refusal is not None:
                row.outcome = RowOutcome.REFUSED
                row.reasons.append(kept(answer.refusal))
            else:
                row.outcome = RowOutcome.SAME if answer.result is RowResult.SAME else RowOutcome.NEW
                if answer.warning is not None:
                    row.reasons.append(kept(answer.warning))

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Raises `Refused` when a row can no longer be entered."""
        for answer in grant_many(session, [_grant(row, source) for row in rows], actor=actor, today=today):
            if answer.refusal is not None:
                raise answer.refusal


def _grant(row: Incoming, source: str | None) -> Grant:
    values = row.values
    expires_on = values.get("expires_on")
    return Grant(
        row.firm_id,
        values["kind"],
        dt.date.fromisoformat(values["granted_on"]),
        values.get("number"),
        dt.date.fromisoformat(expires_on) if expires_on else None,
        document=values.get("document") or (source[:120] if source else None),
        note=values.get("note"),
    )
