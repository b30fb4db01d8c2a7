"""Text tables: find the encoding without ever storing mojibake, find the delimiter, read row by row."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from crm.core.sheets.isolation import too_long, too_many, too_wide
from crm.core.sheets.limits import Limits
from crm.core.sheets.recognising import Stranger, strange
from crm.core.sheets.table import Cell, Row
from crm.core.words import N_, Refused

_CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_AS_TEXT = re.compile(r'^="([^"]*)"$')  # the trick that keeps a code from becoming a number in Excel
_CONTROLS = bytes({*range(32)} - {*b"\t\r\n"})
_DELIMITERS = ("\t", ",", ";", "|")


def find_encoding(data: bytes, name: str) -> str:
    """A codec that reads all of `data`. Raises `Refused` when none does, or when the result would be mojibake."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            if not _decodes(data, codec):
                raise _unreadable(name, codec)
            return codec
    if wide := _utf16_without_bom(data):
        return wide
    head = data[:4096]
    if sum(head.count(code) for code in _CONTROLS) > max(8, len(head) // 100):
        raise strange(name, Stranger.BINARY)
    if _decodes(data, "utf-8"):
        return "utf-8"
    sample = data[: 4 * _CHUNK]
    as_utf8 = Counter(sample.decode("utf-8", "replace"))
    broken = as_utf8["\ufffd"]
    sound = sum(count for char, count in as_utf8.items() if char > "\x7f" and char != "\ufffd")
    if sound > 4 * broken:
        raise _unreadable(name, "UTF-8")
    if _decodes(data, "gb18030") and _is_chinese(sample):
        return "gb18030"
    raise Refused(
        N_(
            "认不出「%(name)s」的文字编码 (不是 UTF-8、GB18030 或 UTF-16)。请用 Excel 打开，另存为 .xlsx 再上传。"
        ),
        name=name,
    )


def _unreadable(name: str, codec: str) -> Refused:
    return Refused(
        N_("「%(name)s」应是 %(codec)s 编码，但其中有损坏的字符，没有读取。请重新导出文件。"),
        name=name, codec=codec.removesuffix("-sig").upper(),
    )  # fmt: skip


def _decodes(data: bytes, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        for at in range(0, len(data), _CHUNK):
            decoder.decode(data[at : at + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_bom(data: bytes) -> str | None:
    """Separators of a table are ASCII, so every second byte of some characters is zero."""
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(data) % 2 or max(even, odd) < 2 or min(even, odd) * 8 > max(even, odd):
        return None
    codec = "utf-16-le" if odd > even else "utf-16-be"
    if not _decodes(data, codec):
        return None
    text = head[: len(head) // 2 * 2].decode(codec, "replace")
    usual = sum(
        1 for char in text if char in "\t\r\n" or " " <= char <= "~" or "⺀" <= char <= "鿿" or char >= "豈"
    )
    return codec if usual >= 0.9 * len(text) else None


def _is_chinese(sample: bytes) -> bool:
    """Nearly all bytes decode as GB18030; real text is mostly of the 6,763 common characters."""
    beyond = [char for char in sample.decode("gb18030", "ignore") if char > "\x7f"]
    if not beyond:
        return False
    common = 0
    private = 0
    for char, count in Counter(beyond).items():
        if "\ue000" <= char <= "\uf8ff":
            private += count
        elif _in_gb2312(char):
            common += count
    return common >= 0.7 * len(beyond) and private * 50 <= len(beyond)


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return not "\u0370" <= char <= "\u058f"  # Greek and Cyrillic are in the set, seldom in a list


def read_text(data: bytes, name: str, *, limits: Limits) -> tuple[list[Row], str, str]:
    """Rows, the encoding as shown to people, and the delimiter. Raises `Refused`."""
    codec = find_encoding(data, name)
    delimiter = find_delimiter(io.TextIOWrapper(io.BytesIO(data), encoding=codec, newline=""))
    rows = list(_rows(data, codec, delimiter, name, limits))
    return rows, codec.removesuffix("-sig").upper(), delimiter


def find_delimiter(lines: Iterable[str]) -> str:
    """The separator that most of the first lines have most often in common; a comma when there is none."""
    counts: dict[str, list[int]] = {mark: [] for mark in _DELIMITERS}
    seen = 0
    for line in lines:
        plain = re.sub(r'"[^"]*"', "", line[:100_000])
        if not plain.strip():
            continue
        for mark in _DELIMITERS:
            counts[mark].append(plain.count(mark))
        seen += 1
        if seen == 50:
            break
    best, best_score = ",", 0
    for mark in _DELIMITERS:
        with_mark = [count for count in counts[mark] if count]
        if not with_mark or len(with_mark) * 3 < seen:
            continue
        usual, times = Counter(with_mark).most_common(1)[0]
        score = times * 100 + usual
        if score > best_score:
            best, best_score = mark, score
    return best


def _rows(data: bytes, codec: str, delimiter: str, name: str, limits: Limits) -> Iterator[Row]:
    def reader(*, strict: bool) -> Iterator[list[str]]:
        stream = io.TextIOWrapper(io.BytesIO(data), encoding=codec, newline="")
        return csv.reader(stream, delimiter=delimiter, strict=strict)

    is_strict = _closes_quotes(reader(strict=True), name, limits)
    number = cells = chars = filled = 0
    for number, values in _guarded(reader(strict=is_strict), name, limits):
        last = len(values)
        while last and not values[last - 1].strip():
            last -= 1
        if not last:
            continue
        if last > limits.columns:
            raise too_wide(name, number, limits)
        kept: list[Cell] = []
        for place, value in enumerate(values[:last]):
            chars += len(value)
            if len(value) > limits.cell_chars:
                raise too_long(name, number, place, len(value), limits)
            if value.startswith('="') and (trick := _AS_TEXT.match(value)):
                value = trick[1]
            kept.append(value if value.strip() else None)
        filled += 1
        cells += last
        if filled > limits.last_row or cells > limits.cells or chars > limits.text_chars:
            raise too_many(name, limits)
        yield Row(number, tuple(kept))


def _closes_quotes(rows: Iterator[list[str]], name: str, limits: Limits) -> bool:
    """True when the text keeps the rules of quoting; False when it breaks them harmlessly, as Excel tolerates.

    Raises `Refused` for a quote that is never closed: the rest of the file would vanish into one cell.
    """
    number = 0
    try:
        for number, _ in enumerate(rows, 1):
            if number > limits.last_row * 2:
                break
    except csv.Error as error:
        if "end of data" in str(error) or "field larger" in str(error):
            raise _unclosed(name, number + 1) from error
        return False
    return True


def _guarded(rows: Iterator[list[str]], name: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, values in enumerate(rows, 1):
            if any(value.count("\n") > 200 for value in values if len(value) > 200):
                raise _unclosed(name, number)
            yield number, values
    except csv.Error as error:
        if "field larger" in str(error):
            raise too_long(name, number + 1, 0, csv.field_size_limit(), limits) from error
        raise _unclosed(name, number + 1) from error


def _unclosed(name: str, row: int) -> Refused:
    return Refused(
        N_("「%(name)s」第 %(row)s 行起的引号没有成对，或单元格过长，无法分清各列。请用 Excel 打开并另存为 .xlsx。"),
        name=name, row=row,
    )  # fmt: skip
