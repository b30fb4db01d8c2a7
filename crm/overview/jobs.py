"""Long bulk changes and long exports."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from flask import current_app
from flask_babel import force_locale

from crm.core import lists
from crm.core.clock import now
from crm.core.i18n import say
from crm.core.jobs import TIDY, Context, handler
from crm.core.lists import exporting
from crm.core.sheets import SheetSpec, write_csv, write_xlsx
from crm.core.words import N_, Refused
from crm.overview.actions import bulk
from crm.overview.queries.bulk import get_run
from crm.overview.rules.bulk import BulkState, BulkVerb
from crm.overview.rules.exports import CSV, KEPT_HOURS, XLSX

FOLDER = "exports"


def _bulk_page(params: Any, _result: Any) -> tuple[str, dict[str, Any]]:
    return "overview.bulk_show", {"run_id": params["run_id"]}


@handler("overview.bulk", title=N_("批量修改"), done=_bulk_page)
def run_bulk(ctx: Context) -> dict[str, Any] | None:
    """Judge every row while others go on working, then write what may be written in one short transaction."""
    run_id = int(ctx.params["run_id"])
    with ctx.reading() as session:
        run = get_run(session, run_id, viewer=ctx.actor)
        kind_judges = run.verb is BulkVerb.SET
        verdicts = (
            bulk.judge(
                session, run, actor=ctx.actor, today=ctx.today, reason=run.reason or "",
                tell=lambda done, total: ctx.progress(done, total, N_("正在逐行核对")),
            )
            if kind_judges
            else None
        )  # fmt: skip
    with ctx.writing() as session:
        run = get_run(session, run_id, viewer=ctx.actor, lock=True)
        if run.state is BulkState.DONE:
            raise Refused(N_("这次批量修改已经做过了。"))
        if verdicts is None:
            verdicts = bulk.judge(session, run, actor=ctx.actor, today=ctx.today, reason=run.reason or "")
        bulk.write(session, run, verdicts, actor=ctx.actor, reason=run.reason or "", at=now())
        ctx.commit(session, result={"counts": run.counts})
    return None


def _file(_params: Any, result: Any) -> tuple[str, dict[str, Any]] | None:
    return ("overview.export_file", {"job_id": result["job"]}) if "job" in result else None


@handler("overview.export", title=N_("导出列表"), done=_file)
def run_export(ctx: Context) -> dict[str, Any] | None:
    """Write the file row by row under the data folder; a private link leads to it for a day."""
    declared = lists.list_of(str(ctx.params["list"]), ctx.actor)
    if declared.exports is None:
        raise Refused(N_("这个列表不能导出。"))
    ctx.actor.require(declared.exports)
    form = CSV if ctx.params["form"] == CSV else XLSX
    data: Path = current_app.config["TIDUI"].data
    remove_old(data, now())
    path = export_path(data, ctx.job_id, form)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = declared.asked(dict(parse_qsl(str(ctx.params["query"]))), ctx.today)
    partial = path.with_suffix(".part")
    with force_locale(str(ctx.params["lang"])), ctx.reading() as session:
        found = exporting.taken(session, declared, wanted, ctx.actor, ctx.params["only"])
        columns = exporting.columns_of(declared, wanted, ctx.actor)
        told = _told(
            ctx, exporting.rows_of(session, declared, wanted, columns, found.ids, ctx.actor, say), found.count
        )
        sheet = SheetSpec(say(declared.label), exporting.headings(columns, say), told)
        name = f"{say(declared.label)}-{ctx.today.isoformat()}.{form}"
        try:
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                if form == CSV:
                    write_csv(file, sheet)
                else:
                    write_xlsx(file, [sheet])
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return {"job": ctx.job_id, "name": name, "form": form, "count": found.count, "withheld": found.withheld}


def _told(ctx: Context, rows: Iterator[tuple[Any, ...]], total: int) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows, 1):
        if number % 500 == 0:
            ctx.progress(number, total, N_("正在写文件"))
        yield row


def export_path(data: Path, job_id: int, form: str) -> Path:
    """Where the file of an export lies."""
    return data / FOLDER / f"{job_id}.{CSV if form == CSV else XLSX}"


def remove_old(data: Path, moment: dt.datetime) -> int:
    """Delete files older than a day. Returns how many there were."""
    limit = (moment - dt.timedelta(hours=KEPT_HOURS)).timestamp()
    old = [path for path in (data / FOLDER).glob("*.*") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


TIDY[:] = [*(item for item in TIDY if item.__name__ != remove_old.__name__), remove_old]
