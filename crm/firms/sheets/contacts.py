"""Contacts that leave as a workbook: many of one's own, or all that is kept about one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from crm.core.sheets import Column, SheetSpec, write_xlsx
from crm.core.words import N_

Say = Callable[[Any], str]

CONTACT = (N_("企业名称"), N_("联系人"), N_("职务"), N_("电话"), N_("邮箱"), N_("用途"))


def contacts_xlsx(target: BinaryIO, rows: Iterable[Any], say: Say) -> int:
    """One contact a row. Returns the rows written."""
    columns = [Column(say(N_("统一社会信用代码")), width=22)]
    columns += [Column(say(label), width=24 if n == 0 else 16) for n, label in enumerate(CONTACT)]
    body = (
        (row.code or "", row.firm, row.name, row.position or "", row.phone or "", row.email or "", row.purpose or "")
        for row in rows
    )  # fmt: skip
    return write_xlsx(target, [SheetSpec(say(N_("联系人")), columns, body)])


def person_xlsx(target: BinaryIO, person: Any, places: Iterable[Any], say: Say) -> int:
    """What is kept about one person (`queries.persons.Person`; `places` as they may be shown): contacts, and where
    else. Returns the rows written."""
    columns = [Column(say(label), width=24 if n == 0 else 16) for n, label in enumerate(CONTACT)]
    body = [
        (each.firm, each.name, each.position or "", each.phone or "", each.email or "", each.purpose or "")
        for each in places
    ]
    where = [(say(N_("导入 %(n)d 第 %(row)d 行")) % {"n": row.batch_id, "row": row.row_no}, row.filename, "、".join(row.headings))
             for row in person.staged]  # fmt: skip
    where.append((say(N_("审计日志")), str(len(person.logged)), say(N_("改动前后的姓名、电话、邮箱"))))
    others = [
        Column(say(N_("在哪里")), width=28),
        Column(say(N_("文件或条数")), width=28),
        Column(say(N_("内容")), width=40),
    ]
    return write_xlsx(
        target,
        [SheetSpec(say(N_("联系人")), columns, body), SheetSpec(say(N_("其他地方")), others, where)],
    )
