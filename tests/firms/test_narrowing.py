"""Only rows with an address in a region: what an address tells, and what only sounds like it."""

from __future__ import annotations

import pytest

from crm.core.words import Refused
from crm.firms import sheets
from crm.firms.rules.regions import Place, is_within, place_of, regions_of
from crm.firms.rules.words import SheetKind


@pytest.mark.parametrize(
    ("address", "county"),
    [
        ("浙江省乐清市北白象镇温州大桥工业园区", "乐清"),
        ("浙江省乐清经济开发区纬五路 180 号", "乐清"),
        ("温州市永嘉县瓯北镇东瓯工业区", "永嘉"),
        ("浙江省温州市瓯海高新技术产业园区高翔路1号", "瓯海"),
        ("浙江省温州市瑞安市瑞安经济开发区", "瑞安"),
        ("浙江省温州经济技术开发区滨海四道518号", "龙湾"),
        ("温州龙湾区永中街道", "龙湾"),
        ("中国浙江省龙港市彩虹大道1号", "龙港"),
        ("浙江省温州市矮凳桥92号", ""),
    ],
)
def test_an_address_of_the_city_tells_its_county(address: str, county: str) -> None:
    assert place_of(address) == Place("浙江", "温州", county)
    assert is_within(address, regions_of("温州")) is True


@pytest.mark.parametrize(
    "address",
    [
        "四会市下茆镇龙湾村西鸦崀", "广东省江门市蓬江区龙湾路8号", "辽宁省葫芦岛市龙港区锌厂路24号", "北京市海淀区永嘉北路6号",
        "重庆市璧山区永嘉大道111号", "福建省福鼎市温州大厦",
    ],
)  # fmt: skip
def test_a_village_a_road_or_a_district_elsewhere_is_not_in_the_city(address: str) -> None:
    assert is_within(address, regions_of("温州、浙江龙港、龙湾")) is False


def test_nothing_is_said_of_an_address_that_tells_no_place() -> None:
    assert is_within("滨海五道66号", regions_of("温州")) is None


@pytest.mark.parametrize(
    ("written", "told"), [("火星", "没有叫"), ("龙港", "不止一处"), (" ", "请写一个地区")]
)
def test_a_region_nobody_knows_or_several_have_is_refused(written: str, told: str) -> None:
    from crm.core.i18n import say

    with pytest.raises(Refused) as refusal:
        regions_of(written)
    assert told in say(refusal.value)


CSV = """全称,年份,注册地址,营业收入
温州岚屿机电股份有限公司,2019,浙江省乐清市柳市镇,100
温州岚屿机电股份有限公司,2020,浙江省乐清市虹桥镇,200
葫芦岛某锌业股份有限公司,2020,辽宁省葫芦岛市龙港区,300
"""


def test_of_a_firm_with_a_row_a_year_the_registry_takes_the_latest_and_figures_take_all() -> None:
    for sheet, rows in ((SheetKind.REGISTRY, [3]), (SheetKind.FIGURES, [2, 3])):
        table = sheets.open_table(CSV.encode(), "a.csv", sheet)
        told = sheets.narrow(table, sheet, "温州")
        assert [record.row for record in table.records] == rows
        assert told[0].params == {"within": "温州", "kept": 2, "left": 1, "unknown": 0}


def test_without_an_address_column_nothing_can_be_chosen_by_region() -> None:
    table = sheets.open_table("企业名称\n甲有限公司\n乙有限公司\n".encode(), "a.csv", SheetKind.REGISTRY)
    with pytest.raises(Refused, match="要有地址列"):
        sheets.narrow(table, SheetKind.REGISTRY, "温州")
