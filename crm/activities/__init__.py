"""Follow-up: visits, calls, meetings, next steps, files, one timeline; knows a subject only as (kind, id)."""

from __future__ import annotations

from flask import Flask


def init(app: Flask) -> None:
    """Register the blueprint; the frame asks for the inbox's count, panels for its sentences."""
    from crm.activities.views import bp
    from crm.activities.views.inbox import box, link, sentence

    app.register_blueprint(bp)
    app.jinja_env.globals.update(inbox=box, told_sentence=sentence, told_link=link)
