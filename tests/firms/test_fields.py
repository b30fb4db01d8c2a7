"""One rule a field: the form and the spreadsheet give the same verdict, in the same words."""

from __future__ import annotations

import random
from typing import Any

import pytest
from flask import Flask
from stdnum.cn import uscc
from werkzeug.datastructures import MultiDict

from crm.core.i18n import say
from crm.core.sheets.table import Kind, Record, Table
from crm.core.words import Refused
from crm.firms.forms import FirmForm
from crm.firms.rules.codes import check_code
from crm.firms.rules.columns import REGISTRY, rules_of
from crm.firms.rules.fields import Capital
from crm.firms.rules.reasons import message
from crm.firms.rules.words import SheetKind
from crm.firms.sheets import parse

TYPED = {
    "code": ["91110000600037341L", "９１１１００００６０００３７３４１Ｌ", "91110000600037341M", "330303000012345", "600037341",
             "9.11E+17", "91110000600037341O", "无", "-", "abc"],
    "name": ["温州拓屿精密机械有限公司", " 温州拓屿 ", "1", "甲有限公司；乙有限公司", "x" * 201, "坏\ufffd名"],
    "former_names": ["温州甲厂、温州乙厂", "x" * 201],
    "registered_on": ["2018-05-06", "2018/5/6", "2018年5月6日", "2018-02-30", "18-05-06", "1900-01-01", "05/06/2018"],
    "capital": ["1000", "50万人民币", "300万美元", "-5", "一百万", "1e309", "1,234.56"],
    "industry_code": ["C3912", "3912", "C", "汽车制造", "39123"],
    "address": ["龙湾区滨海路1号", "x" * 301],
    "business": ["阀门", "x" * 501],
    "source_number": ["YQ000001", "x" * 81],
}  # fmt: skip


def from_sheet(name: str, cell: Any) -> tuple[Any, str | None]:
    """What an import makes of a cell: (values, the reason)."""
    heading = rules_of(SheetKind.REGISTRY)[name].headings[0]
    headings = ["企业名称" if heading != "企业名称" else "单位", heading]
    index = {text: place for place, text in enumerate(headings)}
    row = Record(2, ("温州甲有限公司", cell), index)
    table = Table("x.csv", Kind.TEXT, [], headings=headings, records=[row])
    mapping = {name: heading} if name == "name" else {"name": headings[0], name: heading}
    parsed = parse(table, mapping, SheetKind.REGISTRY)[0]
    reason = say(message(parsed.reasons[0])) if parsed.reasons else None
    return parsed.values, reason


@pytest.mark.parametrize(("name", "typed"), [(name, text) for name, texts in TYPED.items() for text in texts])
def test_form_and_spreadsheet_give_the_same_verdict(app: Flask, name: str, typed: str) -> None:
    with app.test_request_context("/", method="POST"):
        form = FirmForm(MultiDict({"name": "温州甲有限公司", "leading_industry": "other", name: typed}))
        field = form[name]
        field.validate(form)
        values, reason = from_sheet(name, typed)
    if reason is not None:
        assert field.errors == [reason]
        return
    assert not field.errors
    value = field.value
    if isinstance(value, Capital):
        assert values["capital_yuan"] == value.yuan
        assert values["capital_text"] == value.text
    else:
        assert values.get(name) == (value.isoformat() if hasattr(value, "isoformat") else value)


def test_an_empty_name_is_told_alike(app: Flask) -> None:
    with app.test_request_context("/", method="POST"):
        form = FirmForm(MultiDict({"name": "  "}))
        form.name.validate(form)
        assert form.name.errors == ["企业名称没有填。"]


def test_a_code_typed_as_a_number_is_refused_because_its_last_digits_are_lost() -> None:
    _, reason = from_sheet("code", 9.1330300600037e17)
    assert reason is not None
    assert "15 位" in reason


def test_an_old_registration_number_is_named_as_such() -> None:
    with pytest.raises(Refused, match="旧工商注册号"):
        check_code("330303000012345")


def test_the_quick_check_of_codes_agrees_with_the_library() -> None:
    rng = random.Random(7)
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for _ in range(2000):
        body = "".join(rng.choice("0123456789") for _ in range(8)) + "".join(
            rng.choice(letters) for _ in range(10)
        )
        try:
            accepted = check_code(body) == body
        except Refused:
            accepted = False
        assert accepted == uscc.is_valid(body), body
        right = body[:17] + uscc.calc_check_digit(body)
        assert check_code(right) == right


def test_foreign_capital_is_kept_as_written_and_never_reckoned_in_yuan() -> None:
    values, reason = from_sheet("capital", "300万美元")
    assert reason is None
    assert values["capital_yuan"] is None
    assert values["capital_text"] == "300万美元"


def test_no_two_fields_of_a_sheet_claim_the_same_heading() -> None:
    seen: dict[str, str] = {}
    for rule in REGISTRY:
        for heading in {rule.label, *rule.headings}:
            assert seen.setdefault(heading, rule.name) == rule.name, heading
