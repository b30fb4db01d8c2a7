from __future__ import annotations

from flask import Flask


def init(app: Flask) -> None:
    """Register the blueprint."""
    from crm.listing.views import bp

    app.register_blueprint(bp)
