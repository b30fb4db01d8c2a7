"""`people …`: accounts from the server's own command line, also when nobody can sign in any more."""

from __future__ import annotations

import argparse

import sqlalchemy as sa

from crm.accounts import queries
from crm.accounts.actions import factors, people, roles
from crm.accounts.actions.first import first_administrators
from crm.accounts.actions.hashing import hash_password, one_time_password
from crm.accounts.models import Unit, User
from crm.accounts.rules import Permission, Role, check_roles, fold_name
from crm.accounts.rules.fields import read_email, read_name, read_reason, read_username
from crm.core import clock
from crm.core.cli import Command, Context
from crm.core.db import db
from crm.core.i18n import word
from crm.core.transaction import commit
from crm.core.words import N_, Refused

__all__ = ["COMMANDS", "first_administrators"]


def _user(username: str) -> User:
    found = db.session.execute(
        sa.select(User).where(User.username_key == fold_name(username))
    ).scalar_one_or_none()
    if found is None:
        raise Refused(N_("没有账号「%(name)s」。"), name=username)
    return found


def _tell_password(context: Context, username: str, password: str) -> None:
    if context.as_json:
        context.emit({"username": username, "password": password})
    else:
        context.say(f"{username}  {password}")
        hours = queries.one_time_hours(db.session())
        context.say(
            f"一次性口令，只显示这一次，{hours} 小时内有效，首次登录须修改。"
            f" / one-time password, shown this once, good for {hours} hours."
        )


def _username(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username", metavar="USERNAME", help="用户名 / account name")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("name", metavar="NAME", help="姓名 / the person's name")
    parser.add_argument("--unit", metavar="UNIT", help="单位简称 / short name of the unit")
    parser.add_argument("--email", metavar="ADDRESS", default="", help="邮箱 / where mails go")
    parser.add_argument(
        "--role",
        action="append",
        default=[],
        choices=[role.value for role in Role],
        metavar="ROLE",
        help="角色，可多次 / role, may be repeated: " + " ".join(role.value for role in Role),
    )


def _add(arguments: argparse.Namespace, context: Context) -> None:
    session, at = db.session(), clock.now()
    wanted = [Role(value) for value in arguments.role]
    check_roles(wanted)
    context.actor.require("account:manage")
    if wanted:
        context.actor.require("role:grant")
    session.rollback()
    password = one_time_password()
    password_hash = hash_password(password)
    unit_id = None
    if arguments.unit:
        unit_id = (
            session.execute(
                sa.select(Unit.id).where(Unit.short_name == arguments.unit, queries.in_force(clock.today()))
            )
            .scalars()
            .first()
        )
        if unit_id is None:
            raise Refused(N_("没有简称「%(name)s」的单位。"), name=arguments.unit)
    user = people.add(
        session,
        actor=context.actor,
        username=read_username(arguments.username),
        name=read_name(arguments.name),
        unit_id=unit_id,
        password_hash=password_hash,
        at=at,
        email=read_email(arguments.email),
    )
    if wanted:
        roles.grant(session, user, actor=context.actor, version=None, roles=wanted, at=at)
    commit(session)
    _tell_password(context, user.username, password)


def _email_arguments(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("email", metavar="ADDRESS", help="邮箱，空的去掉 / where mails go; empty: none")


def _email(arguments: argparse.Namespace, context: Context) -> None:
    """Say where a person's mails go."""
    user = _user(arguments.username)
    people.edit(
        db.session(), user, actor=context.actor, version=None, username=user.username, name=user.name,
        unit_id=user.unit_id, email=read_email(arguments.email),
    )  # fmt: skip
    commit(db.session())
    context.say(f"{user.username}: {user.email or '—'}")


def _list(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    context.actor.require("account:manage")
    rows = session.execute(
        sa.select(User.id, User.username, User.name, User.is_active, Unit.short_name.label("unit"))
        .outerjoin(Unit, Unit.id == User.unit_id)
        .order_by(User.username_key)
    ).all()
    held = queries.roles_of(session, [row.id for row in rows])
    if context.as_json:
        context.emit(
            [
                {
                    "username": row.username,
                    "name": row.name,
                    "unit": row.unit,
                    "is_active": row.is_active,
                    "roles": [role.value for role in held.get(row.id, [])],
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        state = "" if row.is_active else "（已停用）"
        names = "、".join(word(role) for role in held.get(row.id, [])) or "—"
        context.say(f"{row.username:<20}{row.name}  {row.unit or '—'}  {names}{state}")


def _reset(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    user = _user(arguments.username)
    people.check_may_reset(session, user, actor=context.actor)
    session.rollback()
    password = one_time_password()
    password_hash = hash_password(password)
    user = _user(arguments.username)
    people.reset_password(session, user, actor=context.actor, password_hash=password_hash, at=clock.now())
    commit(session)
    _tell_password(context, user.username, password)


def _done(context: Context, user: User, text: str) -> None:
    if context.as_json:
        context.emit({"username": user.username, "is_active": user.is_active})
    else:
        context.say(f"{user.username}：{text}")


def _unlock(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    user = _user(arguments.username)
    people.unlock(session, user, actor=context.actor)
    commit(session)
    _done(context, user, "已解锁")


def _remove_factor(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    user = _user(arguments.username)
    factors.remove(session, user, actor=context.actor)
    commit(session)
    _done(context, user, "已取消第二因素")


def _deactivate_arguments(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="原因 / why")


def _deactivate(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    user = _user(arguments.username)
    people.deactivate(
        session,
        user,
        actor=context.actor,
        version=None,
        on=clock.today(),
        reason=read_reason(arguments.reason),
        at=clock.now(),
    )
    commit(session)
    _done(context, user, "已停用")


def _reactivate(arguments: argparse.Namespace, context: Context) -> None:
    session = db.session()
    user = _user(arguments.username)
    people.reactivate(session, user, actor=context.actor, version=None)
    commit(session)
    _done(context, user, "已恢复")


def _roles_arguments(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("roles", nargs="*", metavar="ROLE", help=" ".join(role.value for role in Role))


def _roles(arguments: argparse.Namespace, context: Context) -> None:
    unknown = [value for value in arguments.roles if value not in set(Role)]
    if unknown:
        raise Refused(N_("没有角色「%(name)s」。"), name=unknown[0])
    session = db.session()
    user = _user(arguments.username)
    wanted = [Role(value) for value in arguments.roles]
    extras: list[Permission] = []
    if Role.INVESTMENT in wanted:
        extras = [row.permission for row in queries.extras_of(session, user.id)]
    roles.grant(session, user, actor=context.actor, version=None, roles=wanted, extras=extras, at=clock.now())
    commit(session)
    _done(context, user, "、".join(word(role) for role in wanted) or "没有角色")


COMMANDS = [
    Command(("people", "list"), "列出账号 / list accounts", _list, is_reading=True),
    Command(("people", "add"), "新建账号，给出一次性口令 / add an account", _add, _add_arguments),
    Command(
        ("people", "roles"), "设定角色（写全部） / set all roles of an account", _roles, _roles_arguments
    ),
    Command(("people", "reset-password"), "重置口令 / give a new one-time password", _reset, _username),
    Command(("people", "email"), "邮箱 / where a person's mails go", _email, _email_arguments),
    Command(("people", "unlock"), "解锁 / lift the lock after wrong passwords", _unlock, _username),
    Command(
        ("people", "remove-factor"), "取消第二因素 / take off a lost second factor", _remove_factor, _username
    ),
    Command(("people", "deactivate"), "停用账号 / deactivate", _deactivate, _deactivate_arguments),
    Command(("people", "reactivate"), "恢复账号 / reactivate", _reactivate, _username),
]
