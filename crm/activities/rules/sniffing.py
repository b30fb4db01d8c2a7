"""What a file is by its content: magic numbers, and a look into the directory of a package. Nothing is unpacked."""

from __future__ import annotations

import codecs
import re
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from crm.core.words import N_, Word

CHUNK = 1 << 20
MEMBERS = 20_000


class Content(Word):
    """What the content of a file is."""

    PDF = "pdf", N_("PDF 文件")
    OFD = "ofd", N_("OFD 文件")
    WORD_X = "docx", N_("Word 文档 (docx)")
    SHEET_X = "xlsx", N_("Excel 工作簿 (xlsx)")
    SLIDES_X = "pptx", N_("PPT 演示文稿 (pptx)")
    WORD = "doc", N_("旧版 Word 文档 (doc)")
    SHEET = "xls", N_("旧版 Excel 工作簿 (xls)")
    SLIDES = "ppt", N_("旧版 PPT 演示文稿 (ppt)")
    JPEG = "jpeg", N_("JPG 图片")
    PNG = "png", N_("PNG 图片")
    HEIC = "heic", N_("HEIC 图片")
    WEBP = "webp", N_("WebP 图片")
    TEXT = "text", N_("文本")
    ZIP = "zip", N_("ZIP 压缩包")
    # known, and never taken
    PROGRAM = "program", N_("程序")
    SCRIPT = "script", N_("脚本")
    PAGE = "page", N_("网页")
    DRAWING = "drawing", N_("SVG 图形")
    XML = "xml", N_("XML 文件")
    ARCHIVE = "archive", N_("ZIP 以外的压缩包")
    PICTURE = "picture", N_("别的格式的图片")
    MEDIA = "media", N_("音频或视频")
    OLD_OFFICE = "ole", N_("别的 Office 文件或安装包")
    UNKNOWN = "unknown", N_("认不出的格式")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in a file; `program` names a program packed into it."""

    content: Content
    is_locked: bool = False
    program: str | None = None


_C = Content
# (offset, magic, what it is), the first that fits
MAGIC: tuple[tuple[int, bytes, Content], ...] = (
    (0, b"%PDF-", _C.PDF),
    (0, b"\xff\xd8\xff", _C.JPEG),
    (0, b"\x89PNG\r\n\x1a\n", _C.PNG),
    (0, b"MZ", _C.PROGRAM),
    (0, b"\x7fELF", _C.PROGRAM),
    (0, b"\xca\xfe\xba\xbe", _C.PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", _C.PROGRAM),
    (0, b"\xce\xfa\xed\xfe", _C.PROGRAM),
    (0, b"dex\n", _C.PROGRAM),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", _C.PROGRAM),  # a Windows shortcut
    (0, b"#!", _C.SCRIPT),
    (0, b"Rar!\x1a\x07", _C.ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", _C.ARCHIVE),
    (0, b"\x1f\x8b", _C.ARCHIVE),
    (0, b"BZh", _C.ARCHIVE),
    (0, b"\xfd7zXZ\x00", _C.ARCHIVE),
    (0, b"MSCF", _C.ARCHIVE),
    (257, b"ustar", _C.ARCHIVE),
    (0, b"GIF8", _C.PICTURE),
    (0, b"II*\x00", _C.PICTURE),
    (0, b"MM\x00*", _C.PICTURE),
    (0, b"ID3", _C.MEDIA),
    (0, b"RIFF", _C.MEDIA),
    (0, b"OggS", _C.MEDIA),
    (0, b"\x1aE\xdf\xa3", _C.MEDIA),
)
SURE = {b"%PDF-", b"#!"}  # readable, and never the beginning of a text
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# the streams that make an old Office file what it is; its directory may lie anywhere in it
STREAMS: tuple[tuple[str, Content], ...] = (
    ("WordDocument", _C.WORD),
    ("Workbook", _C.SHEET),
    ("Book", _C.SHEET),
    ("PowerPoint Document", _C.SLIDES),
)
PACKAGES: tuple[tuple[str, Content], ...] = (
    ("word/", _C.WORD_X),
    ("xl/", _C.SHEET_X),
    ("ppt/", _C.SLIDES_X),
)
PROGRAMS = re.compile(
    r"\.(exe|dll|com|scr|msi|msp|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk|jar|apk|cpl|reg|sh)$", re.IGNORECASE
)
_TAG = re.compile(
    r"<(?:!doctype\s+)?(svg|html|head|body|script|iframe|title|meta|table|div|img|object|embed|link|style|form|a)\b",
    re.IGNORECASE,
)
_BLANK = "\ufeff \t\r\n\f\v"
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(stream: BinaryIO) -> Seen:
    """What the stream holds. Leaves it at its beginning."""
    try:
        stream.seek(0)
        head = stream.read(4096)
        if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
            return _package(stream)
        if head.startswith(OLE):
            return _old_office(stream)
        if head[4:8] == b"ftyp":
            return Seen(_C.HEIC if head[8:12] in HEIC_BRANDS else _C.MEDIA)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return Seen(_C.WEBP)
        is_binary = _BINARY.search(head) is not None
        for offset, magic, content in MAGIC:
            # a table whose first heading is 「MZ」 is no program
            if head.startswith(magic, offset) and (is_binary or magic in SURE or not magic.isascii()):
                return Seen(content)
        return Seen(_text(stream, head))
    finally:
        stream.seek(0)


def _package(stream: BinaryIO) -> Seen:
    try:
        with zipfile.ZipFile(stream) as package:
            infos = package.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, OverflowError):
        return Seen(_C.UNKNOWN)
    if len(infos) > MEMBERS:
        return Seen(_C.UNKNOWN)
    names = {_named(info) for info in infos}
    content = _C.ZIP
    if "OFD.xml" in names:
        content = _C.OFD
    elif "[Content_Types].xml" in names:
        content = next(
            (kind for folder, kind in PACKAGES if any(name.startswith(folder) for name in names)), _C.ZIP
        )
    program = next((name for name in sorted(names) if PROGRAMS.search(name.rstrip(". "))), None)
    return Seen(content, any(info.flag_bits & 1 for info in infos), program)


def _named(info: zipfile.ZipInfo) -> str:
    """The name of a member; packers here write theirs in GBK without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _old_office(stream: BinaryIO) -> Seen:
    if _holds(stream, "EncryptedPackage"):  # a new Office file behind a password
        return Seen(_C.OLD_OFFICE, is_locked=True)
    for name, content in STREAMS:
        if _holds(stream, name):
            return Seen(content)
    return Seen(_C.OLD_OFFICE)


def _holds(stream: BinaryIO, name: str) -> bool:
    """Whether a stream of this name is in the directory. An entry begins with its name, behind the end of another."""
    needle = b"\x00\x00" + name.encode("utf-16-le") + b"\x00\x00"
    stream.seek(0)
    tail = b""
    while chunk := stream.read(CHUNK):
        window = tail + chunk
        if needle in window:
            return True
        tail = window[-len(needle) :]
    return False


def _text(stream: BinaryIO, head: bytes) -> Content:
    """Text in an encoding that offices use, unless it is a page, a drawing or another mark-up."""
    for encoding in _encodings(head):
        start = codecs.getincrementaldecoder(encoding)("ignore").decode(head)
        if not _decodes(stream, encoding):
            continue
        return _markup(start) or _C.TEXT
    return _C.UNKNOWN


def _markup(text: str) -> Content | None:
    """What kind of mark-up a text begins with, behind comments and declarations; None for plain text."""
    rest, said = text.lstrip(_BLANK), None
    while rest.startswith(("<!--", "<?")):
        if rest[:5].lower() == "<?php" or rest.startswith("<?="):
            return _C.SCRIPT
        said = _C.PAGE if rest.startswith("<!--") else said or _C.XML
        rest = rest.partition("-->" if rest.startswith("<!--") else "?>")[2].lstrip(_BLANK)
    tag = _TAG.match(rest)
    if tag:
        return _C.DRAWING if tag[1].lower() == "svg" else _C.PAGE
    return said


def _encodings(head: bytes) -> tuple[str, ...]:
    if head.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8", "gb18030")


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(0)
    try:
        while chunk := stream.read(CHUNK):
            if _CONTROLS.search(decoder.decode(chunk)):
                return False
        return not _CONTROLS.search(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        return False
