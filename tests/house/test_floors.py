"""Floors, order and rooms."""

from __future__ import annotations

import ast
import subprocess

import pytest

from crm.app import BUILT, FEATURES, ROOF
from tests.house.source import GROUND, ROOMS, ROOT, SHARED_ROOMS, TOP, Module, modules, position

DRAINS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "service",
    "services",
    "manager",
    "managers",
}
PURE_FORBIDS = ("flask", "flask_", "sqlalchemy", "wtforms", "pandas")
IMPURE_CORE = {
    "crm.core.db",
    "crm.core.web",
    "crm.core.i18n",
    "crm.core.audit",
    "crm.core.transaction",
    "crm.core.errors",
    "crm.core.forms",
    "crm.core.clock",
}
EDGE_ROOMS = {"views", "jobs", "commands"}
# the demo commits batch by batch; web writes the audit row about a refused request
MAY_COMMIT = {
    "crm.core.transaction",
    "crm.core.jobs",
    "crm.core.web",
    "crm.opening",
    "crm.demo.actions",
    "crm.demo.actions.following",
}
TOP_LEVEL = {"crm", "migrations", "templates", "static", "tests"}


def named(module: Module) -> str:
    return module.name


def test_the_order_of_features_is_the_list_of_the_factory() -> None:
    assert [name for name in [*FEATURES, *ROOF] if name in BUILT] == BUILT


def test_every_folder_of_the_product_has_a_floor() -> None:
    folders = {path.parent.name for path in (ROOT / "crm").glob("*/__init__.py")}
    assert folders <= {*FEATURES, *ROOF, "core", "bootstrap"}


@pytest.mark.parametrize("module", modules(), ids=named)
def test_higher_may_use_lower_never_the_other_way(module: Module) -> None:
    for used in module.imports():
        if not used.startswith("crm."):
            continue
        other = used.split(".")[1]
        if module.feature and other in {*FEATURES, *ROOF} and other != module.feature:
            assert position(other) < position(module.feature), f"{module.name} uses the higher {used}"
        if module.name.startswith("crm.core"):
            assert other in {"core", "config", "__version__"}, f"the ground uses {used}"


@pytest.mark.parametrize("module", [m for m in modules() if m.feature], ids=named)
def test_only_shared_rooms_of_another_feature_are_used(module: Module) -> None:
    for used in module.imports():
        parts = used.split(".")
        if (
            len(parts) > 2
            and parts[0] == "crm"
            and parts[1] in {*FEATURES, *ROOF}
            and parts[1] != module.feature
        ):
            assert parts[2] in SHARED_ROOMS, f"{module.name} opens the private room {used}"


@pytest.mark.parametrize("module", [m for m in modules() if m.room], ids=named)
def test_every_file_of_a_feature_is_a_room(module: Module) -> None:
    assert module.room in ROOMS, f"{module.name}: a thing without a name has no home yet"


@pytest.mark.parametrize("module", [m for m in modules() if m.room == "rules"], ids=named)
def test_rules_are_pure(module: Module) -> None:
    for used in module.imports(typing_too=True):
        assert not used.startswith(PURE_FORBIDS), f"{module.name} imports {used}"
        assert used not in IMPURE_CORE, f"{module.name} imports {used}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert not (node.func.attr in ("today", "now", "utcnow") and not node.args), (
                f"{module.name} reads the clock"
            )


@pytest.mark.parametrize("module", [m for m in modules() if m.room in ("actions", "queries")], ids=named)
def test_actions_and_queries_do_not_know_the_request(module: Module) -> None:
    forbidden = {"flask", "flask_login", "crm.core.web", "crm.core.clock.now", "crm.core.clock.today"}
    assert not {used for used in module.imports() if used.split(".")[0] in forbidden or used in forbidden}


@pytest.mark.parametrize("module", modules(), ids=named)
def test_pandas_lives_in_core_sheets_only(module: Module) -> None:
    if not module.name.startswith("crm.core.sheets"):
        assert not any(
            used.split(".")[0] in ("pandas", "python_calamine", "xlsxwriter") for used in module.imports()
        )


@pytest.mark.parametrize("module", modules(), ids=named)
def test_commit_lives_at_the_edges(module: Module) -> None:
    if module.room in EDGE_ROOMS or module.name in MAY_COMMIT:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called != "commit", f"{module.name}:{node.lineno} commits"


@pytest.mark.parametrize("module", modules(), ids=named)
def test_only_the_transaction_commits_a_session(module: Module) -> None:
    """Everybody else calls crm.core.transaction.commit, which seals the audit."""
    if module.name in ("crm.core.transaction", "crm.core.jobs"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            owner = ast.unparse(node.func.value)
            assert "session" not in owner, f"{module.name}:{node.lineno} commits a session by itself"


def test_there_are_no_drain_files() -> None:
    drains = [m.name for m in modules() if DRAINS & set(m.name.split("."))]
    assert drains == []


@pytest.mark.parametrize("module", modules(), ids=named)
def test_a_room_stays_readable(module: Module) -> None:
    lines = len(module.path.read_text(encoding="utf-8").splitlines())
    assert lines <= 450, f"{module.name} has {lines} lines: a folder of the same name?"


@pytest.mark.parametrize("module", modules(), ids=named)
def test_nobody_imports_inside_a_function_to_dodge_a_circle(module: Module) -> None:
    if module.feature and module.room is None:
        return  # a feature's init(app) imports its views when the factory builds the app
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crm.") and module.feature:
                raise AssertionError(f"{module.name}:{node.lineno} imports {node.module} inside a function")


def test_the_top_level_holds_what_the_house_allows() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    folders = {line.split("/")[0] for line in listed if "/" in line}
    assert {name for name in folders if not name.startswith(".")} <= TOP_LEVEL
    assert {
        m.name for m in modules() if m.feature is None and not any(m.name.startswith(g) for g in GROUND)
    } <= TOP
