"""Roles and permissions. The table is `domain.md` § Who may do what; a test keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crm.core.permissions import Scope
from crm.core.words import N_, Refused, Word


class Role(Word):
    SYSTEM_ADMIN = "system-admin", N_("系统管理员")
    SECURITY_ADMIN = "security-admin", N_("安全管理员")
    AUDITOR = "auditor", N_("审计员")
    LEADER = "leader", N_("领导")
    INVESTMENT = "investment", N_("招商专员")
    SCIENCE = "science", N_("科技专员")
    FINANCE = "finance", N_("金融专员")
    REPORTER = "reporter", N_("填报员")
    SUPERVISOR = "supervisor", N_("督查")
    READ_ONLY = "read-only", N_("只读")


ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})  # 三员分立


class Permission(Word):
    """What may be done, as ``resource:action``; the label is the line of the matrix page."""

    ACCOUNT_MANAGE = "account:manage", N_("管理账号、单位")
    SETTING_MANAGE = "setting:manage", N_("管理设置")
    JOB_MANAGE = "job:manage", N_("管理任务和备份")
    ROLE_GRANT = "role:grant", N_("授予角色")
    POLICY_MANAGE = "policy:manage", N_("管理安全策略")
    AUDIT_READ = "audit:read", N_("读取和校验日志")
    FIRM_READ = "firm:read", N_("查看企业、证书和阶段")
    FIGURE_READ = "figure:read", N_("查看年度数据、股权融资")
    FIRM_EDIT = "firm:edit", N_("编辑企业和联系人")
    FIGURE_EDIT = "figure:edit", N_("编辑年度数据")
    FIRM_IMPORT = "firm:import", N_("导入企业")
    FIRM_MERGE = "firm:merge", N_("合并企业")
    LADDER_TAG = "ladder:tag", N_("标记证书和申报")
    CONTACT_REVEAL = "contact:reveal", N_("查看联系方式(须填理由，留痕)")
    LISTING_READ = "listing:read", N_("查看上市后备")
    LISTING_EDIT = "listing:edit", N_("编辑上市后备")
    LEAD_LOG = "lead:log", N_("登记线索")
    PROJECT_READ = "project:read", N_("查看项目(在可见范围内)")
    PROJECT_EDIT = "project:edit", N_("编辑项目")
    PROJECT_ASSIGN = "project:assign", N_("指派领导和专班、交接、裁定争议")
    PROJECT_CHECK = "project:check", N_("核对计数(不得核对自己的)")
    INSTRUCTION_WRITE = "instruction:write", N_("批示")
    ACTIVITY_ADD = "activity:add", N_("在可见记录上添加动态和文件")
    REGISTER_ENTER = "register:enter", N_("台账和上报数：填报")
    REGISTER_CHECK = "register:check", N_("台账和上报数：核对")
    PLAN_READ = "plan:read", N_("查看指标、考核、报告")
    PLAN_MANAGE = "plan:manage", N_("管理指标、冻结、考核、报告")
    EXPORT_RUN = "export:run", N_("导出(留痕)")
    EXPORT_LOG = "export:log", N_("导出日志")


_P, _R, _S = Permission, Role, Scope

# domain.md § Who may do what. "bureau head" and "bureau's checker" are given to persons, not to the role.
TABLE: Mapping[Permission, Mapping[Role, Scope]] = {
    _P.ACCOUNT_MANAGE: {_R.SYSTEM_ADMIN: _S.ALL},
    _P.SETTING_MANAGE: {_R.SYSTEM_ADMIN: _S.ALL},
    _P.JOB_MANAGE: {_R.SYSTEM_ADMIN: _S.ALL},
    _P.ROLE_GRANT: {_R.SECURITY_ADMIN: _S.ALL},
    _P.POLICY_MANAGE: {_R.SECURITY_ADMIN: _S.ALL},
    _P.AUDIT_READ: {_R.AUDITOR: _S.ALL},
    _P.FIRM_READ: dict.fromkeys(
        (_R.LEADER, _R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER, _R.SUPERVISOR, _R.READ_ONLY), _S.ALL
    ),
    _P.FIGURE_READ: {
        _R.LEADER: _S.ALL,
        _R.INVESTMENT: _S.OWN,
        _R.SCIENCE: _S.ALL,
        _R.FINANCE: _S.ALL,
        _R.REPORTER: _S.UNIT,
        _R.SUPERVISOR: _S.ALL,
    },
    _P.FIRM_EDIT: {_R.INVESTMENT: _S.ALL, _R.SCIENCE: _S.ALL, _R.FINANCE: _S.ALL, _R.REPORTER: _S.UNIT},
    _P.FIGURE_EDIT: {_R.SCIENCE: _S.ALL, _R.FINANCE: _S.ALL},
    _P.FIRM_IMPORT: {_R.SCIENCE: _S.ALL, _R.FINANCE: _S.ALL},
    _P.FIRM_MERGE: {_R.SCIENCE: _S.ALL, _R.FINANCE: _S.ALL},
    _P.LADDER_TAG: {_R.SCIENCE: _S.ALL},
    _P.CONTACT_REVEAL: {_R.LEADER: _S.ALL, _R.INVESTMENT: _S.OWN, _R.SCIENCE: _S.OWN, _R.FINANCE: _S.OWN},
    _P.LISTING_READ: dict.fromkeys((_R.LEADER, _R.SCIENCE, _R.FINANCE, _R.SUPERVISOR), _S.ALL),
    _P.LISTING_EDIT: {_R.FINANCE: _S.ALL},
    _P.LEAD_LOG: dict.fromkeys(
        (_R.LEADER, _R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER, _R.SUPERVISOR), _S.ALL
    ),
    # within visibility: leaders and supervisors see all, the others what concerns their unit or themselves
    _P.PROJECT_READ: {
        **dict.fromkeys((_R.LEADER, _R.SUPERVISOR), _S.ALL),
        **dict.fromkeys((_R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER), _S.TEAM),
        _R.READ_ONLY: _S.ZONE,
    },
    _P.PROJECT_EDIT: dict.fromkeys((_R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER), _S.TEAM),
    _P.PROJECT_ASSIGN: {},
    _P.PROJECT_CHECK: {_R.SUPERVISOR: _S.ALL},
    _P.INSTRUCTION_WRITE: {_R.LEADER: _S.ALL, _R.SUPERVISOR: _S.ALL},
    _P.ACTIVITY_ADD: dict.fromkeys(
        (_R.LEADER, _R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER, _R.SUPERVISOR), _S.ALL
    ),
    _P.REGISTER_ENTER: dict.fromkeys((_R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.REPORTER), _S.OWN),
    _P.REGISTER_CHECK: {_R.SUPERVISOR: _S.ALL},
    _P.PLAN_READ: {
        **dict.fromkeys((_R.LEADER, _R.INVESTMENT, _R.SCIENCE, _R.FINANCE), _S.READ),
        _R.REPORTER: _S.OWN,
        _R.SUPERVISOR: _S.ALL,
    },
    _P.PLAN_MANAGE: {_R.SUPERVISOR: _S.ALL},
    _P.EXPORT_RUN: {
        **dict.fromkeys((_R.LEADER, _R.INVESTMENT, _R.SCIENCE, _R.FINANCE, _R.SUPERVISOR), _S.ALL),
        _R.REPORTER: _S.OWN,
    },
    _P.EXPORT_LOG: {_R.AUDITOR: _S.ALL},
}

# what a person may be given besides the role, and the role it goes with
GIVEN_TO_PERSONS: Mapping[Permission, Role] = {
    _P.PROJECT_ASSIGN: _R.INVESTMENT,  # bureau head
    _P.PROJECT_CHECK: _R.INVESTMENT,  # bureau's checker
}

_WIDTH = [Scope.ALL, Scope.UNIT, Scope.TEAM, Scope.OWN, Scope.ZONE, Scope.READ]


def grants(roles: Iterable[Role], extra: Iterable[Permission] = ()) -> dict[str, Scope]:
    """What a person with these roles may do, and how far; the widest reach of several roles counts."""
    held: dict[str, Scope] = {permission.value: Scope.UNIT for permission in extra}
    for role in roles:
        for permission, row in TABLE.items():
            if role in row:
                scopes = [row[role], *([held[permission]] if permission.value in held else [])]
                held[permission.value] = min(scopes, key=_WIDTH.index)
    return held


def check_roles(roles: Iterable[Role], extra: Iterable[Permission] = ()) -> frozenset[Role]:
    """三员分立: an administrator holds that one role and no other; permissions given to a person go with their
    role. Raises `Refused`."""
    wanted = frozenset(roles)
    for permission in extra:
        if permission not in GIVEN_TO_PERSONS:
            raise Refused(N_("「%(permission)s」只能随角色授予。"), permission=permission, field="extras")
        if GIVEN_TO_PERSONS[permission] not in wanted:
            raise Refused(
                N_("「%(permission)s」只能授予%(role)s。"),
                permission=permission,
                role=GIVEN_TO_PERSONS[permission],
                field="extras",
            )
    if wanted & ADMINISTRATORS and len(wanted) > 1:
        raise Refused(
            N_("系统管理员、安全管理员、审计员三员分立：一个账号只能担任其中一个，且不能兼其他角色。"),
            field="roles",
        )
    return wanted
