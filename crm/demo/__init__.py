"""ROOF: invented firms and people, clearly labelled, for trying Tidui out and for trials at size."""

from __future__ import annotations

from flask import Flask


def init(app: Flask) -> None:
    """Nothing to register: demo data has no pages."""
