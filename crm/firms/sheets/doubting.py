"""What a file says that is unlikely as a whole: taken as it is, but told before it is written. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from crm.core.words import N_, Message
from crm.firms.rules.words import SheetKind
from crm.firms.sheets.reading import Parsed

MOST_ROWS = 8  # rows named in one notice
_EARNINGS = ("revenue_yuan", "main_revenue_yuan", "total_income_yuan")


def row_list(rows: Sequence[int]) -> list[str]:
    """The first rows of many, for a message that names them."""
    return [*map(str, rows[:MOST_ROWS]), *(["…"] if len(rows) > MOST_ROWS else [])]


def doubts(rows: Sequence[Parsed], sheet: SheetKind) -> list[Message]:
    """Notices on yearly figures: published lists write 0 for a number of employees nobody has reported. It is told
    where a firm with earnings has none, or no firm of the file has any."""
    if sheet is not SheetKind.FIGURES:
        return []
    told = [row for row in rows if "employees" in row.values]
    none = [row.row_no for row in told if row.values["employees"] == 0]
    earning = [
        row.row_no
        for row in told
        if row.values["employees"] == 0 and any((row.values.get(name) or 0) > 0 for name in _EARNINGS)
    ]
    if len(told) > 1 and len(none) == len(told):
        text = N_("所有行的职工总数都是 0，多半是名单没有填。不要这一列，就在“列的对应”里改成“不导入”。")
        return [Message(text)]
    if earning:
        text = N_(
            "第 %(rows)s 行有收入而职工总数是 0，多半是没有填。没有这个数的，清空格子再上传，空白格不改动已有内容。"
        )
        return [Message(text, {"rows": row_list(earning)})]
    return []
