"""Floors, order and rooms."""

from __future__ import annotations

import ast
import re

import pytest

from crm.app import BUILT, FEATURES, ROOF
from tests.house.source import (
    GROUND,
    ROOMS,
    ROOT,
    SHARED_ROOMS,
    TOP,
    Module,
    modules,
    position,
    tracked,
)

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
PURE_CORE = {
    "words",
    "folding",
    "pinyin",
    "grams",
    "permissions",
    "sheets.cells",
    "sheets.headings",
    "sheets.table",
    "settings.declaring",
    "months",
    "pipeline.declaring",
    "lists.words",
}
# which rooms, of any feature, a room must not open
CLOSED = {
    "rules": ROOMS - {"rules"},
    "models": ROOMS - {"rules", "models"},
    "queries": ROOMS - {"rules", "models", "queries"},
    "forms": ROOMS - {"rules", "models", "queries", "forms"},
    "rendering": ROOMS - {"rules", "models", "queries", "rendering"},  # mails: what a letter looks like
    "actions": {"forms", "views", "jobs", "commands"},
    "sheets": {"forms", "views", "jobs", "commands"},
    "jobs": {"forms", "views", "commands"},
    "commands": {"forms", "views"},
}
WRITES = {"add", "add_all", "delete", "merge", "flush", "insert_many", "update_many", "bulk_save_objects"}
CLOCKS = {"today", "now", "utcnow"}
EDGE_ROOMS = {"views", "jobs", "commands"}
# the demo commits batch by batch; web writes the audit row about a refused request; saving is the views' one way
MAY_COMMIT = {
    "crm.core.transaction",
    "crm.core.saving",
    "crm.core.jobs.asking",
    "crm.core.jobs.claiming",
    "crm.core.jobs.doing",
    "crm.core.web",
    "crm.opening",
    "crm.demo.actions",
    "crm.demo.actions.following",
    "crm.demo.actions.pipeline",
    "crm.demo.actions.reserve",
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
        if module.feature and module.room != "commands":
            assert other in {*FEATURES, *ROOF, "core", "config"}, (
                f"{module.name} uses {used}, which builds it"
            )


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


@pytest.mark.parametrize("module", [m for m in modules() if m.room in CLOSED], ids=named)
def test_a_room_opens_only_the_rooms_below_it(module: Module) -> None:
    for used in module.imports(typing_too=True):
        parts = used.split(".")
        if len(parts) > 2 and parts[0] == "crm" and parts[1] in {*FEATURES, *ROOF}:
            assert parts[2] not in CLOSED[module.room or ""], f"{module.name} opens {used}"


def reads_a_clock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called.split(".")[-1] in CLOCKS or called in ("time.time", "time.time_ns")


@pytest.mark.parametrize("module", [m for m in modules() if m.room == "rules"], ids=named)
def test_rules_are_pure(module: Module) -> None:
    for used in module.imports(typing_too=True):
        assert not used.startswith(PURE_FORBIDS), f"{module.name} imports {used}"
        if used.startswith("crm.core."):
            topic = used.removeprefix("crm.core.") + "."
            assert any(topic.startswith(f"{pure}.") or pure.startswith(topic) for pure in PURE_CORE), used


@pytest.mark.parametrize("name", sorted(PURE_CORE))
def test_what_rules_may_use_of_the_ground_is_pure(name: str) -> None:
    (module,) = [m for m in modules() if m.name == f"crm.core.{name}"]
    assert not [used for used in module.imports(typing_too=True) if used.startswith(PURE_FORBIDS)]


@pytest.mark.parametrize(
    "module", [m for m in modules() if m.room in ("rules", "queries", "actions")], ids=named
)
def test_time_is_passed_in(module: Module) -> None:
    for node in ast.walk(module.tree):
        assert not reads_a_clock(node), f"{module.name}:{getattr(node, 'lineno', 0)} reads the clock"


@pytest.mark.parametrize("module", [m for m in modules() if m.room in ("actions", "queries")], ids=named)
def test_actions_and_queries_do_not_know_the_request(module: Module) -> None:
    forbidden = ("flask", "crm.core.web", "crm.core.i18n", "crm.core.clock.now", "crm.core.clock.today")
    assert not {used for used in module.imports() if used.startswith(forbidden)}


@pytest.mark.parametrize("module", [m for m in modules() if m.room in ("queries", "forms")], ids=named)
def test_queries_and_forms_write_nothing(module: Module) -> None:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, called = ast.unparse(node.func.value), node.func.attr
        writes = owner.endswith(("session", "audit")) and called in WRITES
        writes = writes or (owner in ("sa", "sqlalchemy") and called in ("insert", "update", "delete"))
        assert not writes, f"{module.name}:{node.lineno} writes"


@pytest.mark.parametrize("module", [m for m in modules() if m.room == "views"], ids=named)
def test_views_hold_no_sql(module: Module) -> None:
    found = {used for used in module.imports() if used.split(".")[0] == "sqlalchemy"}
    assert found <= {
        "sqlalchemy.orm",
        "sqlalchemy.orm.Session",
        "sqlalchemy.exc",
        "sqlalchemy.exc.SQLAlchemyError",
    }


@pytest.mark.parametrize("module", modules(), ids=named)
def test_no_address_picks_a_column_by_its_name(module: Module) -> None:
    """Sort and filter keys are whitelists: never ``getattr(Model, request.args[…])``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            name = ast.unparse(node.args[1])
            assert not any(word in name for word in ("args", "form[", "form.get", "values", "wanted")), (
                f"{module.name}:{node.lineno} takes any attribute the request names"
            )


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
            assert not ast.unparse(node.func).endswith("engine.begin"), f"{module.name}:{node.lineno} commits"
    if module.room is not None:
        assert "crm.core.transaction.commit" not in module.imports(), f"{module.name} imports commit"


@pytest.mark.parametrize("module", modules(), ids=named)
def test_only_the_transaction_commits_a_session(module: Module) -> None:
    """Everybody else calls crm.core.transaction.commit, which seals the audit."""
    if module.name == "crm.core.transaction":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            owner = ast.unparse(node.func.value)
            assert owner in ("transaction", "ctx"), f"{module.name}:{node.lineno} commits a session by itself"


def test_there_are_no_drain_files() -> None:
    words = {name: set(re.split(r"[/._-]", name)) for name in tracked()}
    assert [name for name, parts in words.items() if DRAINS & parts and not name.endswith(".txt")] == []


def test_a_room_stays_readable() -> None:
    lines = {
        name: len((ROOT / name).read_text(encoding="utf-8").splitlines())
        for name in tracked("crm/*.py", "tests/*.py", "templates/*.html", "static/*.js", "static/*.css")
    }
    assert [name for name, count in lines.items() if count > 450] == [], "a folder of the same name?"


@pytest.mark.parametrize("module", modules(), ids=named)
def test_nobody_imports_inside_a_function_to_dodge_a_circle(module: Module) -> None:
    if module.feature and module.room is None:
        return  # a feature's init(app) imports its views when the factory builds the app
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom) and module.feature:
                said = ast.unparse(node)
                assert not re.match(r"(from|import) (crm\b|\.)", said), f"{module.name}:{node.lineno}: {said}"


def test_the_top_level_holds_what_the_house_allows() -> None:
    folders = {line.split("/")[0] for line in tracked() if "/" in line}
    assert {name for name in folders if not name.startswith(".")} <= TOP_LEVEL
    assert [name for name in tracked("*.py") if "/" not in name] == ["wsgi.py"]
    assert {
        m.name for m in modules() if m.feature is None and not any(m.name.startswith(g) for g in GROUND)
    } <= TOP
