"""How every form is saved: form → action → commit → on; a refusal brings it back filled, a collision shows both.

Once, here, for all views: `Over` is the record a form is over, `save` the way through.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import render_template, request
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict

from crm.core import drafts
from crm.core.clock import now
from crm.core.conflicts import (
    Texts,
    as_it_was,
    elsewhere,
    is_answer,
    last_saved,
    merged,
    originals,
    sides,
)
from crm.core.db import db
from crm.core.forms import Form, VersionedForm
from crm.core.i18n import gettext
from crm.core.permissions import Actor, Forbidden
from crm.core.records import Fact
from crm.core.transaction import commit
from crm.core.web import actor
from crm.core.words import N_, Conflict, Missing, Refused

F = TypeVar("F", bound=Form)
# slot, filled by the factory: who hears that a record was saved (session, row, drafts, actor, at) while others had typed into
# the same form
OVERTAKEN: list[Callable[[Session, Any, Sequence[drafts.Draft], Actor, dt.datetime], None]] = []


@dataclass(slots=True)
class Over:
    """The record a form is over.

    `load` reads it (None when there is none yet: the form makes it), `texts` says how the form shows it: form texts
    by field, only of fields that stand for columns. `title` and `back` name the conflict page and the way out.
    `was` gives the texts the form was filled from where the journal of this row cannot tell (roles of a person).
    `facts` name columns the form does not show, where the row is no record with facts of its own.
    `lists` are fields with several values, `show` makes a form text readable where its choices do not say it.
    """

    load: Callable[[], Any]
    texts: Texts
    title: str
    back: str
    lists: frozenset[str] = frozenset()
    was: Callable[[Any], Mapping[str, str]] | None = None
    show: Callable[[str, str], str | None] | None = None
    facts: tuple[Fact, ...] = ()
    row: Any = field(init=False)

    def __post_init__(self) -> None:
        self.row = self.load()

    @property
    def theirs(self) -> dict[str, str]:
        """The record as the form would show it now."""
        return {} if self.row is None else dict(self.texts(self.row))

    @property
    def version(self) -> int:
        return 0 if self.row is None else int(self.row.version)

    def form(self, make: Callable[..., F], only: Callable[[F], None] = lambda form: None) -> F:
        """The form as posted, or as the conflict page was answered; `only` cuts it to the fields it has."""
        if not is_answer(request.form):
            made = make()
            only(made)
            return made
        chosen = merged(request.form, self.theirs)
        data: MultiDict[str, str] = MultiDict(chosen)
        for name in self.lists:
            data.setlist(name, [value for value in chosen.get(name, "").split(",") if value])
        made = make(data)
        only(made)
        return made


def save(
    form: Form,
    write: Callable[[], object],
    *,
    done: Callable[[], Any],
    again: Callable[[str | None], Any],
    over: Over | None = None,
    refused: Callable[[Refused], None] = lambda refusal: None,
) -> Any:
    """Validate, write, commit, `done()`. A refusal: `again(sentence)` with 422, the form still filled. Another version
    of `over`: the page with both, 409. `refused` is told the refusal first. `Missing` and `Forbidden` are raised:
    404 and 403. What a draft kept of this form is dropped in the same transaction."""
    session = db.session()
    sentence: str | None = None
    if not form.validate():
        # what was read so far holds nobody up while the page is made
        session.rollback()
        return again(None), 422
    try:
        was = over.version if over is not None else 0
        write()
        drafts.drop(session, actor(), drafts.key_of(request.path))
        if over is not None and over.row is not None and over.version != was:
            _overtake(session, over.row)
        commit()
        return done()
    except (Missing, Forbidden):
        raise
    except (Conflict, StaleDataError) as error:
        session.rollback()
        if over is not None and isinstance(form, VersionedForm):
            over.row = over.load()
            if over.version != form.version_seen and over.row is not None:
                return collision(form, over), 409
        refusal = error if isinstance(error, Conflict) else Conflict(STALE)
        refused(refusal)
        sentence = form.refuse(refusal)
    except Refused as refusal:
        session.rollback()
        refused(refusal)
        sentence = form.refuse(refusal)
    return again(sentence), form.http_status


def _overtake(session: Session, row: Any) -> None:
    others = drafts.drafts_of_others(session, actor(), drafts.key_of(request.path))
    for heard in OVERTAKEN if others else ():
        heard(session, row, others, actor(), now())


STALE = N_("这条记录刚刚被别人改过。")


def texts_of(form: Form) -> dict[str, str]:
    """What a form holds, as texts; several values are one text, sorted, with commas."""
    found: dict[str, str] = {}
    for item in form:
        if item.name in ("version", "csrf_token") or item.type in ("HiddenField", "FileField"):
            continue
        data = item.data
        found[item.name] = ",".join(sorted(data)) if isinstance(data, list) else str(data or "").strip()
    return found


def collision(form: VersionedForm, over: Over) -> str:
    """The page with before, theirs and mine."""
    session, row = db.session(), over.row
    table = type(row).__tablename__
    seen = form.version_seen
    before = originals(session, table, row.id, steps=over.version - seen) if seen else {}
    was = over.was(row) if over.was is not None else over.texts(as_it_was(row, before)) if before else {}
    mine = texts_of(form)
    choices = {
        item.name: {str(value): str(label) for value, label, *_ in item.iter_choices()}
        for item in form
        if hasattr(item, "iter_choices")
    }
    units = {item.name: item.unit for item in form if getattr(item, "unit", None)}

    def told(name: str, value: str) -> str:
        if over.show is not None and (text := over.show(name, value)) is not None:
            return text
        if name in over.lists:
            return str(gettext("、")).join(choices[name].get(part, part) for part in value.split(","))
        text = choices.get(name, {}).get(value, value)
        return f"{text} {gettext(units[name])}" if name in units else text

    rows = sides(
        [(item.name, str(item.label.text)) for item in form if item.name in mine],
        before=was,
        theirs=over.theirs,
        mine=mine,
        show=told,
    )
    others = elsewhere(session, row, before, over.texts, over.facts) if before and over.was is None else []
    saved = last_saved(session, table, row.id, is_whole=over.was is not None)
    return render_template(
        "layout/conflict.html",
        title=over.title,
        name=name if isinstance(name := getattr(row, "name", None), str) else None,
        back=over.back,
        rows=[*rows, *others],
        count=len(rows) + len(others),
        version=over.version,
        saved=saved,
        is_own=saved is not None and saved[2] == actor().user_id,
        action=request.script_root + request.path,
    )
