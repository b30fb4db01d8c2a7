"""Whatever names a record that merges says what becomes of it: it moves, is derived, or stays for a reason."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import sqlalchemy.orm
from flask import Flask

from crm.core.audit.journal import STAMPS, columns_of
from crm.core.merging import MERGE, uncovered
from crm.core.records import SUBJECTS

NEVER_CHOSEN = {"id", "created_at", "created_by_id", *STAMPS}


def test_firms_and_projects_merge(app: Flask) -> None:
    assert set(MERGE) == {"firm", "project"}


def test_every_relation_of_a_record_that_merges_is_declared(app: Flask) -> None:
    for code in MERGE:
        assert uncovered(SUBJECTS[code]) == [], (
            "declare it: a Part moves, Derived is recomputed, Stays says why"
        )


@pytest.mark.parametrize(
    "column",
    [
        sa.Column("owner", sa.BigInteger, sa.ForeignKey("firms.id")),
        sa.Column("firm_id", sa.BigInteger),
        sa.Column("other_firm_id", sa.Integer),
        sa.Column("about", sa.BigInteger, info={"refers_to": "firms"}),
    ],
    ids=str,
)
def test_a_new_relation_that_is_not_declared_is_found(app: Flask, column: sa.Column[int]) -> None:
    table = sa.Table("loose_ends", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True), column)
    sa.Table("firms", table.metadata, sa.Column("id", sa.BigInteger, primary_key=True))
    registry = sa.orm.registry(metadata=table.metadata)
    made = type("Loose", (), {"__tablename__": "loose_ends"})
    registry.map_imperatively(made, table)
    try:
        assert uncovered(SUBJECTS["firm"], [made]) == [f"loose_ends.{column.name}"]  # type: ignore[list-item]
    finally:
        registry.dispose()


def test_every_fact_of_a_record_is_chosen_or_settled(app: Flask) -> None:
    """A column that is neither would be lost silently."""
    for code, rules in MERGE.items():
        kind = SUBJECTS[code]
        told = {fact.name for fact in kind.facts} | rules.fixed | rules.columns | NEVER_CHOSEN
        assert set(columns_of(kind.model)) - told == set(), code
        assert {name for group in rules.together for name in group} <= {fact.name for fact in kind.facts}
        assert rules.earliest <= {fact.name for fact in kind.facts}


# columns that `combine` brings along, or that follow from the key
CARRIED = {"year_figures": {"sources"}, "firm_names": {"name_key"}}


def test_every_column_of_a_row_both_sides_have_is_chosen(app: Flask) -> None:
    for rules in MERGE.values():
        for part in rules.parts:
            if not part.facts:
                assert not part.key or part.settle, (
                    f"{part.model.__tablename__}: what becomes of the other row?"
                )
                continue
            table = part.model.__tablename__
            told = {fact.name for fact in part.facts} | {part.column, *part.key} | NEVER_CHOSEN
            assert set(columns_of(part.model)) - told == CARRIED.get(table, set()), table


def test_every_unique_key_that_holds_a_record_is_the_key_of_its_part(app: Flask) -> None:
    """Where the database allows one row a record, a merge must let a person choose."""
    for rules in MERGE.values():
        for part in rules.parts:
            names = {column: name for name, column in columns_of(part.model).items()}
            table = part.model.__table__
            keys = [c.columns for c in table.constraints if isinstance(c, sa.UniqueConstraint)]  # type: ignore[attr-defined]
            keys += [index.columns for index in table.indexes if index.unique]  # type: ignore[attr-defined]
            for key in keys:
                found = {names[column] for column in key}
                if part.column in found:
                    assert found - {part.column} == set(part.key), part.model.__tablename__
