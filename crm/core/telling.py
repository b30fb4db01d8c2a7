"""Values of the journal in the reader's words: by the column's type, the names behind ids in one statement each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from crm.core.audit import COMMITTED, columns_of, revive
from crm.core.db import Base
from crm.core.i18n import gettext, moment, number, wan, word
from crm.core.records import Fact, NameOf
from crm.core.words import Word

NOTHING = "—"


class Teller:
    """Tells values of facts. `prepare` looks up what many of them need, so that telling asks the database no more."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._names: dict[NameOf, dict[Any, str]] = {}

    def prepare(self, values: Iterable[tuple[Fact, Any]]) -> None:
        """Look up the names of all ids among `(fact, value)` pairs: one statement a table of names."""
        wanted: dict[NameOf, set[Any]] = {}
        for fact, value in values:
            if isinstance(fact.show, NameOf) and value is not None:
                wanted.setdefault(fact.show, set()).add(value)
        for show, ids in wanted.items():
            known = self._names.setdefault(show, {})
            if missing := ids - known.keys():
                known.update(show.many(self.session, missing))

    def tell(self, model: type[Base], fact: Fact, value: Any) -> str:
        """A JSON value of the journal, or one of the row itself. Personal values are never told."""
        if value is None:
            return NOTHING
        if fact.name in model.__personal__ or fact.name in model.__secret__:
            return str(gettext("（个人信息，不显示）"))
        if isinstance(fact.show, NameOf):
            self.prepare([(fact, value)])
            return self._names[fact.show].get(value, str(value))
        if fact.show is not None:
            return fact.show(self.session, value)
        return _plain(model, fact.name, value)


def _plain(model: type[Base], name: str, value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, Word):
        try:
            value = revive(columns_of(model)[name].type, value)
        except ValueError:  # a word or form of former times
            return str(value)
    if isinstance(value, Word):
        return word(value)
    if isinstance(value, bool):
        return str(gettext("是") if value else gettext("否"))
    if isinstance(value, dt.datetime):
        return moment(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int):
        if name.endswith("_yuan"):
            return str(gettext("%(amount)s 万元", amount=wan(value)))
        return str(value) if name == "year" else number(value)
    return str(value)


def is_hidden(value: Any) -> bool:
    """Whether a journal value is a commitment in the place of a personal one."""
    return isinstance(value, str) and value.startswith(COMMITTED)
