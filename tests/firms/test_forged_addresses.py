"""What somebody types or forges into the address of a list is dropped or shown, never an error."""

from __future__ import annotations

import base64
import json

import pytest
from flask.testing import FlaskClient

from crm.core import lists
from crm.firms.queries import ROW_SORT
from tests import people


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("updated", "0001-01-01T00:00:00+14:00"),
        ("updated", "9999-12-31T23:59:59-14:00"),
        ("name", "\ud800"),
        ("name", "a\x00"),
        ("registered", None),
    ],
)
def test_a_forged_position_is_no_error(client: FlaskClient, sort: str, value: str | None) -> None:
    people.sign_in(client, people.SCIENCE)
    forged = base64.urlsafe_b64encode(json.dumps([value, 1, 1]).encode()).decode().rstrip("=")
    for way in ("after", "before"):
        assert client.get(f"/firms?sort={sort}&{way}={forged}").status_code == 200


def test_a_date_filter_stands_in_its_field(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    page = client.get("/firms?from=2020-01-02")
    assert page.status_code == 200
    assert 'value="2020-01-02"' in page.text


def test_a_number_no_column_holds_is_no_position() -> None:
    for number in (2**31, -(2**70)):
        raw = base64.urlsafe_b64encode(json.dumps([number, 1, 1]).encode()).decode().rstrip("=")
        assert lists.position(raw, ROW_SORT) is None


@pytest.mark.parametrize(
    "address",
    [
        "/operations/a%00b/undo",
        "/ladder/selection/undo?operation=a%00b",
        "/firms/import/{batch}/doubtful/10000000000000000",
    ],
)
def test_what_only_postgresql_cannot_compare_is_not_there_either(client: FlaskClient, address: str) -> None:
    people.sign_in(client, people.SCIENCE)
    sent = people.post(
        client,
        "/firms/import",
        {"sheet": "registry", "mode": "both", "pasted": "企业名称\t地址\n某厂有限公司\t甲路\n"},
    )
    batch = sent.headers["Location"].rpartition("/")[2]
    assert people.post(client, address.format(batch=batch)).status_code in (404, 422)
