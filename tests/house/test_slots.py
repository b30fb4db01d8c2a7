"""The slots the factory fills: what higher features do within lower mechanisms, and in which order."""

from __future__ import annotations

from flask import Flask

from crm.accounts.rules import Permission
from crm.activities.actions import going_on, hearing
from crm.core import jobs, news, palette, reminders, saving, transaction
from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.lists import LISTS
from crm.core.records import CHOSEN, SUBJECTS, listed
from crm.firms import queries as registry
from crm.firms.actions import targets
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.words import SheetKind
from crm.overview.views.rail import ENTRIES as RAIL


def test_what_is_derived_is_listed_in_feature_order(app: Flask) -> None:
    assert [entry.name for entry in transaction.DERIVE] == [
        "firms.appointing",
        "firms.search",
        "ladder.stages",
        "projects.search",
        "projects.pulse",
        "projects.frozen",
    ]
    known = set(Base.metadata.tables)
    for entry in transaction.DERIVE:
        assert entry.tables <= known, entry.name


def test_every_sheet_has_somebody_who_takes_it(app: Flask) -> None:
    assert set(SHEETS) == set(SheetKind)
    alone = {sheet for sheet, kind in SHEETS.items() if kind.stands_alone}
    assert set(targets.TARGETS) == set(SheetKind) - {SheetKind.REGISTRY} - alone
    assert set(targets.WHOLE) == alone == {SheetKind.PROJECTS}
    for sheet, kind in SHEETS.items():
        assert {Permission(kind.permission)} and kind.columns, sheet
        assert set(kind.shown) <= {rule.name for rule in kind.columns}, sheet


def test_the_ladder_shows_itself_on_the_pages_of_firms(app: Flask) -> None:
    assert "stage" in [column.key for column in registry.COLUMNS]
    assert len(registry.TAGS) == len(registry.BULK) == 1
    assert [panel.endpoint for panel in registry.PANELS] == [
        "ladder.firm_panel", "activities.files", "listing.firm_panel", "projects.firm_panel",
    ]  # fmt: skip


def test_long_work_is_listed(app: Flask) -> None:
    assert set(jobs.JOBS) == {
        "digest.weekly",
        "ops.tidy",
        "firms.import-prune",
        "firms.duplicates",
        "activities.scan",
        "firms.import-read",
        "firms.import-undo",
        "firms.import-write",
        "ladder.tag-match",
        "ladder.tag-write",
        "overview.bulk",
        "overview.export",
    }


def test_every_kind_of_record_is_declared_with_what_exists(app: Flask) -> None:
    assert set(SUBJECTS) == {"user", "unit", "firm", "certification", "application", "candidate", "project"}
    for code, kind in SUBJECTS.items():
        columns = columns_of(kind.model)
        assert code == kind.code and kind.facts
        assert {fact.name for fact in kind.facts} <= set(columns), code
        assert kind.settable <= set(columns) and kind.id_from in set(columns), code
        assert kind.name in columns or hasattr(kind.model, kind.name), code
        assert bool(kind.settable) == (kind.change is not None), code
        view = app.view_functions[kind.endpoint]
        assert set(kind.read) <= set(view.__dict__["needs"]), f"{code}: the page and the declaration differ"
        assert {setting.fact for setting in kind.settings} <= kind.settable, code
        assert kind.archived is None or kind.archived in columns, code
        for part in kind.parts:
            assert {part.column, *part.key} <= set(columns_of(part.model)), code


def test_rows_that_are_only_chosen_are_no_subjects_and_exist(app: Flask) -> None:
    assert set(CHOSEN) == {"step"} and not set(CHOSEN) & set(SUBJECTS)
    for code, kind in CHOSEN.items():
        columns = columns_of(kind.model)
        assert code == kind.code and {fact.name for fact in kind.facts} <= set(columns)
        assert kind.settable <= set(columns) and kind.name in columns
        assert set(kind.read) <= set(app.view_functions[kind.endpoint].__dict__["needs"]), code
        assert {setting.fact for setting in kind.settings} <= kind.settable
        for part in kind.parts:
            assert {part.column, *(fact.name for fact in part.facts)} <= set(columns_of(part.model)), code


def test_what_the_palette_offers_exists_and_needs_what_its_route_needs(app: Flask) -> None:
    assert palette.ENTRIES
    for entry in palette.ENTRIES:
        view = app.view_functions[entry.endpoint]
        # everybody may open home, which sends those without business there on to their own first page
        is_home = entry.endpoint == "overview.home"
        needed = set(view.__dict__["needs"])
        # an entry that asks for one thing of a page may be for fewer people than the page
        is_meant = (
            set(entry.needs) <= needed and bool(entry.needs) if entry.values else set(entry.needs) == needed
        )
        assert is_home or is_meant, entry.endpoint
        with app.test_request_context():
            assert app.url_for(entry.endpoint, **entry.values).startswith("/"), entry.endpoint
    names = [entry.label for entry in palette.ENTRIES]
    assert len(names) == len(set(names))


def test_the_palette_offers_every_page_of_the_rail(app: Flask) -> None:
    offered = {(entry.endpoint, frozenset(entry.needs), entry.icon) for entry in palette.ENTRIES}
    assert {(endpoint, frozenset(needs), icon) for endpoint, icon, _label, needs, _group in RAIL} <= offered


def test_records_that_always_have_a_next_step(app: Flask) -> None:
    assert set(going_on.PROGRESS) == {"project"}


def test_what_the_inbox_hears_of(app: Flask) -> None:
    assert [[hearing.job_ended], [hearing.overtaken]] == [jobs.ENDED, saving.OVERTAKEN]


def test_what_the_scheduler_asks_for_and_goes_round_with(app: Flask) -> None:
    timed = {kind: each.timing.label for kind, each in jobs.JOBS.items() if each.timing is not None}
    assert timed == {
        "digest.weekly": "每周一次", "firms.duplicates": "每晚", "firms.import-prune": "每晚", "ops.tidy": "每小时",
    }  # fmt: skip
    assert set(jobs.ROUNDS) == {"mail"}
    assert {put_away.__name__ for put_away in jobs.TIDY} == {"remove_old", "clear_outbox"}


def test_what_is_done_every_night(app: Flask) -> None:
    assert {kind for kind, each in jobs.JOBS.items() if each.is_nightly} == {
        "firms.import-prune", "firms.duplicates",
    }  # fmt: skip


def test_what_is_news_is_listed_in_feature_order(app: Flask) -> None:
    codes = [kind.code for kind in news.NEWS]
    assert codes == [
        "risen", "fallen", "joined", "left", "granted", "ended", "lapsed", "application", "listing-moved",
        "listing-back", "listing-aside", "listing-entered", "listing-board", "project-signed",
        "project-moved", "project-back", "project-lost", "project-paused", "project-reported", "written",
    ]  # fmt: skip
    assert len({kind.label for kind in news.NEWS}) == len(codes)


def test_every_list_is_declared_with_what_exists(app: Flask) -> None:
    assert set(LISTS) == {
        "firms", "ladder", "listing", "projects", "people", "imports", "audit", "operations", "steps", "instructions",
    }  # fmt: skip
    for key, declared in LISTS.items():
        assert key == declared.key and declared.sorts and declared.columns
        view = app.view_functions[declared.endpoint]
        assert set(declared.needs) == set(view.__dict__["needs"]), (
            f"{key}: the page and the declaration differ"
        )
        assert declared.kind is None or declared.kind in listed(), key
        keys = [column.key for column in declared.columns]
        assert len(keys) == len(set(keys)), key
        assert {column.sort for column in declared.columns if column.sort} <= {
            sort.key for sort in declared.sorts
        }


def test_what_people_are_reminded_of_is_listed_in_feature_order(app: Flask) -> None:
    assert [kind.code for kind in reminders.REMINDERS] == [
        "instruction-waiting", "instruction-unanswered", "step-overdue", "step-due", "step-left", "report-missed",
        "report-due", "certificate-expiring", "certificates-unowned", "rename-due", "sme-pending", "obstacle-late",
        "obstacle-due", "listing-out", "listing-soon", "listing-planned", "listing-tutored", "listing-unowned", "step-climbed",
        "lead-late", "lights-all", "light-turned", "project-quiet", "stage-missing",
    ]  # fmt: skip
    for kind in reminders.REMINDERS:
        assert kind.text and kind.whys and len(kind.code) <= 40, kind.code
        assert not kind.unless or kind.unless in {each.code for each in reminders.REMINDERS}, kind.code
    assert set(reminders.SIGHT) == set(SUBJECTS) - {"user", "unit"}  # administrators', who are told nothing
