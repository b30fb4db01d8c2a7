"""The parent's side of the workbook process: start it, feed it, believe only what arrives in time and in form."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm.core.sheets.limits import Limits
from crm.core.sheets.recognising import damaged, encrypted
from crm.core.sheets.table import Cell, Row, column_letters
from crm.core.words import N_, Refused

_CHILD = Path(__file__).with_name("child.py")
_MERGES = 20_000

Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass(slots=True)
class Parsed:
    """A sheet as parsed: merged ranges are ((row, column), (row, column)) from 0, both ends included."""

    sheet_names: tuple[str, ...] = ()
    sheet: str | None = None
    merged: list[Range] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def _typed(value: dict[str, Any]) -> Any:
    if "date" in value:
        return dt.date.fromisoformat(value["date"])
    if "datetime" in value:
        return dt.datetime.fromisoformat(value["datetime"])
    if "time" in value:
        return dt.time.fromisoformat(value["time"])
    if "text" in value and len(value) == 1:
        return value["text"]
    return value


def read_isolated(data: bytes, name: str, *, sheet: str | None, limits: Limits) -> Parsed:
    """Parse a workbook in a process with a memory and a time limit. Raises `Refused`.

    The limit is the child's own processor time; beside it, silence: a busy machine makes no good file a bad one."""
    asked = {
        "sheet": sheet, "memory": limits.child_memory + 2 * len(data), "seconds": limits.seconds,
        "columns": limits.columns, "rows": limits.last_row, "cells": limits.cells,
        "cell_chars": limits.cell_chars, "text_chars": limits.text_chars, "merges": _MERGES,
    }  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"MALLOC_ARENA_MAX": "1", "RUST_BACKTRACE": "0"},
    )
    late, heard, over = threading.Event(), threading.Event(), threading.Event()

    def watch() -> None:
        while heard.wait(2 * limits.seconds):
            if over.is_set():
                return
            heard.clear()
        late.set()
        process.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        parsed, error = _converse(process, asked, data, heard)
    finally:
        over.set()
        heard.set()
        watcher.join()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
    if error is not None:
        raise _refusal(error, name, limits, late=late.is_set(), code=process.returncode)
    return parsed


def _converse(
    process: subprocess.Popen[bytes], asked: dict[str, Any], data: bytes, heard: threading.Event
) -> tuple[Parsed, dict[str, Any] | None]:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.write(data)
        process.stdin.close()
    parsed = Parsed()
    memo: dict[Cell, Cell] = {}
    for line in process.stdout:
        heard.set()
        try:
            said = json.loads(line, object_hook=_typed)
        except ValueError:
            break
        if isinstance(said, list):
            for number, cells in said:
                for place, cell in enumerate(cells):
                    if type(cell) is str or type(cell) is float:
                        cells[place] = memo.setdefault(cell, cell)
                parsed.rows.append(Row(number, tuple(cells)))
            if len(memo) > 50_000:
                memo.clear()
        elif "error" in said:
            return parsed, said
        elif "end" in said:
            return parsed, None
        else:
            parsed.sheet_names, parsed.sheet = tuple(said["sheets"]), said["sheet"]
            parsed.merged = [((a, b), (c, d)) for (a, b), (c, d) in said["merged"]]
    process.wait()
    return parsed, {"error": "died"}


def _refusal(error: dict[str, Any], name: str, limits: Limits, *, late: bool, code: int | None) -> Refused:
    kind = error["error"]
    if kind == "password":
        return encrypted(name)
    if kind == "sheet":
        return Refused(
            N_("「%(name)s」里没有所选的工作表，现有：%(sheets)s。"),
            name=name,
            sheets="、".join(error["names"]),
        )
    if kind == "cell":
        return too_long(name, error["row"], error["column"], error["length"], limits)
    if kind == "columns":
        return too_wide(name, error["row"], limits)
    if kind == "rows":
        return too_many(name, limits)
    if kind == "merges":
        return Refused(N_("「%(name)s」里合并单元格太多。请取消合并后再上传。"), name=name)
    if late or code in (-24, -9):
        return Refused(
            N_("「%(name)s」在 %(seconds)s 秒内没有读完，已停止。请删去空白行列和多余的工作表，或分成几份上传。"),
            name=name, seconds=limits.seconds,
        )  # fmt: skip
    if kind == "memory" or code == -6:
        return Refused(
            N_("读取「%(name)s」需要的内存超过限度，已停止。请删去空白行列和多余的工作表，或分成几份上传。"),
            name=name,
        )
    return damaged(name)


def too_long(name: str, row: int, column: int, length: int, limits: Limits) -> Refused:
    return Refused(
        N_("「%(name)s」第 %(row)s 行 %(column)s 列有 %(length)s 个字符，每个单元格最多 %(most)s 个。"),
        name=name, row=row, column=column_letters(column), length=length, most=limits.cell_chars,
    )  # fmt: skip


def too_wide(name: str, row: int, limits: Limits) -> Refused:
    return Refused(
        N_("「%(name)s」第 %(row)s 行超过 %(most)s 列。请只保留要导入的列。"),
        name=name,
        row=row,
        most=limits.columns,
    )


def too_many(name: str, limits: Limits) -> Refused:
    return Refused(
        N_("「%(name)s」的内容太多，一次最多 %(rows)s 行、%(cells)s 个单元格。请分成几份上传。"),
        name=name, rows=limits.rows, cells=limits.cells,
    )  # fmt: skip
