"""What every command shares: who acts, JSON that stays pure, plain refusals and exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from crm.core.permissions import Actor


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to a command: the actor it acts as and where its output goes."""

    actor: Actor
    as_json: bool
    out: TextIO
    err: TextIO

    def say(self, text: str) -> None:
        """A sentence for the person: on standard output, or on standard error when standard output is JSON."""
        print(text, file=self.err if self.as_json else self.out)

    def emit(self, value: Any) -> None:
        """The result as one JSON document."""
        print(json.dumps(value, ensure_ascii=False, default=str), file=self.out)

    def emit_lines(self, rows: Iterable[Any]) -> None:
        """One JSON object a line."""
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, default=str), file=self.out)


Run = Callable[[argparse.Namespace, Context], int | None]


@dataclass(frozen=True, slots=True)
class Command:
    """`words` as typed (``("firms", "import")``), one line of help, the arguments and the function.

    `run` returns the exit code (None is 0) and raises `Refused` for the user's mistakes. With `is_reading` its
    transactions only read, so that on SQLite it never waits for a writer; a line in the audit at its end is written
    within `intent("write")`.
    """

    words: tuple[str, ...]
    help: str
    run: Run
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    is_reading: bool = False


# what the bootstrap does itself (crm/bootstrap/entry.py), listed with the commands
ALONE = """without COMMAND    安装、建库并打开服务 / set up and serve
test [ARGS …]      安装并跑完全部检查 / set up and pass every test; ARGS go to pytest"""


def parser_of(commands: Iterable[Command], prog: str = "python3 -m crm") -> argparse.ArgumentParser:
    """One parser over all commands; groups such as ``firms`` become sub-parsers of their own."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--json", action="store_true", help="结果以 JSON 输出到标准输出 / machine-readable output"
    )
    common.add_argument(
        "--as", dest="as_user", metavar="USER", help="以该账号的身份执行 / act as this account"
    )
    parser = argparse.ArgumentParser(
        prog=prog,
        description="梯队 Tidui",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=ALONE,
    )
    top = parser.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for command in commands:
        holder = top
        if len(command.words) == 2:
            group = command.words[0]
            if group not in groups:
                sub = top.add_parser(group, help=group)
                groups[group] = sub.add_subparsers(metavar="ACTION", required=True)
            holder = groups[group]
        child = holder.add_parser(
            command.words[-1], help=command.help, description=command.help, parents=[common]
        )
        command.arguments(child)
        child.set_defaults(command=command)
    return parser


def streams() -> tuple[TextIO, TextIO]:
    return sys.stdout, sys.stderr
