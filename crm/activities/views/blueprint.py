"""The blueprint of follow-up, and the toast that offers the way back."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash

bp = Blueprint("activities", __name__)


def toast(text: str, *, undo: str) -> None:
    """Say what was done, with the address that takes it back."""
    flash(cast(str, {"text": text, "undo": undo}), "done")
