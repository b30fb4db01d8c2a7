"""What a single cell means. Screen and spreadsheet use these same parsers, so both give the same verdicts.

Money is whole yuan, exact; dates are days between March 1900 and 2100 (Excel's own calendar is wrong before that).
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from crm.core.sheets.headings import Unit
from crm.core.sheets.table import BadCell, Cell, Fault, Float1904
from crm.core.words import N_, Message, Refused, Word

T = TypeVar("T")

DASHES = frozenset({"", "-", "--", "---", "—", "——", "–", "/", "//", "\\", "n/a", "…", "－", "／"})
BLANKS = DASHES | frozenset({"无", "暂无", "没有", "不详", "未知", "未填", "na", "nil", "null", "none", "空"})

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_GUARDED = re.compile(r"^'(?=[=+\-@＝＋－＠\t\r\n])")
_CJK = r"[⺀-〿㐀-鿿豈-﫿＀-￯\U00020000-\U0003ffff]"
_BREAK = re.compile(rf"(?<={_CJK})[ \t]*[\r\n]+[ \t]*(?={_CJK})")
_WHITE = re.compile(r"[\t\r\n\u0085\u2028\u2029]+")
_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
_EXACT = Context(prec=80)
_MOST_YUAN = 10**15
_MOST_INTEGER = 2**63 - 1
_FIRST_DAY, _LAST_DAY = dt.date(1900, 3, 1), dt.date(2100, 12, 31)


class Flag(Word):
    """What a parser changed on the way; the preview says so."""

    CLEANED = "cleaned", N_("去掉了看不见的字符")
    ROUNDED = "rounded", N_("角、分已四舍五入到元")
    SERIAL = "serial", N_("由 Excel 的日期序号读出")
    TIME_DROPPED = "time-dropped", N_("只取日期，没有取时间")


class Verdict(NamedTuple, Generic[T]):
    """A value (None when the cell is empty or says there is none), or the fault that refuses it."""

    value: T | None = None
    fault: Fault | None = None
    params: Mapping[str, Any] = {}
    flags: tuple[Flag, ...] = ()

    @property
    def ok(self) -> bool:
        return self.fault is None

    @property
    def message(self) -> Message:
        """The sentence of the fault; only for a refused cell."""
        if self.fault is None:
            raise ValueError("nothing was refused")
        return Message(self.fault.label, self.params)

    def refused(self, *, row: int, column: str) -> Refused:
        """The fault with its place."""
        return Refused(
            N_("第 %(row)s 行「%(column)s」：%(reason)s"),
            row=row,
            column=column,
            reason=self.message,
            field=column,
        )


def _no(fault: Fault, cell: Cell = None, **params: Any) -> Verdict[Any]:
    if cell is not None:
        params["shown"] = shown(cell)
    return Verdict(None, fault, params)


def shown(cell: Cell) -> str:
    """A cell as its author saw it, short enough for a message or a file of refused rows."""
    if cell is None:
        return ""
    if isinstance(cell, BadCell):
        return cell.shown
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return _plain_number(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    plain = _INVISIBLE.sub("", str(cell))
    return plain if len(plain) <= 60 else plain[:59] + "…"


def _plain_number(number: float) -> str:
    if not math.isfinite(number):
        return str(number)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"


def _string(cell: str) -> str:
    """Text for numbers, dates and marks: one width, no spaces around, nothing invisible."""
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", _GUARDED.sub("", cell))).strip()


def _bad(cell: Cell) -> Verdict[Any] | None:
    """A verdict for cells that no parser may take."""
    if isinstance(cell, BadCell):
        return Verdict(None, cell.fault, {"shown": cell.shown} if cell.shown else {})
    if isinstance(cell, str):
        if cell.startswith("#") and cell.strip().upper() in _ERRORS:
            return _no(Fault.FORMULA_ERROR, cell.strip())
        if "\ufffd" in cell or any("\ud800" <= char <= "\udfff" for char in cell):
            return _no(Fault.GARBLED)
    return None


def text(
    cell: Cell, *, longest: int = 32_767, blanks: Collection[str] = DASHES, has_lines: bool = False
) -> Verdict[str]:
    """Text exactly as written, except that invisible and control characters go and lines are joined.

    `blanks` (small letters) mean missing. With `has_lines` line breaks stay.
    """
    if cell is None:
        return Verdict()
    if bad := _bad(cell):
        return bad
    if not isinstance(cell, str):
        if isinstance(cell, float) and not math.isfinite(cell):
            return _no(Fault.NOT_FINITE, cell)
        if isinstance(cell, int | float) and abs(cell) >= 1e15:
            return _no(Fault.DIGITS_LOST, cell)
        if isinstance(cell, bool):
            return _no(Fault.NOT_TEXT, cell)
        return Verdict(shown(cell))
    plain = _GUARDED.sub("", cell)
    value = _INVISIBLE.sub("", plain)
    flags = (Flag.CLEANED,) if value != plain else ()
    value = _with_lines(value) if has_lines else _WHITE.sub(" ", _BREAK.sub("", value)).strip()
    if value.casefold() in blanks:
        return Verdict(None, None, {}, flags)
    if len(value) > longest:
        return _no(Fault.TOO_LONG, length=len(value), longest=longest)
    return Verdict(value, None, {}, flags)


def _with_lines(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def code(cell: Cell) -> Verdict[str]:
    """A credit code, certificate or registration number: one width, capitals, no spaces.

    A long code stored as a number is refused: Excel keeps 15 digits and fills up with zeros.
    """
    if cell is None:
        return Verdict()
    if bad := _bad(cell):
        return bad
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not math.isfinite(cell):
            return _no(Fault.NOT_FINITE, cell)
        if abs(cell) >= 1e15:
            return _no(Fault.DIGITS_LOST, cell)
        if cell != int(cell):
            return _no(Fault.NOT_TEXT, cell)
        return Verdict(str(int(cell)))
    if not isinstance(cell, str):
        return _no(Fault.NOT_TEXT, cell)
    value = re.sub(r"\s+", "", _string(cell)).upper()
    if value.casefold() in BLANKS:
        return Verdict()
    if re.fullmatch(r"[+-]?\d(?:\.\d+)?E\+?\d{2}", value):
        return _no(Fault.DIGITS_LOST, cell)
    flags = (Flag.CLEANED,) if _INVISIBLE.search(cell) else ()
    return Verdict(value, None, {}, flags)


_NUMBER = r"(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[+-]?\.\d+)(?:E(?P<power>[+-]?\d{1,3}))?"
_INTEGER = re.compile(rf"^{_NUMBER}[人名家件项个户台]?$")
_MONEY = re.compile(rf"^{_NUMBER}(?P<scale>万亿|亿|千万|百万|万|千)?(?P<yuan>元|圆)?(?:整|正)?$")
_SCALES = {"千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12}
_UNITS: Mapping[str, int] = {"元": 1, "万元": 10**4, "亿元": 10**8}
_CNY = re.compile(r"人民币|RMB|CNY|¥")
_FOREIGN = (
    ("USD", re.compile(r"美元|美金|USD|US\$|\$")),
    ("HKD", re.compile(r"港元|港币|HKD|HK\$")),
    ("EUR", re.compile(r"欧元|EUR|€")),
    ("JPY", re.compile(r"日元|日圆|JPY|円")),
    ("GBP", re.compile(r"英镑|GBP|£")),
    ("KRW", re.compile(r"韩元|韩圆|KRW|₩")),
    ("TWD", re.compile(r"新台币|台币|TWD|NT\$")),
    ("SGD", re.compile(r"新加坡元|新元|SGD|(?<!U)S\$")),
    ("AUD", re.compile(r"澳元|AUD|A\$")),
    ("CAD", re.compile(r"加元|加拿大元|CAD|C\$")),
    ("CHF", re.compile(r"瑞士法郎|CHF")),
    ("MOP", re.compile(r"澳门元|MOP")),
)
_NOT_FINITE = frozenset({"NAN", "INF", "+INF", "-INF", "INFINITY", "+INFINITY", "-INFINITY", "∞"})


def _decimal(found: re.Match[str]) -> Decimal:
    number = Decimal(found["number"].replace(",", ""))
    return number.scaleb(int(found["power"])) if found["power"] else number


def _numeral(value: str) -> str:
    """Capitals, no spaces, ASCII minus, brackets of accountants as a minus."""
    value = re.sub(r"\s+", "", value).upper().replace("−", "-").replace("–", "-")
    return f"-{value[1:-1]}" if re.fullmatch(r"\([\d,.]+\)", value) else value


def _number(cell: Cell) -> Verdict[Any] | Decimal | str | None:
    """What numbers have in common: a verdict, the exact number of a typed cell, text still to be read, or None."""
    if cell is None:
        return None
    if bad := _bad(cell):
        return bad
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return _no(Fault.NOT_NUMBER, cell)
    if isinstance(cell, float):
        # 15 digits are what Excel shows; more are the noise of binary fractions
        return Decimal(f"{cell:.15g}") if math.isfinite(cell) else _no(Fault.NOT_FINITE, cell)
    if isinstance(cell, int):
        return Decimal(cell)
    value = _numeral(_string(cell))
    if value.casefold() in BLANKS:
        return None
    if value in _NOT_FINITE:
        return _no(Fault.NOT_FINITE, cell)
    return _no(Fault.TOO_BIG, cell) if len(value) > 60 else value


def integer(cell: Cell) -> Verdict[int]:
    """A whole number that fits the database; `1,234`, `12人` and 12.0 are understood, 12.5 is refused."""
    number = _number(cell)
    if number is None:
        return Verdict()
    if isinstance(number, Verdict):
        return number
    if isinstance(number, str):
        found = _INTEGER.match(number)
        if found is None:
            return _no(Fault.NOT_NUMBER, cell)
        number = _decimal(found)
    if abs(number) > _MOST_INTEGER:
        return _no(Fault.TOO_BIG, cell)
    if number != number.to_integral_value():
        return _no(Fault.NOT_WHOLE, cell)
    if isinstance(cell, float) and abs(cell) >= 1e15:
        return _no(Fault.DIGITS_LOST, cell)
    return Verdict(int(number))


def yuan(cell: Cell, *, unit: Unit = "元") -> Verdict[int]:
    """Money as whole yuan. A unit written in the cell goes before that of the column; half a yuan rounds up.

    Foreign currency is refused, with `currency` in the parameters.
    """
    number = _number(cell)
    if number is None:
        return Verdict()
    if isinstance(number, Verdict):
        return number
    scale = _UNITS[unit]
    if isinstance(number, str):
        for currency, pattern in _FOREIGN[::-1]:
            if pattern.search(number):
                return _no(Fault.FOREIGN_CURRENCY, cell, currency=currency)
        found = _MONEY.match(_numeral(re.sub(r"\(\)", "", _CNY.sub("", number))))
        if found is None:
            return _no(Fault.NOT_NUMBER, cell)
        if found["scale"] or found["yuan"]:
            scale = _SCALES.get(found["scale"] or "", 1)
        number = _decimal(found)
    if number.adjusted() > 18:
        return _no(Fault.TOO_BIG, cell)
    exact = _EXACT.multiply(number, Decimal(scale))
    whole = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=_EXACT)
    if abs(whole) > _MOST_YUAN:
        return _no(Fault.TOO_BIG, cell)
    return Verdict(int(whole), None, {}, (Flag.ROUNDED,) if whole != exact else ())


_TIME = r"(?:[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_DAY = re.compile(rf"^(\d{{4}})\s*([-/.])\s*(\d{{1,2}})\s*\2\s*(\d{{1,2}})(?P<time>{_TIME})$")
_DAY_CHINESE = re.compile(rf"^(\d{{4}})\s*年\s*(\d{{1,2}})\s*月\s*(\d{{1,2}})\s*[日号]?\s*(?P<time>{_TIME})$")
_DAY_DIGITS = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_DAY_MISSING = re.compile(r"^(?:\d{4}\s*[-/.年]\s*\d{1,2}\s*月?|\d{4}\s*年?)$")
_SHORT_YEAR = re.compile(r"^\d{1,2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?$")
_DAY_ORDER = re.compile(r"^\d{1,2}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{4}$")


def day(cell: Cell) -> Verdict[dt.date]:
    """A day, written (2024-05-06, 2024/5/6, 2024.5.6, 2024年5月6日, 20240506) or counted by Excel from 1900 or 1904."""
    if cell is None:
        return Verdict()
    if bad := _bad(cell):
        return bad
    if isinstance(cell, dt.datetime):
        flags = (Flag.TIME_DROPPED,) if cell.time() != dt.time() else ()
        return _in_range(cell.date(), cell, *flags)
    if isinstance(cell, dt.date):
        return _in_range(cell, cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _from_number(cell)
    if not isinstance(cell, str):
        return _no(Fault.NOT_DATE, cell)
    value = _string(cell)
    if value.casefold() in BLANKS:
        return Verdict()
    if re.fullmatch(r"[2-7]\d{4}", value):
        return _from_number(int(value))
    if found := _DAY.match(value):
        year_, month, day_ = found[1], found[3], found[4]
    elif found := _DAY_CHINESE.match(value) or _DAY_DIGITS.match(value):
        year_, month, day_ = found[1], found[2], found[3]
    elif _DAY_MISSING.match(value):
        return _no(Fault.DAY_MISSING, cell)
    elif _SHORT_YEAR.match(value):
        return _no(Fault.SHORT_YEAR, cell)
    elif _DAY_ORDER.match(value):
        return _no(Fault.DAY_ORDER, cell)
    else:
        return _no(Fault.NOT_DATE, cell)
    try:
        read = dt.date(int(year_), int(month), int(day_))
    except ValueError:
        return _no(Fault.NO_SUCH_DAY, cell)
    time = (found.groupdict().get("time") or "").strip(" T0:.Z")
    return _in_range(read, cell, *((Flag.TIME_DROPPED,) if time else ()))


def _in_range(read: dt.date, cell: Cell, *flags: Flag) -> Verdict[dt.date]:
    if not _FIRST_DAY <= read <= _LAST_DAY:
        return _no(Fault.DAY_RANGE, cell)
    return Verdict(read, None, {}, flags)


def _from_number(cell: float) -> Verdict[dt.date]:
    if not math.isfinite(cell):
        return _no(Fault.NOT_FINITE, cell)
    whole = int(cell // 1)
    if whole == cell and 19000101 <= whole <= 21001231:
        return day(str(whole))
    if whole == cell and 1900 <= whole <= 2100:
        return _no(
            Fault.DAY_MISSING, cell
        )  # a year typed into a column of dates, not the 2024th day after 1900
    is_1904 = isinstance(cell, Float1904)
    if not (0 if is_1904 else 61) <= cell <= 80_000:
        return _no(Fault.DAY_RANGE, cell)
    base = dt.date(1904, 1, 1) if is_1904 else dt.date(1899, 12, 30)
    flags = (Flag.SERIAL,) if whole == cell else (Flag.SERIAL, Flag.TIME_DROPPED)
    return _in_range(base + dt.timedelta(days=whole), cell, *flags)


def year(cell: Cell) -> Verdict[int]:
    """A year from 1900 to 2100; `2024年` and `2024年度` are understood, a whole date is refused."""
    if cell is None:
        return Verdict()
    if bad := _bad(cell):
        return bad
    if isinstance(cell, str):
        value = _string(cell)
        if value.casefold() in BLANKS:
            return Verdict()
        found = re.fullmatch(r"(\d{4})\s*(?:年度?)?", value)
        number: float = int(found[1]) if found else 0
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        number = cell
    else:
        number = 0
    if not 1900 <= number <= 2100 or number != int(number):
        return _no(Fault.NOT_YEAR, cell)
    return Verdict(int(number))


_YES = frozenset({"是", "有", "√", "✓", "✔", "☑", "对", "y", "yes", "true", "t", "1"})
_NO = frozenset({"否", "无", "没有", "×", "✗", "✘", "☒", "不是", "非", "n", "no", "false", "f", "0"})


def yes_no(cell: Cell) -> Verdict[bool]:
    if cell is None:
        return Verdict()
    if bad := _bad(cell):
        return bad
    if isinstance(cell, bool):
        return Verdict(cell)
    value = _string(cell).casefold() if isinstance(cell, str) else shown(cell)
    if value in _YES:
        return Verdict(True)
    if value in _NO:
        return Verdict(False)
    return Verdict() if value in BLANKS else _no(Fault.NOT_YES_NO, cell)
