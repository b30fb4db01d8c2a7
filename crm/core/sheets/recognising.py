"""What a file is, by its content and never by its name; what is no table is named and refused."""

from __future__ import annotations

import io
import re
import zipfile

from crm.core.sheets import compound
from crm.core.sheets.table import Kind
from crm.core.words import N_, Refused, Word


class Stranger(Word):
    """Files that people upload instead of a table."""

    PDF = "pdf", N_("PDF 文档")
    PROGRAM = "program", N_("可执行程序")
    IMAGE = "image", N_("图片")
    ARCHIVE = "archive", N_("压缩包")
    WORD = "word", N_("Word 文档")
    SLIDES = "slides", N_("演示文稿")
    ODS = "ods", N_("OpenDocument 表格")
    XLSB = "xlsb", N_("二进制工作簿 (.xlsb)")
    HTML = "html", N_("网页 (HTML)")
    XML = "xml", N_("XML 文件")
    RTF = "rtf", N_("RTF 文档")
    OLE = "ole", N_("旧式 Office 文件，但不是表格")
    BINARY = "binary", N_("二进制文件")


_MAGIC = (
    (b"%PDF", Stranger.PDF),
    (b"MZ", Stranger.PROGRAM),
    (b"\x7fELF", Stranger.PROGRAM),
    (b"\xcf\xfa\xed\xfe", Stranger.PROGRAM),
    (b"#!/", Stranger.PROGRAM),
    (b"\x89PNG", Stranger.IMAGE),
    (b"\xff\xd8\xff", Stranger.IMAGE),
    (b"GIF8", Stranger.IMAGE),
    (b"II*\x00", Stranger.IMAGE),
    (b"Rar!", Stranger.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Stranger.ARCHIVE),
    (b"\x1f\x8b", Stranger.ARCHIVE),
    (b"BZh", Stranger.ARCHIVE),
    (b"\xfd7zXZ", Stranger.ARCHIVE),
    (b"{\\rtf", Stranger.RTF),
    (b"SQLite format 3\x00", Stranger.BINARY),
)
_HTML = re.compile(
    rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style)\b", re.I | re.S
)
_XML = re.compile(rb"^\s*<\?xml\b", re.I)


def strange(name: str, what: Stranger) -> Refused:
    if what is Stranger.ARCHIVE:
        return Refused(N_("「%(name)s」是压缩包。请先解压，再上传里面的表格。"), name=name, what=what)
    return Refused(
        N_("「%(name)s」是%(what)s，不是可以读取的表格。请用 Excel 或 WPS 打开，另存为 .xlsx 再上传。"),
        name=name,
        what=what,
    )


def encrypted(name: str) -> Refused:
    return Refused(N_("「%(name)s」有打开密码。请在 Excel 或 WPS 里去掉密码，保存后再上传。"), name=name)


def damaged(name: str) -> Refused:
    return Refused(
        N_("「%(name)s」不完整或已损坏，无法读取。请重新下载，或用 Excel 打开并另存一次。"), name=name
    )


def recognise(data: bytes, name: str) -> Kind:
    """XLSX, XLS or TEXT; raises `Refused` for everything else."""
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise Refused(N_("「%(name)s」是空文件。"), name=name)
    for magic, what in _MAGIC:
        if data.startswith(magic) and (
            what is not Stranger.PROGRAM or b"\x00" in data[:4096] or magic == b"#!/"
        ):
            raise strange(name, what)
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        return _package(data, name)
    if data.startswith(compound.MAGIC):
        return _compound(data, name)
    if data[:2] == b"\x09\x08" and data[2:3] in (b"\x08", b"\x10"):
        return Kind.XLS
    head = data[:4096]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\x00", b"")[2:]
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(head) or (_XML.match(head) and re.search(rb"<html\b", head, re.I)):
        raise strange(name, Stranger.HTML)
    if _XML.match(head):
        raise strange(name, Stranger.XML)
    return Kind.TEXT


def _package(data: bytes, name: str) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = {info.filename.lower() for info in package.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise damaged(name) from error
    if "xl/workbook.xml" in names:
        return Kind.XLSX
    if "xl/workbook.bin" in names:
        raise strange(name, Stranger.XLSB)
    if "word/document.xml" in names:
        raise strange(name, Stranger.WORD)
    if "ppt/presentation.xml" in names:
        raise strange(name, Stranger.SLIDES)
    if {"mimetype", "content.xml"} <= names:
        raise strange(name, Stranger.ODS)
    raise strange(name, Stranger.ARCHIVE)


def _compound(data: bytes, name: str) -> Kind:
    try:
        names = {entry.name for entry in compound.entries(data)}
    except compound.Broken as error:
        raise damaged(name) from error
    if {"EncryptedPackage", "EncryptionInfo"} & names:
        raise encrypted(name)
    if {"Workbook", "Book"} & names:
        return Kind.XLS
    if "WordDocument" in names:
        raise strange(name, Stranger.WORD)
    if "PowerPoint Document" in names:
        raise strange(name, Stranger.SLIDES)
    raise strange(name, Stranger.OLE)
