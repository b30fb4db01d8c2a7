"""Compiling the translations: runs inside the venv, because Babel does the work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crm.bootstrap import stamps

FOLDER = Path("crm") / "translations"


def sources(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*/LC_MESSAGES/*.po"))


def stamp_path(root: Path) -> Path:
    return root / ".venv" / "crm-translations.json"


def is_fresh(root: Path) -> bool:
    found = sources(root)
    return all(path.with_suffix(".mo").is_file() for path in found) and (
        not found or stamps.read(stamp_path(root)).get("translations") == stamps.digest(found)
    )


def compile_all(root: Path) -> int:
    """Write a .mo beside each .po, whole or not at all. Returns the exit code; says which file cannot be read."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    found = sources(root)
    for path in found:
        try:
            with path.open("rb") as file:
                catalog = read_po(file, locale=path.parent.parent.name, abort_invalid=True)
        except (PoFileError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        beside = path.with_suffix(f".mo.{os.getpid()}")
        try:
            with beside.open("wb") as out:
                write_mo(out, catalog)
            beside.replace(path.with_suffix(".mo"))
        finally:
            beside.unlink(missing_ok=True)
    stamps.write(stamp_path(root), {"translations": stamps.digest(found)})
    return 0


if __name__ == "__main__":
    sys.exit(compile_all(Path(__file__).resolve().parents[2]))
