"""Units, people, roles, sign-in."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask


def init(app: Flask) -> None:
    """Register the pages and tell flask-login who is behind a cookie."""
    from crm.accounts.rules.sign_in import browser
    from crm.accounts.views import bp, devices, door

    app.register_blueprint(bp)
    app.jinja_env.filters["browser"] = browser
    app.jinja_env.globals["notices_here"] = devices.notices_here
    cast(Any, app).login_manager.user_loader(door.load)
