"""Pages and actions of the roof in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import N_

ENTRIES = [
    Entry("overview.holidays", N_("工作日"), "calendar", ("setting:manage", "audit:read"), words=("节假日", "调休", "holidays")),
    Entry("overview.audit_log", N_("审计日志"), "history", ("audit:read",), words=("日志", "留痕")),
    Entry("overview.changes", N_("变化"), "history", ("firm:read",), words=("新增", "上周以来")),
    Entry("overview.contacts_looked", N_("查看联系方式统计"), "eye", ("audit:read",)),
    Entry("overview.home", N_("工作台"), "checklist", ("firm:read",), words=("首页", "待办")),
    Entry("overview.operations", N_("最近操作"), "arrow-back-up", ("firm:read",), words=("撤销", "操作记录")),
    Entry(
        "overview.settings", N_("设置"), "settings", ("audit:read", "policy:manage", "setting:manage", "listing:edit"),
        words=("口令要求", "安全策略"),
    ),
    Entry("overview.privacy", N_("隐私说明"), "shield-lock", words=("个人信息保护",)),
]  # fmt: skip
