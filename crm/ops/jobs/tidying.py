"""What is put away every hour: drafts nobody came back to, sessions long over, what is kept for a time only."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
import structlog
from flask import current_app

from crm.accounts.actions import sessions
from crm.core import drafts, jobs
from crm.core.jobs import HOURLY, Context, Job, JobState, handler
from crm.core.words import N_

log = structlog.get_logger("tidui")
KIND = "ops.tidy"
KEPT = dt.timedelta(days=90)  # runs of jobs nobody asked for


@handler(KIND, title=N_("清理会话、草稿和临时文件"), timing=HOURLY, is_silent=True)
def tidy(ctx: Context) -> dict[str, Any]:
    """Delete what is past its time. Returns how many files there were."""
    at, files = ctx.clock(), 0
    for put_away in jobs.TIDY:
        count = put_away(current_app.config["TIDUI"].data, at)
        files += count
        if count:
            log.info("tidied", what=put_away.__qualname__, count=count)
    with ctx.writing() as session:
        drafts.expire(session, at)
        ended = sessions.clear(session, at=at)
        runs = session.execute(
            sa.delete(Job)
            .where(Job.period.is_not(None), Job.state == JobState.DONE, Job.finished_at < at - KEPT)
            .execution_options(synchronize_session=False)
        )
        result = {"files": files, "sessions": ended, "runs": int(getattr(runs, "rowcount", 0))}
        ctx.commit(session, result=result)
    return result
