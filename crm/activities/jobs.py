"""Long work of follow-up: scanning what was uploaded."""

from __future__ import annotations

from typing import Any

from crm.activities.actions import scanning
from crm.activities.queries.files import content_of
from crm.activities.rules.words import Scan
from crm.core.clock import now
from crm.core.files import store
from crm.core.jobs import Context, handler
from crm.core.words import N_


@handler(scanning.JOB, title=N_("检查上传的文件"), is_silent=True)
def scan(ctx: Context) -> dict[str, Any] | None:
    """Ask the scanner about one content; without a scanner (switched off meanwhile) it is clean."""
    file_id = int(ctx.params["file_id"])
    with ctx.reading() as session:
        stored = content_of(session, file_id)
        key, known = stored.sha256, stored.scan
    verdict = known
    if known is Scan.WAITING:
        with store().on_disk(key) as path:
            verdict = scanning.SCANNER[0](path) if scanning.SCANNER else Scan.CLEAN
    with ctx.writing() as session:
        stored = content_of(session, file_id)
        if stored.scan is Scan.WAITING:
            scanning.settle(session, stored, verdict, actor=ctx.actor, at=now())
        ctx.commit(session, result={"verdict": verdict.value})
    return None
