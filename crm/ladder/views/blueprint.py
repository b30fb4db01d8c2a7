"""The blueprint all views of the ladder hang on, and the filters its templates use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from crm.core.i18n import money, say, word
from crm.core.words import Message, Word
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.stages import MESSAGES
from crm.ladder.rules.tagging import MatchedBy, read_stored
from crm.ladder.rules.words import EndCause

bp = Blueprint("ladder", __name__)


@bp.app_template_filter("kind")
def kind_name(code: str) -> str:
    """The full name of a certification kind in the reader's language; an unknown code stays as it is."""
    return word(KINDS[code].name) if code in KINDS else code


@bp.app_template_filter("kind_short")
def kind_short(code: str) -> str:
    """The usual short name of a certification kind."""
    return word(KINDS[code].short) if code in KINDS else code


@bp.app_template_filter("stage_cause")
def stage_cause(code: str, params: Mapping[str, Any]) -> str:
    """Why a stage began, in the reader's language."""
    shown: dict[str, Any] = dict(params)
    if "kind" in shown and shown["kind"] in KINDS:
        shown["kind"] = KINDS[shown["kind"]].name
    if "why" in shown:
        shown["why"] = EndCause(shown["why"])
    if "amount_yuan" in shown:
        shown["amount"] = money(shown.pop("amount_yuan"))
    return say(Message(MESSAGES.get(code, code), shown))


@bp.app_template_filter("stored")
def stored(item: Mapping[str, Any]) -> str:
    """A sentence kept as text and parameters."""
    return say(read_stored(item))


@bp.app_template_filter("matched_by")
def matched_by(code: str | None) -> str:
    known: dict[str, Word] = {member.value: member for member in MatchedBy}
    return word(known[code]) if code in known else ""


def day_of(text: str | None, otherwise: dt.date) -> dt.date:
    """A day of a query string; one that cannot be read is the other."""
    try:
        day = dt.date.fromisoformat(text or "")
    except ValueError:
        return otherwise
    return day if 1990 <= day.year <= 2100 else otherwise
