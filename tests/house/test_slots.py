"""The slots the factory fills: what higher features do within lower mechanisms, and in which order."""

from __future__ import annotations

from flask import Flask

from crm.core import jobs, transaction
from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.records import SUBJECTS
from crm.firms import queries as registry
from crm.firms.actions import targets
from crm.firms.rules.words import SheetKind


def test_what_is_derived_is_listed_in_feature_order(app: Flask) -> None:
    assert [entry.name for entry in transaction.DERIVE] == ["firms.search", "ladder.stages"]
    known = set(Base.metadata.tables)
    for entry in transaction.DERIVE:
        assert entry.tables <= known, entry.name


def test_every_sheet_has_somebody_who_takes_it(app: Flask) -> None:
    assert set(targets.TARGETS) >= {SheetKind.CERTIFICATIONS}


def test_the_ladder_shows_itself_on_the_pages_of_firms(app: Flask) -> None:
    assert "stage" in [column.key for column in registry.COLUMNS]
    assert len(registry.TAGS) == len(registry.BULK) == 1
    assert [panel.endpoint for panel in registry.PANELS] == ["ladder.firm_panel", "activities.files"]


def test_long_work_is_listed(app: Flask) -> None:
    assert set(jobs.JOBS) == {
        "activities.scan",
        "firms.import-read",
        "firms.import-write",
        "ladder.tag-match",
        "ladder.tag-write",
    }


def test_every_kind_of_record_is_declared_with_what_exists(app: Flask) -> None:
    assert set(SUBJECTS) == {"firm", "certification", "application"}
    for code, kind in SUBJECTS.items():
        columns = columns_of(kind.model)
        assert code == kind.code and kind.facts
        assert {fact.name for fact in kind.facts} <= set(columns), code
        assert kind.settable <= set(columns) and {kind.name, kind.id_from} <= set(columns), code
        assert bool(kind.settable) == (kind.change is not None), code
        view = app.view_functions[kind.endpoint]
        assert set(kind.read) <= set(view.__dict__["needs"]), f"{code}: the page and the declaration differ"
        for part in kind.parts:
            assert {part.column, *part.key} <= set(columns_of(part.model)), code
