"""Builders of good, odd and hostile files: raw worksheet XML in a real package, and .xls records by hand."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def column(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell(place: str, value: Any, *, style: int = 0) -> str:
    if value is None:
        return f'<c r="{place}" s="{style}"/>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def rows_xml(rows: Sequence[Sequence[Any]], *, first: int = 1) -> str:
    """Values row by row; a `str` that begins with `<c` is taken as it is."""
    lines = []
    for number, values in enumerate(rows, first):
        cells = "".join(
            value
            if isinstance(value, str) and value.startswith("<c ")
            else cell(f"{column(at)}{number}", value)
            for at, value in enumerate(values)
            if value is not None
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return "".join(lines)


def xlsx(
    *sheets: str | tuple[str, str],
    after: str = "",
    before: str = "",
    prolog: str = HEAD,
    date1904: bool = False,
    hidden: Sequence[str] = (),
    extra: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A package whose worksheets hold the given row XML. `after` follows sheetData, `before` precedes it."""
    named = [
        sheet if isinstance(sheet, tuple) else (f"Sheet{at}", sheet) for at, sheet in enumerate(sheets, 1)
    ]
    numbers = range(1, len(named) + 1)
    parts: dict[str, bytes] = {
        "[Content_Types].xml": (
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
                for n in numbers
            )
            + "</Types>"
        ).encode(),
        "_rels/.rels": (
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": (
            f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{REL}"><workbookPr{" date1904=" + chr(34) + "1" + chr(34) if date1904 else ""}/>'
            "<sheets>"
            + "".join(
                f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"'
                + (' state="hidden"' if name in hidden else "")
                + "/>"
                for n, (name, _) in zip(numbers, named, strict=True)
            )
            + "</sheets></workbook>"
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                for n in numbers
            )
            + f'<Relationship Id="rId{len(named) + 1}" Type="{REL}/styles" Target="styles.xml"/></Relationships>'
        ).encode(),
        "xl/styles.xml": (
            f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
            '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
        ).encode(),
    }
    for n, (_, body) in zip(numbers, named, strict=True):
        sheet = f'{prolog}<worksheet xmlns="{MAIN}">{before}<sheetData>{body}</sheetData>{after}</worksheet>'
        parts[f"xl/worksheets/sheet{n}.xml"] = sheet.encode()
    return package(parts | (extra or {}), compression)


def package(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return stream.getvalue()


def table(*rows: Sequence[Any], **options: Any) -> bytes:
    return xlsx(rows_xml(rows), **options)


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<2H", kind, len(body)) + body


def _biff_text(value: str) -> bytes:
    return struct.pack("<HB", len(value.encode("utf-16-le")) // 2, 1) + value.encode("utf-16-le")


def biff(
    rows: Sequence[Sequence[Any]],
    *,
    date1904: bool = False,
    password: bool = False,
    extra: Iterable[bytes] = (),
) -> bytes:
    """A BIFF8 workbook stream with one sheet called 名单; texts, numbers and `bytes` for an error code."""
    name = "名单"
    cells = []
    for at, values in enumerate(rows):
        for place, value in enumerate(values):
            where = struct.pack("<3H", at, place, 0)
            if isinstance(value, str):
                cells.append(record(0x204, where + _biff_text(value)))
            elif isinstance(value, bytes):
                cells.append(record(0x205, where + value + b"\x01"))
            elif value is not None:
                cells.append(record(0x203, where + struct.pack("<d", value)))
    globals_ = record(0x809, struct.pack("<4H2I", 0x600, 5, 0x0DBB, 0x07CC, 0, 6))
    if password:
        globals_ += record(0x2F, b"\x01\x00" + b"\x01\x00\x01\x00" + b"x" * 48)
    globals_ += record(0x42, struct.pack("<H", 1200)) + record(0x22, struct.pack("<H", date1904))
    globals_ += record(0xE0, struct.pack("<2H", 0, 0) + b"\x00" * 16)
    short = struct.pack("<2BB", 0, 0, len(name)) + b"\x01" + name.encode("utf-16-le")
    start = len(globals_) + 4 + 4 + len(short) + 4
    globals_ += record(0x85, struct.pack("<I", start) + short) + record(0x0A)
    height, width = len(rows), max((len(values) for values in rows), default=0)
    sheet = record(0x809, struct.pack("<4H2I", 0x600, 16, 0x0DBB, 0x07CC, 0, 6))
    sheet += record(0x200, struct.pack("<2I3H", 0, height, 0, width, 0))
    return globals_ + sheet + b"".join(cells) + b"".join(extra) + record(0x0A)


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file of 512-byte sectors; every stream is filled up to 4,096 bytes."""
    size, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    padded = {name: body.ljust(4096, b"\x00") for name, body in streams.items()}
    fat: list[int] = []
    sectors: list[bytes] = []

    def put(body: bytes) -> int:
        first = len(sectors)
        count = -(-len(body) // size)
        for at in range(count):
            sectors.append(body[at * size : (at + 1) * size].ljust(size, b"\x00"))
            fat.append(first + at + 1 if at < count - 1 else end)
        return first

    starts = {name: put(body) for name, body in padded.items()}
    folder = b""
    names = ["Root Entry", *padded]
    for at, name in enumerate(names):
        raw = name.encode("utf-16-le")
        is_root = at == 0
        following = at + 1 if at + 1 < len(names) else free
        folder += (
            raw.ljust(64, b"\x00")
            + struct.pack("<HBB", len(raw) + 2, 5 if is_root else 2, 1)
            + struct.pack("<3I", free, free if is_root else following, 1 if is_root else free)
            + b"\x00" * 36
            + struct.pack("<IQ", end if is_root else starts[name], 0 if is_root else len(padded[name]))
        )
    while len(folder) % size:
        folder += b"\x00" * 64 + struct.pack("<HBB3I", 0, 0, 0, free, free, free) + b"\x00" * 48
    folder_at = put(folder)
    count = 1
    while (len(fat) + count) * 4 > count * size:
        count += 1
    fat_at = [len(sectors) + at for at in range(count)]
    fat += [0xFFFFFFFD] * count
    table_ = struct.pack(f"<{len(fat)}I", *fat).ljust(count * size, b"\xff")
    # 24..30 version fields, 44 count of FAT sectors, 48 directory, 56 mini cutoff, 60 mini FAT, 68 DIFAT
    header = (
        MAGIC + b"\x00" * 16 + struct.pack("<4H", 0x3E, 3, 0xFFFE, 9) + struct.pack("<H", 6) + b"\x00" * 6
    )
    header += struct.pack("<2I", 0, count) + struct.pack("<2I", folder_at, 0) + struct.pack("<I", 4096)
    header += struct.pack("<2I", end, 0) + struct.pack("<2I", end, 0)
    header += struct.pack("<109I", *(fat_at + [free] * (109 - count)))
    return header + b"".join(sectors) + table_


def xls(rows: Sequence[Sequence[Any]], **options: Any) -> bytes:
    return compound({"Workbook": biff(rows, **options)})
