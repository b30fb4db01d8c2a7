"""Long imports: reading and matching a file, writing a batch and taking it back, part by part; old ones pruned."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from flask import current_app

from crm.core.clock import now
from crm.core.jobs import Cancelled, Context, handler
from crm.core.words import N_, Refused
from crm.firms import actions, queries
from crm.firms.actions import staging, writing
from crm.firms.models import ImportBatch
from crm.firms.rules.pairing import suspected
from crm.firms.rules.words import BatchState
from crm.firms.sheets.batches import open_batch

STAGED = 4_000  # rows staged at once
FIRST, LEAST, MOST = 500, 100, 4_000  # rows written at once: the first part, and the bounds of the later ones
SHORT = 0.4  # seconds a part should take: everybody else's save waits for it


def _page(params: Any, _result: Any) -> tuple[str, dict[str, Any]]:
    return "firms.import_show", {"batch_id": params["batch_id"]}


@dataclass(slots=True)
class Pace:
    """How many rows to write at once, so that a part takes about as long as it should on this machine."""

    size: int = FIRST

    def took(self, rows: int, seconds: float) -> None:
        if rows:
            fitting = int(rows * SHORT / max(seconds, 0.01))
            self.size = max(LEAST, min(MOST, (self.size + fitting) // 2))


@handler("firms.import-read", title=N_("读取导入文件"), done=_page)
def read(ctx: Context) -> dict[str, Any] | None:
    """Read, match and stage a file; what is wrong with it is kept with the batch."""
    batch_id = int(ctx.params["batch_id"])
    problem: Refused | None = None
    opened, staged = None, []
    try:
        with ctx.reading() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            content = queries.file_of(session, batch_id) or b""
            fixes = queries.fixes_of(session, batch_id)
            ctx.progress(0, 4, N_("正在读取文件"))
            try:
                opened = open_batch(session, batch, content, viewer=ctx.actor, fixes=fixes)
                del content
                ctx.progress(2, 4, N_("正在与 %(n)d 行比对"), n=len(opened.rows))
                problem = opened.problem
                if problem is None:
                    staged = staging.judge(
                        session,
                        opened.rows,
                        actor=ctx.actor,
                        sheet=batch.sheet,
                        mode=batch.mode,
                        today=ctx.today,
                    )
            except Refused as refusal:
                problem = refusal
            ctx.progress(3, 4, N_("正在保存核对结果"))
        _clear(ctx, batch_id)
        for start in range(0, len(staged), STAGED):
            with ctx.writing() as session:
                staging.put(session, batch_id, staged[start : start + STAGED])
                ctx.commit(session)
    except Cancelled:
        with ctx.tidying():
            _clear(ctx, batch_id)
            with ctx.writing() as session:
                batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
                staging.fail(
                    session, batch, Refused(N_("读取已停止。可以重新读取，或放弃这份名单。")), actor=ctx.actor
                )
                ctx.commit(session)
        raise
    with ctx.writing() as session:
        batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
        if problem is not None or opened is None:
            staging.fail(
                session, batch, problem or Refused(N_("文件读不出来。")), actor=ctx.actor,
                **(opened.told() if opened else {}),
            )  # fmt: skip
        else:
            staging.settle(session, batch, staging.counts_of(staged), actor=ctx.actor, **opened.told())
        ctx.commit(session, result={"counts": batch.counts})
    return None


def _clear(ctx: Context, batch_id: int) -> None:
    """Staged rows of an earlier reading go, some at a time."""
    left = True
    while left:
        with ctx.writing() as session:
            left = staging.clear(session, batch_id, most=4 * STAGED)
            ctx.commit(session)


@handler("firms.import-write", title=N_("写入导入的数据"), done=_page)
def write(ctx: Context) -> dict[str, Any] | None:
    """Write a batch part by part. When it cannot be ended, or is stopped, what is in is taken back."""
    batch_id = int(ctx.params["batch_id"])
    pace = Pace()
    try:
        with ctx.reading() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            total, done = writing.check(session, batch), writing.written(session, batch_id)
        while True:
            ctx.progress(done, total, N_("已写入 %(done)d 行，共 %(total)d 行"), done=done, total=total)
            with ctx.writing() as session:
                batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
                begun = time.monotonic()  # from its turn on: waiting for others is not its own time
                part = writing.write_part(session, batch, actor=ctx.actor, today=ctx.today, most=pace.size)
                ctx.commit(session, result={"counts": batch.counts} if part.is_last else None)
                pace.took(part.count, time.monotonic() - begun)
            done += part.count
            if part.is_last:
                return None
    except (Refused, Cancelled):
        with ctx.tidying():
            _unwind(ctx, batch_id)
        raise


def _unwind(ctx: Context, batch_id: int) -> None:
    """Take back what is in of an import that was not ended; it can then be put right and written again."""
    with ctx.reading() as session:
        if queries.get_batch(session, batch_id, viewer=ctx.actor).state is not BatchState.WRITING:
            return  # somebody else has ended it
    try:
        _take_back(ctx, batch_id)
    except Refused as refusal:
        with ctx.writing() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            staging.stuck(session, batch, refusal, writing.written(session, batch_id), actor=ctx.actor)
            ctx.commit(session)
        return
    with ctx.writing() as session:
        writing.reopen(session, queries.get_batch(session, batch_id, viewer=ctx.actor), actor=ctx.actor)
        ctx.commit(session)


def _take_back(ctx: Context, batch_id: int) -> str | None:
    """Undo the parts, the newest first. When one is in the way the others are brought back, and it is raised."""
    undone: list[tuple[str, tuple[int, int]]] = []
    try:
        while True:
            with ctx.writing() as session:
                parts = writing.parts_of(session, batch_id)
                if not parts:
                    return undone[-1][0] if undone else None
                batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
                place = (parts[0].last_row, parts[0].count)
                operation = writing.take_back(session, batch, parts[0], actor=ctx.actor)
                ctx.commit(session)
                undone.append((operation.id, place))
            left = len(parts) - 1
            ctx.progress(len(undone), len(undone) + left, N_("正在撤回，还有 %(left)d 部分"), left=left)
    except Refused:
        for operation_id, place in reversed(undone):
            with ctx.writing() as session:
                batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
                writing.bring_back(session, batch, operation_id, place, actor=ctx.actor)
                ctx.commit(session)
        raise


@handler("firms.import-undo", title=N_("撤销导入"), done=_page)
def take_back(ctx: Context) -> dict[str, Any] | None:
    """Take a long import back, part by part: all of it, or nothing when something stands in the way."""
    batch_id = int(ctx.params["batch_id"])
    state, last = BatchState.UNDONE, None
    problem: Refused | None = None
    with ctx.reading() as session:
        batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
        if batch.state is not BatchState.WRITING:  # a part is taken back already: go on
            writing.check_undo(batch, ctx.actor)
    with ctx.tidying():
        try:
            last = _take_back(ctx, batch_id)
        except Refused as refusal:
            state, problem = BatchState.DONE, refusal
        with ctx.writing() as session:
            batch = queries.get_batch(session, batch_id, viewer=ctx.actor)
            writing.close(session, batch, actor=ctx.actor, state=state, operation=last)
            ctx.commit(session, result={} if problem is None else None)
    if problem is not None:
        raise problem
    return None


@handler("firms.import-prune", title=N_("清理旧的导入"), is_nightly=True)
def prune(ctx: Context) -> dict[str, Any] | None:
    """Give up imports nobody has touched for a set number of days; their files and rows go."""
    pruned, days = 0, dt.timedelta(days=current_app.config["TIDUI"].import_days)
    with ctx.reading() as session:
        ids = queries.stale_batches(session, now() - days)
    for batch_id in ids:
        left = True
        while left:
            with ctx.writing() as session:
                left = staging.clear(session, batch_id, most=4 * STAGED)
                ctx.commit(session)
        with ctx.writing() as session:
            batch = session.get(ImportBatch, batch_id)
            if batch is not None:
                staging.prune(session, batch, actor=ctx.actor)
                ctx.commit(session)
                pruned += 1
    return {"pruned": pruned}


@handler(
    queries.PAIRS_JOB,
    title=N_("查找疑似重复的企业"),
    done=lambda params, result: ("firms.duplicates", {}),
    is_nightly=True,
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


__all__ = ["find_pairs", "prune", "read", "take_back", "write"]
