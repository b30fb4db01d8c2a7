"""The sentences of the inbox: what it says, and why one sees it. Made when read, in the reader's language."""

from __future__ import annotations

from crm.activities.rules.words import Notice
from crm.core.words import N_

SENTENCES: dict[str, str] = {
    Notice.MENTION: N_("%(by)s 在动态里提到了您"),
    Notice.MENTION_STEP: N_("%(by)s 在下一步里提到了您"),
    Notice.ASSIGNED: N_("%(by)s 交给您一件下一步"),
    Notice.HANDED_OVER: N_("%(by)s 转给您一件下一步"),
    Notice.STEPS_HANDED: N_("%(by)s 转给您 %(n)s 件下一步"),
    Notice.IN_HAND: N_("%(by)s 把这个项目交给您"),
    Notice.STEPS_IMPORTED: N_("导入的动态里有下一步由您经办"),
    Notice.DONE_FOR_YOU: N_("%(by)s 办完了您交办的事"),
    Notice.DROPPED_FOR_YOU: N_("%(by)s 不办您交办的事了"),
    Notice.INSTRUCTION: N_("%(by)s 的批示等您答复"),
    Notice.ANSWERED: N_("%(by)s 答复了您的批示"),
    Notice.JOB_DONE: N_("后台任务做完了：%(title)s"),
    Notice.JOB_FAILED: N_("后台任务没有做完：%(title)s"),
    Notice.JOB_CONFLICT: N_("与别人的修改相撞，没有做：%(title)s"),
    Notice.TIMED_FAILED: N_("定时任务没有做成：%(title)s"),
    Notice.BULK_LEFT: N_("批量修改有 %(n)s 行没有动，选中之后别人改过"),
    Notice.OVERTAKEN: N_("%(by)s 保存了您也在改的内容，您没保存的还暂存着"),
    Notice.FILE_REFUSED: N_("您上传的一个文件没有通过安全检查，别人看不到它的内容"),
    Notice.DISPUTE: N_("%(by)s 提出了首报争议，等裁定"),
    Notice.DECIDED: N_("%(by)s 裁定了首报争议"),
}

REASONS: dict[str, str] = {
    Notice.MENTION: N_("因为动态里写了 @您的姓名。"),
    Notice.MENTION_STEP: N_("因为下一步里写了 @您的姓名。"),
    Notice.ASSIGNED: N_("因为这一步由您经办。"),
    Notice.HANDED_OVER: N_("因为这一步转到了您名下。"),
    Notice.STEPS_HANDED: N_("因为这些下一步转给了您。"),
    Notice.IN_HAND: N_("因为您成了它的牵头领导、联络员、代办员或跟进人。"),
    Notice.STEPS_IMPORTED: N_("因为导入的动态把下一步交给了您。"),
    Notice.DONE_FOR_YOU: N_("因为这一步是您交办的。"),
    Notice.DROPPED_FOR_YOU: N_("因为这一步是您交办的。"),
    Notice.INSTRUCTION: N_("因为批示指定由您答复。"),
    Notice.ANSWERED: N_("因为批示是您写的。"),
    Notice.JOB_DONE: N_("因为任务是您安排的。"),
    Notice.JOB_FAILED: N_("因为任务是您安排的。"),
    Notice.JOB_CONFLICT: N_("因为任务是您安排的，等它做的时候同样的记录刚被别人改过。"),
    Notice.TIMED_FAILED: N_("因为定时任务由您管，半小时后会再试。"),
    Notice.BULK_LEFT: N_("因为这次批量修改是您做的。"),
    Notice.OVERTAKEN: N_("因为您在同一个表单里有没保存的内容。"),
    Notice.FILE_REFUSED: N_("因为文件是您上传的。"),
    Notice.DISPUTE: N_("因为争议由您裁定。"),
    Notice.DECIDED: N_("因为争议是您提出的，或这条线索由您跟进。"),
}

# what was given to somebody to do: told until it is done, dropped, or handed to somebody else
WAITING: frozenset[str] = frozenset({Notice.ASSIGNED, Notice.HANDED_OVER, Notice.INSTRUCTION})
