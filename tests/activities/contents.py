"""Small files of every type that is taken, made here, and of some that are not."""

from __future__ import annotations

import io
import zipfile

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def package(*members: str) -> bytes:
    """A ZIP with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, "<x/>")
    return made.getvalue()


def old_office(stream: str) -> bytes:
    """The outline of an old Office file: its header, and a directory with this stream."""
    return (
        OLE
        + b"\x00" * 504
        + "Root Entry".encode("utf-16-le").ljust(128, b"\x00")
        + stream.encode("utf-16-le").ljust(128, b"\x00")
    )


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer <<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 20
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + b"\x00" * 200
HTML = b"<!DOCTYPE html>\n<html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
DOCX = package("[Content_Types].xml", "word/document.xml")

GOOD = {
    "年报.pdf": PDF,
    "通知.ofd": package("OFD.xml", "Doc_0/Document.xml"),
    "方案.docx": DOCX,
    "台账.xlsx": package("[Content_Types].xml", "xl/workbook.xml"),
    "汇报.pptx": package("[Content_Types].xml", "ppt/presentation.xml"),
    "旧.doc": old_office("WordDocument"),
    "旧.xls": old_office("Workbook"),
    "旧.ppt": old_office("PowerPoint Document"),
    "金山.wps": old_office("WordDocument"),
    "金山.et": old_office("Workbook"),
    "金山.dps": old_office("PowerPoint Document"),
    "厂房.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 20,
    "厂房.JPEG": b"\xff\xd8\xff\xe1\x00\x10Exif" + b"\x00" * 20,
    "图.png": PNG,
    "照片.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "照片.webp": b"RIFF\x1a\x00\x00\x00WEBPVP8L" + b"\x00" * 20,
    "说明.txt": "企业情况说明\r\n第二行".encode("gb18030"),
    "说明 2.txt": "﻿utf-16 文本".encode("utf-16"),
    "MZ.csv": "MZ编号,名称\n1,𠮷".encode(),
    "资料.zip": package("a/b.pdf", "../../etc/passwd", "厂房.jpg"),
}
LOCKED = bytearray(package("合同.pdf"))
LOCKED[LOCKED.rindex(b"PK\x01\x02") + 8] |= 1  # said to be encrypted in the directory

BAD = {
    "真的.docx": EXE,
    "程序.exe": EXE,
    "没有后缀": PDF,
    "页面.html": HTML,
    "页面.txt": HTML,
    "页面 2.txt": b"\xef\xbb\xbf  <!-- a -->\n<SCRIPT>alert(1)</SCRIPT>",
    "页面 3.csv": "﻿<html>".encode("utf-16"),
    "图形.svg": SVG,
    "图形.txt": SVG,
    "图形.png": SVG,
    "脚本.txt": b"#!/bin/sh\nrm -rf /\n",
    "脚本 2.txt": b"<?php system($_GET[0]);",
    "假.pdf": b"hello " + PDF,
    "假.jpg": PNG,
    "带程序.zip": package("说明.txt", "安装.exe"),
    "程序在前.zip": EXE + package("a.txt"),
    "带脚本.docx": package("[Content_Types].xml", "word/document.xml", "word/run.vbs"),
    "只是压缩包.docx": package("a.txt"),
    "安装包.doc": old_office("䡀䌏"),
    "加密.docx": old_office("EncryptedPackage"),
    "加密.zip": bytes(LOCKED),
    "坏的.zip": b"PK\x03\x04" + b"\x00" * 60,
    "二进制.txt": b"abc\x00\x01\x02def",
    "乱码.txt": b"\xff\xff\xfe\x81\xff" * 9,
    "空.pdf": b"",
    "注释.txt": b"<!--" + b"--><!--" * 500,
    "mp4.heic": b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00",
    "压缩.zip": b"Rar!\x1a\x07\x00" + b"\x00" * 30,
}
