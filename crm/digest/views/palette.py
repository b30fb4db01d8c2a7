"""Pages of the weekly mail in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import N_

ENTRIES = [
    Entry("digest.outbox", N_("发件箱"), "message", ("setting:manage",), words=("邮件", "发信", "重发", "outbox")),
    Entry("digest.show", N_("每周提醒"), "bell", ("firm:read", "project:read"), words=("周报", "邮件", "提醒", "预览")),
    Entry("digest.preferences", N_("提醒设置"), "settings", (), words=("退订", "语言")),
]  # fmt: skip
