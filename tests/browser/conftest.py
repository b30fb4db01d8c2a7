"""A real browser on a really started Tidui: ``served`` is the first command with demo data, ``sign_in`` opens a page.

The browser is the machine's own, else the one from the package registry (`crm.bootstrap.browser`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from crm.bootstrap.browser import launch_arguments
from crm.config import ROOT

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
START = 120  # seconds the first start with demo data may take


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return launch_arguments(ROOT)


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": WIDE}


@dataclass(frozen=True, slots=True)
class Served:
    """A running Tidui: its address, its data folder and the demo's accounts (role → name and password)."""

    url: str
    data: Path
    accounts: dict[str, tuple[str, str]]

    def command(self, *words: str) -> str:
        """Run ``python3 -m crm …`` on the same data. Returns standard output."""
        return run_command(self.data, *words)


def environment(data: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    return kept | {"CRM_DATA": str(data), "PYTHONUTF8": "1", **more}


def run_command(data: Path, *words: str) -> str:
    command = [sys.executable, "-m", "crm.bootstrap.handover", *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The first command, started on an empty data folder with demo data; ended after the last test."""
    data = tmp_path_factory.mktemp("served")
    log = data / "log.txt"
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "crm.bootstrap.handover"],
            cwd=ROOT,
            env=environment(data, CRM_PORT="0", CRM_DEMO="1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert server.stdout is not None
    late = threading.Timer(START, server.kill)
    late.start()
    try:
        for row in server.stdout:
            head, found, address = row.decode("utf-8").strip().partition("http://")
            if head.startswith("Tidui") and found:
                break
        else:
            raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')[-4000:]}")
        late.cancel()
        rows = json.loads(run_command(data, "demo-accounts", "--json"))
        yield Served(
            f"http://{address}", data, {row["role"]: (row["username"], row["password"]) for row in rows}
        )
    finally:
        late.cancel()
        server.terminate()
        server.communicate(timeout=30)


@dataclass
class Watch:
    """What a page must never do: break the policy, throw, ask another host, answer with a fault."""

    home: str
    said: list[str] = field(default_factory=list)

    def on(self, page: Page) -> Page:
        page.on(
            # a form two people collide on is answered with 409: the browser notes it, and that is right
            "console",
            lambda message: (
                self.said.append(message.text)
                if message.type == "error" and "status of 409" not in message.text
                else None
            ),
        )
        page.on("pageerror", lambda error: self.said.append(f"pageerror: {error}"))
        page.on("request", self._request)
        page.on(
            "response",
            lambda response: (
                self.said.append(f"{response.status} {response.url}") if response.status >= 500 else None
            ),
        )
        return page

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "blob:", "about:")):
            self.said.append(f"asked another host: {request.url}")


@pytest.fixture
def watch(served: Served) -> Iterator[Watch]:
    """Fails the test in the end when a watched page said something. Refusals (4xx) a test provokes it clears."""
    found = Watch(served.url)
    yield found
    assert found.said == []


@pytest.fixture
def sign_in(browser: Browser, served: Served, watch: Watch) -> Iterator[Callable[..., Page]]:
    """``sign_in("science", viewport=NARROW, theme="dark")`` → a page of that role, past the sign-in, on the home page."""
    contexts = []

    def enter(role: str, *, viewport: dict[str, int] | None = None, theme: str = "light") -> Page:
        context = browser.new_context(
            base_url=served.url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport=viewport or WIDE,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.add_cookies([{"name": "tidui_theme", "value": theme, "url": served.url}])
        page = watch.on(context.new_page())
        page.goto("/")
        username, password = served.accounts[role]
        page.locator("input[name=username]").fill(username)
        page.locator("input[name=password]").fill(password)
        page.locator("form:has(input[name=password]) button[type=submit]").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    yield enter
    for context in contexts:
        context.close()


def check(page: Page) -> None:
    """No axe finding, one h1, no sideways scroll."""
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == [], page.url
    assert page.locator("h1").count() == 1, page.url
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{page.url} scrolls sideways: {width}"
