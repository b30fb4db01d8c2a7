"""Inside the venv: the server without arguments, a command with them. What goes wrong becomes a sentence."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from crm.bootstrap import say

if TYPE_CHECKING:
    from crm.core.words import Refused


def main(argv: list[str]) -> int:
    say.steady()
    try:
        application = importlib.import_module("crm.cli" if argv else "crm.serve")
        done = application.main(argv) if argv else application.main()
        sys.stdout.flush()
        return int(done or 0)
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return say.refuse(_explain(error))


def _explain(error: BaseException) -> say.Stop:
    """The application's own refusals are sentences already; a full disk can hide in a database error."""
    from crm.core.words import Refused

    if isinstance(error, Refused):
        return say.Stop(str(error), _english(error), code=1)
    if "database or disk is full" in str(error) or "No space left on device" in str(error):
        return say.disk_full(os.environ.get("CRM_DATA") or "var")
    return say.explain(error)


def _english(error: Refused) -> str:
    """The English sentence of a refusal, without an application to ask; empty when there is none."""
    from crm.core.words import fill

    try:
        from babel.support import Translations

        from crm.bootstrap.entry import ROOT

        words = Translations.load(str(ROOT / "crm" / "translations"), ["en"])
        context, _, plain = error.text.rpartition("\x04")
        found = words.pgettext(context, plain) if context else words.gettext(plain)
        return "" if found == plain else fill(str(found), error.params)
    except (ImportError, OSError, KeyError, ValueError, TypeError):
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
