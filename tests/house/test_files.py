"""What lies in the repository: no hosts, no paths of a machine, a README that names what exists."""

from __future__ import annotations

import re
import subprocess

import pytest

from crm.app import create_app
from crm.cli import commands
from crm.config import NAMES
from tests.house.source import ROOT


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.split("\n") if line]


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt", "package-lock.json"])
def test_locks_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = [
        line
        for line in text.splitlines()
        if "http" in line and '"url"' not in line and '"funding"' not in line
    ]
    assert found == []
    assert "--hash=sha256:" in text or '"integrity"' in text


def test_third_party_code_is_not_committed() -> None:
    assert [name for name in tracked() if name.startswith(("static/vendor", "node_modules", ".venv"))] == []
    assert [name for name in tracked() if name.endswith((".mo", ".sqlite", ".pyc"))] == []


def test_no_file_names_a_machine() -> None:
    told = re.compile(r"/(root|work|home)/[a-z]|file:///[a-z]")
    found = [
        name
        for name in tracked("*.py", "*.md", "*.toml", "*.html", "*.js", "*.css", "*.txt", "*.json", ".ci/run")
        if name != "tests/house/test_files.py" and told.search((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_readme_names_every_setting_command_and_folder() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if name not in readme] == []
    assert [" ".join(c.words) for c in commands() if f"`{' '.join(c.words)}" not in readme] == []
    folders = [path.name for path in (ROOT / "crm").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in folders if f"{name}/" not in readme] == []


def test_settings_are_read_in_one_place() -> None:
    readers = [
        name
        for name in tracked("crm/*.py")
        if "os.environ" in (ROOT / name).read_text(encoding="utf-8") and "bootstrap" not in name
    ]
    assert set(readers) <= {"crm/config.py", "crm/serve.py", "crm/__main__.py"}


def test_the_factory_needs_no_database_to_be_built() -> None:
    assert callable(create_app)
