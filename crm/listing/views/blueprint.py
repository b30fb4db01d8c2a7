"""The blueprint all views of the listing reserve hang on, and the page every small form is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import Form
from crm.core.saving import Over, save
from crm.core.web import actor, back_to
from crm.core.words import Message, Refused
from crm.listing import queries
from crm.listing.models import Candidate

bp = Blueprint("listing", __name__)


def load(candidate_id: int) -> Candidate:
    """The candidate, if this person may see it; else 404."""
    return queries.get_candidate(db.session(), candidate_id, viewer=actor())


def over_candidate(
    candidate_id: int,
    title: str,
    texts: Callable[[Any], Mapping[str, str]],
    was: Callable[[Any], Mapping[str, str]] | None = None,
    show: Callable[[str, str], str | None] | None = None,
) -> Over:
    """What a form over a candidate needs for its conflict page."""
    return Over(
        lambda: load(candidate_id),
        texts,
        title=title,
        back=url_for("listing.show", candidate_id=candidate_id),
        was=was,
        show=show,
    )


def started(candidate: Candidate | None = None, **values: str) -> MultiDict[str, str]:
    """How a form starts: today, what is given, and the version of the candidate it is over."""
    version = {"version": str(candidate.version)} if candidate is not None else {}
    return MultiDict({**version, "on": today().isoformat(), "from_on": today().isoformat(), **values})


def form_page(
    form: Form, candidate: Candidate, title: str, button: str, sentence: str = "", refused: str | None = None,
    **more: Any,
) -> str:  # fmt: skip
    """A page with one form on a candidate, posted to its own address."""
    return render_template(
        "listing/form.html", form=form, candidate=candidate, title=title, button=button, sentence=sentence,
        refused=refused, action=request.script_root + request.path, **more,
    )  # fmt: skip


def take(
    form: Form,
    candidate_id: int,
    write: Callable[[], object],
    page: Callable[[str | None, list[Message]], str],
    told: Callable[[], str],
    over: Over | None = None,
) -> Any:
    """Save a form on a candidate and go back to its page, or show it again with what is wrong."""
    lacking: list[Message] = []

    def refused(refusal: Refused) -> None:
        lacking[:] = refusal.items

    def done() -> Any:
        flash(told(), "done")
        return back_to("listing.show", candidate_id=candidate_id)

    return save(
        form, write, done=done, again=lambda sentence: page(sentence, lacking), over=over, refused=refused
    )
