"""Laws about contacts: what is kept and why, how often one may look, when one is reviewed, who is the same person. Pure.

中华人民共和国个人信息保护法 (PIPL) arts. 6 (as little as possible), 13 (basis), 17 (notice), 19 (how long), 45-47 (copy,
correction, erasure), 51 (authorised persons, records).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from crm.core.folding import fold, legible
from crm.core.words import N_, Message, Refused
from crm.firms.rules.words import FirmStatus

MOST_A_DAY = 30  # contacts a person may look at in 24 hours
MOST_EXPORTED_A_DAY = 500  # contacts a person may take out in 24 hours
MANY = 20  # from here on an export of contacts needs a reason
STALE_YEARS = 3
REVIEW_AGAIN_MONTHS = 12
DEFAULT_PURPOSE = "企业服务联络"
GONE = frozenset({FirmStatus.MOVED_OUT, FirmStatus.CLOSED})

# the notice: what is collected (field, why), and the questions it answers
COLLECTED: tuple[tuple[str, str], ...] = (
    (N_("姓名"), N_("知道找谁")),
    (N_("职务"), N_("知道他负责什么")),
    (N_("电话"), N_("通知申报、复评、走访等事项")),
    (N_("邮箱"), N_("发送材料清单和通知")),
    (N_("用途"), N_("写明为什么留存，超出用途的不用")),
)
NOTICE: tuple[tuple[str, tuple[Message, ...]], ...] = (
    (N_("为什么收集"), (
        Message(N_("只为企业培育服务：认定申报、复评提醒、走访和材料通知。不作他用，不提供给第三方，不自动决策。")),
    )),
    (N_("凭什么收集"), (
        Message(N_("《个人信息保护法》第十三条第一款第三项：为履行法定职责所必需；第六条：限于最小范围。身份证号、住址、生物特征等一律不收。")),
    )),
    (N_("留多久"), (
        Message(N_("企业归档、迁出、注销，或 %(years)d 年没有用过的联系人列入复核清单：确认还要用，或者删除。"), {"years": STALE_YEARS}),
        Message(N_("备份里的副本随备份轮换消失，不从备份里单独恢复已抹去的人。")),
    )),
    (N_("谁能看到"), (
        Message(
            N_("电话和邮箱平时打码。服务专员、登记人和领导写明原因后可看全，每次留痕；每人 24 小时内最多看 %(most)d 位。"),
            {"most": MOST_A_DAY},
        ),
        Message(N_("三位管理员看不到联系人；审计员看得到谁看过多少次，看不到内容。")),
    )),
    (N_("本人的权利"), (
        Message(N_("本人可以要求查询、复制、更正、删除。由能编辑这位联系人的同事在「查找一个人」里办理：找全、导出、抹去，写明原因。")),
        Message(N_("抹去后，联系人、未写入的导入行和日志里的个人内容都不可恢复；日志链保持完整，只留下「已抹去」。")),
    )),
)  # fmt: skip


def check_looked(looked: int) -> None:
    """Raises `Refused` when the day's contacts have been looked at."""
    if looked >= MOST_A_DAY:
        raise Refused(
            N_("您 24 小时内已经查看了 %(looked)d 位联系人，每天最多 %(most)d 位。请明天再看，或请同事协助。"),
            looked=looked, most=MOST_A_DAY,
        )  # fmt: skip


def check_export(contacts: int, taken: int, reason: str | None) -> str | None:
    """The reason of an export of contacts, which many need. Raises `Refused`."""
    text = legible(reason)[:200]
    if taken + contacts > MOST_EXPORTED_A_DAY:
        raise Refused(
            N_("24 小时内最多导出 %(most)d 位联系人，您已导出 %(taken)d 位，这次有 %(contacts)d 位。请缩小范围。"),
            most=MOST_EXPORTED_A_DAY, taken=taken, contacts=contacts,
        )  # fmt: skip
    if contacts > MANY and len(text) < 2:
        raise Refused(
            N_("导出 %(contacts)d 位联系人要写明原因（超过 %(many)d 位时必填）。"),
            contacts=contacts, many=MANY, field="reason",
        )  # fmt: skip
    return text or None


def stale_before(today: dt.date) -> dt.date:
    """Contacts untouched since before this day are reviewed."""
    return _years_ago(today, STALE_YEARS)


def reviewed_since(today: dt.date) -> dt.date:
    """A contact confirmed on this day or later is left alone."""
    return _years_ago(today, REVIEW_AGAIN_MONTHS // 12)


def _years_ago(day: dt.date, years: int) -> dt.date:
    return (
        day.replace(year=day.year - years, day=28)
        if day.month == 2 and day.day == 29
        else day.replace(year=day.year - years)
    )


def digits(phone: str | None) -> str:
    """The digits of a telephone number, +86 left out: what two spellings of one number share."""
    found = "".join(c for c in phone or "" if c.isascii() and c.isdigit())
    return found[2:] if len(found) == 13 and found.startswith("86") else found


@dataclass(frozen=True, slots=True)
class Identity:
    """What a person is found by: names as written, phones as digits, mails folded."""

    names: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    mails: frozenset[str] = frozenset()

    def is_same(self, phone: str | None, mail: str | None) -> bool:
        """Whether a number or address is the person's: sure, where a name alone is not."""
        return (bool(phone) and digits(phone) in self.phones) or (
            bool(mail) and fold(mail or "") in self.mails
        )

    def is_named(self, name: str | None) -> bool:
        return bool(name) and fold(name or "") in self.names

    def tells(self, text: str) -> bool:
        """Whether a cell of a list holds the person's number or address."""
        run = "".join(c for c in text if c.isascii() and c.isdigit())
        return any(len(phone) >= 7 and phone in run for phone in self.phones) or any(
            mail in fold(text) for mail in self.mails
        )

    def and_also(self, other: Identity) -> Identity:
        return Identity(self.names | other.names, self.phones | other.phones, self.mails | other.mails)


def identity(
    names: Iterable[str | None] = (), phones: Iterable[str | None] = (), mails: Iterable[str | None] = ()
) -> Identity:
    """An identity of what was typed or is on record; a number with fewer than five digits says nothing."""
    return Identity(
        frozenset(fold(name) for name in names if name and name.strip()),
        frozenset(run for phone in phones if len(run := digits(phone)) >= 5),
        frozenset(fold(mail) for mail in mails if mail and "@" in mail),
    )
