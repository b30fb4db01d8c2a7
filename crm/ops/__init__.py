"""Running it: health, the queue's worker, progress of long work."""

from __future__ import annotations

from flask import Flask

from crm.ops.views import bp


def init(app: Flask) -> None:
    """Register the blueprint."""
    app.register_blueprint(bp)
