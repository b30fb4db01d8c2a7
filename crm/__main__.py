"""The first command: ``python3 -m crm [test | COMMAND …]``. Standard library only; old Pythons must read this file.

What follows the version check lives in ``crm/bootstrap``: it makes ``.venv``, fills ``static/vendor`` and hands
over to ``crm.serve`` (no argument), the test run (``test``) or ``crm.cli`` (anything else).
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this line is the message an old Python gets
    sys.stderr.write(
        "Tidui 需要 Python 3.11 或更新的版本，现在是 {0}。请安装后用 python3.11 -m crm 再试。\n"
        "Tidui needs Python 3.11 or newer, this is {0}. Install one and run: python3.11 -m crm\n".format(
            sys.version.split()[0]
        )
    )
    sys.exit(2)

from crm.bootstrap.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
