"""The blueprint all views of the registry hang on, and the toast that offers an undo."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash

bp = Blueprint("firms", __name__)


def toast(text: str, *, undo: str) -> None:
    """Say what was done, with the address that takes it back."""
    flash(cast(str, {"text": text, "undo": undo}), "done")
