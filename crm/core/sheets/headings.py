"""Find the header of a table between titles above and notes below, and say which heading means which column."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from crm.core.sheets.isolation import Range
from crm.core.sheets.table import BadCell, Cell, Record, Row, Skip, Skipped, Table, column_letters
from crm.core.words import N_, Message, Refused

Unit = Literal["元", "万元", "亿元"]

SEARCHED = 30
_SPACES = re.compile(r"\s+")
_BRACKETED = re.compile(r"\([^()]*\)")
_CJK = re.compile(r"[⺀-鿿豈-﫿＀-￯、-〿]")
_DATA_LIKE = re.compile(r"\d{4,}|^[\d.,%-]+$")
_YEAR_IN_HEADING = re.compile(r"(?:19|20)\d{2}(?=年|$|\D)")
_TOTAL = re.compile(r"^(?:合计|总计|小计|共计|累计|总合计|本[页表](?:小计|合计)|total|subtotal)(?:[:(].*)?$")
_NOTE = re.compile(
    r"^[(※*#]*(?:(?:注|备注|说明|附注|填表说明|填报说明|资料来源|数据来源|来源)(?:[:\d一二三.、]|$)|注意"
    r"|(?:制表|填表|填报|审核|复核|报送|联系|经办)(?:人|单位|日期|时间|电话)?:|(?:单位)?(?:负责人|盖章)|以上)"
)
_NOTE_MARK = re.compile(r"[:：注明源章责上]")
_NUMBERING = {"序号", "序", "行号", "no", "no.", "#", "№"}


def fold(value: Cell) -> str:
    """A heading as shown: line breaks and runs of spaces folded, invisible characters gone."""
    if value is None or isinstance(value, BadCell):
        return ""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if text.isprintable() and " " not in text:
        return text
    text = "".join(
        char for char in text if unicodedata.category(char) not in ("Cc", "Cf") or char in "\t\r\n"
    )
    words = _SPACES.split(text.strip())
    joined = words[0]
    for word in words[1:]:
        both_cjk = bool(joined and word and _CJK.match(joined[-1]) and _CJK.match(word[0]))
        joined += word if both_cjk else f" {word}"
    return joined


def heading_key(value: str) -> str:
    """A heading for comparing: width, case, spaces, required marks and colons do not count."""
    text = _SPACES.sub("", unicodedata.normalize("NFKC", fold(value))).casefold()
    return text.strip("*:").replace("【", "(").replace("】", ")").replace("[", "(").replace("]", ")")


def _keys(value: str) -> tuple[str, str]:
    """The key, and the key without what stands in brackets."""
    full = heading_key(value)
    return full, _BRACKETED.sub("", full)


def match_columns(headings: Iterable[str], columns: Mapping[str, Collection[str]]) -> dict[str, str]:
    """column → heading, for columns given with the headings they are known by. Each is used once; exact goes first."""
    left = list(dict.fromkeys(headings))
    matched: dict[str, str] = {}
    for place in (0, 1):
        for column, known in columns.items():
            if column in matched:
                continue
            keys = {heading_key(name) for name in known}
            for heading in left:
                if _keys(heading)[place] in keys:
                    matched[column] = heading
                    left.remove(heading)
                    break
    return matched


def unit_of(heading: str) -> Unit | None:
    """The unit a heading names, as in 注册资本（万元）."""
    key = heading_key(heading)
    found = re.search(r"(?:[(:/,]|单位|人民币)(亿元|万元|元)\)?$|.(亿元|万元)$", key)
    units: Mapping[str, Unit] = {"元": "元", "万元": "万元", "亿元": "亿元"}
    return units[found[1] or found[2]] if found else None


@dataclass(slots=True)
class Header:
    """`first` and `last` are places in the list of rows; `last` is -1 when the table has no header."""

    first: int
    last: int
    headings: list[str]
    duplicates: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


def _filled(row: Row) -> list[tuple[int, Cell]]:
    return [(place, cell) for place, cell in enumerate(row.cells) if cell is not None]


def _choose(rows: Sequence[Row], known: Collection[str], *, guesses: bool) -> int | None:
    """The place of the best header row among the first 30, or None."""
    keys = _known_keys(known)
    counts = Counter(len(_filled(row)) for row in rows[:120])
    typical = max(counts, key=lambda width: (counts[width] * min(width, 12), width), default=0)
    best, most = None, 0
    for place, row in enumerate(rows[:SEARCHED]):
        if row.number > SEARCHED + 200:
            break
        found = _matches(row, keys)
        if found > most:
            best, most = place, found
    if best is not None and (most > 1 or len(_filled(rows[best])) > 1 or typical <= 1):
        return best
    if typical <= 1:
        return None if known else (0 if rows else None)
    if not guesses:
        return None
    for place, row in enumerate(rows[:SEARCHED]):
        filled = _filled(row)
        if len(filled) < 2 or len(filled) < 0.6 * typical:
            continue
        texts = [cell for _, cell in filled if isinstance(cell, str)]
        if len(texts) == len(filled) and not any(_looks_like_data(text) for text in texts):
            return place
    return None


def _known_keys(known: Collection[str]) -> set[str]:
    return {key for name in known for key in _keys(name)}


def _matches(row: Row, keys: Collection[str]) -> int:
    """How many different known headings stand in the row."""
    found = set()
    for _, cell in _filled(row):
        if isinstance(cell, str) and len(cell) <= 100:
            full, short = _keys(cell)
            if full in keys or short in keys:
                found.add(full if full in keys else short)
    return len(found)


def knows(rows: Sequence[Row], known: Collection[str]) -> bool:
    """Whether any known heading stands in the first rows."""
    keys = _known_keys(known)
    return any(_matches(row, keys) for row in rows[:SEARCHED])


def _looks_like_data(text: str) -> bool:
    plain = _YEAR_IN_HEADING.sub("", text)
    return len(text) > 60 or bool(_DATA_LIKE.search(plain))


def find_header(
    rows: Sequence[Row],
    merged: Sequence[Range],
    known: Collection[str],
    *,
    header_row: int | None,
    name: str,
    guesses: bool = True,
) -> Header | None:
    """The header, one or two lines of it. None when there is none. Raises `Refused` for more than two lines."""
    if header_row is not None:
        place = next((at for at, row in enumerate(rows) if row.number == header_row), None)
        if place is None:
            raise Refused(N_("「%(name)s」第 %(row)s 行是空行，不能作表头。"), name=name, row=header_row)
    else:
        place = _choose(rows, known, guesses=guesses)
    if place is None:
        return None
    first = last = place
    if (
        place + 1 < len(rows)
        and _groups(rows[place], merged)
        and rows[place + 1].number == rows[place].number + 1
    ):
        last = place + 1
    elif place and _groups(rows[place - 1], merged) and rows[place - 1].number == rows[place].number - 1:
        first = place - 1
    if last != first and (
        (first and _groups(rows[first - 1], merged) and rows[first - 1].number == rows[first].number - 1)
        or _groups(rows[last], merged)
    ):
        raise Refused(
            N_("「%(name)s」的表头超过两行 (第 %(row)s 行起)，分不清各列。请把表头改成一行。"),
            name=name, row=rows[first].number,
        )  # fmt: skip
    lines = [_spread(rows[at], merged, joins=last != first) for at in range(first, last + 1)]
    width = max(len(line) for line in lines)
    headings = []
    for at in range(width):
        words: list[str] = []
        for line in lines:
            word = line[at] if at < len(line) else ""
            if word and word not in words:
                words.append(word)
        headings.append(" ".join(words))
    header = Header(first, last, headings)
    _name_all(header, rows)
    return header


def _groups(row: Row, merged: Sequence[Range]) -> bool:
    """Whether the row has a heading over several columns and only one line high, beside other headings."""
    return len(_filled(row)) > 1 and any(
        top == bottom == row.number - 1 and right > left for (top, left), (bottom, right) in merged
    )


def _spread(row: Row, merged: Sequence[Range], *, joins: bool) -> list[str]:
    words = [fold(cell) for cell in row.cells]
    if joins:
        for (top, left), (bottom, right) in merged:
            if top == bottom == row.number - 1 and left < len(words):
                words += [""] * (right + 1 - len(words))
                words[left + 1 : right + 1] = [words[left]] * (right - left)
    return words


def _name_all(header: Header, rows: Sequence[Row]) -> None:
    """Make headings unique, and name those columns that have data but no heading."""
    width = max(len(row.cells) for row in rows)
    header.headings += [""] * (width - len(header.headings))
    nameless = [place for place, heading in enumerate(header.headings) if not heading]
    counts: Counter[int] = Counter()
    for row in rows[header.last + 1 :] if nameless else ():
        if len(row.cells) > nameless[0] and len(_filled(row)) > 1:
            counts.update(place for place, cell in _filled(row) if not isinstance(cell, BadCell))
    seen: Counter[str] = Counter()
    for place, heading in enumerate(header.headings):
        if not heading:
            if counts[place]:
                header.headings[place] = f"第 {column_letters(place)} 列"
                header.unnamed.append(column_letters(place))
            continue
        seen[heading] += 1
        if seen[heading] > 1:
            if heading not in header.duplicates:
                header.duplicates.append(heading)
            header.headings[place] = f"{heading} ({seen[heading]})"


def shape(
    table: Table,
    merged: Sequence[Range],
    known: Collection[str],
    *,
    header_row: int | None,
    line_heading: str,
    guesses: bool = True,
) -> None:
    """Fill `table`: headings, records, what was skipped and what to tell. Raises `Refused` without a header or rows."""
    rows = table.rows
    if not rows:
        raise Refused(N_("「%(name)s」里没有内容。"), name=table.filename)
    header = find_header(rows, merged, known, header_row=header_row, name=table.filename, guesses=guesses)
    if header is None:
        width = max(len(row.cells) for row in rows)
        if width > 1 and table.kind != "pasted":
            raise Refused(
                N_("在「%(name)s」的前 %(rows)s 行里没有找到表头。请在数据上方加一行列名。"),
                name=table.filename, rows=SEARCHED,
            )  # fmt: skip
        names = [line_heading] if width == 1 else [f"第 {column_letters(place)} 列" for place in range(width)]
        header = Header(0, -1, names)
    else:
        table.header_row = rows[header.last].number
    index = {heading: place for place, heading in enumerate(header.headings) if heading}
    table.headings = list(index)
    table.duplicate_headings, table.unnamed_columns = header.duplicates, header.unnamed
    for place, row in enumerate(rows):
        if place <= header.last:
            table.skipped.append(Skipped(row.number, Skip.ABOVE if place < header.first else Skip.HEADER))
            continue
        reason = _no_data(row, header.headings)
        if reason is None:
            table.records.append(Record(row.number, row.cells, index))
        else:
            table.skipped.append(Skipped(row.number, reason))
    if not table.records:
        raise Refused(N_("「%(name)s」的表头下面没有数据。"), name=table.filename)
    if header.duplicates:
        table.notices.append(
            Message(
                N_("表头有重复的列名：%(names)s。第二个起加了编号。"), {"names": "、".join(header.duplicates)}
            )
        )
    if header.unnamed:
        table.notices.append(
            Message(N_("这些列有数据但没有列名：%(names)s。"), {"names": "、".join(header.unnamed)})
        )


def _no_data(row: Row, headings: Sequence[str]) -> Skip | None:
    cells = row.cells
    at = next(place for place, cell in enumerate(cells) if cell is not None)
    first = cells[at]
    if isinstance(first, str) and at < len(headings) and headings[at].endswith(fold(first)):
        filled = _filled(row)
        if len(filled) > 1 and _repeats(filled, headings):
            return Skip.HEADER_AGAIN
    for cell in cells[at : at + 3]:
        if not isinstance(cell, str) or len(cell) > 40:
            continue
        if ("计" in cell or "total" in cell.lower()) and _TOTAL.match(heading_key(cell)):
            return Skip.TOTAL
    if at + 1 < len(cells) and isinstance(cells[-1], str) and not _NOTE_MARK.search(cells[-1]):
        return None  # the usual row: several cells, the last of them plain text
    filled = _filled(row)
    if len(headings) <= 1:
        return Skip.NOTE if isinstance(first, str) and _NOTE.match(heading_key(first[:40])) else None
    is_numbering = at < len(headings) and heading_key(headings[at]) in _NUMBERING
    alone = sum(1 for _, cell in filled if not (isinstance(cell, BadCell) and cell.fault == "merged")) == 1
    if alone:
        if not isinstance(first, str):
            return Skip.NUMBER_ONLY if is_numbering else None
        if is_numbering:
            return Skip.NUMBER_ONLY if first.strip().isdigit() else Skip.NOTE
        if len(filled) > 1 and len(filled) >= len(headings) - at:
            return Skip.NOTE  # one text merged over all columns: a heading between the rows
    if all(isinstance(cell, str | BadCell) for _, cell in filled) and all(
        _NOTE.match(heading_key(cell[:40])) for _, cell in filled if isinstance(cell, str)
    ):
        return Skip.NOTE
    return None


def _repeats(filled: Sequence[tuple[int, Cell]], headings: Sequence[str]) -> bool:
    texts = [(place, fold(cell)) for place, cell in filled]
    return all(place < len(headings) and text and headings[place].endswith(text) for place, text in texts)
