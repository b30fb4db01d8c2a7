"""What the audit says about each action of this feature, with the parameters stored beside it."""

from __future__ import annotations

from crm.core.words import N_

MESSAGES: dict[str, str] = {
    "access.refused": N_("没有权限，被拒绝：%(method)s %(endpoint)s"),
    "session.start": N_("登录"),
    "session.refuse": N_("登录失败：%(reason)s"),
    "session.lock": N_("口令连错，账号锁定 %(minutes)s 分钟"),
    "session.end": N_("退出"),
    "session.end-all": N_("退出全部设备"),
    "session.end-one": N_("退出一台设备"),
    "session.end-elsewhere": N_("退出其他设备"),
    "session.disown": N_("说明一次登录不是本人，已退出该设备，须改口令"),
    "notice.dismiss": N_("关闭一条提示"),
    "factor.confirm": N_("启用第二因素"),
    "factor.codes": N_("重新生成恢复码"),
    "factor.drop": N_("停用自己的第二因素"),
    "setting.change": N_("修改设置：%(keys)s"),
    "factor.remove": N_("取消第二因素：%(name)s"),
    "password.change": N_("修改口令"),
    "password.refuse": N_("修改口令时原口令不对"),
    "password.reset": N_("重置口令：%(name)s"),
    "person.add": N_("新建账号：%(name)s"),
    "person.edit": N_("修改账号：%(name)s"),
    "person.email": N_("修改自己的邮箱"),
    "person.deactivate": N_("停用账号：%(name)s"),
    "person.reactivate": N_("恢复账号：%(name)s"),
    "person.deactivate-many": N_("批量停用账号"),
    "person.reactivate-many": N_("批量恢复账号"),
    "person.unlock": N_("解锁账号：%(name)s"),
    "person.end-sessions": N_("退出他人的全部设备：%(name)s"),
    "person.language": N_("切换语言"),
    "role.grant": N_("授予角色：%(name)s"),
    "unit.add": N_("新建单位：%(name)s"),
    "unit.edit": N_("修改单位：%(name)s"),
    "unit.head": N_("变更负责人：%(name)s"),
    "install.administrators": N_("首次启动，建立三员账号"),
    "audit.export": N_("导出日志 %(n)s 条"),
    "audit.verify": N_("校验日志"),
}
REASONS: dict[str, str] = {
    "unknown": N_("没有这个账号"),
    "password": N_("口令不对"),
    "locked": N_("账号已锁定"),
    "inactive": N_("账号已停用"),
    "spent": N_("一次性口令已过期"),
    "code": N_("验证码不对"),
    "too-long": N_("口令过长"),
}
# what a person is told, by code; the parameters are stored beside it
NOTICES: dict[str, str] = {
    "sign-in.new": N_("%(at)s 有人从这个账号没用过的浏览器或地址登录：%(browser)s，%(address)s。"),
}
