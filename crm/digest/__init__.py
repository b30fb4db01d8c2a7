"""ROOF: what each person is reminded of every week, and the mail that tells it."""

from __future__ import annotations

from flask import Flask


def init(app: Flask) -> None:
    """Register the blueprint and what its pages call a group."""
    from crm.core.i18n import word
    from crm.core.reminders import Group
    from crm.digest.views import bp

    app.register_blueprint(bp)
    app.jinja_env.filters["reminder_group"] = lambda code: word(Group(code))
