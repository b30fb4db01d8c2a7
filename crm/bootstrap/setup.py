"""The steps from a bare clone to a project that can run; each is skipped when its stamp says it is done."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from crm.bootstrap import catalogs, checks, environment, stamps, vendor
from crm.bootstrap.say import Stop, line

Step = tuple[str, str, Callable[[], None]]
WAITING = "另一个启动正在做准备，等它做完 … · Another start is setting up, waiting for it …"


def prepare(root: Path, *, dev: bool = False) -> Path:
    """Set up what is missing. Returns the venv's Python. Raises `Stop`; leaves nothing half done."""
    if steps(root, dev=dev):
        with stamps.alone(root, WAITING):
            # another start may have done them meanwhile
            todo = steps(root, dev=dev)
            for number, (chinese, english, act) in enumerate(todo, start=1):
                line(f"[{number}/{len(todo)}] {chinese}", english)
                act()
            if todo:
                line("准备好了。", "Ready.")
    return environment.executable(root / ".venv")


def steps(root: Path, *, dev: bool) -> list[Step]:
    """What is still to do, in order."""
    todo: list[Step] = []
    rebuild = not environment.is_fresh(root, dev=False)
    if rebuild:
        todo.append(("检查电脑", "Checking the machine", lambda: _check(root, "dev" if dev else "runtime")))
        todo.append(
            (
                "建立 Python 环境 .venv，安装软件包（第一次需要几分钟）",
                "Making .venv and installing packages (takes minutes the first time)",
                lambda: environment.build(root, dev=dev),
            )
        )
    elif not environment.is_fresh(root, dev=dev):
        todo.append(("安装测试用的软件包", "Installing the test packages", lambda: environment.add_dev(root)))
    if rebuild or not vendor.is_fresh(root):
        todo.append(("取前端软件包到 static/vendor", "Front-end packages", lambda: _front_end(root)))
    elif vendor.used_icons(root) != vendor.drawn_icons(root):
        todo.append(("更新图标", "Drawing the icons", lambda: vendor.draw_icons(root)))
    if catalogs.sources(root) and (rebuild or not catalogs.is_fresh(root)):
        todo.append(("编译英文翻译", "Compiling the translation", lambda: _translations(root)))
    return todo


def _check(root: Path, kind: str) -> None:
    checks.venv_module()
    checks.room(root, checks.ROOM[kind])


def _front_end(root: Path) -> None:
    checks.room(root, checks.ROOM["vendor"])
    python = environment.executable(root / ".venv")
    npm = vendor.node_command(python)
    if npm is None:
        line(
            "    没有 Node 18 以上，改用软件包里的 Node", "no Node 18 or newer here, taking the packaged one"
        )
        environment.install(root, python, "node")
        npm = vendor.wheel_node(python)
    if npm is None:
        raise Stop(
            "找不到能用的 Node.js。请安装 Node.js 18 或更新的版本后再试。",
            "No usable Node.js. Install Node.js 18 or newer and try again.",
        )
    vendor.fill(root, npm)


def _translations(root: Path) -> None:
    python = environment.executable(root / ".venv")
    done = subprocess.run(  # noqa: S603
        [str(python), "-m", "crm.bootstrap.catalogs"],
        cwd=root,
        env=os.environ | {"PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1][:300]
        raise Stop(f"翻译文件编译不了：{last}", f"A translation cannot be compiled: {last}")
