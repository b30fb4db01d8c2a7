"""The blueprint all views of the overview hang on."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("overview", __name__)
