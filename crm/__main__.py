"""The first command: ``python3 -m crm [test | COMMAND …]``. Standard library only; old Pythons must read this file.

What follows the version check lives in ``crm/bootstrap``: it makes ``.venv``, fills ``static/vendor`` and hands
over to ``crm.serve`` (no argument), the test run (``test``) or ``crm.cli`` (anything else).
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - what an old Python says
    sys.stderr.write("Tidui 需要 Python 3.11 或更新的版本，现在是 " + sys.version.split()[0] + "。\n")
    sys.stderr.write("Tidui needs Python 3.11 or newer, this is " + sys.version.split()[0] + ".\n")
    sys.exit(2)

from crm.bootstrap.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
