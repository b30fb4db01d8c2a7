"""Running pip and npm: their words are read, counted for progress and turned into one sentence when they fail."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from crm.bootstrap.say import Stop, disk_full

TAIL = 400  # lines kept for the diagnosis

FULL = re.compile(r"No space left on device|ENOSPC|Errno 28|Disk quota exceeded|EDQUOT|WinError 112")
BROKEN = re.compile(
    r"DO NOT MATCH THE HASHES|THESE PACKAGES DO NOT MATCH|Hashes are required|hash-checking mode|"
    r"Invalid requirement|Invalid hash|Expected sha256|EINTEGRITY|EUSAGE|EJSONPARSE|ENOLOCK|Invalid package-lock|"
    r"malformed|can only install packages when"
)
NETWORK = re.compile(
    r"Temporary failure in name resolution|Name or service not known|getaddrinfo|NameResolutionError|"
    r"NewConnectionError|Connection refused|Connection reset|ConnectTimeout|ReadTimeout|Read timed out|"
    r"Max retries exceeded|ProxyError|Network is unreachable|No route to host|CERTIFICATE_VERIFY_FAILED|SSLError|"
    r"SELF_SIGNED_CERT|UNABLE_TO_|"
    r"ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ERR_SOCKET_TIMEOUT|from versions: none|E40[34]|E50\d"
)


def diagnose(said: str, what: str, place: Path) -> Stop:
    """The sentence for what pip or npm said when it failed. The kind of failure is told by its own words."""
    if FULL.search(said):
        return disk_full(place)
    lock = "package-lock.json" if what == "npm" else "requirements*.txt"
    if BROKEN.search(said):
        return Stop(
            f"锁定文件 {lock} 与下载到的软件包对不上（或已损坏）。请恢复这个文件（git checkout {lock}）后再试。",
            f"The lock {lock} does not match the packages (or is broken). Restore it (git checkout {lock}) and try "
            "again.",
        )
    if NETWORK.search(said):
        return Stop(
            f"{what} 连不上软件源：请检查网络、代理或内网镜像设置后再试。",
            f"{what} cannot reach its registry: check the network, the proxy or the mirror settings and try again.",
        )
    errors = [row.strip() for row in said.splitlines() if re.search(r"(?i)\berror\b|\bERR!", row)]
    last = (errors or [row.strip() for row in said.splitlines() if row.strip()] or ["?"])[-1][:300]
    return Stop(f"{what} 没有成功：{last}", f"{what} failed: {last}")


def run_quietly(
    command: list[str],
    *,
    cwd: Path,
    what: str,
    env: Mapping[str, str] | None = None,
    heard: Callable[[str], None] | None = None,
) -> None:
    """Run to the end; `heard` gets every line. Raises `Stop` with a diagnosis when it fails or cannot start."""
    try:
        child = subprocess.Popen(  # noqa: S603
            command,
            cwd=cwd,
            env=dict(os.environ if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise Stop(f"不能运行 {what}（{error}）。", f"{what} cannot be run ({error}).") from error
    said: list[str] = []
    try:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        for row in child.stdout:
            said.append(row)
            del said[:-TAIL]
            if heard:
                heard(row)
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        if child.stdout:
            child.stdout.close()
    if code:
        raise diagnose("".join(said), what, cwd)
