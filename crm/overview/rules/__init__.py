"""What the audit pages say: sentences of actions nobody else owns, words for subjects and changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crm.accounts.rules.messages import MESSAGES as ACCOUNTS
from crm.accounts.rules.messages import REASONS
from crm.activities.rules.words import Act as FollowUpAct
from crm.core.lists.words import ViewAct
from crm.core.words import C_, N_, Message, Word
from crm.firms.rules.words import Act as FirmAct
from crm.ladder.rules.words import Act as LadderAct
from crm.listing.rules.words import Act as ListingAct
from crm.overview.rules.bulk import BulkAct
from crm.projects.rules.words import Act as ProjectAct


class Verb(Word):
    """What happened to a row."""

    INSERT = "insert", N_("新增")
    UPDATE = "update", N_("修改")
    DELETE = "delete", N_("删除")


OWN: dict[str, str] = {
    "access.refused": N_("没有权限，被拒绝：%(method)s %(endpoint)s"),
    "audit.export": N_("导出日志 %(n)s 条"),
    "audit.verify": N_("校验日志"),
    "units.starting": N_("写入方案里的单位"),
    "demo.people": N_("写入示范账号"),
    "demo.firms": N_("写入示范企业"),
    "demo.follow-up": N_("写入示范动态"),
    "demo.projects": N_("写入示范项目"),
    "demo.candidates": N_("写入示范上市后备"),
    "demo.projects-frozen": N_("冻结示范月份"),
    "digest.mute": N_("改要提醒的内容"),
    "digest.write": N_("写 %(period)s 的提醒邮件 %(n)s 封"),
    "digest.copy": N_("要一份 %(week)s 提醒邮件的副本"),
    "outbox.resend": N_("再发一次 %(period)s 的邮件"),
    "job.enqueue": N_("安排后台任务"),
    "job.cancel": N_("取消后台任务"),
    "holiday.set": N_("设定工作日"),
    "holiday.drop": N_("删除设定的工作日"),
    "holiday.seed": N_("补入一年的节假日"),
    "record.restore": N_("改回旧值"),
    "list.export": N_("导出列表"),
    "operation.undone": N_("撤销一次操作"),
    "record.merged": N_("合并两条记录"),
}

# the sentence of every action of the log, gathered from the features in their order
MESSAGES: dict[str, str] = {
    **ACCOUNTS,
    **{act.value: act.label for act in FollowUpAct},
    **{act.value: act.label for act in FirmAct},
    **{act.value: act.label for act in LadderAct},
    **{act.value: act.label for act in ListingAct},
    **{act.value: act.label for act in ProjectAct},
    **{act.value: act.label for act in BulkAct},
    **{act.value: act.label for act in ViewAct},
    **OWN,
}

# what a subject is called; an unknown kind is shown as its code
SUBJECTS: dict[str, str] = {
    "user": N_("账号"),
    "unit": N_("单位"),
    "firm": C_("subject", "企业"),
    "project": C_("subject", "项目"),
    "candidate": C_("subject", "上市后备"),
    "certification": N_("证书"),
    "application": C_("subject", "申报"),
    "tag_batch": N_("标记批次"),
    "import": N_("导入"),
    "job": N_("任务"),
    "bulk": N_("批量修改"),
    "view": N_("视图"),
}


def told(action: str, params: Mapping[str, Any]) -> Message:
    """What an envelope says; an action without a sentence is its code, a value the envelope lacks a dash."""
    text = MESSAGES.get(action)
    if text is None:
        return Message(action)
    values = {name: params.get(name, "—") for name in re.findall(r"%\((\w+)\)", text)}
    reason = values.get("reason")
    if isinstance(reason, str) and reason in REASONS:
        values["reason"] = Message(REASONS[reason])
    return Message(text, values)
