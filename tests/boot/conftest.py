"""A make-believe project: tiny locks, fake programs in place of pip and npm; nothing is downloaded."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from crm.bootstrap import environment, vendor

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the bootstrap reads, without any set-up done."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copytree(
        ROOT / "crm" / "bootstrap", root / "crm" / "bootstrap", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "crm" / name, root / "crm" / name)
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-node.txt",
        "package.json",
        ".npmrc",
    ):
        (root / name).write_text("{}\n" if name.endswith("json") else "", encoding="utf-8")
    (root / "package-lock.json").write_text('{"lockfileVersion": 3}', encoding="utf-8")
    (root / "templates").mkdir()
    (root / "templates" / "page.html").write_text('{{ icon("home") }}', encoding="utf-8")
    return root


@pytest.fixture
def fake_npm(tmp_path: Path) -> list[str]:
    """An npm that lays out the packages the vendor table names."""
    script = tmp_path / "npm.py"
    files = [*vendor.FILES.values(), vendor.OUTLINES]
    script.write_text(
        "import json, pathlib\n"
        f"for name in {files!r}:\n"
        "    path = pathlib.Path('node_modules') / name\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    path.write_text('/* x */\\n//# sourceMappingURL=x.map\\n')\n"
        f"path = pathlib.Path('node_modules') / {vendor.OUTLINES!r}\n"
        "path.write_text(json.dumps({'home': [['path', {'d': 'M5 12'}]], 'plus': [['path', {'d': 'M1 1'}]]}))\n",
        encoding="utf-8",
    )
    return [sys.executable, str(script)]


def set_up(root: Path, npm: list[str]) -> None:
    """Leave `root` as a finished set-up does, without making a real environment."""
    python = environment.executable(root / ".venv")
    python.parent.mkdir(parents=True)
    if sys.platform == "win32":
        shutil.copy(sys.executable, python)
    else:
        python.symlink_to(sys.executable)
    stamp = {"runtime": environment.wanted(root, "runtime")}
    environment.stamp_path(root).write_text(json.dumps(stamp), encoding="utf-8")
    vendor.fill(root, npm)
