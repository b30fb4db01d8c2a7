"""Invented firms of another province and the ways lists misprint them: nothing here is a real list."""

from __future__ import annotations

import random
from dataclasses import dataclass

CHARS = (
    "华新中海天宏大金德盛泰瑞恒安信达康利兴隆成通联科创远东方正立永和鑫源丰益佳美嘉博凯亚宇星龙飞鹏腾嘉祥福顺诚昌荣"
    "明光辉煌耀晨阳旭日升润泽清江河湖洋波涛山峰岭松柏林森木禾田园春秋冬夏青蓝红白玉珠宝珍奇特优良精锐尖端智慧思维"
    "力强劲威武雄伟壮坚固久长宁静平祺琪琦瑶琳瑜璟煜炜烨焱铭锐铎锋钰钧镁锴锦镒镨沃沐涵渊浩瀚灏欧倍贝佰伯帛柏迈麦"
    "卡克罗洛诺纳尼雷蒙曼托拓图途迪蒂帝格戈歌赛塞斯思司丝维唯伟韦威杰捷洁劼启奇琪齐朗廊昊皓颢淏昕欣鑫心馨"
)
_TRADE_WORDS = (
    "科技 科技 科技 电子 电子科技 机械 机械制造 机械设备 环保科技 新材料 新材料科技 生物科技 医药 化工 食品 农业科技 装备制造 智能科技 "
    "信息技术 软件 网络科技 自动化设备 仪器仪表 电气 电缆 汽车零部件 铸造 金属制品 管业 阀门 钢结构 建材 节能科技 新能源 工程技术 检测技术 "
    "包装 橡胶制品 塑料制品 纺织 制药 医疗器械 矿山机械 通信技术 测控技术 勘察设计 水务 贸易 实业"
)
TRADES = _TRADE_WORDS.split()
PLACES = (
    "河北",
    ["石家庄", "唐山", "保定", "邯郸", "沧州", "衡水", "廊坊", "邢台"],
    ["任丘", "泊头", "河间", "安平", "景县", "清河"],
)
FORMS = ["有限公司"] * 44 + ["股份有限公司"] * 3 + ["有限责任公司"] * 3 + ["集团有限公司"] * 2


@dataclass
class Lists:
    """Registry rows ``(id, name, former names, None)`` and published rows ``(name, true id or None, kind)``."""

    registry: list[tuple[int, str, list[str], None]]
    published: list[tuple[str, int | None, str]]


def _core(chance: random.Random) -> str:
    size = chance.choices((2, 3, 4), (70, 22, 8))[0]
    return "".join(CHARS[int(len(CHARS) * chance.random() ** 1.4)] for _ in range(size))


def _name(place: str, core: str, trade: str, form: str, *, behind: bool = False) -> str:
    return f"{core}（{place}）{trade}{form}" if behind else f"{place}{core}{trade}{form}"


def _place(chance: random.Random) -> str:
    province, cities, counties = PLACES
    kind = chance.random()
    if kind < 0.35:
        return province
    if kind < 0.8:
        city = chance.choice(cities)
        return city + "市" if chance.random() < 0.5 else city
    return chance.choice(counties)


def _typo(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    how = chance.random()
    other = chance.choice(CHARS)
    if how < 0.6 or len(text) < 2:
        return text[:at] + other + text[at + 1 :]
    if how < 0.75:
        return text[:at] + text[at + 1 :]
    if how < 0.9:
        return text[:at] + other + text[at:]
    at = chance.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


SOUNDS = [
    "昊皓颢淏浩灏",
    "欣鑫心馨昕新",
    "维唯伟韦威炜",
    "杰捷洁劼",
    "启奇琪齐琦祺",
    "贝倍",
    "思司丝斯",
    "利立力",
    "德得",
    "宏红洪鸿",
]


def _homophone(text: str, chance: random.Random) -> str:
    places = [(i, group) for i, char in enumerate(text) for group in SOUNDS if char in group]
    if not places:
        return _typo(text, chance)
    at, group = chance.choice(places)
    return text[:at] + chance.choice([c for c in group if c != text[at]]) + text[at + 1 :]


MIX = {
    "exact": 40, "former": 20, "space": 4, "brackets": 4, "place": 4, "reformed": 4, "typo": 6, "homophone": 3, "trade": 5,
    "moved": 4, "turned": 2, "group": 2, "short": 1, "renamed": 1, "unknown": 10,
}  # fmt: skip


def plain_of(name: str) -> str:
    for part in "市（）责任":
        name = name.replace(part, "")
    return name


def lists(seed: int, firms: int = 5440, rows: int = 991) -> Lists:
    """A registry with sister firms and former names, and a published list that differs in known ways."""
    chance = random.Random(seed)
    built: list[tuple[str, str, str, str, bool]] = []
    taken: set[str] = set()
    while len(built) < firms + rows:
        core = chance.choice(built)[1] if built and chance.random() < 0.12 else _core(chance)
        row = (_place(chance), core, chance.choice(TRADES), chance.choice(FORMS), chance.random() < 0.06)
        name = _name(*row[:4], behind=row[4])
        plain = plain_of(name)
        if plain not in taken:
            taken.add(plain)
            built.append(row)
    chance.shuffle(built)
    strangers, built = built[:rows], built[rows:]
    registry: list[tuple[int, str, list[str], None]] = [
        (number, _name(*row[:4], behind=row[4]), [], None) for number, row in enumerate(built, 1)
    ]
    published: list[tuple[str, int | None, str]] = []
    picked = chance.sample(range(firms), rows)
    for at, kind in zip(picked, chance.choices(list(MIX), list(MIX.values()), k=rows), strict=True):
        place, core, trade, form, behind = built[at]
        name = registry[at][1]
        truth: int | None = at + 1
        if kind == "former":
            name = _name(
                _place(chance),
                core if chance.random() < 0.6 else _core(chance),
                chance.choice(TRADES),
                "有限公司",
            )
            if plain_of(name) in taken:
                continue
            registry[at][2].append(name)
        elif kind == "space":
            at = chance.randrange(2, 5)
            name = name[:at] + " " + name[at:]
        elif kind == "brackets":
            name = name.replace("（", "(").replace("）", ")")
        elif kind == "place":
            name = name.replace("市", "", 1) if "市" in name[:5] else name.replace("河北", "河北省", 1)
        elif kind == "reformed":
            name = name.replace("有限", "股份有限") if "股份" not in name else name.replace("股份", "")
        elif kind in ("typo", "homophone"):
            name = _name(
                place, (_typo if kind == "typo" else _homophone)(core, chance), trade, form, behind=behind
            )
        elif kind == "trade":
            name = _name(
                place,
                core,
                trade[:-2] or trade + "科技" if chance.random() < 0.5 else trade + "科技",
                form,
                behind=behind,
            )
        elif kind == "moved":
            name = _name(_place(chance), core, trade, form, behind=behind)
        elif kind == "turned":
            name = _name(place, core, trade, form, behind=not behind)
        elif kind == "group":
            name = _name(place, core, chance.choice(("", trade)), "集团有限公司", behind=behind)
        elif kind == "short":
            name = place + core + trade
        elif kind == "renamed":
            name = _name(place, _core(chance), chance.choice(TRADES), form)
        elif kind == "unknown":
            row = strangers[len(published)]
            name, truth = _name(*row[:4], behind=row[4]), None
        if kind in ("moved", "typo", "homophone", "turned", "group") and plain_of(name) in taken:
            continue  # happens to be another firm's name
        published.append((name, truth, kind))
    return Lists(registry, published)
