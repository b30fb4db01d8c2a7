"""What may be stored as a file: how large, of which types, under which name.

The name's ending must be on the list, and the content must be what the ending says: it is read, not believed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from crm.activities.rules.sniffing import Content, sniff
from crm.core.words import N_, Message, Refused

MB = 1024 * 1024
LARGEST = 50 * MB  # one file
TOGETHER = 60 * MB  # what is sent at once; the web itself ends at 64
MOST = 20  # files at once
LONGEST = 180  # characters of a name


@dataclass(frozen=True, slots=True)
class Type:
    """A type that is taken: what its content looks like, and what it is handed out as."""

    content: Content
    media_type: str


_OPEN = "application/vnd.openxmlformats-officedocument"
TYPES: Mapping[str, Type] = {
    "pdf": Type(Content.PDF, "application/pdf"),
    "ofd": Type(Content.OFD, "application/ofd"),
    "docx": Type(Content.WORD_X, f"{_OPEN}.wordprocessingml.document"),
    "xlsx": Type(Content.SHEET_X, f"{_OPEN}.spreadsheetml.sheet"),
    "pptx": Type(Content.SLIDES_X, f"{_OPEN}.presentationml.presentation"),
    "doc": Type(Content.WORD, "application/msword"),
    "xls": Type(Content.SHEET, "application/vnd.ms-excel"),
    "ppt": Type(Content.SLIDES, "application/vnd.ms-powerpoint"),
    "wps": Type(Content.WORD, "application/vnd.ms-works"),
    "et": Type(Content.SHEET, "application/vnd.ms-excel"),
    "dps": Type(Content.SLIDES, "application/vnd.ms-powerpoint"),
    "jpg": Type(Content.JPEG, "image/jpeg"),
    "jpeg": Type(Content.JPEG, "image/jpeg"),
    "png": Type(Content.PNG, "image/png"),
    "heic": Type(Content.HEIC, "image/heic"),
    "webp": Type(Content.WEBP, "image/webp"),
    "txt": Type(Content.TEXT, "text/plain"),
    "csv": Type(Content.TEXT, "text/csv"),
    "zip": Type(Content.ZIP, "application/zip"),
}
ACCEPT = ",".join(f".{ending}" for ending in TYPES)
TAKEN = N_("PDF、OFD、Word、Excel、PPT、WPS、图片（JPG、PNG、HEIC、WebP）、TXT、CSV、ZIP")
IS_PACKAGE = frozenset({Content.WORD_X, Content.SHEET_X, Content.SLIDES_X, Content.OFD})

# controls, and what turns the direction of reading: a name must not look like another one
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean_name(raw: str | None) -> str:
    """A file's name as it is kept: the last part of whatever was sent, without controls, at most `LONGEST`
    characters and with its ending. It is shown and handed out, never used as a path."""
    last = _UNSEEN.sub("", re.split(r"[/\\]", raw or "")[-1])
    name = last.strip().rstrip(". ")
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    room = LONGEST - len(dot + ending)
    if room < 1:
        return name[:LONGEST]
    return (stem.strip() or N_("未命名"))[:room] + dot + ending


def ending_of(name: str) -> str:
    """The ending of a name, folded: 「报告.PDF」 → pdf."""
    return unicodedata.normalize("NFKC", name.rpartition(".")[2]).lower() if "." in name else ""


def check_file(name: str, stream: BinaryIO) -> str:
    """The media type of a file by what is in it. Raises `Refused`: empty, too large, not on the list, or another
    thing than its name says."""
    stream.seek(0, 2)
    size = stream.tell()
    if size == 0:
        raise Refused(N_("「%(name)s」是空的。"), name=name, field="files")
    if size > LARGEST:
        raise Refused(
            N_("「%(name)s」超过 %(most)s MB，请拆开或压缩后再传。"),
            name=name,
            most=LARGEST // MB,
            field="files",
        )
    kind = TYPES.get(ending_of(name))
    if kind is None:
        raise Refused(
            N_("「%(name)s」这种文件不能上传。可以传：%(types)s。"),
            name=name,
            types=Message(TAKEN),
            field="files",
        )
    seen = sniff(stream)
    if seen.program is not None:
        raise Refused(
            N_("「%(name)s」里夹着程序「%(program)s」，没有上传。请去掉后再传。"),
            name=name, program=clean_name(seen.program)[:60], field="files",
        )  # fmt: skip
    if seen.is_locked:
        raise Refused(
            N_("「%(name)s」设了打开密码，无法检查里面是什么。请去掉密码后再传。"), name=name, field="files"
        )
    if seen.content is not kind.content:
        raise Refused(
            N_("「%(name)s」的内容其实是%(found)s，和文件名不符，没有上传。请核对文件。"),
            name=name, found=seen.content, field="files",
        )  # fmt: skip
    return kind.media_type


def check_count(count: int) -> None:
    """Raises `Refused` for no file, or more than `MOST` at once."""
    if not count:
        raise Refused(N_("请选择要上传的文件。"), field="files")
    if count > MOST:
        raise Refused(N_("一次最多上传 %(most)s 个文件，请分几次传。"), most=MOST, field="files")


def check_quota(used: int, more: int, quota: int) -> None:
    """Raises `Refused` when a person would keep more bytes than the quota."""
    if used + more > quota:
        raise Refused(
            N_("您上传的文件已有 %(used)s MB，加上这次会超过每人 %(quota)s MB 的限额。请联系系统管理员。"),
            used=-(-used // MB), quota=quota // MB, field="files",
        )  # fmt: skip
