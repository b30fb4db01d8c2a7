"""The security policy as settings of the security administrator (trust.md § Decided 1, 4; GB/T 22239-2019 8.1.4.1)."""

from __future__ import annotations

from crm.accounts.rules.passwords import ONE_TIME_HOURS, PasswordPolicy
from crm.accounts.rules.roles import ADMINISTRATORS, Permission, Role
from crm.accounts.rules.sign_in import ABSOLUTE_HOURS, IDLE_MINUTES
from crm.core.settings.declaring import Section, choices, number, text
from crm.core.words import N_

_DEFAULT = PasswordPolicy()
PASSWORDS = Section(
    "passwords",
    N_("口令"),
    Permission.POLICY_MANAGE.value,
    N_("对以后设的口令起作用；改短更换天数，到期的人下一次打开页面就要改。"),
)
SESSIONS = Section(
    "sessions", N_("登录有效期"), Permission.POLICY_MANAGE.value, N_("对已经登录的人同样马上起作用。")
)
FACTOR = Section(
    "second-factor",
    N_("第二因素"),
    Permission.POLICY_MANAGE.value,
    N_("三员一律必须启用；这里选还有哪些角色必须启用。示范账号在启用示范数据期间免用。"),
)
HOUSE = Section("house", N_("本系统"), Permission.SETTING_MANAGE.value)

MIN_LENGTH = number(
    PASSWORDS,
    "password.min-length",
    N_("最短长度"),
    _DEFAULT.min_length,
    least=8,
    most=64,
    unit=N_("个字符"),
    hint=N_("等保要求至少 8。"),
)
KINDS = number(
    PASSWORDS,
    "password.kinds",
    N_("至少几种字符"),
    _DEFAULT.kinds,
    least=1,
    most=4,
    unit=N_("种"),
    hint=N_("大写、小写、数字、符号、汉字各算一种；等保要求 3。"),
)
MAX_AGE = number(
    PASSWORDS,
    "password.max-age-days",
    N_("多少天后须更换"),
    _DEFAULT.max_age_days,
    least=0,
    most=3650,
    unit=N_("天"),
    hint=N_("0 为不要求；等保要求 90。"),
)
REMEMBERED = number(
    PASSWORDS,
    "password.remembered",
    N_("不能重复最近几个旧口令"),
    _DEFAULT.remembered,
    least=0,
    most=8,
    unit=N_("个"),
    hint=N_("现在的口令总是不能再用；0 为只看现在的。"),
)
ONE_TIME = number(
    PASSWORDS,
    "password.one-time-hours",
    N_("一次性口令多久内有效"),
    ONE_TIME_HOURS,
    least=1,
    most=720,
    unit=N_("小时"),
    hint=N_("新建或重置时给出的口令；过期后不能登录，须再重置。已经给出的也按它算。"),
)
IDLE = number(
    SESSIONS, "session.idle-minutes", N_("闲置多久后退出"), IDLE_MINUTES, least=5, most=480, unit=N_("分钟")
)
ABSOLUTE = number(
    SESSIONS, "session.absolute-hours", N_("最长登录多久"), ABSOLUTE_HOURS, least=1, most=24, unit=N_("小时")
)
FACTOR_ROLES = choices(
    FACTOR,
    "factor.roles",
    N_("还须启用的角色"),
    [(role.value, role.label) for role in Role if role not in ADMINISTRATORS],
)
CONTACT = text(
    HOUSE,
    "house.contact",
    N_("登录页上的联系方式"),
    most=100,
    hint=N_("如「忘了口令请打 5588」；留空则不显示。"),
)
