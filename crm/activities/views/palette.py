"""Pages of follow-up in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import C_, N_

ENTRIES = [
    Entry("activities.all_steps", C_("list", "全部下一步"), "list", ("activity:add",), words=("待办", "逾期", "督办")),
    Entry("activities.instructions", N_("批示"), "message", ("instruction:write",), words=("督办", "答复")),
]  # fmt: skip
