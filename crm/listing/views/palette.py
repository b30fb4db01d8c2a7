"""Pages of the listing reserve in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import N_

READ = ("listing:read",)
ENTRIES = [
    Entry("listing.index", N_("上市后备"), "chart-line", READ, words=("上市梯队", "股改", "报会", "IPO")),
    Entry("listing.board_page", N_("上市后备看板"), "layout-kanban", READ),
    Entry("listing.calendar", N_("上市日历"), "calendar", READ, words=("计划日期",)),
    Entry("listing.bottlenecks", N_("上市瓶颈"), "hourglass", READ, words=("卡点", "中介机构")),
    Entry("listing.changes", N_("上市后备本月变化"), "history", READ),
    Entry("listing.counts", N_("上市后备计数"), "target-arrow", READ, words=("新增股份公司", "上市报会企业")),
]
