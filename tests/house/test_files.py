"""What lies in the repository: no hosts, no paths of a machine, a README that names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crm import config
from crm.app import create_app
from crm.cli import commands
from crm.config import NAMES
from tests.house.source import ROOT, tracked


@pytest.mark.parametrize(
    "lock", ["requirements.txt", "requirements-dev.txt", "requirements-node.txt", "package-lock.json"]
)
def test_locks_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = [
        line
        for line in text.splitlines()
        if ("http" in line or line.startswith("-") or " @ " in line)
        and '"url"' not in line
        and '"funding"' not in line
    ]
    assert found == []
    assert "--hash=sha256:" in text or '"integrity"' in text


def test_third_party_code_is_not_committed() -> None:
    assert [name for name in tracked() if name.startswith(("static/vendor", "node_modules", ".venv"))] == []
    assert [name for name in tracked() if name.endswith((".mo", ".sqlite", ".pyc"))] == []


def test_no_file_names_a_machine() -> None:
    told = re.compile(r"/(root|work|home|Users)/[a-z]|file:///[a-z]|[A-Z]:\\Users")
    found = [
        name
        for name in tracked(
            "*.py", "*.md", "*.toml", "*.html", "*.js", "*.css", "*.txt", "*.json", "*.po", "*.csv", ".ci/run"
        )
        if name != "tests/house/test_files.py" and told.search((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_readme_names_every_setting_command_and_folder() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in readme] == []
    told = [" ".join(command.words) for command in commands()]
    assert [words for words in told if not re.search(rf"`{words}[ `]", readme)] == []
    folders = [path.name for path in (ROOT / "crm").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in folders if f"`{name}/`" not in readme] == []
    named = re.findall(r"^\| `(\w+)/` \|", readme, re.M)
    assert [name for name in named if not (ROOT / "crm" / name).is_dir()] == []
    settings = set(re.findall(r"`(CRM_[A-Z_]+)`", readme))
    assert settings - set(NAMES) == {"CRM_TRIAL_DATA", "CRM_TEST_PG_URL", "CRM_TEST_OFFICES"}


def test_settings_are_read_in_one_place() -> None:
    readers = [
        name
        for name in tracked("crm/*.py")
        if re.search(r"\benviron\b|getenv", (ROOT / name).read_text(encoding="utf-8"))
        and "bootstrap" not in name
    ]
    assert set(readers) <= {"crm/config.py", "crm/serve.py", "crm/__main__.py"}


def test_the_factory_needs_no_database_to_be_built(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
    assert create_app(config.load({"CRM_DATA": str(tmp_path), "CRM_DATABASE_URL": nowhere}))
