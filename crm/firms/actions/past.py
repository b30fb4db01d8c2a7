"""Past visits, calls and meetings with firms from a spreadsheet: the import compares and writes them through this."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from crm.activities.actions.importing import judge_past, log_past
from crm.activities.rules.past import Question, Settled, Told
from crm.activities.rules.words import ActivityKind
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Message
from crm.firms.actions.targets import Incoming, candidate
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import RowOutcome

_SUBJECT = "firm"


class PastTarget:
    """One row an entry, told apart by firm, day, kind and text; never changed, never anybody's but who it names."""

    def key(self, firm_id: int, values: Mapping[str, Any]) -> Any:
        return (
            firm_id,
            values.get("on"),
            values.get("kind") or ActivityKind.NOTE.value,
            values.get("summary"),
        )

    def compare(self, session: Session, rows: Sequence[Incoming], *, today: dt.date) -> None:
        """New, there already, refused with the sentence the screen would say, or doubtful: who is meant."""
        for row, settled in zip(rows, _judged(session, rows, today), strict=True):
            row.reasons += [kept(note) for note in settled.notes]
            if settled.is_there:
                row.outcome = RowOutcome.SAME
            elif settled.refusal is not None:
                row.outcome, row.reasons = RowOutcome.REFUSED, [kept(settled.refusal)]
            elif settled.question is not None:
                row.outcome, row.candidates = RowOutcome.DOUBTFUL, _choices(settled.question)
                row.reasons = [
                    kept(
                        Message(N_("不止一位叫「%(name)s」，请选是哪一位。"), {"name": settled.question.name})
                    )
                ]

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Rows that have come in meanwhile are left alone. Raises `Refused` when a row can no longer be taken."""
        entries = []
        taken = set()
        for row, settled in zip(rows, _judged(session, rows, today), strict=True):
            key = self.key(row.firm_id, row.values)
            if settled.is_there or key in taken:
                continue
            taken.add(key)
            if settled.refusal is not None:
                raise settled.refusal
            if settled.entry is None:
                raise Conflict(N_("第 %(row)s 行的人员刚刚有变动，请重新读取后核对。"), row=row.row_no)
            entries.append(((_SUBJECT, row.firm_id), settled.entry))
        log_past(session, entries, actor=actor, today=today, source=source)


def _judged(session: Session, rows: Sequence[Incoming], today: dt.date) -> list[Settled]:
    return judge_past(session, _SUBJECT, [(row.firm_id, _told(row.values)) for row in rows], today=today)


def _told(values: Mapping[str, Any]) -> Told:
    due_on = values.get("due_on")
    return Told(
        dt.date.fromisoformat(values["on"]), ActivityKind(values.get("kind") or ActivityKind.NOTE), values["summary"],
        values.get("people") or (), values.get("their_people"), values.get("place"), values.get("step"),
        dt.date.fromisoformat(due_on) if due_on else None, values.get("owner"), values.get("answers") or {},
    )  # fmt: skip


def _choices(question: Question) -> list[dict[str, Any]]:
    found = [
        candidate("person", each.id, each.name, "、".join(each.units[:1]), question.name)
        for each in question.people
    ]
    return (
        [*found, candidate("person", 0, question.name, None, question.name)]
        if question.may_be_none
        else found
    )
