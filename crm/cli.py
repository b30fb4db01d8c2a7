"""`python3 -m crm COMMAND`, once the environment is set up: migrate an empty data folder, act, say it plainly."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module

from sqlalchemy.exc import DBAPIError

from crm.app import BUILT, create_app
from crm.core import audit, cli, i18n, logs
from crm.core.db import db, reading, writing
from crm.core.migrating import migrate
from crm.core.permissions import Actor, system
from crm.core.words import N_, Refused, fill
from crm.opening import enter_units


def commands() -> list[cli.Command]:
    """Every feature's commands, in feature order."""
    found: list[cli.Command] = []
    for name in BUILT:
        try:
            module = import_module(f"crm.{name}.commands")
        except ModuleNotFoundError as error:
            if error.name != f"crm.{name}.commands":
                raise
            continue
        found.extend(module.COMMANDS)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 only on success; a refusal is one sentence on standard error and 1; wrong usage is 2."""
    arguments = cli.parser_of(commands()).parse_args(argv)
    command: cli.Command = arguments.command
    out, err = cli.streams()
    try:
        app = create_app()
        gc.freeze()  # what is loaded stays: collections look at the command's own objects only
        logs.quiet()
        with app.app_context(), app.test_request_context():
            writing()
            if migrate():
                enter_units(db.session(), actor=system("setup"))
                db.session.remove()
            if command.is_reading or getattr(arguments, "dry_run", False):
                reading()
            db.session.info["origin"] = audit.Origin(address="cli", request_id="")
            context = cli.Context(_actor(arguments.as_user), arguments.json, out, err)
            try:
                return command.run(arguments, context) or 0
            except Refused as refusal:
                db.session.rollback()
                print(i18n.say(refusal), file=err)
                for item in refusal.items:
                    print("- " + i18n.say(item), file=err)
                return 1
            finally:
                db.session.remove()
    except Refused as refusal:
        print(str(refusal), file=err)
        return 1
    except BrokenPipeError:
        return 1
    except DBAPIError as error:
        told = N_("数据库不能用：%(why)s。请检查 CRM_DATA 文件夹的权限和磁盘空间，或 CRM_DATABASE_URL。")
        print(fill(told, {"why": str(error.orig).strip().splitlines()[0]}), file=err)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), file=err)
        return 1


def _actor(username: str | None) -> Actor:
    if username is None:
        return system("cli")
    from crm.accounts.queries import actor_named

    found = actor_named(db.session(), username)
    if found is None:
        raise Refused(N_("没有在用的账号「%(name)s」。"), name=username)
    return found


if __name__ == "__main__":
    sys.exit(main())
