"""The workbench: what do I do now, what waits for me, what changed. Different by role; every count opens its list."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from crm.activities.queries import Whose
from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import signed_in
from crm.core.web import actor
from crm.overview.rules.workbench import QUIET_DAYS, Panel, bench_of
from crm.overview.views.blueprint import bp
from crm.overview.views.panels import Desk, filled
from crm.overview.views.rail import navigation


@bp.get("/")
@signed_in
def home() -> Any:
    """The workbench of whoever has business here; administrators and people without a role go to their first page."""
    viewer = actor()
    if not viewer.may("firm:read"):
        entries = navigation()
        if entries:
            return redirect(url_for(entries[0]["endpoint"]), 303)
        return render_template("overview/home.html")
    wanted = request.args.get("whose", "")
    desk = Desk(db.session(), viewer, today(), Whose(wanted) if wanted in set(Whose) else Whose.MINE)
    bench = bench_of(viewer.roles)
    main, side = filled(desk, bench.main), filled(desk, bench.side)
    return render_template(
        "overview/workbench.html",
        main=main,
        side=side,
        values={panel.value: values for panel, _template, values in (*main, *side)},
        kinds=Panel,
        since=desk.since,
        quiet_from=desk.quiet_from,
        quiet_days=QUIET_DAYS,
        today=desk.day,
        viewer=viewer,
    )
