"""How demo projects are invented: five years of a pipeline that tells a believable story. Pure, repeatable from a seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.demo.rules import FIRST, SECOND, SOURCE, TRADES, credit_code, day_in
from crm.firms.rules.words import LeadingIndustry
from crm.projects.rules.stages import GATES, Wants
from crm.projects.rules.words import (
    ChainRole,
    Confidentiality,
    Evidence,
    Headquarters,
    InvestorKind,
    MoveKind,
    Origin,
    PaymentKind,
    Source,
    Stage,
    State,
)

COUNT = 300
YI, WAN = 10**8, 10**4
CITIES = {
    Origin.PROVINCE: ("苏州", "深圳", "上海", "东莞", "合肥", "武汉", "成都", "厦门", "无锡", "青岛", "西安", "佛山"),
    Origin.CITY: ("杭州", "宁波", "台州", "绍兴", "嘉兴", "金华"),
    Origin.LOCAL: ("温州", "乐清", "瑞安", "平阳"),
    Origin.ABROAD: ("日本名古屋", "德国斯图加特", "新加坡", "意大利博洛尼亚", "韩国昌原", "香港"),
}  # fmt: skip
PRODUCTS = {
    LeadingIndustry.SMART_EQUIPMENT: (
        "谐波减速器", "高速电主轴", "智能分拣线", "伺服驱动器", "高压阀门", "激光切割头", "视觉检测设备", "空心轴电机",
        "特种泵", "数控刀塔",
    ),
    LeadingIndustry.LIFE_HEALTH: ("体外诊断试剂", "骨科植入物", "内窥镜耗材", "康复外骨骼", "细胞培养基"),
    LeadingIndustry.OTHER: ("储能电芯", "功能薄膜", "车规连接器", "固态电解质", "工业软件平台", "氢能储罐", "高端紧固件"),
}  # fmt: skip
WHAT = ("生产基地", "产线", "研发及中试基地", "智能工厂", "区域总部", "扩产项目", "装配中心")
# days a stage usually takes, and how often a project ends there
SPANS = {
    Stage.LEAD: (3, 90), Stage.QUALIFIED: (15, 150), Stage.NEGOTIATION: (45, 300), Stage.SITE_VISIT: (20, 150),
    Stage.REVIEW: (20, 140), Stage.SIGNED: (40, 260), Stage.REGISTERED: (30, 160), Stage.PERMITS: (40, 200),
    Stage.CONSTRUCTION: (240, 520), Stage.COMPLETED: (40, 200), Stage.PRODUCTION: (150, 420),
}  # fmt: skip
ENDS = {
    Stage.LEAD: 0.22, Stage.QUALIFIED: 0.22, Stage.NEGOTIATION: 0.27, Stage.SITE_VISIT: 0.2, Stage.REVIEW: 0.16,
    Stage.SIGNED: 0.08, Stage.REGISTERED: 0.03, Stage.PERMITS: 0.04, Stage.CONSTRUCTION: 0.02,
}  # fmt: skip
WHY = {
    State.LOST: (
        "投资方选择了离客户更近的地方", "用地指标一时排不出，对方等不及", "总部暂停了今年的扩产计划",
        "另一地给的厂房租金更低", "产品方向调整，不再需要新基地", "联系人离职后失去联系",
    ),
    State.PAUSED: ("等投资方董事会年度预算", "环评容量在核，先放一放", "市场价格下行，对方要求推迟", "等土地收储完成"),
    State.TRANSFERRED: ("产业不合我区方向，转邻近开发区", "需要深水岸线，转瓯江口"),
    State.ENDED: ("投资方资金链出了问题，协议解除", "超过约定期限没有开工，协议终止"),
}  # fmt: skip
CONTACTS = (
    ("visit", "到对方公司走访，看了{product}产线，明确要 {n} 亩地。"),
    ("call", "电话问进展，对方技术部在核{product}的节拍，下周给结论。"),
    ("meeting", "视频会议谈厂房层高和用电，对方提了 {n} 条要求。"),
    ("inspection", "对方来区考察滨海园区两处地块，晚上与专班座谈。"),
    ("visit", "陪同对接供应链企业，{product}上游有 {n} 家能配套。"),
    ("call", "回复了对方问的人才政策和设备补助。"),
)
NEXT = (
    "约对方来区看地块", "把用地测算发给对方", "请经发局核能耗", "催评审会排期", "送投资协议修改稿", "约供电公司看现场",
    "问清董事会日期", "补可行性研究材料", "与住建局核厂房交付日", "回访并更新进展",
)  # fmt: skip
BIG = (23 * YI, 12 * YI, 65_000 * WAN, 32_000 * WAN, 18_000 * WAN, 12_000 * WAN)  # counted ones over 1 亿
IDLE = ((1, 50), (62, 88), (95, 170), (190, 260))  # days since the last progress: green, yellow, red, out
UNKNOWN = ("对方还在测算", "要等可研报告", "要等集团定产能")
WAIVED = ("租用现成厂房，不涉及", "并入上一次评审", "按容缺受理先行")


@dataclass(frozen=True, slots=True)
class Moved:
    """A dated move, as it is written."""

    kind: MoveKind
    from_stage: Stage | None
    stage: Stage
    state: State
    on: dt.date
    days: int | None
    reason: str | None = None
    skipped: tuple[str, ...] = ()


@dataclass
class Story:
    """One project: its facts as columns, and what happened to it."""

    facts: dict[str, Any]
    reported_on: dt.date
    moves: list[Moved] = field(default_factory=list)
    papers: list[tuple[Evidence, dt.date, str]] = field(default_factory=list)
    excused: list[tuple[str, bool, str]] = field(default_factory=list)  # item, cannot be known yet, why
    payments: list[tuple[dt.date, int, PaymentKind]] = field(default_factory=list)
    contacts: list[tuple[str, dt.date, str]] = field(default_factory=list)
    step: tuple[str, dt.date] | None = None
    in_charge_on: dt.date | None = None
    handed_over_on: dt.date | None = None
    is_counted: bool = False
    is_pooled: bool = False

    @property
    def stage(self) -> Stage:
        return self.moves[-1].stage

    @property
    def state(self) -> State:
        return self.moves[-1].state

    @property
    def stage_on(self) -> dt.date:
        """The day the present stage began."""
        return next(move.on for move in reversed(self.moves) if move.kind is not MoveKind.ASIDE)

    @property
    def signed_on(self) -> dt.date | None:
        return next((move.on for move in self.moves if move.stage.place >= Stage.SIGNED.place), None)

    @property
    def furthest(self) -> Stage:
        return max((move.stage for move in self.moves), key=lambda stage: stage.place)


def invent_projects(rng: random.Random, count: int, *, today: dt.date) -> list[Story]:
    """So many projects in the order they were reported. What the plan counts looks about half met: of those counted
    half a dozen are over 1 亿, two over 10 亿, one over 20 亿."""
    days = sorted(today - dt.timedelta(int(5 * 365 * rng.random() ** 1.5) + 1) for _ in range(count))
    taken: set[str] = set()
    made = [_story(rng, day, today, taken) for day in days]
    signed = [story for story in made if story.signed_on is not None]
    counted = [
        story for story in signed if story.state not in (State.ENDED, State.LOST) and rng.random() < 0.85
    ]
    big = rng.sample(counted, min(len(counted), 6))
    sizes = {id(story): size for story, size in zip(big, BIG, strict=False)}
    for n, story in enumerate(counted):
        story.is_counted = True
        story.facts["is_innovative"] = n % max(1, len(counted) // 5) == 0
        if n % 9 == 4:
            story.facts["headquarters"] = rng.choice(list(Headquarters))
    for story in made:
        _amounts(rng, story, sizes.get(id(story)))
        _papers(rng, story)
        _payments(rng, story, today)
        _follow(rng, story, today)
    return made


def _story(rng: random.Random, on: dt.date, today: dt.date, taken: set[str]) -> Story:
    industry = rng.choices(list(TRADES), weights=(58, 12, 30))[0]
    origin = rng.choices(list(Origin), weights=(8, 52, 25, 15))[0]
    city = rng.choice(CITIES[origin])
    investor = ""
    while not investor or investor in taken:
        trade = rng.choice(TRADES[industry])[0]
        investor = f"{city}{rng.choice(FIRST)}{rng.choice(SECOND)}{trade}"
        investor += (
            "株式会社" if city.startswith("日本") else "集团" if origin is Origin.ABROAD else "有限公司"
        )
    taken.add(investor)
    product = rng.choice(PRODUCTS[industry])
    facts: dict[str, Any] = {
        "investor": investor, "name": f"{investor[len(city):len(city) + 2]}{product}{rng.choice(WHAT)}",
        "source": rng.choices(list(Source), weights=(18, 22, 20, 24, 10, 6))[0], "source_note": SOURCE,
        "origin": origin, "origin_place": city, "leading_industry": industry, "product": product,
        "investor_kind": rng.choices(list(InvestorKind), weights=(3, 14, 5, 38, 14, 12, 14))[0],
        "chain_role": rng.choice(list(ChainRole)), "chain_node": product,
        "confidentiality": rng.choices(list(Confidentiality), weights=(85, 10, 5))[0],
        "investor_code": credit_code(rng) if origin is not Origin.ABROAD and rng.random() < 0.6 else None,
    }  # fmt: skip
    story = Story(facts, on)
    story.moves.append(Moved(MoveKind.REPORT, None, Stage.LEAD, State.ACTIVE, on, None))
    _walk(rng, story, today)
    story.in_charge_on = next(
        (move.on for move in story.moves if move.stage.place >= Stage.NEGOTIATION.place), None
    )
    end = today - dt.timedelta(30) if story.state is State.ACTIVE else story.moves[-1].on
    if story.in_charge_on and (end - story.in_charge_on).days > 90 and rng.random() < 0.25:
        story.handed_over_on = day_in(rng, story.in_charge_on + dt.timedelta(20), end)
    story.is_pooled = (
        story.in_charge_on is None
        and story.state is State.ACTIVE
        and (today - on).days > 95
        and rng.random() < 0.7
    )
    return story


def _walk(rng: random.Random, story: Story, today: dt.date) -> None:
    """On from stage to stage, until today or until it ends."""
    stages, stage, since = list(Stage), Stage.LEAD, story.reported_on
    while stage is not Stage.FULL_PRODUCTION:
        on = since + dt.timedelta(rng.randint(*SPANS[stage]))
        if on > today:
            return
        days = (on - since).days
        if stage.place < Stage.NEGOTIATION.place and rng.random() < 0.06:
            return  # nobody went on with it: back to the pool
        if rng.random() < ENDS.get(stage, 0):
            late = stage.place >= Stage.SIGNED.place
            weights = (0, 3, 0, 7) if late else (72, 18, 7, 3)
            state = rng.choices((State.LOST, State.PAUSED, State.TRANSFERRED, State.ENDED), weights=weights)[
                0
            ]
            if state is State.PAUSED and (today - on).days > 240:
                state = State.LOST if not late else State.ENDED
            story.moves.append(Moved(MoveKind.ASIDE, stage, stage, state, on, days, rng.choice(WHY[state])))
            return
        if stage is Stage.REVIEW and rng.random() < 0.06:
            story.moves.append(
                Moved(
                    MoveKind.BACK,
                    stage,
                    Stage.NEGOTIATION,
                    State.ACTIVE,
                    on,
                    days,
                    "评审要求重谈厂房回购条款",
                )
            )
            stage, since = Stage.NEGOTIATION, on
            continue
        leap = (
            2
            if stage in (Stage.NEGOTIATION, Stage.SITE_VISIT, Stage.REGISTERED) and rng.random() < 0.15
            else 1
        )
        target = stages[stage.place + leap]
        skipped = tuple(each.value for each in stages[stage.place + 1 : target.place])
        kind = MoveKind.JUMP if skipped else MoveKind.ADVANCE
        story.moves.append(Moved(kind, stage, target, State.ACTIVE, on, days, None, skipped))
        stage, since = target, on


def _round(amount: float) -> int:
    return max(100, round(amount / WAN / 100) * 100) * WAN


def _amounts(rng: random.Random, story: Story, size: int | None) -> None:
    """Small and middling once it is signed, with larger hopes before; what cannot be known yet is left open."""
    if size is None:
        size = (
            _round(10 ** rng.uniform(3.3, 3.96) * WAN)
            if story.signed_on
            else _round(10 ** rng.uniform(3.4, 5.4) * WAN)
        )
    story.facts |= {
        "total_yuan": size if story.signed_on is None else _round(size * rng.uniform(1.0, 1.2)),
        "agreed_yuan": size if story.signed_on else None, "fixed_yuan": _round(size * rng.uniform(0.45, 0.8)),
        "output_yuan": _round(size * rng.uniform(0.9, 2.2)), "tax_yuan": _round(size * rng.uniform(0.04, 0.09)),
        "land_m2": round(size / 4_500_000) * 667 or None, "plant_m2": rng.choice((None, 3000, 6000, 12000)),
    }  # fmt: skip
    place = story.furthest.place
    for stage, gate in GATES.items():  # what a stage ahead asks for is mostly not known yet
        for item in gate:
            if (
                item.wants is Wants.FACT
                and stage.place > place
                and item.fact in story.facts
                and rng.random() < 0.6
            ):
                story.facts[item.fact] = None


def _papers(rng: random.Random, story: Story) -> None:
    """Every gate passed: a paper with its number, a fact, or an honest word why not."""
    entered = {move.stage: move.on for move in reversed(story.moves)}
    place = story.furthest.place
    for stage, gate in GATES.items():
        if stage.place > place:
            continue
        on = entered.get(stage) or next(move.on for move in story.moves if move.stage.place >= stage.place)
        for item in gate:
            if item.wants is Wants.FACT and item.can_be_unknown and rng.random() < 0.1:
                story.facts[item.fact] = None
                story.excused.append((item.code, True, rng.choice(UNKNOWN)))
            elif item.evidence is not None and item.can_be_waived and rng.random() < 0.12:
                story.excused.append((item.code, False, rng.choice(WAIVED)))
            elif item.evidence is not None:
                number = f"示范〔{on.year}〕{rng.randint(1, 99)} 号"
                story.papers.append(
                    (item.evidence, max(story.reported_on, on - dt.timedelta(rng.randint(0, 9))), number)
                )


def _payments(rng: random.Random, story: Story, today: dt.date) -> None:
    entered = {move.stage: move.on for move in reversed(story.moves)}
    started = entered.get(Stage.REGISTERED) or entered.get(Stage.PERMITS)
    if started is None or story.facts["agreed_yuan"] is None:
        return
    end = entered.get(Stage.COMPLETED, today)
    agreed = story.facts["agreed_yuan"]
    story.payments.append((min(end, started + dt.timedelta(12)), _round(agreed * 0.15), PaymentKind.CAPITAL))
    if story.stage.place >= Stage.CONSTRUCTION.place:
        for n in range(rng.randint(2, 5)):
            kind = rng.choices((PaymentKind.FIXED, PaymentKind.CAPITAL, PaymentKind.LOAN), weights=(7, 2, 1))[
                0
            ]
            story.payments.append(
                (
                    day_in(rng, started + dt.timedelta(20 + 30 * n), end),
                    _round(agreed * rng.uniform(0.05, 0.15)),
                    kind,
                )
            )
    story.payments = [(min(on, today - dt.timedelta(1)), yuan, kind) for on, yuan, kind in story.payments]


def _follow(rng: random.Random, story: Story, today: dt.date) -> None:
    """Contacts about every six weeks, up to a last one that makes its light; what comes next, due about today."""
    last = story.moves[-1]
    end = last.on
    if story.state is State.ACTIVE and story.stage is not Stage.FULL_PRODUCTION:
        idle = rng.randint(*rng.choices(IDLE, weights=(72, 12, 9, 7))[0])
        end = max(last.on, today - dt.timedelta(idle))
    start = max(story.reported_on, end - dt.timedelta(600)) + dt.timedelta(rng.randint(0, 6))
    on = start
    while on <= end:
        kind, text = rng.choice(CONTACTS)
        story.contacts.append(
            (kind, on, text.format(product=story.facts["product"] or "产品", n=rng.randint(2, 9)))
        )
        if on == end:
            break
        on = min(end, on + dt.timedelta(rng.randint(32, 55)))
    if (
        story.state in (State.ACTIVE, State.PAUSED)
        and not story.is_pooled
        and story.stage is not Stage.FULL_PRODUCTION
    ):
        due = rng.choice((-20, -12, -5, -2, -1, 0, 0, 1, 2, 3, 5, 7, 10, 14, 20, 30))
        story.step = (
            rng.choice(NEXT),
            max(today + dt.timedelta(due), story.contacts[-1][1] if story.contacts else today),
        )


def pick(rng: random.Random, options: Sequence[int]) -> int:
    return options[rng.randrange(len(options))]
