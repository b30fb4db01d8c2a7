"""The rail: what a person may open, in the order of the day's work."""

from __future__ import annotations

from typing import Any

from flask import request

from crm.core.web import actor
from crm.core.words import C_, N_

# (endpoint, icon, label, permissions of which one is needed, group)
ENTRIES: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("overview.home", "checklist", N_("工作台"), ("firm:read",), "main"),
    ("ladder.board", "stairs-up", N_("培育梯队"), ("firm:read",), "main"),
    ("firms.index", "building", N_("企业"), ("firm:read",), "main"),
    ("firms.imports", "upload", N_("导入"), ("firm:import",), "main"),
    ("ladder.calendar", "calendar", N_("证书日历"), ("firm:read",), "main"),
    ("accounts.people", "users", N_("人员"), ("account:manage", "role:grant"), "admin"),
    ("accounts.units", "sitemap", C_("page", "单位"), ("account:manage", "role:grant"), "admin"),
    ("overview.audit_log", "history", N_("审计日志"), ("audit:read",), "admin"),
    (
        "accounts.roles",
        "shield-check",
        N_("角色与权限"),
        ("account:manage", "role:grant", "audit:read"),
        "admin",
    ),
)


def navigation() -> list[dict[str, Any]]:
    """The entries the person may use; the page one is on, else the first of its feature, is the current one."""
    viewer = actor()
    allowed = [
        entry for entry in ENTRIES if not entry[3] or any(viewer.may(permission) for permission in entry[3])
    ]
    here = request.endpoint or ""
    current = next((entry[0] for entry in allowed if entry[0] == here), None) or next(
        (entry[0] for entry in allowed if entry[0].split(".")[0] == here.split(".")[0]), None
    )
    return [
        {"endpoint": endpoint, "icon": icon, "label": label, "group": group, "count": None,
         "current": endpoint == current}
        for endpoint, icon, label, _needed, group in allowed
    ]  # fmt: skip
