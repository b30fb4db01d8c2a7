"""The outbox's words and laws: states of a mail, when it is tried again, when it ends. Pure."""

from __future__ import annotations

import datetime as dt

from crm.core.words import C_, N_, Word
from crm.digest.rules.week import ZONE, Week

DIGEST, COPY = "digest", "copy"  # kinds of mails
LEASE = dt.timedelta(minutes=5)  # longer than the longest try (crm.core.mail.WHOLE)
# minutes before the 2nd, 3rd … try of one mail; after the last it is given up
BACK_OFF = (1, 5, 15, 60, 180, 360, 720, 1440, 1440)
ATTEMPTS = len(BACK_OFF) + 1
OUTAGE = (15, 30, 60, 120, 300, 600)  # seconds the way itself rests after the 1st, 2nd … failure in a row
PAYLOADS_KEPT = dt.timedelta(days=60)  # what a mail said; that it was sent is kept


class MailState(Word):
    WAITING = "waiting", C_("mail", "等待发送")
    CLAIMED = "claimed", C_("mail", "正在发送")
    SENT = "sent", C_("mail", "已发出")
    FAILED = "failed", C_("mail", "被退回")
    GIVEN_UP = "given-up", C_("mail", "已放弃")

    @property
    def is_over(self) -> bool:
        return self in (MailState.SENT, MailState.FAILED, MailState.GIVEN_UP)

    @property
    def can_be_resent(self) -> bool:
        """One that was sent is never sent again: a person gets one mail a week."""
        return self is not MailState.SENT and self is not MailState.CLAIMED


class Trouble(Word):
    """Why a mail was not sent."""

    CONNECT = "connect", N_("连不上发信服务器")
    TLS = "tls", N_("发信服务器的加密连接建立不了")
    AUTH = "auth", N_("发信服务器不认用户名或口令")
    SENDER = "sender", N_("发信服务器不收这个发件人")
    DEFERRED = "deferred", N_("发信服务器请稍后再试")
    REFUSED = "refused", N_("发信服务器拒收")
    TIMEOUT = "timeout", N_("发信服务器没有应答")
    DROPPED = "dropped", N_("连接中途断开")
    FOLDER = "folder", N_("邮件文件夹写不进去")
    NO_ADDRESS = "no-address", N_("没有登记邮箱")
    BAD_ADDRESS = "bad-address", N_("邮箱地址不对")
    INACTIVE = "inactive", N_("账号已停用")
    NOTHING = "nothing", N_("里面的内容他已经不能看")
    LATE = "late", N_("这一周过完了还没有发出，内容并入下一周")
    FAULT = "fault", N_("出错了，已经记录下来")


OUTAGES = frozenset({Trouble.CONNECT, Trouble.TLS, Trouble.AUTH, Trouble.SENDER, Trouble.FOLDER})
"""What is the way's fault, so that no mail gets out."""


def again_at(attempts: int, moment: dt.datetime) -> dt.datetime | None:
    """When a mail is tried again after so many tries; None: no more."""
    return moment + dt.timedelta(minutes=BACK_OFF[attempts - 1]) if attempts < ATTEMPTS else None


def rest(outages: int) -> dt.timedelta:
    """How long the way rests after so many failures in a row."""
    return dt.timedelta(seconds=OUTAGE[min(outages, len(OUTAGE)) - 1])


def end_of(week: Week, moment: dt.datetime) -> dt.datetime:
    """Until when a week's mail may go out: its Sunday's end; a day from now for a week that is over (by hand)."""
    end = dt.datetime.combine(week.sunday + dt.timedelta(1), dt.time(), ZONE)
    return end if end > moment else moment + dt.timedelta(days=1)
