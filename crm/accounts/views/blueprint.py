"""The blueprint all views of accounts hang on."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("accounts", __name__)
