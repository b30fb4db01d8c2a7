"""What every table keeps."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from crm.core.db import Base, Versioned
from tests.house.source import load, words

load("models", "rules")  # a test that runs alone sees every table and word, too
# the audit itself, the queue, sign-in, rows of lists before they count, and what is derived
UNAUDITED = {
    "DigestTold",  # written with the mail that tells it
    "AuditChange",
    "AuditEnvelope",
    "AuditHead",
    "AuditPersonal",
    "BulkRow",
    "BulkRun",
    "Draft",
    "FirmPair",
    "ImportFile",
    "ImportPart",
    "ImportRow",
    "InboxItem",
    "ProjectPulse",
    "Job",
    "Notice",
    "OldPassword",
    "OutboxMail",
    "RecoveryCode",
    "SignInAttempt",
    "StageInterval",
    "TagRow",
    "UserFactor",
    "UserSession",
}


def mappers() -> list[Mapper[object]]:
    return sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)


def test_relationships_never_load_by_themselves() -> None:
    lazy = [
        f"{mapper.class_.__name__}.{relation.key}"
        for mapper in mappers()
        for relation in mapper.relationships
        if relation.lazy != "raise_on_sql"
    ]
    assert lazy == []


def test_what_people_edit_is_versioned() -> None:
    loose = [
        mapper.class_.__name__
        for mapper in mappers()
        if mapper.class_.__audited__ and not issubclass(mapper.class_, Versioned)
    ]
    assert loose == []


def test_few_tables_leave_no_audit_row() -> None:
    assert {mapper.class_.__name__ for mapper in mappers() if not mapper.class_.__audited__} == UNAUDITED


def test_version_columns_guard_updates() -> None:
    for mapper in mappers():
        if issubclass(mapper.class_, Versioned):
            assert mapper.version_id_col is not None, mapper.class_.__name__


def test_constraints_have_names() -> None:
    nameless = [
        str(table)
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if not constraint.name
    ]
    assert nameless == []


def test_money_is_whole_yuan() -> None:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_yuan"):
                assert isinstance(column.type, sa.BigInteger), f"{table.name}.{column.name}"
            assert not isinstance(column.type, sa.Float), f"{table.name}.{column.name} is inexact"


def test_every_word_has_a_label_of_its_own() -> None:
    assert len(words()) > 10
    for enum in words():
        labels = [member.label for member in enum]
        assert all(labels), enum
        assert len(labels) == len(set(labels)), f"{enum.__name__} says two things in the same words"


def test_sentences_are_stored_as_text_and_parameters() -> None:
    """Never rendered, so that both languages read them."""
    for table in Base.metadata.sorted_tables:
        for name in {"problem", "message", "reasons", "params"} & set(table.columns.keys()):
            assert isinstance(table.columns[name].type, sa.JSON), f"{table.name}.{name}"
