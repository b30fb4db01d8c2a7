"""Who may see and change the listing reserve: leaders, science, finance and supervision see all of it; the finance
office changes it (domain.md § Who may do what)."""

from __future__ import annotations

import sqlalchemy as sa

from crm.core.permissions import Actor


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Candidates the viewer may see."""
    return sa.true() if viewer.may("listing:read") else sa.false()


def editable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Candidates the viewer may change."""
    return sa.true() if viewer.may("listing:edit") else sa.false()


def exportable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Candidates that may stand in the viewer's exports."""
    return visible_to(viewer) if viewer.may("export:run") else sa.false()
