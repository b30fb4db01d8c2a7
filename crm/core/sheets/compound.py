"""Compound files ([MS-CFB], the container of .xls) and the few workbook records ([MS-XLS]) that the reader hides:
password, 1904 days, and cells whose formula failed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA  # this and above are marks, not sector numbers
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


class Broken(Exception):
    """The container cannot be followed."""


class Entry(NamedTuple):
    name: str
    start: int
    size: int


@dataclass(slots=True)
class Scan:
    """What the workbook stream says besides its cells; `errors` by sheet name, then (row, column) from 0."""

    is_encrypted: bool = False
    is_1904: bool = False
    errors: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)


def _fat(data: bytes) -> tuple[int, list[int]]:
    if len(data) < 512:
        raise Broken("short header")
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        raise Broken("sector size")
    size = 1 << shift
    listed = list(struct.unpack_from("<109I", data, 76))
    following, count = struct.unpack_from("<2I", data, 68)
    for _ in range(min(count, 4096)):
        if following >= _END:
            break
        sector = _sector(data, size, following)
        numbers = struct.unpack(f"<{size // 4}I", sector)
        listed += numbers[:-1]
        following = numbers[-1]
    table: list[int] = []
    for number in listed:
        if number < _END:
            table += struct.unpack(f"<{size // 4}I", _sector(data, size, number))
    return size, table


def _sector(data: bytes, size: int, number: int) -> bytes:
    at = (number + 1) * size
    sector = data[at : at + size]
    if len(sector) < 128:
        raise Broken("sector outside the file")
    return sector.ljust(size, b"\x00")


def _chain(data: bytes, size: int, table: list[int], start: int) -> bytes:
    parts: list[bytes] = []
    limit = len(data) // size + 1
    while start < _END:
        if start >= len(table) or len(parts) > limit:
            raise Broken("chain leaves the file or runs in a circle")
        parts.append(_sector(data, size, start))
        start = table[start]
    return b"".join(parts)


def entries(data: bytes) -> list[Entry]:
    """The streams and storages of the container. Raises `Broken`."""
    size, table = _fat(data)
    folder = _chain(data, size, table, struct.unpack_from("<I", data, 48)[0])
    found: list[Entry] = []
    for at in range(0, len(folder) - 127, 128):
        length = struct.unpack_from("<H", folder, at + 64)[0]
        if folder[at + 66] and 2 <= length <= 64:
            name = folder[at : at + length - 2].decode("utf-16-le", "replace")
            found.append(Entry(name, *struct.unpack_from("<2I", folder, at + 116)))
    return found


def scan(data: bytes) -> Scan:
    """Walk the records of the workbook. Raises `Broken`."""
    if data.startswith(MAGIC):
        stream = b""
        for entry in entries(data):
            if entry.name in ("Workbook", "Book") and entry.size >= 4096:
                stream = _chain(data, *_fat(data), entry.start)[: entry.size]
                break
    else:
        stream = data
    result = Scan()
    sheets: list[tuple[str, int]] = []
    for kind, at, length in _records(stream, 0):
        if kind == 0x2F:
            result.is_encrypted = True
        elif kind == 0x22 and length >= 2:
            result.is_1904 = stream[at] == 1
        elif kind == 0x85 and length >= 8:
            sheets.append(
                (_sheet_name(stream[at + 6 : at + length]), struct.unpack_from("<I", stream, at)[0])
            )
    for name, start in sheets:
        result.errors[name] = _errors(stream, start)
    return result


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(kind, offset, length) up to the end record of this substream."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<2H", stream, at)
        if kind in (0x0A, 0):
            break
        yield kind, at + 4, length
        at += 4 + length


def _sheet_name(raw: bytes) -> str:
    count, flags = raw[0], raw[1]
    if flags & 1:
        return raw[2 : 2 + 2 * count].decode("utf-16-le", "replace")
    return raw[2 : 2 + count].decode("latin-1")


def _errors(stream: bytes, start: int) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    for kind, at, length in _records(stream, start):
        if kind == 0x205 and length >= 8 and at + 8 <= len(stream) and stream[at + 7] == 1:
            found[struct.unpack_from("<2H", stream, at)] = _ERRORS.get(stream[at + 6], "#N/A")
        elif (
            kind == 0x06
            and length >= 14
            and at + 14 <= len(stream)
            and stream[at + 12 : at + 14] == b"\xff\xff"
            and stream[at + 6] == 2
        ):
            found[struct.unpack_from("<2H", stream, at)] = _ERRORS.get(stream[at + 8], "#N/A")
    return found
