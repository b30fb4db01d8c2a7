"""The blueprint all views of the ladder hang on, and the filters its templates use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from crm.core.i18n import say, word
from crm.core.words import Word
from crm.ladder.queries.listing import cause_of
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.tagging import MatchedBy, read_stored

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
    return say(cause_of(code, params))


@bp.app_template_filter("stored")
def stored(item: Mapping[str, Any]) -> str:
    """A sentence kept as text and parameters."""
    return say(read_stored(item))


@bp.app_template_filter("matched_by")
def matched_by(code: str | None) -> str:
    known: dict[str, Word] = {member.value: member for member in MatchedBy}
    return word(known[code]) if code in known else ""
