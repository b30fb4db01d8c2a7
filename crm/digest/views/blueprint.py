"""The blueprint of the weekly mail."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("digest", __name__)
