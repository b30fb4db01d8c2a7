"""The server of the first command: migrate, seed, open the door, keep the worker and the scheduler alive. Runs inside the venv."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Protocol

import waitress
from flask import Flask

from crm import config
from crm.app import create_app
from crm.bootstrap import checks, stamps
from crm.bootstrap.say import line
from crm.core import logs
from crm.core.migrating import migrate
from crm.opening import Opening, SignIn, open_house

__all__ = ["Keeper", "Opening", "SignIn", "child_main", "main"]

THREADS = 32  # up to 24 may wait for a password to be checked; the rest serve pages
MEGABYTE = 1024 * 1024
WORKER_MEMORY = 2048 * MEGABYTE
BACK_OFF = (1, 2, 5, 15, 60)  # seconds before the 1st, 2nd … restart in a row
HEALTHY = 60  # a child that lived this many seconds starts the back-off anew
WAITING = "另一个启动正在准备这个数据文件夹，等它做完 … · Another start is preparing this data folder …"
GRACE = 10  # seconds a child has for ending by itself


class Door(Protocol):
    """What is used of a waitress server (it has no types)."""

    def run(self) -> None: ...

    def close(self) -> None: ...


def main() -> int:
    """Serve until told to end. Returns the exit code."""
    chosen = config.load()
    checks.port_free(chosen.host, chosen.port)
    chosen.data.mkdir(parents=True, exist_ok=True)
    app = create_app(chosen)
    door = open_door(app, chosen.host, chosen.port)  # held from now on; answers wait until the house is ready
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        with stamps.alone(chosen.data, WAITING), app.app_context():
            logs.quiet()
            migrate()
            opening = open_house(chosen, say=line)
            logs.init()
        with kept_alive("worker"), kept_alive("scheduler"):
            print(greeting(opening, address_of(door, chosen)), flush=True)
            door.run()
    except SystemExit:
        pass
    finally:
        door.close()
    line("已停止。", "Stopped.")
    return 0


def open_door(app: Flask, host: str, port: int) -> Door:
    """Bind and listen. Raises `Stop` when somebody took the port meanwhile."""
    try:
        door: Door = waitress.create_server(
            app,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            clear_untrusted_proxy_headers=False,  # the application decides, by CRM_TRUSTED_PROXIES
            max_request_body_size=int(app.config["MAX_CONTENT_LENGTH"]) + MEGABYTE,
            channel_timeout=120,
        )
    except OSError as error:
        raise checks.bind_refused(error, host, port) from error
    return door


def address_of(door: Door, chosen: config.Config) -> str:
    """The address a browser on this machine can open."""
    if chosen.base_url:
        return chosen.base_url
    listens: list[tuple[str, int]] = getattr(
        door, "effective_listen", []
    )  # a host name may mean two addresses
    port = listens[0][1] if listens else getattr(door, "effective_port", chosen.port)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(chosen.host, chosen.host)  # noqa: S104 - for display
    return f"http://{host}:{port}"


def greeting(opening: Opening, address: str) -> str:
    """What the first command prints when the door is open."""
    rows = [f"Tidui 梯队: {address}"]
    if opening.sign_ins:
        rows += ["", opening.title]
        width = max(len(sign_in.username) for sign_in in opening.sign_ins)
        rows += [f"  {s.username:<{width}}  {s.password}  {s.role}" for s in opening.sign_ins]
    return "\n".join([*rows, "", "Ctrl+C 结束 · ends it"])


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


# ── children ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def kept_alive(command: str) -> Iterator[None]:
    """Keep a child running ``crm COMMAND`` while the block runs; it ends with us, however we end."""
    keeper = Keeper([sys.executable, "-m", "crm.serve", command])
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class Keeper:
    """Starts a child, restarts it when it dies, waits longer each time it dies young."""

    def __init__(
        self, command: Sequence[str], *, back_off: Sequence[float] = BACK_OFF, healthy: float = HEALTHY
    ) -> None:
        self.command = list(command)
        self.back_off = tuple(back_off)
        self.healthy = healthy
        self.child: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the child's pipe, give it time, then end it."""
        self._stopping.set()
        self._thread.join(GRACE + 5)

    def _keep(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            self.child = child = subprocess.Popen(  # noqa: S603
                self.command, stdin=subprocess.PIPE, start_new_session=sys.platform != "win32"
            )
            self.starts += 1
            while not self._stopping.wait(0.2) and child.poll() is None:
                pass
            if self._stopping.is_set():
                self._end(child)
                return
            if child.stdin is not None:
                child.stdin.close()
            deaths = 0 if time.monotonic() - began >= self.healthy else deaths + 1
            pause = self.back_off[min(max(deaths - 1, 0), len(self.back_off) - 1)]
            line(
                f"后台进程结束了（{child.returncode}），{pause:g} 秒后重新启动。",
                f"{self.command[-1]} ended, again in {pause:g} s",
            )
            self._stopping.wait(pause)

    @staticmethod
    def _end(child: subprocess.Popen[bytes]) -> None:
        if child.stdin is not None:
            child.stdin.close()
        for act in (None, child.terminate, child.kill):
            if act is not None:
                act()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE / 2)
                return


def child_main(argv: list[str], run: Callable[[list[str]], Any] | None = None) -> int:
    """In the child: end when the parent's pipe closes (also after kill -9), stay under the memory limit."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's to hear
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    limit_memory(WORKER_MEMORY)
    if run is None:
        from crm.bootstrap import handover

        run = handover.main
    return int(run(argv) or 0)


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    if sys.platform != "win32":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE / 2)
    os._exit(0)


def limit_memory(limit: int) -> None:
    """A job that would eat the machine gets MemoryError instead. Only where the system can."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))


if __name__ == "__main__":
    sys.exit(child_main(sys.argv[1:]))
