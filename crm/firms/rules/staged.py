"""What may lie staged and who may look: quotas, the columns of a file that comes back, personal cells masked, and the
key a source's columns are remembered by. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from crm.core.folding import fold
from crm.core.sheets.headings import heading_key
from crm.core.words import N_
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.standing import mask_mail, mask_person, mask_phone

LONGEST_CELL = 5_000  # characters of a cell kept as its author saw it, and taken when it is put right
MOST_STAGED, MOST_BYTES = 20, 200_000_000  # imports of one person that wait to be written

ROW, REASON = N_("原行号"), N_("原因")  # what a file of rows that were not taken has besides its own columns
_ROWS = {heading_key(text) for text in (ROW, "行号", "Original row", "Row")}
_REASONS = {heading_key(text) for text in (REASON, "退回原因", "Reason")}


def told_columns(headings: Sequence[str]) -> list[str]:
    """The two columns a file of refused rows says its reasons in, when it ends with them; else none."""
    last = list(headings[-2:])
    if len(headings) > 2 and heading_key(last[0]) in _ROWS and heading_key(last[1]) in _REASONS:
        return last
    return []


def headings_key(headings: Sequence[str]) -> str:
    """The same for the same set of headings, whatever their order, width and case."""
    keys = sorted({heading_key(heading) for heading in headings})
    return hashlib.sha256("\x1f".join(keys).encode()).hexdigest()


def source_key(source: str | None) -> str:
    """A source's name for comparing: dates and numbers in it do not count, so next month's list is known again."""
    return re.sub(r"[\d\s年月日.\-_/]+", "", fold(source or ""))[:80]


_PERSONS = {
    heading_key(text)
    for kind in SHEETS.values()
    for rule in kind.columns
    if rule.is_personal
    for text in (rule.label, *rule.headings)
}
_PERSONS |= {
    heading_key(text) for text in ("法定代表人", "法人代表", "法人", "身份证号", "身份证号码", "证件号码")
}
_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CITIZEN = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{5}[\dXx](?![0-9A-Za-z])")


def masked(raw: Mapping[str, str]) -> dict[str, str]:
    """A row of somebody else's file: names of people, numbers to reach them and of their papers are hidden."""
    return {heading: _masked(heading, text) for heading, text in raw.items()}


def _masked(heading: str, text: str) -> str:
    if heading_key(heading) in _PERSONS:
        return mask_person(text) or ""
    text = _CITIZEN.sub(lambda found: f"{found[0][:6]}********{found[0][-4:]}", text)
    text = _PHONE.sub(lambda found: mask_phone(found[0]) or "", text)
    return _MAIL.sub(lambda found: mask_mail(found[0]) or "", text)
