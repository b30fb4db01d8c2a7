"""Which of the three: serve (no argument), ``test``, or a command; all after set-up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from crm.bootstrap import checks, environment, say, testing
from crm.bootstrap.setup import prepare

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str], root: Path = ROOT) -> int:
    """Run the command line. Returns the exit code; an error becomes one sentence, never a traceback."""
    say.steady()
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _stop)  # so that a half-made folder is removed on the way out
    try:
        checks.python()
        if not argv:
            checks.port_free(*checks.address(os.environ))
        if argv[:1] == ["test"]:
            return testing.run(root, prepare(root, dev=True), argv[1:])
        python = prepare(root)
        return _hand_over(root, python, argv)
    except (Exception, KeyboardInterrupt) as error:
        return say.refuse(say.explain(error))


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hand_over(root: Path, python: Path, argv: list[str]) -> int:
    """Become the application: in this process when it already runs in the venv, else by exec."""
    if Path(sys.prefix).resolve() == (root / ".venv").resolve() and environment.is_fresh(root, dev=False):
        from crm.bootstrap import handover

        return handover.main(argv)
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    env = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    env |= {"PYTHONPATH": path, "PYTHONUTF8": "1"}
    command = [str(python), "-m", "crm.bootstrap.handover", *argv]
    if sys.platform == "win32":  # exec there returns to the shell at once
        return subprocess.run(command, env=env, check=False).returncode  # noqa: S603
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, env)  # noqa: S606
