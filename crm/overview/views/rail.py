"""The rail: what a person may open, in the order of the day's work."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from crm.core.web import actor
from crm.core.words import C_, N_

# (endpoint, icon, label, permissions of which one is needed, group)
ENTRIES: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("overview.home", "checklist", N_("工作台"), ("firm:read",), "main"),
    ("activities.instructions", "message", N_("批示"), ("instruction:write",), "main"),
    ("ladder.board", "stairs-up", N_("培育梯队"), ("firm:read",), "main"),
    ("firms.index", "building", N_("企业"), ("firm:read",), "main"),
    ("projects.index", "briefcase", N_("招商项目"), ("project:read",), "main"),
    ("listing.index", "chart-line", N_("上市后备"), ("listing:read",), "main"),
    ("firms.imports", "upload", N_("导入"), ("firm:import", "project:edit"), "main"),
    ("ladder.calendar", "calendar", N_("证书日历"), ("firm:read",), "main"),
    ("firms.contacts", "phone", N_("联系人"), ("firm:edit", "contact:reveal"), "main"),
    ("overview.operations", "arrow-back-up", N_("最近操作"), ("firm:read",), "main"),
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
    (
        "overview.settings",
        "settings",
        N_("设置"),
        ("setting:manage", "policy:manage", "audit:read", "listing:edit"),
        "admin",
    ),
)


def navigation() -> list[dict[str, Any]]:
    """The entries the person may use; the one whose address the page continues is the current one."""
    viewer = actor()
    allowed = [
        entry for entry in ENTRIES if not entry[3] or any(viewer.may(permission) for permission in entry[3])
    ]
    here = f"{request.script_root}{request.path}/"
    above = [entry[0] for entry in allowed if here.startswith(f"{url_for(entry[0])}/")]
    current = max(above, key=lambda endpoint: len(url_for(endpoint)), default=None)
    return [
        {"endpoint": endpoint, "icon": icon, "label": label, "group": group, "count": None,
         "current": endpoint == current}
        for endpoint, icon, label, _needed, group in allowed
    ]  # fmt: skip
