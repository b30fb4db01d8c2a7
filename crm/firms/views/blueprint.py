"""The blueprint all views of the registry hang on, and the toast that offers an undo."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, flash, redirect, request, url_for

from crm.core.errors import answer
from crm.core.i18n import say
from crm.firms.queries import Merged

bp = Blueprint("firms", __name__)


def toast(text: str, *, undo: str) -> None:
    """Say what was done, with the address that takes it back."""
    flash(cast(str, {"text": text, "undo": undo}), "done")


@bp.app_errorhandler(Merged)
def lead_to_survivor(merged: Merged) -> Any:
    """The addresses of a firm that was merged lead to the one it went to; what was sent to it is refused."""
    values = dict(request.view_args or {})
    if request.method not in ("GET", "HEAD") or "firm_id" not in values or request.endpoint is None:
        return answer(409, say(merged))
    values["firm_id"] = merged.survivor_id
    asked = {
        **request.args.to_dict(),
        **({"merged": merged.firm_id} if request.endpoint == "firms.show" else {}),
    }
    return redirect(url_for(request.endpoint, **{**asked, **values}), 303)
