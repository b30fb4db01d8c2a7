"""The tree as the guards see it: modules, their imports, their calls."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from crm.app import FEATURES, ROOF
from crm.core.words import Word

BY_NAME = {"import_module", "__import__", "find_spec"}
ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "rules", "models", "queries", "forms", "actions", "views", "sheets", "jobs", "commands", "records", "rendering",
}  # fmt: skip
SHARED_ROOMS = {"models", "rules", "queries", "actions"}  # what another feature may import
GROUND = {"crm.core", "crm.config", "crm.bootstrap"}
TOP = {"crm", "crm.app", "crm.cli", "crm.serve", "crm.opening", "crm.__main__"}


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def feature(self) -> str | None:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 and parts[1] in {*FEATURES, *ROOF} else None

    @property
    def room(self) -> str | None:
        parts = self.name.split(".")
        return parts[2] if self.feature and len(parts) > 2 else None

    def _package(self, level: int) -> list[str]:
        """What so many dots lead to."""
        parts = self.name.split(".")
        return parts[: len(parts) - level + (self.path.name == "__init__.py")]

    def imports(self, *, typing_too: bool = False) -> set[str]:
        """Dotted names of everything imported; `from a import b` gives both ``a`` and ``a.b``."""
        hidden: set[ast.AST] = set()
        if not typing_too:
            for node in ast.walk(self.tree):
                if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                    hidden.update(inner for statement in node.body for inner in ast.walk(statement))
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if node in hidden:
                continue
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = self._package(node.level) if node.level else []
                base = ".".join([*start, *([node.module] if node.module else [])])
                found.add(base)
                found.update(f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in BY_NAME:
                found.update(arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
        return found


@cache
def modules() -> tuple[Module, ...]:
    """Every Python module of the product."""
    made = []
    for path in sorted((ROOT / "crm").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        made.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(made)


def position(feature: str) -> int:
    """Height of a feature in the house."""
    return [*FEATURES, *ROOF].index(feature)


def tracked(*patterns: str) -> list[str]:
    """The files of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.split("\n") if line]


def load(*rooms: str) -> None:
    """Import these rooms of every feature."""
    for module in modules():
        if module.room in rooms:
            import_module(module.name)


def words(base: type[Word] = Word) -> list[type[Word]]:
    """Every enum with labels; those a test declares for itself speak to nobody."""
    load("rules")
    found = [each for child in base.__subclasses__() for each in [child, *words(child)]]
    return [each for each in found if not each.__module__.startswith("tests.")]
