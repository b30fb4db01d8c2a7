"""What people do with a record, what comes next, and what is told to whom."""

from __future__ import annotations

from crm.core.words import C_, N_, Word


class ActivityKind(Word):
    """What happened."""

    VISIT = "visit", N_("走访")
    CALL = "call", N_("电话")
    MEETING = "meeting", N_("会议")
    INSPECTION = "inspection", C_("activity", "考察")
    INSTRUCTION = "instruction", N_("批示")
    NOTE = "note", N_("记事")


class StepState(Word):
    """What became of a next step."""

    OPEN = "open", C_("step", "待办")
    DONE = "done", C_("step", "已办")
    DROPPED = "dropped", C_("step", "不办了")


class When(Word):
    """How near a next step is, seen from a day."""

    OVERDUE = "overdue", N_("逾期")
    TODAY = "today", C_("step", "今天")
    WEEK = "week", N_("本周")
    LATER = "later", N_("以后")


class Scan(Word):
    """What the scanner said of a file. Only a clean one is handed out."""

    WAITING = "waiting", N_("等待检查")
    CLEAN = "clean", N_("已检查")
    REFUSED = "refused", N_("未通过检查")


class Notice(Word):
    """What stands in an inbox, by code; the words are made from the code and its parameters when read."""

    MENTION = "mention", N_("提到了您")
    MENTION_STEP = "mention-step", N_("下一步里提到了您")
    ASSIGNED = "assigned", N_("交给您的下一步")
    HANDED_OVER = "handed-over", N_("转给您的下一步")
    STEPS_HANDED = "steps-handed-over", N_("转给您的多件下一步")
    IN_HAND = "in-hand", N_("交给您的项目")
    STEPS_IMPORTED = "steps-imported", N_("导入的下一步由您经办")
    DONE_FOR_YOU = "done-for-you", N_("您交办的已办")
    DROPPED_FOR_YOU = "dropped-for-you", N_("您交办的不办了")
    INSTRUCTION = "instruction", N_("批示等您答复")
    ANSWERED = "answered", N_("批示有了答复")
    JOB_DONE = "job-done", N_("后台任务已完成")
    JOB_FAILED = "job-failed", N_("后台任务没有做完")
    JOB_CONFLICT = "job-conflict", N_("后台任务与别人的修改相撞")
    TIMED_FAILED = "timed-failed", N_("定时任务没有做成")
    BULK_LEFT = "bulk-left", N_("批量修改有没动的行")
    OVERTAKEN = "overtaken", N_("您没保存的内容与别人的保存相撞")
    FILE_REFUSED = "file-refused", N_("您上传的文件没有通过检查")
    DISPUTE = "dispute", N_("首报争议等您裁定")
    DECIDED = "decided", N_("首报争议有了裁定")


class Act(Word):
    """Actions the audit records, as sentences."""

    LOG = "activity.log", N_("记动态")
    IMPORT = "activity.import", N_("导入以往动态")
    EDIT = "activity.edit", N_("修改动态")
    WITHDRAW = "activity.withdraw", N_("收回动态")
    STEP_PLAN = "step.plan", N_("安排下一步")
    STEP_DONE = "step.done", N_("办完下一步")
    STEP_MOVE = "step.move", N_("改期下一步")
    STEP_HAND_OVER = "step.hand-over", N_("转交下一步")
    STEPS_HAND_OVER = "step.hand-over-many", N_("批量转交下一步")
    STEP_DROP = "step.drop", N_("下一步不办了")
    STEP_REOPEN = "step.reopen", N_("重新打开下一步")
    FILE_ADD = "file.add", N_("上传文件")
    FILE_REMOVE = "file.remove", N_("收起文件")
    FILE_SCAN = "file.scan", N_("检查文件")
    FILE_FETCH = "file.fetch", N_("下载文件")
    INBOX = "inbox.clear", N_("处理收件箱")
    FEED = "feed.set", N_("更换日历订阅链接")
