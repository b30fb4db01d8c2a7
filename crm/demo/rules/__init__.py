"""How demo firms are invented: pure and repeatable from a seed. No name, code or number belongs to anybody."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

from stdnum.cn import uscc

from crm.core.words import N_
from crm.firms.rules.words import (
    Acquisition,
    EquityKind,
    FirmStatus,
    InstitutionLevel,
    IpKind,
    LeadingIndustry,
    SizeClass,
)

SOURCE = N_("示范数据")
YEARS = 5

# syllables for invented trade names; rare pairs on purpose
FIRST = "翎衡鲸昱岑骊拓铂森沐澜瓯云澄恒棠序珩迦榕阜晟砺檀沃聿禾凌岚峤泓湛煦琅瑾璟甬砚祺秉稷筠箴绎翊翰芃苒菘蔚藜蘅虔"
SECOND = (
    "图思岳屿珩川芯沨毅途冲沁泽朔宸屹驰恺弈昊枫桁榆槿柘栩梓棣楠榷淳渝滢漾潞灏炜烨焜熠琮璞畴皓睿硕磐祎禹稔竣"
)
TRADES: dict[LeadingIndustry, list[tuple[str, str, str]]] = {
    LeadingIndustry.SMART_EQUIPMENT: [
        ("智能装备", "3490", "成套智能装备研发与制造"),
        ("数控设备", "3421", "数控机床及部件"),
        ("自动化设备", "3599", "产线自动化"),
        ("机器人", "3491", "工业机器人与集成"),
        ("阀门科技", "3443", "工业阀门"),
        ("泵业", "3441", "泵及真空设备"),
        ("精密机械", "3484", "精密零部件"),
        ("液压科技", "3444", "液压元件"),
        ("传动系统", "3453", "齿轮与传动"),
        ("激光装备", "3569", "激光加工装备"),
        ("包装机械", "3467", "包装专用设备"),
        ("视觉科技", "4019", "工业视觉检测"),
        ("电气", "3823", "配电开关控制设备"),
        ("汽车零部件", "3670", "汽车电子与零部件"),
    ],
    LeadingIndustry.LIFE_HEALTH: [
        ("医疗器械", "3589", "医疗器械"),
        ("生物科技", "2762", "生物药品"),
        ("体外诊断", "3581", "诊断试剂与设备"),
        ("药业", "2720", "化学药品制剂"),
        ("健康科技", "3586", "康复辅具"),
    ],
    LeadingIndustry.OTHER: [
        ("新材料", "2651", "功能材料"),
        ("信息技术", "6513", "应用软件"),
        ("电子", "3985", "电子专用材料"),
        ("服饰", "1821", "服装"),
        ("鞋业", "1954", "鞋制造"),
        ("环保科技", "3591", "环境保护专用设备"),
        ("新能源", "3841", "储能与锂电"),
        ("物联网科技", "6531", "信息系统集成"),
        ("文具", "2411", "文具"),
        ("检测技术", "7452", "检测服务"),
        ("化工", "2659", "精细化工"),
        ("紧固件", "3482", "紧固件"),
    ],
}
FORMS = ["有限公司"] * 9 + ["股份有限公司"]
PLACES = ["温州", "温州", "温州", "浙江", "浙江", "浙南", "温州市"]
SURNAMES = "林陈黄叶周吴徐郑金潘张王李朱胡蔡邵项戴夏"
GIVEN = "知秋启航思远晓雯子涵一诺雨桐明哲佳宁文博梓轩若溪景行书瑶嘉树清越"
ROADS = [
    "滨海一道",
    "滨海三道",
    "滨海五道",
    "滨海十二路",
    "金海一道",
    "金海三道",
    "星海路",
    "雁荡南路",
    "明珠路",
]


@dataclass
class Invented:
    """One firm with its dated facts: plain column values, ready for a bulk insert."""

    firm: dict[str, Any]
    former: str | None = None
    contacts: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    ip: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    institutions: list[dict[str, Any]] = field(default_factory=list)
    above: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    certifications: list[dict[str, Any]] = field(default_factory=list)
    application: dict[str, Any] | None = None


def credit_code(rng: random.Random) -> str:
    """An invented code with a right check digit; district 330399 does not exist."""
    body = "91330399MA" + "".join(rng.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(7))
    return body + uscc.calc_check_digit(body)


def person_name(rng: random.Random) -> str:
    start = rng.randrange(0, len(GIVEN) - 1)
    return rng.choice(SURNAMES) + GIVEN[start : start + rng.choice((1, 2))]


def firm_name(rng: random.Random, industry: LeadingIndustry) -> tuple[str, str, str]:
    """(name, industry code, business)."""
    trade, code, business = rng.choice(TRADES[industry])
    core = rng.choice(FIRST) + rng.choice(SECOND) + (rng.choice(SECOND) if rng.random() < 0.12 else "")
    place, form = rng.choice(PLACES), rng.choice(FORMS)
    name = f"{core}{trade}({place}){form}" if rng.random() < 0.12 else f"{place}{core}{trade}{form}"
    return name, code, business


def day_in(rng: random.Random, start: dt.date, end: dt.date) -> dt.date:
    """A day from `start` to `end`, both included; `end` when they are the wrong way round."""
    span = (end - start).days
    return end if span <= 0 else start + dt.timedelta(days=rng.randint(0, span))


def years_later(day: dt.date, years: int) -> dt.date:
    """The last day of validity of a title granted on `day` for so many years."""
    try:
        return day.replace(year=day.year + years) - dt.timedelta(days=1)
    except ValueError:
        return dt.date(day.year + years, 2, 28)


def invent(rng: random.Random, *, today: dt.date, streets: list[int], officers: list[int]) -> Invented:
    """One firm. About one in three is a sci-tech SME now, one in thirteen holds a high-tech certificate:
    the plan's stock targets look half met at 2,000 firms."""
    industry = rng.choices(list(TRADES), weights=(38, 6, 56))[0]
    name, code, business = firm_name(rng, industry)
    registered = day_in(rng, dt.date(2001, 1, 1), today - dt.timedelta(days=120))
    age = (today - registered).days / 365.25
    strength = rng.betavariate(1.6, 3.2) * min(1.0, 0.35 + age / 14)  # 0 … 1: how far the firm has come
    firm: dict[str, Any] = {
        "code": credit_code(rng) if rng.random() < 0.97 else None,
        "name": name,
        "registered_on": registered,
        "capital_yuan": rng.choice((50, 100, 200, 500, 1000, 2000, 5000)) * 10_000,
        "industry_code": code,
        "leading_industry": industry,
        "street_id": rng.choice(streets) if rng.random() < 0.96 else None,
        "address": f"温州湾示范区{rng.choice(ROADS)}{rng.randint(1, 899)}号",
        "status": FirmStatus.ACTIVE,
        "status_on": None,
        "officer_id": rng.choice(officers) if rng.random() < 0.85 else None,
        "business": business,
        "source": SOURCE,
    }
    made = Invented(firm)
    revenue = int(10 ** (5.6 + 2.75 * strength + rng.gauss(0, 0.25)))  # yuan
    _figures(rng, made, today, registered, revenue, strength)
    _titles(rng, made, today, registered, industry, strength)
    _people_and_money(rng, made, today, registered, strength)
    last = made.figures[-1] if made.figures else {}
    staff, income = last.get("employees") or 5, last.get("revenue_yuan") or 0
    firm["size_class"] = (
        SizeClass.LARGE
        if staff >= 1000 and income >= 400_000_000
        else SizeClass.MEDIUM
        if staff >= 300 and income >= 20_000_000
        else SizeClass.SMALL
        if staff >= 20 and income >= 3_000_000
        else SizeClass.MICRO
    )
    if rng.random() < 0.035:
        status = rng.choice((FirmStatus.CLOSED, FirmStatus.MOVED_OUT))
        on = day_in(rng, max(registered, today.replace(year=today.year - 2)), today)
        firm["status"], firm["status_on"] = status, on
        reason = "经营期满注销" if status is FirmStatus.CLOSED else "整体搬迁至区外"
        firm["status_reason"] = reason
        made.moves.append({"status": status, "on": on, "reason": reason})
    else:
        firm["status_reason"] = None
    return made


def _figures(
    rng: random.Random, made: Invented, today: dt.date, registered: dt.date, revenue: int, strength: float
) -> None:
    growth = rng.gauss(0.08, 0.12)
    for year in range(today.year - YEARS, today.year):
        if year <= registered.year or rng.random() < 0.06:
            continue
        income = max(0, int(revenue * (1 + growth) ** (year - today.year + 1) * rng.uniform(0.93, 1.07)))
        income -= income % 100
        staff = max(2, int(income / rng.randint(450_000, 900_000)))
        research = int(income * min(0.2, max(0.0, rng.gauss(0.02 + 0.035 * strength, 0.012)))) // 100 * 100
        assets = int(income * rng.uniform(0.7, 1.6)) // 100 * 100
        debt = int(assets * rng.uniform(0.2, 0.7)) // 100 * 100
        row: dict[str, Any] = {
            "year": year,
            "revenue_yuan": income,
            "main_revenue_yuan": int(income * rng.uniform(0.82, 1)) // 100 * 100,
            "high_tech_income_yuan": int(income * rng.uniform(0.3, 0.9)) // 100 * 100
            if strength > 0.3
            else None,
            "total_income_yuan": int(income * 1.02) // 100 * 100,
            "output_yuan": int(income * rng.uniform(0.9, 1.1)) // 100 * 100,
            "assets_yuan": assets,
            "liabilities_yuan": debt,
            "net_assets_yuan": assets - debt,
            "net_profit_yuan": int(income * rng.gauss(0.05, 0.05)) // 100 * 100,
            "tax_yuan": int(income * rng.uniform(0.02, 0.06)) // 100 * 100,
            "cost_yuan": int(income * 0.93) // 100 * 100,
            "rd_high_tech_yuan": research,
            "rd_deduction_yuan": int(research * 0.9) // 100 * 100,
            "rd_statistics_yuan": int(research * 0.95) // 100 * 100 if rng.random() < 0.8 else None,
            "rd_in_china_yuan": research,
            "cash_flow_yuan": int(income * rng.gauss(0.06, 0.06)) // 100 * 100,
            "export_yuan": int(income * rng.uniform(0, 0.4)) // 100 * 100 if rng.random() < 0.4 else None,
            "employees": staff,
            "rd_staff": max(0, int(staff * rng.uniform(0.03, 0.06 + 0.22 * strength))),
        }
        stated = dt.date(year + 1, 4, 30).isoformat()
        row["sources"] = {
            key: {"source": SOURCE, "on": stated}
            for key, value in row.items()
            if key != "year" and value is not None
        }
        made.figures.append(row)
        if income >= 20_000_000:
            made.above.append(
                {
                    "year": year + 1,
                    "is_above": True,
                    "is_industrial": made.firm["industry_code"] < "5",
                    "source": SOURCE,
                }
            )


def _year(rng: random.Random, start: dt.date, today: dt.date) -> int:
    return rng.randint(start.year, max(start.year, today.year))


def _titles(
    rng: random.Random,
    made: Invented,
    today: dt.date,
    registered: dt.date,
    industry: LeadingIndustry,
    strength: float,
) -> None:
    """Certifications over five years and what is under way."""
    start = max(registered + dt.timedelta(days=400), dt.date(today.year - YEARS, 1, 1))
    leading = industry is not LeadingIndustry.OTHER
    add = made.certifications.append
    sme = strength > (0.285 if leading else 0.37)
    high = strength > (0.515 if leading else 0.66) and registered < today - dt.timedelta(days=800)
    if sme and start < today:
        if rng.random() < 0.72:
            on = dt.date(_year(rng, start, today), rng.choice((6, 9, 12)), rng.randint(5, 25))
            if start <= on <= today:
                add({"kind": "tech-sme-provincial", "granted_on": on, "expires_on": None, "number": None})
        first = rng.randint(start.year, today.year)
        for year in range(first, today.year + 1):
            on = dt.date(year, rng.choice((7, 8, 9, 10)), rng.randint(3, 27))
            if start <= on <= today and rng.random() < 0.9:
                number = f"{year}330399{rng.choice(('A0', 'B0', '0A'))}{rng.randint(1, 999_999):06d}"
                add(
                    {
                        "kind": "tech-sme-national",
                        "granted_on": on,
                        "expires_on": dt.date(year + 1, 3, 31),
                        "number": number,
                    }
                )
    if high:
        on = dt.date(_year(rng, start, today), rng.choice((9, 10, 11, 12)), rng.randint(1, 28))
        while start <= on <= today:
            add(
                {
                    "kind": "high-tech",
                    "granted_on": on,
                    "expires_on": years_later(on, 3),
                    "number": f"GR{on.year}33{rng.randint(900_000, 999_999):06d}",
                }
            )
            if rng.random() < 0.18:
                break
            on = dt.date(on.year + 3, rng.choice((11, 12)), rng.randint(1, 28))
        for kind, chance in (
            ("innovative-sme", 0.4),
            ("srdi", 0.22),
            ("little-giant", 0.04),
            ("gazelle", 0.06),
        ):
            if strength > 0.5 and rng.random() < chance * 2 * strength:
                day = day_in(rng, max(start, dt.date(2022, 9, 1)), today)
                add({"kind": kind, "granted_on": day, "expires_on": years_later(day, 3), "number": None})
        if rng.random() < 0.09:
            day = day_in(rng, start, today)
            made.institutions.append(
                {
                    "name": made.firm["name"][:30] + "研发中心",
                    "kind": rng.choice(("企业研究院", "高新技术企业研发中心")),
                    "level": InstitutionLevel.PROVINCIAL,
                    "recognised_on": day,
                    "ended_on": None,
                    "document": None,
                }
            )
    if strength > 0.35 and rng.random() < 0.45:
        made.institutions.append(
            {
                "name": made.firm["name"][:30] + "技术部",
                "kind": "企业自建研发机构",
                "level": InstitutionLevel.OWN,
                "recognised_on": day_in(rng, start, today),
                "ended_on": None,
                "document": None,
            }
        )
    if sme and not high and strength > 0.36 and rng.random() < 0.35:
        made.application = {"kind": "high-tech", "steps": rng.randint(1, 4)}
    elif not sme and strength > 0.2 and rng.random() < 0.25:
        made.application = {"kind": "tech-sme-national", "steps": rng.randint(1, 3)}


def _people_and_money(
    rng: random.Random, made: Invented, today: dt.date, registered: dt.date, strength: float
) -> None:
    made.contacts.append(
        {
            "name": person_name(rng),
            "position": rng.choice(("总经理", "财务负责人", "项目申报专员", "研发总监")),
            "phone": f"199{rng.randint(0, 99_999_999):08d}",
            "email": None,
            "is_primary": True,
            "purpose": "项目申报联络",
        }
    )
    counted = dt.date(today.year - 1, 12, 31)
    for kind, mean in ((IpKind.INVENTION, 2.4), (IpKind.UTILITY_MODEL, 11.0), (IpKind.SOFTWARE, 3.0)):
        count = max(0, int(rng.gauss(mean * strength * 1.6, mean * 0.4)))
        if count and registered < counted:
            made.ip.append(
                {
                    "kind": kind,
                    "acquisition": Acquisition.OWN if rng.random() < 0.85 else Acquisition.ASSIGNED,
                    "counted_on": counted,
                    "count": count,
                    "source": SOURCE,
                }
            )
    if strength > 0.55 and rng.random() < 0.18:
        made.rounds.append(
            {
                "on": day_in(rng, max(registered, dt.date(today.year - YEARS, 1, 1)), today),
                "investor": rng.choice(FIRST) + rng.choice(SECOND) + "创业投资合伙企业",
                "kind": EquityKind.VENTURE,
                "paid_in_yuan": rng.randint(3, 80) * 1_000_000,
                "source": SOURCE,
            }
        )
    if rng.random() < 0.08:
        made.former = firm_name(rng, LeadingIndustry.OTHER)[0]


VISITS = (
    ("visit", "走访车间，{product}订单比去年多两成，缺 {n} 名技工。", "把人才补贴办法发给对方"),
    ("visit", "看了新厂房，设备下月进场，想申报技改补助。", "对接经发局技改科"),
    ("call", "电话核对研发费用归集口径，财务说辅助账已建到 9 月。", "收辅助账复印件"),
    ("call", "问了高企申报材料进度，专利还差 {n} 件受理通知。", "催专利代理出受理通知"),
    ("meeting", "与企业和辅导机构开会，定了申报时间表。", "把会议纪要发给三方"),
    ("visit", "企业反映用电增容要排队，请求协调。", "约供电公司现场看"),
    ("note", "行业协会转来的扩产线索，年内有 {n} 亩用地需求。", "核对用地需求"),
)


@dataclass(frozen=True, slots=True)
class Followed:
    """An invented entry of a firm's timeline, with what came of it."""

    kind: str
    on: dt.date
    summary: str
    step: str
    due_on: dt.date
    is_done: bool


def follow_up(rng: random.Random, *, today: dt.date, business: str) -> list[Followed]:
    """Some months of contact with a firm: mostly done, the latest step perhaps still open, now and then late."""
    found: list[Followed] = []
    on = today - dt.timedelta(days=rng.randint(120, 500))
    while len(found) < 5:
        kind, text, step = rng.choice(VISITS)
        due_on = on + dt.timedelta(days=rng.randint(5, 30))
        found.append(
            Followed(
                kind, on, text.format(product=business, n=rng.randint(2, 9)), step, due_on, due_on < today
            )
        )
        on += dt.timedelta(days=rng.randint(30, 110))
        if on > today:
            break
    last = found[-1]
    if rng.random() < 0.5:
        due_on = today + dt.timedelta(days=rng.choice((-9, -4, -1, 0, 0, 1, 3, 6, 10, 20)))
        due_on = max(due_on, last.on)
        found[-1] = Followed(last.kind, last.on, last.summary, last.step, due_on, False)
    return found


@dataclass(frozen=True, slots=True)
class Led:
    """An instruction of the demo's leader: given so many days ago, to be answered in so many."""

    text: str
    days_ago: int
    due_in: int
    answer: str | None = None


LEADING = (
    Led("住建局本周内拿出厂房方案", 9, -2),
    Led("核清环评卡在哪一步，报我", 16, -9),
    Led("上市辅导备案的时间表报我", 3, 4),
    Led("帮企业对接研发费用归集", 12, -1, "已请两家事务所上门，12 月 10 日前归集完。"),
    Led("了解订单下滑的原因", 6, 3, "主要客户产能外迁，已约下周谈扩展国内客户。"),
)
DECIDING = (("定：是否列入明年专精特新培育名单", 0), ("定：过渡厂房租金补贴的标准", 2))
