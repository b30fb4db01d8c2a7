"""How each panel of the workbench is filled and which template shows it. What stands where, and for whom, is in
`overview/rules/workbench.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.rules import Role
from crm.activities import queries as follow_up
from crm.activities.queries import Whose
from crm.activities.rules.words import When
from crm.core import news
from crm.core.permissions import Actor
from crm.firms.queries.own import kept, street_of
from crm.ladder import queries as ladder
from crm.ladder.queries import Within
from crm.ladder.queries.waiting import open_lists
from crm.ladder.rules.kinds import HIGH_TECH
from crm.listing.queries.desk import desk as reserve
from crm.overview.rules.changes import last_monday
from crm.overview.rules.workbench import QUIET_DAYS, SOON_MONTHS, Panel
from crm.projects.queries.escalation import escalated
from crm.projects.queries.mine import lit

STEPS_SHOWN = 12  # next steps on the workbench; the others are one click away
UNITS_SHOWN = 8
NEWS_SHOWN = 6
PROJECTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """Who opens a workbench, when, and whose steps are asked for."""

    session: Session
    viewer: Actor
    day: dt.date
    whose: Whose = Whose.MINE

    @property
    def since(self) -> dt.date:
        return last_monday(self.day)

    @property
    def quiet_from(self) -> dt.date:
        return self.day - dt.timedelta(QUIET_DAYS)


Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel as the page shows it: its template, and what fills it (None: it is left out)."""

    template: str
    fill: Callable[[Desk], Values | None]


def _steps(desk: Desk) -> Values | None:
    session, viewer, day = desk.session, desk.viewer, desk.day
    if not viewer.may("activity:add"):
        return None
    heads = bool(follow_up.units_headed(session, viewer.user_id, day))
    whose = desk.whose if desk.whose is not Whose.UNIT or heads else Whose.MINE
    lines, _more = follow_up.list_steps(session, viewer, whose=whose, today=day, size=STEPS_SHOWN)
    counts = follow_up.count_steps(session, viewer, whose=whose, today=day)
    return {
        "lines": lines,
        "counts": counts,
        "total": sum(counts.values()),
        "whose": whose,
        "offered": [item for item in Whose if item is not Whose.UNIT or heads],
        "decides": Role.LEADER.value in viewer.roles,
        "nears": When,
    }


def _instructions(desk: Desk) -> Values | None:
    if not desk.viewer.may("instruction:write"):
        return None
    own = Role.SUPERVISOR.value not in desk.viewer.roles  # a supervisor watches over everybody's
    found = follow_up.instructions(desk.session, desk.viewer, own=own, today=desk.day, since=desk.since)
    return {"found": found, "own": own}


def _late(desk: Desk) -> Values | None:
    if not desk.viewer.may("activity:add"):
        return None
    units = follow_up.late_by_unit(desk.session, desk.viewer, today=desk.day)
    return {
        "units": units[:UNITS_SHOWN],
        "has_more": len(units) > UNITS_SHOWN,
        "total": sum(unit.steps for unit in units),
    }


def _climbed(desk: Desk) -> Values | None:
    """Overdue steps of others that climbed to this person: as liaison, as leader, as head of the unit."""
    lines, total = escalated(desk.session, desk.viewer, desk.day, size=PROJECTS_SHOWN)
    return {"lines": lines, "total": total} if total else None


def _projects(desk: Desk) -> Values | None:
    """Open projects by light, one's own and all one may see, and those that turned red since last Monday: of all for
    who watches over all, else of one's own."""
    if not desk.viewer.may("project:read"):
        return None
    whole = not desk.viewer.roles.isdisjoint({Role.LEADER.value, Role.SUPERVISOR.value})
    found = lit(desk.session, desk.viewer, desk.day, since=desk.since, whole=whole, size=PROJECTS_SHOWN)
    return {"lit": found, "whole": whole}


def _reserve(desk: Desk) -> Values | None:
    """The listing reserve: terms, plans and obstacles that ask for attention."""
    if not desk.viewer.may("listing:read"):
        return None
    return {"desk": reserve(desk.session, desk.viewer, desk.day, size=PROJECTS_SHOWN)}


def _own_firms(desk: Desk) -> Values | None:
    found = kept(desk.session, desk.viewer, quiet_from=desk.quiet_from)
    return {"kept": found, "asked": {"officer": "me"}, "street": None} if found.firms else None


def _street_firms(desk: Desk) -> Values | None:
    street = street_of(desk.session, desk.viewer.unit_ids)
    if street is None:
        return None
    found = kept(desk.session, desk.viewer, quiet_from=desk.quiet_from, street_id=street[0])
    return {"kept": found, "asked": {"street": street[0]}, "street": street[1]}


def _inbox(desk: Desk) -> Values:
    told, _more = follow_up.list_inbox(desk.session, desk.viewer, today=desk.day, size=5)
    return {"told": told, "count": follow_up.count_inbox(desk.session, desk.viewer, today=desk.day)}


def _lists(desk: Desk) -> Values | None:
    found = open_lists(desk.session, desk.viewer)
    return {"lists": found} if found else None


def _expiring(desk: Desk) -> Values:
    """Certificates that lapse soon: in the zone, of the firms this person serves, of a reporter's street."""

    def number(**which: Any) -> int:
        within = Within(as_of=desk.day, **which)
        days = ladder.expiry_days(desk.session, within, viewer=desk.viewer, months=SOON_MONTHS)
        return sum(number for _day, number in days)

    mine = number(officer_id=desk.viewer.user_id) if desk.viewer.may("firm:edit") else 0
    is_reporter = Role.REPORTER.value in desk.viewer.roles
    street = street_of(desk.session, desk.viewer.unit_ids) if is_reporter else None
    return {
        "mine": mine,
        "street": street,
        "street_number": number(street_id=street[0]) if street else 0,
        "all": number(),
        "months": SOON_MONTHS,
    }


def _figures(desk: Desk) -> Values:
    """Firms at each stage, and with the title of high-tech enterprise, today and last Monday."""
    session, viewer = desk.session, desk.viewer
    now, then = Within(as_of=desk.day), Within(as_of=desk.since)
    at, was = (
        ladder.stage_counts(session, now, viewer=viewer),
        ladder.stage_counts(session, then, viewer=viewer),
    )
    rows = [(stage, {"stage": stage.value}, number, was[stage]) for stage, number in at.items()]
    return {
        "rows": rows,
        "total": (sum(at.values()), sum(was.values())),
        "high_tech": (
            ladder.count_holders(session, now, HIGH_TECH, viewer=viewer),
            ladder.count_holders(session, then, HIGH_TECH, viewer=viewer),
        ),
        "high_tech_asked": {"kind": HIGH_TECH, "pending": "any"},
    }


def _changes(desk: Desk) -> Values:
    counts = news.counts(desk.session, desk.viewer, first=desk.since, last=desk.day)
    lines, _more = news.page(desk.session, desk.viewer, first=desk.since, last=desk.day, size=NEWS_SHOWN)
    return {"counts": counts, "kinds": news.NEWS, "lines": lines, "total": sum(counts.values())}


PANELS: Mapping[Panel, Shown] = {
    Panel.STEPS: Shown("overview/panels/steps.html", _steps),
    Panel.INSTRUCTIONS: Shown("overview/panels/instructions.html", _instructions),
    Panel.LATE: Shown("overview/panels/late.html", _late),
    Panel.CLIMBED: Shown("overview/panels/climbed.html", _climbed),
    Panel.PROJECTS: Shown("overview/panels/projects.html", _projects),
    Panel.RESERVE: Shown("overview/panels/listing.html", _reserve),
    Panel.OWN_FIRMS: Shown("overview/panels/firms.html", _own_firms),
    Panel.STREET_FIRMS: Shown("overview/panels/firms.html", _street_firms),
    Panel.INBOX: Shown("overview/panels/inbox.html", _inbox),
    Panel.LISTS: Shown("overview/panels/lists.html", _lists),
    Panel.EXPIRING: Shown("overview/panels/expiring.html", _expiring),
    Panel.FIGURES: Shown("overview/panels/figures.html", _figures),
    Panel.CHANGES: Shown("overview/panels/changes.html", _changes),
}


def filled(desk: Desk, panels: tuple[Panel, ...]) -> list[tuple[Panel, str, Values]]:
    """These panels in their order, those with nothing to show left out: (panel, template, values)."""
    found = []
    for panel in panels:
        values = PANELS[panel].fill(desk)
        if values is not None:
            found.append((panel, PANELS[panel].template, values))
    return found
