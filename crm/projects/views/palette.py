"""Pages and actions of projects in the palette."""

from __future__ import annotations

from crm.core.palette import Entry, EntryKind
from crm.core.words import N_

ENTRIES = [
    Entry(
        "projects.create", N_("记线索"), "plus", ("lead:log",), EntryKind.ACTION,
        ("登记线索", "新建项目", "首报", "log a lead"),
    ),
    Entry("projects.index", N_("招商项目"), "briefcase", ("project:read",), words=("项目库", "线索", "重大产业项目")),
    Entry("projects.board", N_("项目看板"), "layout-kanban", ("project:read",)),
    Entry("projects.funnel", N_("项目漏斗"), "chart-bar", ("project:read",)),
    Entry("projects.workload", N_("项目负荷"), "users", ("project:read",), words=("在手项目",)),
    Entry("projects.handover", N_("整体交接"), "arrows-exchange", ("project:assign",), words=("交接项目",)),
    Entry("projects.counts", N_("项目计数"), "chart-bar", ("project:read",), words=("到位资金", "统计口径", "上报", "counts")),
    Entry(
        "firms.imports", N_("导入招商项目"), "file-spreadsheet", ("project:edit",), EntryKind.ACTION,
        ("导入项目", "项目台账", "import projects"), {"sheet": "projects"},
    ),
]  # fmt: skip
