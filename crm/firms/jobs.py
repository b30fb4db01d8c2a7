"""Long imports: reading and matching a file, writing a batch."""

from __future__ import annotations

from typing import Any

from crm.core import audit
from crm.core.jobs import Context, handler
from crm.core.words import N_, Refused
from crm.firms import actions, queries
from crm.firms.actions import staging
from crm.firms.models import ImportBatch
from crm.firms.rules.pairing import suspected
from crm.firms.rules.words import Act, BatchState
from crm.firms.sheets.batches import open_batch


def _page(params: Any, _result: Any) -> tuple[str, dict[str, Any]]:
    return "firms.import_show", {"batch_id": params["batch_id"]}


@handler("firms.import-read", title=N_("读取导入文件"), done=_page)
def read(ctx: Context) -> dict[str, Any] | None:
    """Read, match and stage a file; what is wrong with it is kept with the batch."""
    batch_id = int(ctx.params["batch_id"])
    with ctx.reading() as session:
        batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
        content = queries.file_of(session, batch_id) or b""
        ctx.progress(0, 4, N_("正在读取文件"))
        problem: Refused | None = None
        opened, staged = None, []
        try:
            opened = open_batch(content, batch.filename, batch.sheet, batch.options, batch.mapping)
            ctx.progress(2, 4, N_("正在与 %(n)d 行比对"), n=len(opened.rows))
            problem = opened.problem
            if problem is None:
                staged = staging.judge(
                    session, opened.rows, sheet=batch.sheet, mode=batch.mode, today=ctx.today
                )
        except Refused as refusal:
            problem = refusal
        ctx.progress(3, 4, N_("正在保存核对结果"))
    with ctx.writing() as session:
        batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
        settle(session, batch, opened, staged, problem, ctx)
        ctx.commit(session, result={"counts": batch.counts})
    return None


def settle(
    session: Any, batch: ImportBatch, opened: Any, staged: Any, problem: Refused | None, ctx: Context
) -> None:
    """Store what reading came to."""
    if problem is not None or opened is None:
        staging.fail(
            session, batch, problem or Refused(N_("文件读不出来。")), actor=ctx.actor,
            headings=opened.headings if opened else [], mapping=opened.mapping if opened else {},
            sheet_names=opened.sheet_names if opened else [],
        )  # fmt: skip
    else:
        staging.stage(
            session, batch, staged, actor=ctx.actor, mapping=opened.mapping, headings=opened.headings,
            sheet_names=opened.sheet_names,
        )  # fmt: skip


@handler("firms.import-write", title=N_("写入导入的数据"), done=_page)
def write(ctx: Context) -> dict[str, Any] | None:
    """Write a batch in one transaction."""
    batch_id = int(ctx.params["batch_id"])
    try:
        with ctx.writing() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            staging.write(session, batch, actor=ctx.actor, today=ctx.today)
            ctx.commit(session, result={"counts": batch.counts})
    except Refused:
        with ctx.writing() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            audit.begin(session, actor=ctx.actor, action=Act.IMPORT_DECIDE, subject=("import", batch_id))
            batch.state = BatchState.READY
            ctx.commit(session)
        raise
    return None


@handler(
    queries.PAIRS_JOB, title=N_("查找疑似重复的企业"), done=lambda params, result: ("firms.duplicates", {})
)
def find_pairs(ctx: Context) -> dict[str, Any]:
    """Compare the firms touched since the last search with all others; with `full`, all with all."""
    with ctx.reading() as session:
        since = None if ctx.params.get("full") else queries.last_search(session)
        touched = None if since is None else queries.touched_since(session, since)
        entries = queries.pairing_entries(session) if touched is None or touched else []
        pairs = suspected(
            entries,
            touched,
            lambda done, total: ctx.progress(done, total, N_("正在比对 %(n)d 家企业"), n=len(entries)),
        )
    with ctx.writing() as session:
        new, gone = actions.store(session, pairs, today=ctx.today, touched=touched)
        result = {"pairs": len(pairs), "new": new, "gone": gone}
        ctx.commit(session, result=result)
    return result
