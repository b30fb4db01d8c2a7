"""Who may see and change what of the registry: the one place that turns a viewer into SQL conditions."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core.permissions import Actor, Scope
from crm.core.reminders import Sees
from crm.firms.models import Firm


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Firms the viewer may see: every business role sees all of them, the administrators none."""
    return sa.true() if viewer.may("firm:read") else sa.false()


def sight(_session: Session, _ids: Collection[int]) -> Sees:
    """Who of many may see which firms: what `visible_to` says for one."""
    return lambda viewer, _firm_id: viewer.may("firm:read")


def figures_visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Firms whose yearly figures and equity rounds the viewer may see."""
    return reach(viewer, "figure:read")


def editable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Firms whose record and contacts the viewer may change."""
    return reach(viewer, "firm:edit")


def exportable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Firms that may stand in the viewer's exports."""
    if viewer.scope("export:run") is Scope.OWN and viewer.scope("firm:edit") is Scope.UNIT:
        return sa.or_(_own(viewer), reach(viewer, "firm:edit"))
    return reach(viewer, "export:run")


def reach(viewer: Actor, permission: str) -> sa.ColumnElement[bool]:
    """Firms a permission of the viewer reaches."""
    scope = viewer.scope(permission)
    if scope is None:
        return sa.false()
    if scope is Scope.ALL:
        return sa.true()
    if scope is Scope.OWN:
        return _own(viewer)
    if scope is Scope.UNIT and viewer.unit_ids:
        ids = sorted(viewer.unit_ids)
        people = sa.select(User.id).where(User.unit_id.in_(ids))
        if permission == "firm:edit":
            return Firm.street_id.in_(ids)
        return sa.or_(Firm.street_id.in_(ids), Firm.officer_id.in_(people))
    return sa.false()


def _own(viewer: Actor) -> sa.ColumnElement[bool]:
    if viewer.user_id is None:
        return sa.false()
    return sa.or_(Firm.officer_id == viewer.user_id, Firm.created_by_id == viewer.user_id)
