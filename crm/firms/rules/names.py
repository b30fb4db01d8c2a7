"""How a firm name is built (地名 + 字号 + 行业 + 组织形式) and when two names are the same. Pure.

Order and parts of a name: 企业名称登记管理规定 (State Council decree 734), article 6.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import NamedTuple

from crm.core.folding import fold
from crm.firms.rules.places import PLACES

__all__ = ["Parts", "Segment", "differences", "fold", "normalise", "parts", "same_region", "without_note"]


class Parts(NamedTuple):
    """A name taken apart. ``place``: short names, widest first (浙江, 乐清); ``core``: 字号; ``trade``: 行业;
    ``form``: 组织形式 with 集团 in front where there is one."""

    place: tuple[str, ...]
    core: str
    trade: str
    form: str

    @property
    def body(self) -> str:
        """What tells firms of one place apart: 字号 and 行业."""
        return self.core + self.trade


class Segment(NamedTuple):
    """A run of characters of one name; ``same`` when the other name has it too."""

    text: str
    same: bool


_FORM_WORDS = (
    "股份有限责任公司 有限责任公司 股份有限公司 股份合作公司 有限公司 股份公司 责任公司 总公司 公司 "
    "农民专业合作社联合社 农民专业合作社 专业合作社 股份合作社 供销合作社 合作社 "
    "合伙企业有限合伙 合伙企业普通合伙 合伙企业 有限合伙 普通合伙 特殊普通合伙 个人独资企业 "
    "股份合作厂 分公司 总厂 分厂 厂 经营部 营业部 门市部 服务部 销售部 加工部 维修部 "
    "事务所 研究院 研究所 设计院 工作室 中心 商行 车行 商店 商场 超市 门诊部 医院 加工场 养殖场 农场 店 行 "
    "坊 部 站 社 场"
)
_GROUPS = ("控股集团", "集团控股", "集团", "控股")
_FORM = re.compile("(?:" + "|".join(sorted(_FORM_WORDS.split(), key=len, reverse=True)) + r")\Z")
_BRANCH = re.compile(r"(?<=公司)[^()]{0,12}(?:分公司|分厂|分店|办事处|分部)\Z")

# 行业 words, peeled off from the right; a word missing here only makes the 字号 longer.
_TRADE_WORDS = """
科技 技术 信息 信息技术 信息科技 网络 网络科技 软件 数据 大数据 智能 智能科技 智能装备
智能制造 智造 智控 数字 物联网 人工智能 电子 电子科技 电子技术 电子商务 电商 电气 电器
电气科技 电力 电力科技 电力设备 电力装备 电力工程 电力器材 电力电子 电源 电缆 线缆 电线
电机 电工 电热 电热电器 电镀 电梯 电池 电讯 电声 电光 光电 光学 光伏 光纤 光电科技
半导体 集成电路 微电子 芯片 成套 成套设备 成套电气 高压 低压 开关 断路器 继电器 接触器
变压器 互感器 接插件 连接器 端子 插件 元件 元器件 电子元件 器件 电容 仪器 仪表 仪器仪表
自动化 自动化科技 自动化设备 控制 测控 传感 传感器 机器人 数控 机床 刀具 工具 量具 焊接
机械 机械设备 机械制造 机电 机电设备 机电科技 设备 装备 装备制造 重工 机器 动力 泵业
泵阀 阀门 阀业 液压 气动 轴承 齿轮 紧固件 标准件 弹簧 模具 精密模具 模塑 塑胶 塑料
塑料制品 塑业 橡塑 橡胶 电塑 精密 精工 精密制造 压铸 铸造 锻造 冶金 金属 金属制品
金属材料 五金 五金制品 不锈钢 不锈钢制品 钢管 钢铁 管业 管道 铜业 铝业 有色金属 合金
稀土 磁业 磁性材料 汽车 汽车零部件 汽车配件 汽车电子 汽车电器 汽车部件 汽配 汽摩配 车业
车辆 车辆部件 轨道交通 船舶 航空 航天 航空科技 无人机 新能源 新能源科技 新能源汽车 能源
能源科技 节能 节能科技 储能 储能科技 太阳能 环保 环保科技 环境 环境科技 环境工程 生态
水务 水处理 净水 净水科技 化工 化学 化纤 精细化工 涂料 新材料 新材料科技 材料 材料科技
复合材料 高分子 高分子材料 包装 包装机械 包装材料 彩印 印刷 印业 印务 纸业 纸制品 纺织
针织 服饰 服装 制衣 鞋业 鞋材 皮革 箱包 家具 家居 家居用品 智能家居 家用电器 日用品
日用 用品 制品 工艺 工艺品 礼品 玩具 体育用品 文具 美容用品 照明 照明电器 照明科技 灯饰
灯具 锁业 锁具 洁具 卫浴 厨具 厨卫 眼镜 光学眼镜 玻璃 陶瓷 建材 建筑 建筑工程 建设
建设工程 工程 工程技术 装饰 装饰工程 市政 市政工程 园林 房地产 房地产开发 置业 物业
物业管理 安防 安防科技 消防 消防设备 通信 通讯 通信设备 通讯设备 通信技术 医疗 医疗器械
医疗科技 医药 医药科技 药业 制药 生物 生物科技 生物技术 生物医药 健康 健康科技 保健品
诊断 检测 检测技术 检验检测 计量 农业 农业科技 农业开发 农产品 农机 食品 饮料 水产 养殖
种业 粮油 饲料 茶业 酒业 海洋 渔业 林业 木业 竹业 贸易 国际贸易 进出口 进出口贸易 商贸
工贸 商务 实业 工业 产业 企业 企业管理 管理 管理咨询 咨询 投资 投资管理 创业投资
资产管理 物流 供应链 供应链管理 运输 货运 仓储 快递 服务 技术服务 销售 汽车销售
汽车销售服务 销售服务 供应 经营 贸易发展 发展 科技发展 开发 技术开发 制造 电气制造
电器制造 加工 生产 配件 零部件 附件 部件 器材 文化 文化传媒 传媒 广告 影视 教育
教育科技 人力资源 旅游 酒店 餐饮 租赁 互联网 云计算 计算机 系统 系统集成 系统工程 安全
信息安全 勘察 设计 勘测设计 研究 质量检测 认证 知识产权 会展 金融 担保 典当 保险 熔断器
整流器 金具 缝纫机 输配电 物联 货运代理 外贸 户外用品 防护用品 密封件 摩擦材料 激光
玻璃钢 煤业 矿业 牧业 乳业 钢结构 混凝土 水泥 石化 石油 石油化工 油气 天然气 燃气 热力
热电 发电 供热 供水 水利 水电 港口 航运 造纸 粉末 颜料 染料 农药 肥料 化肥 橡胶制品
轮胎 电动车 自行车 摩托车 叉车 起重 起重机械 起重设备 矿山 矿山机械 石材 碳素 石墨
耐火材料 保温 保温材料 防水 防水材料 防腐 涂装 暖通 空调 制冷 制冷设备 锅炉 压力容器
换热 换热设备 风机 风电 水泵 电磁 电子材料 显示 触控 视觉 专用设备 试验设备 分析仪器
中药 中医药 饮片 生物制品 基因 养老 宠物 种子 苗木 花卉 生态农业 调味品 乳品 肉制品
面粉 粮食 冷链 测绘 地理信息 遥感 卫星 气象 地质 岩土 爆破 石油装备 石油设备 能源装备
能源技术 节能环保 新型建材 新型材料 幕墙 门窗 地板 家纺 羊绒 毛纺 丝绸 辅料 拉链 纽扣
渔具 医用材料 医疗设备 医疗用品 医疗器材 装备科技 电机制造 汽车零部件制造 交通 交通设施
交通科技 公路 桥梁 隧道 铁路 铁路器材 铁路设备 高科技 高新技术 新技术 创新 科贸 科工贸
印刷包装 包装制品 纸制品包装 金属结构 金属科技 钢构 焊材 焊业 钨业 钛业 镁业 锌业 锂业
电解 氟材料 硅业 盐业
"""
_TRADES = frozenset(_TRADE_WORDS.split())
_LONGEST_TRADE = max(map(len, _TRADES))

_WIDE = ("中国", "全国", "国际", "中华", "china")
_CITY_AND_PROVINCE = frozenset({"吉林"})  # 吉林省 and 吉林市 differ: nothing is dropped
_WORD_WITH_SHI = frozenset("政场民区容井")  # 温州市政… is 市政, not 温州市


@cache
def _places() -> tuple[dict[str, str], dict[str, set[str]]]:
    """Kind of each short place name (province / city / county / district) and the provinces it lies in."""
    kinds: dict[str, str] = {}
    regions: dict[str, set[str]] = {}
    for province in PLACES:
        kinds[province] = "province"
        regions.setdefault(province, set()).add(province)
    for province, groups in PLACES.items():
        for kind, words in zip(("city", "county", "district"), groups, strict=True):
            for word in words.split():
                kinds.setdefault(word, kind)
                regions.setdefault(word, set()).add(province)
    for word in _WIDE:
        kinds[word] = "country"
        regions[word] = set()
    return kinds, regions


_SUFFIXES = {
    "province": ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "省", "市"),
    "city": ("市", "地区", "区"),
    "county": ("县", "区", "旗"),
    "district": ("新区", "区", "市", "县"),
    "country": (),
}
_MUNICIPALITIES = frozenset({"北京", "上海", "天津", "重庆"})


def _step(text: str, at: int, before: tuple[str, ...]) -> tuple[str, str, int] | None:
    """The place that begins at ``at``: (short name, suffix, end), longest first."""
    kinds, regions = _places()
    for size in (5, 4, 3, 2):
        word = text[at : at + size]
        kind = kinds.get(word)
        if kind is None or len(word) < size:
            continue
        end = at + size
        inside = bool(before) and bool(regions[word] & regions[before[0]])
        suffix = ""
        for candidate in _SUFFIXES[kind]:
            if text.startswith(candidate, end):
                if candidate == "市" and text[end + 1 : end + 2] in _WORD_WITH_SHI and len(text) > end + 1:
                    continue
                suffix = candidate
                break
        if before and not inside and not suffix:
            return None
        if kind in ("county", "district") and not suffix and not inside:
            continue
        if kind == "country" and before:
            return None
        return word, suffix, end + len(suffix)
    return None


def _leading(text: str) -> tuple[tuple[str, ...], int, str]:
    """Places at the beginning: (short names, where they end, the beginning without 省 and 市)."""
    found: tuple[str, ...] = ()
    at = 0
    bare = ""
    while len(found) < 4:
        step = _step(text, at, found)
        if step is None:
            break
        word, suffix, end = step
        if word in found:
            break
        dropped = suffix in ("省", "市") and word not in _CITY_AND_PROVINCE
        bare += word if dropped else word + suffix
        found += (word,)
        at = end
    return found, at, bare


def _unplace(text: str) -> str:
    _, end, bare = _leading(text)
    return bare + text[end:]


_BRACKETED = re.compile(r"\(([^()]*)\)")
_NOTE = re.compile(
    r"\((?:原名?|曾用名?|更名前|变更前|现名?|已?更名为?|变更为)[:为是]?([^()]*(?:\([^()]*\)[^()]*)*)\)\Z"
)
_SOUNDLESS = re.compile(r"[^\w]+|_")


def without_note(name: str) -> tuple[str, str]:
    """A folded name and the other name its note gives: "甲有限公司（原乙有限公司）" → ("甲…", "乙…")."""
    folded = fold(name)
    note = _NOTE.search(folded)
    if note is None or note.start() < 4:
        return folded, ""
    return folded[: note.start()], note[1]


@lru_cache(maxsize=32_768)  # an import asks for each of its names three times
def normalise(name: str) -> str:
    """The key under which two names are the same firm: folded, without brackets and punctuation, without
    省/市 after a place, 有限责任公司 written 有限公司. 股份有限公司 stays apart: 股改 makes another name."""
    text = fold(name)
    if "(" in text:
        text = _BRACKETED.sub(lambda found: f"({_unplace(found[1])})", text)
    text = _unplace(text)
    text = text.replace("有限责任公司", "有限公司")
    return _SOUNDLESS.sub("", text)


def parts(name: str) -> Parts:
    """Take a name apart; ``core`` is never empty unless the name is."""
    text = fold(name)
    place: tuple[str, ...] = ()
    for inner in _BRACKETED.findall(text):
        found, end, _ = _leading(inner)
        if found and end == len(inner):
            place += tuple(word for word in found if word not in place)
            text = text.replace(f"({inner})", "", 1)
    text = _SOUNDLESS.sub("", text)
    text, form = _form(text)
    leading, end, _ = _leading(text)
    rest = text[end:]
    while leading and not _peel(rest)[0]:
        # 东方电气: the place is the 字号
        leading = leading[:-1]
        end = _end_of(text, leading)
        rest = text[end:]
    core, trade = _peel(rest)
    if not core:
        core, trade = trade, ""
    return Parts(tuple(dict.fromkeys(leading + place)), core, trade, form)


def _end_of(text: str, leading: tuple[str, ...]) -> int:
    at = 0
    for index in range(len(leading)):
        step = _step(text, at, leading[:index])
        at = step[2] if step else at
    return at


def _form(text: str) -> tuple[str, str]:
    form = ""
    branch = _BRANCH.search(text)
    if branch:
        text, form = text[: branch.start()], branch[0]
    found = _FORM.search(text)
    if found and found.start() > 1:
        text, form = text[: found.start()], found[0] + form
    for group in _GROUPS:
        if text.endswith(group) and len(text) > len(group) + 1:
            return text[: -len(group)], group + form
    return text, form


def _peel(text: str) -> tuple[str, str]:
    """(字号, 行业): trade words taken off the right end, longest first. ("", text) if it is all trade."""
    end = len(text)
    while end > 0:
        for size in range(min(_LONGEST_TRADE, end), 1, -1):
            if text[end - size : end] in _TRADES:
                end -= size
                break
        else:
            break
    return text[:end], text[end:]


def same_region(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two places may belong together: one lies in the other's province, or one is the nation."""
    _, regions = _places()
    first = set().union(*(regions[word] for word in one)) if one else set()
    second = set().union(*(regions[word] for word in other)) if other else set()
    return not first or not second or bool(first & second)


def differences(one: str, other: str) -> tuple[list[Segment], list[Segment]]:
    """Both names cut into runs that are the same and runs that differ, for marking on screen.
    The texts joined give the names back as they were written."""
    left, right = [], []
    matcher = SequenceMatcher(None, _wide(one), _wide(other), autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if b > a:
            left.append(Segment(one[a:b], tag == "equal"))
        if d > c:
            right.append(Segment(other[c:d], tag == "equal"))
    return left, right


def _wide(text: str) -> str:
    """Folded character by character, so that positions stay."""
    return "".join((fold(char) or " ")[0] for char in text)
