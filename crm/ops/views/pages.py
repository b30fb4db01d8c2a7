"""Health for those who watch, progress for those who wait."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, current_app, jsonify, render_template, url_for

from crm.core import jobs
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.jobs import Job, JobState
from crm.core.permissions import needs, public, signed_in
from crm.core.sentences import unpacked
from crm.core.transaction import commit
from crm.core.web import actor, back_to, is_htmx, may_visit
from crm.core.words import N_
from crm.ops import queries

bp = Blueprint("ops", __name__)
# what results of jobs say, by their keys
RESULTS = {
    "people": N_("写了 %(n)s 人的邮件"), "pruned": N_("清理 %(n)s 次导入"),
    "pairs": N_("疑似重复 %(n)s 对"), "new": N_("新增 %(n)s 对"), "gone": N_("消失 %(n)s 对"), "files": N_("清理 %(n)s 个文件"),
    "sessions": N_("清理 %(n)s 个登录"), "runs": N_("清理 %(n)s 条记录"),
}  # fmt: skip
log = structlog.get_logger("tidui")


@bp.get("/healthz")
@public
def healthz() -> Any:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> Any:
    """It can do its work: 200, else 503."""
    checks = queries.ready(current_app.config["TIDUI"].data)
    if all(checks.values()):
        return jsonify(status="ok", checks=checks)
    log.warning("not_ready", **checks)
    return jsonify(status="unavailable", checks=checks), 503


@bp.get("/jobs")
@needs("setting:manage")
def timed() -> Any:
    """Which jobs are done by themselves: last, next, how long, with what result; and the runs of late."""
    session, at = db.session(), now()
    return render_template(
        "ops/jobs.html",
        rows=[(row, row.last and told(row.last)) for row in queries.timed_jobs(session, at)],
        runs=[(run, told(run)) for run in queries.runs(session, viewer=actor())],
        is_watched=queries.is_watched(session, at),
        titles={kind: say(each.title) for kind, each in jobs.JOBS.items()},
    )


@bp.post("/jobs/run/<string:kind>")
@needs("setting:manage")
def run_now(kind: str) -> Any:
    """Do a job now, besides its own times; what a period has once it still has once."""
    job_id = jobs.ask_now(db.session(), kind, actor=actor())
    commit()
    return back_to("ops.job", job_id=job_id)


def told(run: Job) -> dict[str, Any]:
    """A run as its row says it."""
    seconds = queries.seconds_of(run)
    return {
        "seconds": None if seconds is None else f"{seconds:.1f}",
        "light": {"done": "g", "failed": "r", "cancelled": "y"}.get(run.state.value, "n"),
        "result": gettext("，").join(
            say(text, n=run.result[key])
            for key, text in RESULTS.items()
            if run.result and run.result.get(key)
        ),
        "problem": say(unpacked(run.problem)) if run.problem else "",
    }


@bp.get("/jobs/<int:job_id>")
@signed_in
def job(job_id: int) -> Any:
    """How far a job of one's own is: a page, or for htmx the panel that asks again by itself."""
    found = jobs.get_job(db.session(), job_id, viewer=actor())
    template = "ui/progress.html" if is_htmx() else "ops/job.html"
    return render_template(template, **panel(found), trail=_trail(found))


def _trail(found: Job) -> list[tuple[str, str | None]]:
    """A timed job done by hand leads back to where the others stand."""
    known = jobs.JOBS.get(found.kind)
    if known is None or known.timing is None or not actor().may("setting:manage"):
        return []
    return [(gettext("定时任务"), url_for("ops.timed")), (say(known.title), None)]


@bp.post("/jobs/<int:job_id>/cancel")
@signed_in
def cancel(job_id: int) -> Any:
    """Stop a job of one's own."""
    jobs.cancel(db.session(), job_id, actor=actor())
    commit()
    return back_to("ops.job", job_id=job_id)


def panel(found: Job) -> dict[str, Any]:
    """What `ui/progress.html` shows of a job; another feature's page may include it with this too."""
    handler = jobs.JOBS.get(found.kind)
    values: dict[str, Any] = {
        "title": say(handler.title if handler else found.kind),
        "job": {
            "state": found.state.value,
            "percent": percent(found),
            "message": sentence(found),
            "text": sentence(found),
        },
        "poll_url": url_for("ops.job", job_id=found.id),
    }
    if not found.state.is_over and not found.cancel_requested:
        values["cancel_url"] = url_for("ops.cancel", job_id=found.id)
    if found.state is JobState.DONE and handler and handler.done:
        target = handler.done(found.params, found.result or {})
        if target is not None and may_visit(target[0]):
            values["done_url"] = url_for(target[0], **target[1])
    return values


def percent(found: Job) -> int:
    if found.state is JobState.DONE:
        return 100
    return min(99, found.done * 100 // found.total) if found.total else 0


def sentence(found: Job) -> str:
    """Where the job is, or why it was not done, in the reader's language."""
    told = found.problem or (found.message if not found.state.is_over else None)
    if told is None:
        return say(found.state.label)
    text = say(unpacked(told))
    items = [say(unpacked(item)) for item in told.get("items", [])[:3]]
    return " ".join([text, *items])
