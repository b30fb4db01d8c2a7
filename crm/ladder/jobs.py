"""Long lists are matched in the background."""

from __future__ import annotations

from typing import Any

from crm.core.jobs import Context, handler
from crm.core.words import N_, Missing
from crm.ladder.actions import tagging
from crm.ladder.models import TagBatch
from crm.ladder.queries import load_registry
from crm.ladder.rules.kinds import get_kind
from crm.ladder.sheets import content_of, read_list


@handler(
    "ladder.tag-match",
    title=N_("比对公布名单"),
    done=lambda params, result: ("ladder.tag_review", {"batch_id": params["batch_id"]}),
)
def match_list(ctx: Context) -> dict[str, Any]:
    """Read the batch's file again, match its rows, and put them into the batch."""
    batch_id = int(ctx.params["batch_id"])
    with ctx.reading() as session:
        batch = session.get(TagBatch, batch_id)
        if batch is None:
            raise Missing(N_("没有这份名单。"))
        kind = get_kind(batch.kind)
        source = content_of(batch.content, batch.filename)
        listed = read_list(source, batch.filename, kind=kind, today=ctx.today, mapping=batch.mapping or None)
        registry = load_registry(session, ctx.actor)
        rows = tagging.match_rows(
            registry,
            listed.rows,
            lambda done, total: ctx.progress(done, total, N_("已比对 %(n)s 行"), n=done),
        )
        rows = tagging.judge_rows(session, rows, kind=kind.code, granted_on=batch.granted_on, today=ctx.today)
    with ctx.writing() as session:
        batch = session.get_one(TagBatch, batch_id)
        tagging.fill(session, batch, rows, actor=ctx.actor)
        ctx.commit(session, result={"rows": len(rows)})
    return {"rows": len(rows)}


@handler(
    "ladder.tag-write",
    title=N_("写入公布名单"),
    done=lambda params, result: ("ladder.tag_review", {"batch_id": params["batch_id"]}),
)
def write_list(ctx: Context) -> dict[str, Any]:
    """Write a long list in one transaction."""
    with ctx.writing() as session:
        batch = session.get(TagBatch, int(ctx.params["batch_id"]))
        if batch is None:
            raise Missing(N_("没有这份名单。"))
        plan = tagging.write(session, batch, actor=ctx.actor, today=ctx.today)
        result = {"granted": plan.granted + plan.renewed}
        ctx.commit(session, result=result)
    return result
