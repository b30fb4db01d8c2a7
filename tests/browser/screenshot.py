"""`python3 -m tests.browser.screenshot` takes the README's picture from a running Tidui with demo data.

Usage: start `python3 -m crm`, then run this in the same environment; it asks `demo-accounts` for the sign-in.
"""

from __future__ import annotations

import json
import subprocess
import sys

from playwright.sync_api import sync_playwright

from crm import config
from crm.bootstrap.browser import launch_arguments

TARGET = config.ROOT / "static" / "readme" / "board.png"


def main() -> int:
    """Sign in as the science officer, open the board, keep what fits the window."""
    chosen = config.load()
    told = subprocess.run(
        [sys.executable, "-m", "crm.bootstrap.handover", "demo-accounts", "--json"],
        cwd=config.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    account = next(row for row in json.loads(told.stdout) if row["role"] == "science")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_arguments(config.ROOT))
        page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="zh-CN")
        page.goto(f"http://{chosen.host}:{chosen.port}/sign-in")
        page.fill("[name=username]", account["username"])
        page.fill("[name=password]", account["password"])
        page.press("[name=password]", "Enter")
        page.wait_for_load_state("networkidle")
        page.goto(f"http://{chosen.host}:{chosen.port}/ladder")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(TARGET))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
