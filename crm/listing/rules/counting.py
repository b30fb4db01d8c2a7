"""What the counts of the listing reserve are counted by. Pure."""

from __future__ import annotations

import datetime as dt

from crm.core.settings.declaring import switch
from crm.core.words import N_
from crm.listing.rules.priority import SECTION

PLAN_BEGAN = dt.date(2019, 3, 5)  # the day of the plan
COUNT_WITHDRAWN = switch(
    SECTION, "listing.count-withdrawn", N_("撤回的仍计入上市报会企业"), True,
    hint=N_("首次被受理即计；撤回后是否仍计由区里定，不计时名单里仍标出"),
)  # fmt: skip
