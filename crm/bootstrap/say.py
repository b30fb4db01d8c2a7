"""What the bootstrap says: always on standard error (standard output belongs to the command), Chinese first."""

from __future__ import annotations

import contextlib
import errno
import io
import sys
import traceback


class Stop(Exception):
    """Set-up cannot go on: one sentence in each language and the exit code."""

    def __init__(self, chinese: str, english: str, *, code: int = 1) -> None:
        super().__init__(chinese)
        self.chinese = chinese
        self.english = english
        self.code = code


def steady() -> None:
    """Let the console take any character: a code page without Chinese must not end the start."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                if not stream.isatty():
                    stream.reconfigure(encoding="utf-8")
                stream.reconfigure(errors="replace")


def line(chinese: str, english: str = "") -> None:
    """One line of progress."""
    print(f"{chinese} · {english}" if english else chinese, file=sys.stderr, flush=True)


def refuse(stop: Stop) -> int:
    """Say why it ended. Returns the exit code."""
    print(f"\n{stop.chinese}\n{stop.english}", file=sys.stderr, flush=True)
    return stop.code


def disk_full(place: object) -> Stop:
    return Stop(
        f"磁盘已满：{place} 所在的磁盘没有空间了。请腾出空间后再试。",
        f"Disk full: no space left where {place} is. Free some and try again.",
    )


def explain(error: BaseException, doing: str = "") -> Stop:
    """The sentence for an error nobody foresaw; the place it came from stands in it instead of a traceback."""
    if isinstance(error, Stop):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Stop("已中止。", "Stopped.", code=130)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(error.filename or "…")
    if isinstance(error, PermissionError | FileNotFoundError) or (
        isinstance(error, OSError) and error.errno == errno.EROFS
    ):
        what = f"{error.strerror}: {error.filename or doing}"
        return Stop(f"不能读写需要的文件（{what}）。", f"A file that is needed cannot be used ({what}).")
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    what = " ".join(f"{type(error).__name__}: {error}".split())[:400]
    return Stop(
        f"出现了没有预料到的错误：{what}（{where}）。",
        f"Something unforeseen went wrong: {what} ({where}).",
    )
