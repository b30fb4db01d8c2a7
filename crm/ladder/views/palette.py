"""Pages and actions of the ladder in the palette."""

from __future__ import annotations

from crm.core.palette import Entry, EntryKind
from crm.core.words import N_

ENTRIES = [
    Entry("ladder.board", N_("培育梯队"), "stairs-up", ("firm:read",), words=("看板", "工作台")),
    Entry("ladder.index", N_("梯队列表"), "list", ("firm:read",), words=("名单",)),
    Entry("ladder.flow", N_("阶段流向"), "trending-up", ("firm:read",), words=("流向", "晋级")),
    Entry("ladder.calendar", N_("证书日历"), "calendar", ("firm:read",), words=("到期", "复评")),
    Entry("ladder.three_zeroing", N_("三清零"), "clipboard-list", ("figure:read",)),
    Entry("ladder.tags", N_("公布名单"), "tags", ("ladder:tag",), words=("标记批次",)),
    Entry(
        "ladder.tag_new", N_("从名单标记证书"), "tag", ("ladder:tag",), EntryKind.ACTION,
        ("标记名单", "贴标签", "公布名单标记", "tag a list"),
    ),
]  # fmt: skip
