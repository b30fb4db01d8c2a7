"""Look into an .xlsx before any parser does: every member is really inflated (declared sizes may lie), nothing
larger than the limits, no DTD, and the cells that must never become data are found.

The workbook parser loads a sheet as one dense block, so a stray far cell must be seen here first.
"""

from __future__ import annotations

import html
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from crm.core.sheets.limits import Limits
from crm.core.sheets.recognising import damaged, encrypted
from crm.core.sheets.table import BadCell, Fault, column_index, column_letters
from crm.core.words import N_, Refused

_CHUNK = 1 << 20
_ENCODING = re.compile(rb"""^<\?xml[^>]*\bencoding\s*=\s*["']([^"']+)["']""")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class Part(NamedTuple):
    """A worksheet: its name as shown, its member of the package, and whether it is hidden."""

    name: str
    member: str
    is_hidden: bool


@dataclass(slots=True)
class SheetScan:
    """What was seen in one worksheet. Places are (row, column) from 0."""

    has_values: bool = False
    far: str | None = None
    bad: dict[tuple[int, int], BadCell] = field(default_factory=dict)
    has_unplaced: bool = False
    has_too_many: bool = False


@dataclass(slots=True)
class Inspection:
    parts: list[Part] = field(default_factory=list)
    scans: dict[str, SheetScan] = field(default_factory=dict)
    is_1904: bool = False


class _Patterns(NamedTuple):
    cell: bytes
    values: tuple[bytes, bytes]
    function: bytes
    wide: re.Pattern[bytes]
    deep: re.Pattern[bytes]
    filled: re.Pattern[bytes]
    error: re.Pattern[bytes]
    formula: re.Pattern[bytes]


_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")


def _beyond(number: int) -> bytes:
    """A pattern for whole numbers greater than this one: 250 → more digits, 3.., 26.-29., 251-259."""
    digits = str(number)
    choices = [rf"[1-9]\d{{{len(digits)},}}"]
    for at, digit in enumerate(digits):
        if digit != "9":
            choices.append(rf"{digits[:at]}[{int(digit) + 1}-9]\d{{{len(digits) - at - 1}}}")
    return "|".join(choices).encode()


@lru_cache(maxsize=8)
def _patterns(prefix: bytes, last_row: int) -> _Patterns:
    """`prefix` is that of the namespace in this sheet."""

    def pattern(text: bytes) -> re.Pattern[bytes]:
        return re.compile(text.replace(b"~", re.escape(prefix)))

    return _Patterns(
        cell=b"<" + prefix + b"c",
        values=(b"<" + prefix + b"v", b"<" + prefix + b"is"),
        function=b"<" + prefix + b"f",
        wide=re.compile(rb"""r=["']([A-Z]{2,3})\d"""),
        deep=re.compile(rb"""r=["'][A-Z]{0,3}(?:%b)["']""" % _beyond(last_row)),
        filled=pattern(rb"""<~c\b[^>]*?\sr=["']([A-Z]{1,3})(\d{1,7})["'](?:[^>]*[^>/])?>(?!\s*</)"""),
        error=pattern(
            rb"""<~c\b([^>]*\st=["']e["'][^>]*)>\s*(?:<~f\b[^>]*/>|<~f\b[^>]*>[^<]*</~f>)?\s*(?:<~v>([^<]*)<)?"""
        ),
        formula=pattern(
            rb"<~c\b([^>]*)>\s*(?:<~f\b[^>]*/>|<~f\b[^>]*>[^<]*</~f>)\s*(<~v\s*/>|<~v>\s*</~v>)?\s*</~c>"
        ),
    )


def inspect(data: bytes, name: str, limits: Limits) -> Inspection:
    """Inflate everything under the limits and look at it. Raises `Refused`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            infos = package.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise damaged(name) from error
    if len(infos) > limits.members:
        raise Refused(
            N_("「%(name)s」里有 %(count)s 个部件，正常的工作簿不会超过 %(most)s 个，没有读取。"),
            name=name, count=len(infos), most=limits.members,
        )  # fmt: skip
    if any(info.flag_bits & 1 for info in infos):
        raise encrypted(name)
    if len({info.filename for info in infos}) != len(infos):
        raise damaged(name)
    found = Inspection()
    kept: dict[str, bytes] = {}
    total = 0
    for info in infos:
        is_xml = info.filename.lower().endswith((".xml", ".rels", ".vml"))
        is_sheet = info.filename.startswith("xl/worksheets/") and is_xml and "/_rels/" not in info.filename
        keep = info.filename in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
        scanner = _SheetScanner(limits) if is_sheet else None
        size, tail, parts = 0, b"", []
        for chunk in _inflate(data, info, name):
            size += len(chunk)
            total += len(chunk)
            if total > limits.unpacked_bytes or (
                total > limits.ratio_from_bytes and total > len(data) * limits.ratio
            ):
                raise Refused(
                    N_("「%(name)s」解压后大得不正常 (超过 %(size)s MB 或压缩比超过 %(ratio)s 倍)，没有读取。"),
                    name=name, size=limits.unpacked_bytes // 1_000_000, ratio=limits.ratio,
                )  # fmt: skip
            if is_xml:
                _check_xml(tail + chunk, name, is_first=size == len(chunk))
                tail = chunk[-16:]
            if keep:
                parts.append(chunk)
            if scanner is not None:
                scanner.feed(chunk)
        if size != info.file_size:
            raise Refused(
                N_("「%(name)s」里写明的大小与实际不符 (%(member)s)，文件已损坏或被改动，没有读取。"),
                name=name, member=info.filename,
            )  # fmt: skip
        if scanner is not None:
            found.scans[info.filename] = scanner.close()
        if keep:
            kept[info.filename] = b"".join(parts)
    _read_workbook(kept, found)
    return found


def _inflate(data: bytes, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    at = info.header_offset
    if data[at : at + 4] != b"PK\x03\x04" or at + 30 > len(data):
        raise damaged(name)
    name_length, extra_length = struct.unpack_from("<2H", data, at + 26)
    start = at + 30 + name_length + extra_length
    end = start + info.compress_size
    if end > len(data):
        raise damaged(name)
    if info.compress_type == zipfile.ZIP_STORED:
        for place in range(start, end, _CHUNK):
            yield data[place : min(place + _CHUNK, end)]
        return
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise damaged(name)
    engine = zlib.decompressobj(-15)
    place, pending = start, b""
    try:
        while not engine.eof:
            if not pending:
                pending = data[place : min(place + 65536, end)]
                place += len(pending)
            chunk = engine.decompress(pending, _CHUNK)
            if not pending and not chunk:
                raise damaged(name)
            pending = engine.unconsumed_tail
            if chunk:
                yield chunk
    except zlib.error as error:
        raise damaged(name) from error


def _check_xml(window: bytes, name: str, *, is_first: bool) -> None:
    if is_first:
        head = window[:200].removeprefix(b"\xef\xbb\xbf")
        encoding = _ENCODING.match(head)
        if b"\x00" in head or (encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii")):
            raise Refused(
                N_("「%(name)s」内部不是 UTF-8 编码，没有读取。请用 Excel 打开并另存一次。"), name=name
            )
    if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
        raise Refused(
            N_("「%(name)s」内部带有实体定义 (DTD)，可能夹带恶意内容，没有读取。请用 Excel 打开并另存一次。"),
            name=name,
        )


class _SheetScanner:
    """Fed with the inflated XML of a worksheet, piece by piece."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.scan = SheetScan()
        self.rest = b""
        self.patterns: _Patterns | None = None

    def feed(self, chunk: bytes) -> None:
        text = self.rest + chunk
        if self.patterns is None:
            root = re.search(rb"<(?:([A-Za-z_][\w.-]*):)?worksheet\b", text[:4096])
            prefix = root[1] + b":" if root and root[1] else b""
            self.patterns = _patterns(prefix, self.limits.last_row)
        # never look at half a cell: the last one waits for its end
        cut = max(text.rfind(self.patterns.cell + b" "), text.rfind(self.patterns.cell + b">"))
        if cut < 0:
            cut = text.rfind(b"<")
        if cut <= 0 and len(text) < 8 * _CHUNK:
            self.rest = text
            return
        self.rest = text[cut:] if cut > 0 else b""
        self._look(text[:cut] if cut > 0 else text, self.patterns)

    def close(self) -> SheetScan:
        if self.patterns is not None and self.rest:
            self._look(self.rest, self.patterns)
        return self.scan

    def _look(self, text: bytes, patterns: _Patterns) -> None:
        scan, limits = self.scan, self.limits
        has_formula = patterns.function in text
        if not has_formula and not any(mark in text for mark in patterns.values):
            return
        scan.has_values = True
        if scan.far is None:
            widest = {column_index(letters.decode()) for letters in set(patterns.wide.findall(text))}
            if (widest and max(widest) >= limits.columns) or patterns.deep.search(text):
                self._find_far(text, patterns)
        if b't="e"' in text or b"t='e'" in text:
            for found in patterns.error.finditer(text):
                shown = html.unescape((found[2] or b"").decode("utf-8", "replace"))
                self._mark(found[1], BadCell(Fault.FORMULA_ERROR, shown or "#ERROR"))
        if has_formula:
            for found in patterns.formula.finditer(text):
                is_empty_text = found[2] is not None and re.search(rb"""\st=["']str["']""", found[1])
                if not is_empty_text:
                    self._mark(found[1], BadCell(Fault.FORMULA_UNVALUED))

    def _find_far(self, text: bytes, patterns: _Patterns) -> None:
        for found in patterns.filled.finditer(text):
            column = column_index(found[1].decode())
            if column >= self.limits.columns or int(found[2]) > self.limits.last_row:
                self.scan.far = column_letters(column) + found[2].decode()
                return

    def _mark(self, attributes: bytes, bad: BadCell) -> None:
        place = _PLACE.search(b" " + attributes)
        if place is None:
            self.scan.has_unplaced = True
        elif len(self.scan.bad) >= self.limits.marked_cells:
            self.scan.has_too_many = True
        else:
            self.scan.bad[int(place[2]) - 1, column_index(place[1].decode())] = bad


def _attributes(text: str) -> dict[str, str]:
    return {
        key.rpartition(":")[2]: html.unescape(double or single)
        for key, double, single in _ATTRIBUTE.findall(text)
    }


def _read_workbook(kept: dict[str, bytes], found: Inspection) -> None:
    book = kept.get("xl/workbook.xml", b"").decode("utf-8", "replace")
    links = kept.get("xl/_rels/workbook.xml.rels", b"").decode("utf-8", "replace")
    targets: dict[str, str] = {}
    for raw in re.findall(r"<(?:\w+:)?Relationship\s([^>]*)>", links):
        link = _attributes(raw)
        if link.get("Type", "").endswith("/worksheet"):
            target = link.get("Target", "")
            targets[link.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    for raw in re.findall(r"<(?:\w+:)?workbookPr\b([^>]*)>", book):
        found.is_1904 = _attributes(raw).get("date1904", "0") in ("1", "true", "on")
    for raw in re.findall(r"<(?:\w+:)?sheet\s([^>]*)>", book):
        sheet = _attributes(raw)
        if member := targets.get(sheet.get("id", "")):
            found.parts.append(
                Part(sheet.get("name", ""), member, sheet.get("state", "visible") != "visible")
            )
