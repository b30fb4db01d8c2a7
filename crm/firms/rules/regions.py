"""Where an address lies: province, city, county, read from its front. Pure.

A place counts only where it stands as one: at the front of the address, behind the wider place, with its own ending (市, 县,
区) or with a zone behind it. 龙湾村, 龙湾路, 永嘉北路 are none, and 龙港区 of 葫芦岛 is not 龙港市 of 温州.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from crm.core.folding import fold
from crm.core.words import N_, Refused
from crm.firms.rules.places import PLACES

HOME = "浙江"
COUNTIES: dict[str, str] = {
    "杭州": "上城 拱墅 西湖 滨江 萧山 余杭 富阳 临安 临平 钱塘 桐庐 淳安 建德",
    "宁波": "海曙 江北 北仑 镇海 鄞州 奉化 象山 宁海 余姚 慈溪",
    "温州": "鹿城 龙湾 瓯海 洞头 永嘉 平阳 苍南 文成 泰顺 瑞安 乐清 龙港",
    "嘉兴": "南湖 秀洲 嘉善 海盐 海宁 平湖 桐乡",
    "湖州": "吴兴 南浔 德清 长兴 安吉",
    "绍兴": "越城 柯桥 上虞 新昌 诸暨 嵊州",
    "金华": "婺城 金东 武义 浦江 磐安 兰溪 义乌 东阳 永康",
    "衢州": "柯城 衢江 常山 开化 龙游 江山",
    "舟山": "定海 普陀 岱山 嵊泗",
    "台州": "椒江 黄岩 路桥 三门 天台 仙居 温岭 临海 玉环",
    "丽水": "莲都 青田 缙云 遂昌 松阳 云和 庆元 景宁 龙泉",
}
"""The counties of the home province by city; of other cities only those an address names are known."""
# zones with an administration of their own, and the district they stand in
ZONES = {("温州", "经济技术开发区"): "龙湾", ("温州", "高新技术产业开发区"): "龙湾"}

_ZONE = (
    "(?=(?:国家级|省级)?(?:经济技术|经济|高新技术|高新|工业|产业|科技|海洋经济|滨海)?[^路街村巷弄号]{0,10}?"
    "(?:开发区|高新区|产业园区|工业园区|园区|示范区|工业区|集聚区))"
)
_PREFIX = re.compile(r"^(?:公司)?(?:注册)?(?:地址|住所)[:：]?|^中国")
_PROVINCE = re.compile(r"(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)")
_LEVEL = {"city": "(?:市|地区|盟|自治州)", "county": "(?:县|自治县|旗)", "district": "(?:新区|区)"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place by its short names, from the widest to the narrowest; empty where it is not told."""

    province: str = ""
    city: str = ""
    county: str = ""

    def lies_in(self, region: Place) -> bool:
        """Whether this place lies in a region (or is it)."""
        return (
            (not region.province or region.province == self.province)
            and (not region.city or region.city == self.city)
            and (not region.county or region.county == self.county)
        )


@cache
def _names() -> dict[str, list[tuple[str, str]]]:
    """Short name → (province, level) of every place that has it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for province, levels in PLACES.items():
        for level, names in zip(("city", "county", "district"), levels, strict=True):
            for name in names.split():
                found.setdefault(name, []).append((province, level))
    return found


@cache
def _city_of() -> dict[str, str]:
    return {county: city for city, counties in COUNTIES.items() for county in counties.split()}


@cache
def _longest() -> int:
    return max(len(name) for name in _names())


def _at_front(text: str, province: str) -> tuple[str, str, str, str] | None:
    """The place at the front of a text: (short name, province, level, the rest). Only where its ending or a zone behind
    it says that it is one, and only one place answers."""
    for size in range(min(_longest(), len(text)), 1, -1):
        name, rest = text[:size], text[size:]
        if name[-1] in "县区" and name in _names() and len(name) == 2:  # 沙县, 城区: the ending is the name
            options = [(p, lv, rest) for p, lv in _names()[name] if not province or p == province]
        else:
            options = []
            for p, level in _names().get(name, ()):
                if province and p != province:
                    continue
                ending = re.match(_LEVEL[level], rest)
                if ending is not None:
                    options.append((p, level, rest[ending.end() :]))
                elif re.match(_ZONE, rest) or (level == "city" and _at_front(rest, p) is not None):
                    options.append((p, level, rest))
        if len({p for p, _level, _rest in options}) == 1:
            p, level, rest = options[0]
            return name, p, level, rest
    return None


def place_of(address: str) -> Place:
    """The place of an address, as far as its front tells it."""
    text = re.sub(r"\s+", "", fold(address))
    text = re.sub(r"^[(（]([^()（）]+)[)）]", r"\1", _PREFIX.sub("", _PREFIX.sub("", text)))
    province = next((name for name in PLACES if text.startswith(name)), "")
    if province:
        rest = text[len(province) :]
        ending = _PROVINCE.match(rest)
        text = rest[ending.end() :] if ending else rest
    city = county = ""
    for _step in range(3):
        found = _at_front(text, province)
        if found is None:
            break
        name, province, level, text = found
        over = _city_of().get(name, "") if province == HOME else ""
        if over:
            city, county = over, name
        elif level == "city" and not city:
            city = name
        else:
            county = name
        if county:
            break
    if not county and city:
        county = next((own for (of, zone), own in ZONES.items() if of == city and text.startswith(zone)), "")
    return Place(province, city, county)


def regions_of(written: str) -> list[Place]:
    """The regions people write: one or more provinces, cities or counties with 、or spaces between. Raises `Refused`
    for one that is not known, or that there are several of."""
    found = []
    for word in re.split(r"[\s、，,;；/]+", written.strip()):
        if word:
            found.append(_region(word))
    if not found:
        raise Refused(N_("请写一个地区，如“温州”或“浙江省乐清市”。"), field="within")
    return found


def _region(word: str) -> Place:
    exact = place_of(word)
    if exact.city or exact.county:
        return exact
    bare = fold(word).strip()
    for name in PLACES:
        if bare == name or (bare.startswith(name) and _PROVINCE.fullmatch(bare[len(name) :])):
            return Place(name)
    province = next((name for name in PLACES if bare.startswith(name) and bare != name), "")
    bare = _PROVINCE.sub("", bare.removeprefix(province), count=1) if province else bare
    for city, counties in COUNTIES.items():
        county = bare.removeprefix(city).removeprefix("市")
        if bare.startswith(city) and county in counties.split():
            return Place(HOME, city, county)
    options = [(p, level) for p, level in _names().get(bare, ()) if not province or p == province]
    if not options:
        raise Refused(N_("没有叫「%(name)s」的省、市、县、区。"), name=word, field="within")
    if len({p for p, _level in options}) > 1:
        named = "、".join(dict.fromkeys(p for p, _level in options))
        raise Refused(
            N_("不止一处叫「%(name)s」（%(named)s），请写上省，如“%(first)s%(name)s”。"), name=word, named=named,
            first=options[0][0], field="within",
        )  # fmt: skip
    of, level = options[0]
    if of == HOME and bare in _city_of():
        return Place(of, _city_of()[bare], bare)
    return Place(of, bare) if level == "city" else Place(of, "", bare)


def is_within(address: str, regions: Sequence[Place]) -> bool | None:
    """Whether an address lies in one of the regions; None when its front tells no place at all."""
    place = place_of(address)
    if place == Place():
        return None
    return any(place.lies_in(region) for region in regions)
