"""How large a table may be. Checked while reading, and said in words on the page that takes files."""

from __future__ import annotations

from dataclasses import dataclass

from crm.core.words import N_, Message

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes, `seconds` processor time of the parser; `text_chars` is the text of all cells together."""

    file_bytes: int = 50 * MB
    unpacked_bytes: int = 600 * MB
    members: int = 2_000
    ratio: int = 200
    ratio_from_bytes: int = 30 * MB
    columns: int = 200
    rows: int = 200_000
    cells: int = 4_000_000
    cell_chars: int = 32_767
    text_chars: int = 60_000_000
    marked_cells: int = 100_000
    child_memory: int = 400 * MB
    seconds: int = 10

    @property
    def last_row(self) -> int:
        """Rows of the file, titles above and notes below included."""
        return self.rows + 100

    def describe(self) -> list[Message]:
        """The limits a person should know, one sentence each."""
        return [
            Message(
                N_(
                    "可以上传 .xlsx、.xls、.csv 和制表符分隔的文本；文本的编码可以是 UTF-8、GB18030 (GBK) 或 UTF-16。"
                )
            ),
            Message(
                N_("文件不超过 %(size)s MB，解压后不超过 %(unpacked)s MB。"),
                {"size": self.file_bytes // MB, "unpacked": self.unpacked_bytes // MB},
            ),
            Message(
                N_("不超过 %(rows)s 行、%(columns)s 列；每个单元格不超过 %(chars)s 个字符。"),
                {"rows": f"{self.rows:,}", "columns": self.columns, "chars": f"{self.cell_chars:,}"},
            ),
        ]


DEFAULT = Limits()
