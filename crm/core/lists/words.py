"""What is done to saved views, as the audit names it."""

from __future__ import annotations

from crm.core.words import N_, Word


class ViewAct(Word):
    SAVE = "view.save", N_("保存视图")
    UPDATE = "view.update", N_("更新视图")
    RENAME = "view.rename", N_("视图改名")
    SHARE = "view.share", N_("共享视图")
    UNSHARE = "view.unshare", N_("停止共享视图")
    COPY = "view.copy", N_("复制视图")
    DROP = "view.drop", N_("删除视图")
    PICK = "view.pick", N_("设默认视图")
    UNPICK = "view.unpick", N_("取消默认视图")
