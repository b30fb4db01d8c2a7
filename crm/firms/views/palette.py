"""Pages and actions of the registry in the palette."""

from __future__ import annotations

from crm.core.palette import Entry, EntryKind
from crm.core.words import N_
from crm.firms.rules.columns import OPENS

ENTRIES = [
    Entry("firms.index", N_("企业"), "building", ("firm:read",), words=("名录", "公司", "企业名录")),
    Entry(
        "firms.index", N_("我服务的企业"), "building", ("firm:read",), words=("我的企业",),
        values={"officer": "me"},
    ),
    Entry("firms.contacts", N_("联系人"), "phone", ("firm:edit", "contact:reveal"), words=("电话", "待复核")),
    Entry("firms.imports", N_("导入"), "upload", OPENS, words=("最近的导入",)),
    Entry("firms.create", N_("登记企业"), "plus", ("firm:edit",), EntryKind.ACTION, ("新企业", "新建企业", "new firm")),
    Entry(
        "firms.imports", N_("导入表格"), "file-spreadsheet", ("firm:import",), EntryKind.ACTION,
        ("上传", "表格", "excel"), values={"sheet": "registry"},
    ),
    Entry(
        "firms.imports", N_("导入以往动态"), "file-spreadsheet", ("firm:import",), EntryKind.ACTION,
        ("走访记录", "历史动态", "past activities"), values={"sheet": "activities"},
    ),
    Entry("firms.person", N_("查找一个人"), "list-search", ("firm:edit",), EntryKind.ACTION, ("个人信息", "抹去")),
]  # fmt: skip
