"""`python3 -m tests.house.catalogue` brings the English catalogue up to date with the source strings.

New strings come in empty, strings no longer used go out, nothing is guessed (no fuzzy entries).
A string that counts (`n`) may have an English singular: give its entry a `msgid_plural`, the same Chinese once more.
"""

from __future__ import annotations

import sys

from babel.messages import Catalog
from babel.messages.pofile import write_po

from tests.house.source import ROOT
from tests.house.test_words import catalogue, used


def update() -> list[str]:
    """Rewrite the catalogue; returns the source strings that have no English yet."""
    path = ROOT / "crm/translations/en/LC_MESSAGES/messages.po"
    old = catalogue() if path.exists() else Catalog(locale="en")
    new = Catalog(locale="en", project="Tidui", charset="utf-8", fuzzy=False)
    missing = []
    for (context, text), place in sorted(
        used().items(), key=lambda item: (item[1].split(":")[0], item[0][1])
    ):
        known = old.get(text, context)
        string = known.string if known is not None and not known.fuzzy else ""
        if not string:
            missing.append(text)
        ids = (text, text) if isinstance(string, tuple) else text
        new.add(ids, string, locations=[(place.rsplit(":", 1)[0], None)], context=context)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, new, width=0, omit_header=False, include_lineno=False)
    return missing


if __name__ == "__main__":
    for text in update():
        print(text)
    sys.exit(0)
