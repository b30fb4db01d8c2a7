"""The scan between an upload and its first download. Slot `SCANNER`, filled by the factory: a function from the path
of a content to its verdict. Without one, a file that is what its name says is clean."""

from __future__ import annotations

import datetime as dt
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.actions.telling import tell
from crm.activities.models import Attachment, StoredFile
from crm.activities.rules.words import Act, Notice, Scan
from crm.core import audit, jobs
from crm.core.permissions import Actor
from crm.core.words import N_, Refused

Scanner = Callable[[Path], Scan]
SCANNER: list[Scanner] = []  # none or one
LONGEST = 300  # seconds a scan may take
JOB = "activities.scan"


def by_command(command: str) -> Scanner:
    """A scanner that runs a command with the path behind it: 0 is clean, 1 is refused; anything else is no verdict
    and raises `Refused`, and the file goes on waiting."""
    words = shlex.split(command)

    def scan(path: Path) -> Scan:
        try:
            ended = subprocess.run(  # noqa: S603 - the command is the administrator's setting, no shell reads it
                [*words, str(path)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(
                N_("检查程序没有运行成功（%(why)s），文件仍在等待检查。"), why=type(error).__name__
            ) from error
        if ended.returncode not in (0, 1):
            raise Refused(
                N_("检查程序没有给出结论（返回 %(code)s），文件仍在等待检查。"), code=ended.returncode
            )
        return Scan.REFUSED if ended.returncode else Scan.CLEAN

    return scan


def install(command: str) -> None:
    """Fill the slot from the setting."""
    SCANNER[:] = [by_command(command)] if command else []


def ask_for_scan(session: Session, stored: StoredFile, *, actor: Actor) -> None:
    """Put the scan of a content into the queue."""
    jobs.enqueue(session, JOB, actor=actor, file_id=stored.id)


def settle(session: Session, stored: StoredFile, verdict: Scan, *, actor: Actor, at: dt.datetime) -> None:
    """Write the verdict down; who uploaded a refused file is told."""
    audit.begin(
        session, actor=actor, action=Act.FILE_SCAN, subject=("stored-file", stored.id), verdict=verdict.value
    )
    stored.scan = verdict
    session.flush()
    if verdict is Scan.REFUSED:
        for attachment in session.scalars(
            sa.select(Attachment).where(Attachment.file_id == stored.id).order_by(Attachment.id).limit(20)
        ):
            tell(
                session, attachment.created_by_id, Notice.FILE_REFUSED, key=f"file:{attachment.id}", at=at,
                subject=(attachment.kind, attachment.subject_id), activity=attachment.activity_id,
            )  # fmt: skip
