"""Shareholders as people write them: one a line, name, part in per cent, kind. Pure."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from crm.core.folding import fold
from crm.core.words import N_, Refused
from crm.listing.rules.words import HolderKind

_PART = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*%?")
KINDS = {member.label.rpartition("\x04")[2]: member for member in HolderKind} | {
    "创始人": HolderKind.FOUNDER, "实际控制人": HolderKind.FOUNDER, "员工": HolderKind.STAFF,
    "外部": HolderKind.OUTSIDE, "国有": HolderKind.STATE,
}  # fmt: skip


def read_holders(text: str) -> list[tuple[str, HolderKind, int]]:
    """Lines of 「name part kind」 with spaces, tabs, commas between: (name, kind, hundredths of a per cent). A kind that
    is left out is another one. Raises `Refused` naming the line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = [part for part in re.split(r"[\s,，、;；]+", line.strip()) if part]
        if not parts:
            continue
        part = _PART.fullmatch(fold(parts[1])) if len(parts) > 1 else None
        if part is None:
            raise Refused(
                N_("第 %(number)s 行看不懂，请写成「名称 比例 类别」，如「张三 35.5 创始人」。"),
                number=number,
            )
        try:
            basis_points = int(Decimal(part[1]) * 100)
        except InvalidOperation:
            raise Refused(N_("第 %(number)s 行的比例不是数字。"), number=number) from None
        if not 0 < basis_points <= 10_000:
            raise Refused(N_("第 %(number)s 行的比例应大于 0、不超过 100。"), number=number)
        kind = KINDS.get(parts[2], HolderKind.OTHER) if len(parts) > 2 else HolderKind.OTHER
        found.append((parts[0][:120], kind, basis_points))
    if len(found) > 200:
        raise Refused(N_("最多写 200 名股东。"))
    return found
