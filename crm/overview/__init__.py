"""The roof: home, search, audit pages, the rail."""

from __future__ import annotations

from flask import Flask


def init(app: Flask) -> None:
    """Register the pages; every page asks `navigation()` for the rail."""
    from crm.overview.views import bp
    from crm.overview.views.drafts import draft_for
    from crm.overview.views.rail import navigation

    app.register_blueprint(bp)
    app.jinja_env.globals.update(navigation=navigation, draft_for=draft_for)
