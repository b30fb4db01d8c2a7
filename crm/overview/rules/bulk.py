"""What may be done with many rows at once, and what can become of each."""

from __future__ import annotations

from crm.core.words import C_, N_, Word

MOST = 50_000  # rows of one bulk change
MOST_SLOW = 2_000  # where every row goes through its own action
AT_ONCE = 2_000  # more than this is a job


class BulkVerb(Word):
    SET = "set", N_("修改")
    ARCHIVE = "archive", N_("归档")
    RESTORE = "restore", N_("恢复")


class BulkState(Word):
    ASKED = "asked", N_("待确认")
    RUNNING = "running", N_("进行中")
    DONE = "done", C_("bulk", "已完成")


class BulkResult(Word):
    """What became of a chosen row."""

    DONE = "done", C_("bulk", "完成")
    UNCHANGED = "unchanged", N_("本来就是这样")
    REFUSED = "refused", N_("不能修改")
    CHANGED = "changed", N_("其间被别人改过")
    GONE = "gone", N_("已经看不到")


class BulkAct(Word):
    """Bulk changes, as the audit names them."""

    SET = "bulk.set", N_("批量修改")
    ARCHIVE = "bulk.archive", N_("批量归档")
    RESTORE = "bulk.restore", N_("批量恢复")


ACTS = {BulkVerb.SET: BulkAct.SET, BulkVerb.ARCHIVE: BulkAct.ARCHIVE, BulkVerb.RESTORE: BulkAct.RESTORE}
