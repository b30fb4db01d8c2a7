"""What may stand in a field of the registry: one rule a field, the same for a form and for a spreadsheet's cell. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from crm.core.sheets import cells
from crm.core.sheets.headings import Unit
from crm.core.sheets.table import Cell, Fault
from crm.core.words import N_, Message, Refused, Word
from crm.firms.rules.codes import check_code, lost_digits

T = TypeVar("T")
Parse = Callable[[Cell, Unit], Any]

EARLIEST = dt.date(1949, 10, 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """A field: its name in the tables, its label, the parser that judges it, the headings it is known by.

    `parse` takes the cell and the unit of its column and returns the value, None when it is empty; it raises
    `Refused`. `unit` says that money is meant, in 万元 on the screen. `is_personal`: it names people outside, so a
    colleague sees it masked in a staged list. `is_long`: several lines are usual.
    """

    name: str
    label: str
    parse: Parse
    headings: tuple[str, ...] = ()
    is_required: bool = False
    unit: Unit | None = None
    is_personal: bool = False
    is_long: bool = False

    def judge(self, cell: Cell, unit: Unit | None = None) -> Any:
        """The value of a cell or of what was typed. Raises `Refused` naming this field."""
        try:
            value = self.parse(cell, unit or self.unit or "元")
        except Refused as refusal:
            raise Refused(refusal.text, field=self.name, items=refusal.items, **refusal.params) from None
        if value is None and self.is_required:
            raise Refused(N_("%(label)s没有填。"), label=self.label_message, field=self.name)
        return value

    @property
    def label_message(self) -> Message:
        return Message(self.label)


class Capital(NamedTuple):
    """Registered capital: whole yuan, or as written when it is foreign money."""

    yuan: int | None
    text: str | None


def _kept(verdict: cells.Verdict[T]) -> T | None:
    if not verdict.ok:
        message = verdict.message
        raise Refused(message.text, **message.params)
    return verdict.value


def _text(longest: int) -> Parse:
    def parse(cell: Cell, _unit: Unit) -> str | None:
        return _kept(cells.text(cell, longest=longest))

    return parse


_TWO_FIRMS = re.compile(r"[;；\n]|公司[、,，].*公司\Z")


def firm_name(cell: Cell, _unit: Unit = "元") -> str | None:
    """A firm's full name: at least two characters, one firm a cell, not a number."""
    name = _kept(cells.text(cell, longest=200, blanks=cells.BLANKS))
    if name is None:
        return None
    if len(name) < 2 or not any(char.isalpha() for char in name):
        raise Refused(N_("「%(shown)s」不是企业名称。"), shown=name)
    if _TWO_FIRMS.search(name):
        raise Refused(N_("「%(shown)s」里像有几家企业，请一行写一家。"), shown=name[:60])
    return name


def code(cell: Cell, _unit: Unit = "元") -> str | None:
    """A unified social credit code; one typed as a number is refused, because its last digits are lost."""
    if isinstance(cell, float | int) and not isinstance(cell, bool) and abs(cell) >= 1e15:
        raise lost_digits()
    verdict = cells.code(cell)
    if verdict.fault is Fault.DIGITS_LOST:
        raise lost_digits()
    value = _kept(verdict)
    return None if value is None else check_code(value)


def _number_of(longest: int) -> Parse:
    def parse(cell: Cell, _unit: Unit) -> str | None:
        value = _kept(cells.code(cell))
        if value is not None and len(value) > longest:
            raise Refused(
                N_("有 %(length)d 个字符，最多 %(longest)d 个。"), length=len(value), longest=longest
            )
        return value

    return parse


def day(cell: Cell, _unit: Unit = "元") -> dt.date | None:
    return _kept(cells.day(cell))


def founded(cell: Cell, _unit: Unit = "元") -> dt.date | None:
    """The day a firm was registered: not before the People's Republic."""
    value = day(cell)
    if value is not None and value < EARLIEST:
        raise Refused(N_("成立日期不会早于 %(day)s。"), day=EARLIEST)
    return value


def capital(cell: Cell, unit: Unit = "万元") -> Capital | None:
    """Registered capital; 「50万人民币」 is read, 「300万美元」 is kept as written and never reckoned in yuan."""
    verdict = cells.yuan(cell, unit=unit)
    if verdict.fault is Fault.FOREIGN_CURRENCY:
        return Capital(None, _kept(cells.text(cell, longest=60)))
    value = _kept(verdict)
    if value is None:
        return None
    if value < 0:
        raise Refused(N_("注册资本不能是负数。"))
    return Capital(value, None)


def money(cell: Cell, unit: Unit = "万元") -> int | None:
    return _kept(cells.yuan(cell, unit=unit))


def positive_money(cell: Cell, unit: Unit = "万元") -> int | None:
    value = money(cell, unit)
    if value is not None and value < 0:
        raise Refused(N_("不能是负数。"))
    return value


def count(cell: Cell, _unit: Unit = "元") -> int | None:
    """A number of people or rights."""
    value = _kept(cells.integer(cell))
    if value is not None and not 0 <= value <= 10_000_000:
        raise Refused(N_("「%(n)s」不在 0 到 1000 万之间。"), n=str(value))
    return value


def year(cell: Cell, _unit: Unit = "元") -> int | None:
    return _kept(cells.year(cell))


def yes_no(cell: Cell, _unit: Unit = "元") -> bool | None:
    return _kept(cells.yes_no(cell))


def industry_code(cell: Cell, _unit: Unit = "元") -> str | None:
    """A code of GB/T 4754-2017, from a letter to four digits: C, C39, 3912, C3912; a name after it is left out."""
    value = _kept(cells.text(cell, longest=80))
    if value is None:
        return None
    found = re.match(r"\s*([A-Ta-t]?)\s*(\d{0,4})(?=\D|\Z)", value)
    if found is None or not (found[1] or found[2]) or len(found[2]) == 1:
        raise Refused(N_("「%(shown)s」不是国民经济行业代码（如 C3912 或 3912）。"), shown=value)
    return (found[1] + found[2]).upper()


def one_of(words: type[Word], extra: Mapping[str, Word] | None = None, cut: str = "") -> Parse:
    """A cell that names a member of an enum by label or code; `cut` is an ending that may be missing."""
    known: dict[str, Word] = {}
    for member in words:
        for spelling in (member.value, member.label, member.label.removesuffix(cut) if cut else member.label):
            known[spelling.casefold()] = member
    known.update({spelling.casefold(): member for spelling, member in (extra or {}).items()})

    def parse(cell: Cell, _unit: Unit) -> Word | None:
        value = _kept(cells.text(cell, longest=80, blanks=cells.BLANKS - {"无"}))
        if value is None:
            return None
        found = known.get(re.sub(r"\s+", "", value).casefold())
        if found is None:
            labels = [Message(member.label) for member in words]
            raise Refused(N_("「%(shown)s」不在这些里面：%(known)s。"), shown=value, known=labels)
        return found

    return parse


def names_list(cell: Cell, _unit: Unit = "元") -> list[str] | None:
    """Several names in one cell, separated by 、；, or line breaks."""
    value = _kept(cells.text(cell, longest=2000, has_lines=True))
    if value is None:
        return None
    found = [name for part in re.split(r"[、；;\n,，|]+", value) if (name := part.strip())]
    for name in found:
        if len(name) > 200:
            raise Refused(N_("有 %(length)d 个字符，最多 %(longest)d 个。"), length=len(name), longest=200)
    return list(dict.fromkeys(found)) or None


_PHONE = re.compile(r"[0-9+() ./\-转extEXT]{5,40}\Z")


def phone(cell: Cell, _unit: Unit = "元") -> str | None:
    """A telephone number; a mobile number typed as a number is whole, it has 11 digits."""
    value = _kept(cells.text(cell, longest=40))
    if value is None:
        return None
    value = value.translate(str.maketrans("０１２３４５６７８９（）－＋　", "0123456789()-+ "))
    if not _PHONE.match(value) or sum(c.isdigit() for c in value) < 5:
        raise Refused(N_("「%(shown)s」不是电话号码。"), shown=value[:20])
    return value


_MAIL = re.compile(r"[^@\s,;<>\"']{1,64}@[^@\s,;<>\"'.]+(?:\.[^@\s,;<>\"'.]+)+\Z")


def mail(cell: Cell, _unit: Unit = "元") -> str | None:
    value = _kept(cells.text(cell, longest=120))
    if value is not None and not _MAIL.match(value):
        raise Refused(N_("「%(shown)s」不是邮箱地址。"), shown=value[:60])
    return value


text = _text
number_of = _number_of
