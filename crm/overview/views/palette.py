"""Pages and actions of the roof in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import N_

ENTRIES = [
    Entry("overview.audit_log", N_("审计日志"), "history", ("audit:read",), words=("日志", "留痕")),
    Entry("overview.contacts_looked", N_("查看联系方式统计"), "eye", ("audit:read",)),
    Entry("overview.privacy", N_("隐私说明"), "shield-lock", words=("个人信息保护",)),
]
