"""Shareholders as people write them: one a line, name, part in per cent, kind. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from crm.core.folding import fold
from crm.core.words import N_, Refused
from crm.listing.rules.words import HolderKind

_BETWEEN = r"[\s,，、;；|]+"
# the last number of a line is the part, whatever stands before it is the name: a name may have spaces, and numbers
_LINE = re.compile(
    rf"(?P<name>.*\S){_BETWEEN}(?P<part>\d+(?:[.．]\d+)?)\s*[%％]?(?:{_BETWEEN}(?P<kind>[^\d]*))?"
)
_HEADINGS = frozenset(
    fold(word)
    for word in (
        "名称", "姓名", "股东", "股东名称", "股东姓名", "比例", "持股比例", "类别", "股东类别", "类型", "name", "shareholder",
        "holder", "shareholder name", "percent", "percentage", "%", "per cent", "share", "shareholding", "stake", "kind", "type",
    )
)  # fmt: skip
_WORDS: dict[HolderKind, tuple[str, ...]] = {
    HolderKind.FOUNDER: (
        "创始人", "实际控制人", "实控人", "控股股东", "founder", "founder or actual controller", "actual controller", "controller",
    ),
    HolderKind.STAFF: ("员工", "员工持股平台", "staff", "staff holding", "employee", "employees", "esop"),
    HolderKind.OUTSIDE: ("外部", "外部投资", "外部投资人", "投资方", "outside", "outside investor", "investor", "external"),
    HolderKind.STATE: ("国有", "国资", "state", "state shareholder", "state-owned"),
    HolderKind.OTHER: ("其他", "其它", "other", "others"),
}  # fmt: skip
KINDS = {fold(word): kind for kind, words in _WORDS.items() for word in words} | {
    fold(kind.label.rpartition("\x04")[2]): kind for kind in HolderKind
}


def read_holders(text: str) -> list[tuple[str, HolderKind, int]]:
    """Lines of 「name part kind」 with spaces, tabs, commas between: (name, kind, hundredths of a per cent). A kind that
    is left out is another one; a line of headings is passed over. Raises `Refused` naming the line."""
    found: list[tuple[str, HolderKind, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().rstrip(",，、;；|").rstrip()
        if not line or (not found and _is_heading(line)):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise Refused(
                N_("第 %(number)s 行看不懂，请写成「名称 比例 类别」，如「张三 35.5 创始人」。"),
                number=number,
            )
        share = Decimal(parts["part"].replace("．", "."))
        if not 0 < share <= 100:
            raise Refused(N_("第 %(number)s 行的比例应大于 0、不超过 100。"), number=number)
        if share * 100 != int(share * 100):
            raise Refused(N_("第 %(number)s 行的比例最多两位小数。"), number=number)
        written = (parts["kind"] or "").strip()
        if written and fold(written) not in KINDS:
            raise Refused(
                N_("第 %(number)s 行的类别「%(kind)s」不认识，请写创始人、员工、外部、国有或其他。"), number=number,
                kind=written[:30],
            )  # fmt: skip
        name = re.sub(r"\s+", " ", parts["name"].rstrip(",，、;；|")).strip()
        found.append((name[:120], KINDS[fold(written)] if written else HolderKind.OTHER, int(share * 100)))
    if len(found) > 200:
        raise Refused(N_("最多写 200 名股东。"))
    return found


def _is_heading(line: str) -> bool:
    """Whether a line names columns: all of it are words for the name, the part, the kind."""
    by_mark = [part for part in re.split(r"[\t,，、;；|]+", line) if part.strip()]
    words = by_mark if len(by_mark) > 1 else line.split()
    return len(words) > 1 and all(
        fold(re.sub(r"[(（]?[%％][)）]?$", "", word) or "%") in _HEADINGS for word in words
    )
