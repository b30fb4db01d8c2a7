"""The rail: what a person may open, in the order of the day's work."""

from __future__ import annotations

from typing import Any

from flask import current_app, request

from crm.core.web import actor
from crm.core.words import N_

# (endpoint, icon, label, permissions of which one is needed, group)
ENTRIES: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("overview.home", "home", N_("首页"), (), "main"),
    ("firms.index", "building", N_("企业"), ("firm:read",), "main"),
    ("ladder.board", "stairs-up", N_("培育梯队"), ("firm:read",), "main"),
    ("ladder.calendar", "calendar", N_("证书日历"), ("firm:read",), "main"),
    ("accounts.people", "users", N_("人员"), ("account:manage", "role:grant"), "admin"),
    ("accounts.units", "sitemap", N_("单位"), ("account:manage", "role:grant"), "admin"),
    (
        "accounts.roles",
        "shield-check",
        N_("角色与权限"),
        ("account:manage", "role:grant", "audit:read"),
        "admin",
    ),
    ("overview.audit_log", "history", N_("审计日志"), ("audit:read",), "admin"),
)


def navigation() -> list[dict[str, Any]]:
    """The entries the person may use; one whose feature is not built yet is left out."""
    viewer = actor()
    here = request.endpoint or ""
    found = []
    for endpoint, icon, label, needed, group in ENTRIES:
        if endpoint not in current_app.view_functions:
            continue
        if needed and not any(viewer.may(permission) for permission in needed):
            continue
        found.append(
            {
                "endpoint": endpoint,
                "icon": icon,
                "label": label,
                "group": group,
                "count": None,
                "current": here == endpoint or here.startswith(endpoint + "_"),
            }
        )
    return found
