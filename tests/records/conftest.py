"""The slot with the tests' own kind in it, for the time of a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from crm.core import merging, undo
from crm.core.records import SUBJECTS, declare
from tests.records.sample import MERGING, SAMPLE


@pytest.fixture(autouse=True)
def kinds(app: Flask) -> Iterator[None]:
    declare(SAMPLE)
    merging.MERGE["sample"] = MERGING
    undo.ACTIONS["sample.edit"] = "修改样品"
    yield
    del SUBJECTS["sample"], undo.ACTIONS["sample.edit"], merging.MERGE["sample"]
