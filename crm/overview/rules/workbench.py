"""What stands on whose workbench, and in which order: the one table that says so.

A later feature adds its panel here, in `Panel` and in the roles that need it, and shows it in `overview/views/panels.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crm.accounts.rules import Role
from crm.core.words import N_, Word


class Panel(Word):
    """A panel of the workbench; what it says when it has nothing to say is its own affair."""

    STEPS = "steps", N_("我的下一步")
    INSTRUCTIONS = "instructions", N_("批示")
    LATE = "late", N_("各单位逾期")
    CLIMBED = "climbed", N_("我的专班逾期")
    PROJECTS = "projects", N_("招商项目")
    RESERVE = "listing", N_("上市后备")
    OWN_FIRMS = "own-firms", N_("我服务的企业")
    STREET_FIRMS = "street-firms", N_("本街道的企业")
    INBOX = "inbox", N_("收件箱")
    LISTS = "lists", N_("等您写入的名单")
    EXPIRING = "expiring", N_("证书到期")
    FIGURES = "figures", N_("培育梯队")
    CHANGES = "changes", N_("自上周一以来的变化")


@dataclass(frozen=True, slots=True)
class Bench:
    """The panels of a workbench. On a wide screen `main` is the broad column and `side` the narrow one; a phone shows
    `main`, then `side`: the most important stands first."""

    main: tuple[Panel, ...]
    side: tuple[Panel, ...]


_P = Panel
BENCHES: Mapping[Role, Bench] = {
    Role.LEADER: Bench(
        (_P.STEPS, _P.INSTRUCTIONS, _P.CLIMBED, _P.LATE),
        (_P.PROJECTS, _P.CHANGES, _P.FIGURES, _P.EXPIRING, _P.INBOX),
    ),
    Role.SUPERVISOR: Bench(
        (_P.LATE, _P.INSTRUCTIONS, _P.STEPS), (_P.INBOX, _P.PROJECTS, _P.CHANGES, _P.FIGURES, _P.EXPIRING)
    ),
    Role.SCIENCE: Bench(
        (_P.STEPS, _P.CLIMBED, _P.OWN_FIRMS),
        (_P.INBOX, _P.PROJECTS, _P.LISTS, _P.EXPIRING, _P.CHANGES, _P.FIGURES),
    ),
    Role.FINANCE: Bench(
        (_P.STEPS, _P.CLIMBED, _P.RESERVE, _P.OWN_FIRMS),
        (_P.INBOX, _P.PROJECTS, _P.CHANGES, _P.EXPIRING, _P.FIGURES),
    ),
    Role.INVESTMENT: Bench(
        (_P.STEPS, _P.CLIMBED, _P.OWN_FIRMS), (_P.PROJECTS, _P.INBOX, _P.CHANGES, _P.FIGURES)
    ),
    Role.REPORTER: Bench(
        (_P.STEPS, _P.CLIMBED, _P.STREET_FIRMS, _P.OWN_FIRMS),
        (_P.INBOX, _P.PROJECTS, _P.EXPIRING, _P.CHANGES),
    ),
    Role.READ_ONLY: Bench((_P.FIGURES, _P.CHANGES), (_P.EXPIRING, _P.INBOX)),
}

QUIET_DAYS = 60  # a firm nobody has been in touch with for so long is named
SOON_MONTHS = 6  # certificates that lapse within so many months are counted


def bench_of(roles: Collection[str]) -> Bench:
    """The workbench of somebody with these roles: the benches of the table one after the other, each panel once."""
    held = [bench for role, bench in BENCHES.items() if role.value in roles]
    main = tuple(dict.fromkeys(panel for bench in held for panel in bench.main))
    side = tuple(dict.fromkeys(panel for bench in held for panel in bench.side if panel not in main))
    return Bench(main, side)
