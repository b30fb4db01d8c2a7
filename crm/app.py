"""The factory: configuration, core, features in their order, the slots filled. Read this to see how Tidui is wired."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Flask
from flask_login import LoginManager, current_user
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from crm import config as settings
from crm.core import (
    audit,
    errors,
    files,
    i18n,
    jobs,
    lists,
    logs,
    merging,
    migrating,
    records,
    reminders,
    saving,
    transaction,
    undo,
    web,
)
from crm.core.db import db, engine_options, prepare
from crm.core.words import C_, N_

# floors, lowest first: a feature may use those before it, never those after it (a house test reads this list)
FEATURES = ["accounts", "activities", "firms", "ladder", "listing", "projects", "registers", "plan"]
ROOF = ["digest", "overview", "api", "ops", "demo"]
BUILT = [
    "accounts",
    "activities",
    "firms",
    "ladder",
    "listing",
    "projects",
    "digest",
    "overview",
    "ops",
    "demo",
]

EMBEDDED_COOKIE = "tidui"


def create_app(config: settings.Config | None = None, **overrides: Any) -> Flask:
    """Build the application. `overrides` are Flask settings (tests switch on TESTING)."""
    chosen = config or settings.load()
    if chosen.is_embedded:
        chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask("crm", template_folder="../templates", static_folder="../static")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.update(
        TIDUI=chosen,
        SECRET_KEY=chosen.secret_key,
        SQLALCHEMY_DATABASE_URI=chosen.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(chosen.database_url),
        SESSION_COOKIE_NAME="__Host-tidui" if chosen.is_https else EMBEDDED_COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.is_https,
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=dt.timedelta(hours=12),
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=dt.timedelta(hours=1),
    )
    app.config.update(overrides)
    if chosen.trusted_proxies:
        hops = chosen.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    logs.init()
    db.init_app(app)
    migrating.init(app)
    with app.app_context():
        prepare(db.engine)
    audit.install()
    i18n.init(app)
    import_module("crm.core.lists.saved")
    import_module("crm.core.workdays")
    files.init(app)
    for name in BUILT:
        if find_spec(f"crm.{name}.models"):
            import_module(f"crm.{name}.models")
    login = LoginManager(app)
    login.session_protection = None  # our own sessions live in the database
    web.init(app)
    errors.init(app)
    for name in BUILT:
        import_module(f"crm.{name}").init(app)
    for name in BUILT:  # slot JOBS: the kinds of long work
        if find_spec(f"crm.{name}.jobs"):
            import_module(f"crm.{name}.jobs")
    fill_slots()
    import_module("crm.activities.actions.scanning").install(chosen.scan_command)  # slot SCANNER
    web.version_static(app)
    app.jinja_env.globals.update(actor=web.actor, current_user=current_user)
    app.context_processor(lambda: {"demo": chosen.has_demo})
    return app


def fill_slots() -> None:
    """The slots of `house.md` § 1, all of them here: what higher features do within lower mechanisms."""
    web.EXPIRED[:] = [import_module("crm.overview.views.drafts").keep_typed]
    # the slots: what is recomputed in the transaction that touches its tables, in feature order
    transaction.DERIVE[:] = [
        import_module("crm.firms.actions").APPOINTING,
        import_module("crm.firms.actions").SEARCH,
        import_module("crm.ladder.actions").STAGES,
        import_module("crm.projects.actions").SEARCH,
        import_module("crm.projects.actions").PULSE,
        import_module("crm.projects.actions").FROZEN,
    ]
    # the kinds of records that history, restore, merge, bulk change and undo serve
    for feature in ("accounts", "firms", "ladder", "listing", "projects"):
        records.declare(*import_module(f"crm.{feature}.records").KINDS)
    records.declare_chosen(*import_module("crm.activities.records").KINDS)
    # how firms merge: the registry's parts, then those the ladder hangs on firms
    firms, ladder_records = import_module("crm.firms.records").MERGING, import_module("crm.ladder.records")
    project_records = import_module("crm.projects.records")
    candidates = import_module("crm.listing.records")
    merging.MERGE["project"] = project_records.MERGING
    merging.MERGE["firm"] = replace(
        firms,
        parts=[
            *firms.parts,
            *ladder_records.FIRM_PARTS,
            *candidates.FIRM_PARTS,
            *project_records.FIRM_PARTS,
        ],
        derived=[*firms.derived, *ladder_records.FIRM_DERIVED],
        stays=[*firms.stays, *ladder_records.FIRM_STAYS],
    )
    # what the inbox hears of: the end of long work, a save that overtook what somebody else was typing
    hearing = import_module("crm.activities.actions.hearing")
    jobs.ENDED[:], saving.OVERTAKEN[:] = [hearing.job_ended], [hearing.overtaken]
    # records that always have a next step while they go on
    going_on = import_module("crm.activities.actions.going_on")
    going_on.PROGRESS["project"] = import_module("crm.projects.queries.record").goes_on
    # one stream of a record, from what each feature tells of it
    stream = import_module("crm.activities.queries.timeline")
    entries, told = import_module("crm.activities.queries.entries"), import_module("crm.firms.queries.events")
    rungs = import_module("crm.ladder.queries.events")
    moves = import_module("crm.projects.queries.events")
    stream.SOURCES[:] = [
        entries.ACTIVITIES, entries.STEPS, entries.FILES, told.CHANGES, told.FIGURES,
        rungs.CERTIFICATES, rungs.ENDED, rungs.STAGES, import_module("crm.listing.queries.events").MOVES, moves.MOVES, moves.CHARGES,
        import_module("crm.projects.queries.payments").PAYMENTS,
    ]  # fmt: skip
    # what changed since a day, in the order of a page's kinds
    import_module("crm.core.news").NEWS[:] = [
        *import_module("crm.ladder.queries.news").NEWS,
        *import_module("crm.listing.queries.news").NEWS,
        *import_module("crm.projects.queries.news").NEWS,
        *import_module("crm.overview.queries.news").NEWS,
    ]
    # what people are reminded of, and for each kind of record who of many may see which
    follow, pipe = import_module("crm.activities.queries.reminders"), "crm.projects.queries."
    reserve = import_module("crm.listing.queries.reminders")
    reminders.REMINDERS[:] = [
        *follow.REMINDERS,
        *import_module("crm.ladder.queries.reminders").REMINDERS,
        *reserve.REMINDERS,
        *import_module(f"{pipe}reminders").REMINDERS,
    ]
    follow.CLIMBS_ITSELF.update({"project"})
    everybody = import_module("crm.firms.queries.scope").sight
    reminders.SIGHT.update(dict.fromkeys(("firm", "certification", "application"), everybody))
    reminders.SIGHT["candidate"] = reserve.sight
    reminders.SIGHT["project"] = import_module(f"{pipe}sight").sight
    undo.ACTIONS.update(
        {
            action: text
            for action, text in import_module("crm.overview.rules").MESSAGES.items()
            if "%(" not in text
        }
    )
    # slot PALETTE: pages and actions, in feature order (the day's work first)
    import_module("crm.core.palette").ENTRIES[:] = [
        entry
        for name in (
            "ladder",
            "firms",
            "listing",
            "projects",
            "activities",
            "digest",
            "overview",
            "ops",
            "accounts",
        )
        for entry in import_module(f"crm.{name}.views.palette").ENTRIES
    ]
    # the lists: their pages, exports, saved views and bulk changes
    for room in (
        "accounts.queries.people",
        "firms.queries",
        "ladder.queries",
        "listing.queries",
        "projects.queries",
        "overview.queries",
        "overview.queries.operations",
    ):
        lists.declare(import_module(f"crm.{room}").LIST)
    lists.declare(import_module("crm.firms.queries").BATCH_LIST)
    follow_up = import_module("crm.activities.queries")
    lists.declare(follow_up.LIST, follow_up.INSTRUCTIONS)
    # what the ladder shows on the pages of firms
    registry, ladder = import_module("crm.firms.queries"), import_module("crm.ladder.views.on_firms")
    registry.COLUMNS[:] = [ladder.COLUMN, *registry.OWN_COLUMNS]
    registry.FILTERS[:] = [registry.OWN_FILTERS[0], ladder.FILTER, *registry.OWN_FILTERS[1:]]
    registry.TAGS[:], registry.PANELS[:], registry.BULK[:] = [ladder.TAGS], [ladder.PANEL], [ladder.BULK]
    # the files on a firm; the panel is the same for every kind of record
    registry.PANELS.append(registry.Panel(C_("files", "文件"), "activities.files", "firm:read", kind="firm"))
    registry.PANELS.append(registry.Panel(N_("上市后备"), "listing.firm_panel", "listing:read"))
    registry.PANELS.append(registry.Panel(N_("招商项目"), "projects.firm_panel", "project:read"))
    pipeline = import_module("crm.projects.queries")
    pipeline.PANELS[:] = [
        pipeline.Panel(N_("到位资金"), "projects.payments"),
        pipeline.Panel(N_("计数口径"), "projects.counting"),
        pipeline.Panel(N_("时限"), "projects.clocks_panel"),
        pipeline.Panel(N_("首报与跟进"), "projects.holding_panel"),
        pipeline.Panel(C_("files", "文件"), "activities.files", by_kind=True),
    ]
    listing = import_module("crm.listing.queries")
    listing.PANELS[:] = [listing.Panel(C_("files", "文件"), "activities.files", by_kind=True)]
    # certificates are one of the sheets the import of firms takes
    kind = import_module("crm.firms.rules.words").SheetKind.CERTIFICATIONS
    columns = import_module("crm.firms.rules.columns")
    columns.SHEETS[kind] = columns.SheetType(
        import_module("crm.ladder.rules.columns").CERTIFICATIONS, "ladder:tag"
    )
    target = import_module("crm.ladder.actions.importing").CertificationTarget
    targets = import_module("crm.firms.actions.targets").TARGETS
    targets[kind] = target()
    past = import_module("crm.firms.rules.words").SheetKind.ACTIVITIES
    sheet = import_module("crm.firms.rules.words").SheetKind.PROJECTS
    columns.SHEETS[sheet] = columns.SheetType(
        import_module("crm.projects.rules.sheet").PROJECTS, "lead:log", base="project:edit", is_private=True,
        shown=("investor", "stage", "stage_on", "total_yuan", "leader", "step", "due_on"), stands_alone=True,
    )  # fmt: skip
    import_module("crm.firms.actions.targets").WHOLE[sheet] = import_module(
        "crm.projects.actions.importing"
    ).ProjectSheet()
    targets[past] = import_module("crm.firms.actions.past").PastTarget()
    # the reserve comes by firms too
    reserve, told = (
        import_module("crm.firms.rules.words").SheetKind.LISTING,
        import_module("crm.listing.rules.sheet"),
    )
    columns.SHEETS[reserve] = columns.SheetType(
        told.LISTING, "listing:edit", is_private=True, shown=told.SHOWN
    )
    targets[reserve] = import_module("crm.listing.actions.importing").ListingTarget()
