"""Pages and actions of accounts in the palette."""

from __future__ import annotations

from crm.core.palette import Entry, EntryKind
from crm.core.words import C_, N_

BOTH = ("account:manage", "role:grant")

ENTRIES = [
    Entry("accounts.people", N_("人员"), "users", BOTH, words=("账号", "用户")),
    Entry("accounts.units", C_("page", "单位"), "sitemap", BOTH, words=("部门", "街道")),
    Entry(
        "accounts.roles", N_("角色与权限"), "shield-check", (*BOTH, "audit:read"), words=("三员分立", "授权")
    ),
    Entry("accounts.profile", N_("我的账户"), "user-circle", words=("个人设置", "会话")),
    Entry("accounts.people_new", N_("新建账号"), "plus", ("account:manage",), EntryKind.ACTION),
    Entry("accounts.units_new", N_("新建单位"), "plus", ("account:manage",), EntryKind.ACTION),
    Entry(
        "accounts.choose_email", N_("修改邮箱"), "mail", kind=EntryKind.ACTION, words=("电子邮件", "每周提醒")
    ),
    Entry("accounts.change_password", N_("修改口令"), "key", kind=EntryKind.ACTION, words=("密码",)),
]
