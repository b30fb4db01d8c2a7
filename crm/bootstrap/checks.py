"""What the machine must offer, checked before anything is made: Python, venv, a free port, room on the disk."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from crm.bootstrap.say import Stop

OLDEST = (3, 11)
MEGABYTE = 1_000_000
ROOM = {"runtime": 900 * MEGABYTE, "dev": 1_600 * MEGABYTE, "vendor": 300 * MEGABYTE}


def python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    if version[:2] < OLDEST:
        now = ".".join(str(part) for part in version[:2])
        raise Stop(
            f"Tidui 需要 Python 3.11 或更新的版本，现在是 {now}。",
            f"Tidui needs Python 3.11 or newer, this is {now}.",
            code=2,
        )


def venv_module(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Debian splits ``ensurepip`` off into python3-venv: without it a venv has no pip."""
    if find("venv") is None or find("ensurepip") is None:
        raise Stop(
            "这个 Python 缺少 venv 模块。Debian/Ubuntu 上请先运行：apt install python3-venv",
            "This Python has no venv module. On Debian/Ubuntu run first: apt install python3-venv",
            code=2,
        )


def address(env: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to serve on. Raises `Stop` when CRM_PORT is no port number."""
    host = env.get("CRM_HOST", "").strip() or "127.0.0.1"
    raw = env.get("CRM_PORT", "").strip() or "8000"
    if not (raw.isascii() and raw.isdigit() and int(raw) <= 65535):
        raise Stop(
            f"CRM_PORT 应是 0 到 65535 的整数，现在是「{raw}」。",
            f"CRM_PORT must be a number from 0 to 65535, not “{raw}”.",
            code=2,
        )
    return host, int(raw)


def port_free(host: str, port: int) -> None:
    """Try the very bind the server will make. Port 0 lets the system choose."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Stop(
            f"不认识 CRM_HOST 里的地址「{host}」。", f"The address “{host}” in CRM_HOST is unknown.", code=2
        ) from error
    family, kind, protocol, _, where = found[0]
    with socket.socket(family, kind, protocol) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
            probe.listen(1)
        except OSError as error:
            raise bind_refused(error, host, port) from error


def bind_refused(error: OSError, host: str, port: int) -> Stop:
    """The sentence for an address that could not be bound."""
    if error.errno == errno.EADDRINUSE or getattr(error, "winerror", None) == 10048:
        return Stop(
            f"端口 {port} 已被占用：可能 Tidui 已经在运行。请关掉占用它的程序，或换一个端口：CRM_PORT={port + 1}",
            f"Port {port} is taken: perhaps Tidui is already running. Close what uses it, or choose another: "
            f"CRM_PORT={port + 1}",
        )
    if error.errno == errno.EACCES:
        return Stop(
            f"不允许使用端口 {port}：1024 以下的端口需要管理员权限。请换一个端口，如 CRM_PORT=8000",
            f"Port {port} is not allowed: ports below 1024 need administrator rights. Choose another, such as "
            f"CRM_PORT=8000",
        )
    return Stop(
        f"不能在 {host}:{port} 上监听（{error.strerror or error}）。请检查 CRM_HOST。",
        f"Cannot listen on {host}:{port} ({error.strerror or error}). Check CRM_HOST.",
    )


def room(place: Path, needed: int, free: Callable[[Path], int] | None = None) -> None:
    left = free(place) if free else shutil.disk_usage(place).free
    if left < needed:
        raise Stop(
            f"磁盘空间不够：准备工作需要 {needed // MEGABYTE} MB，{place} 只剩 {left // MEGABYTE} MB。",
            f"Not enough room: setting up needs {needed // MEGABYTE} MB, {place} has {left // MEGABYTE} MB left.",
        )
