"""The ladder as a table, and its export."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, render_template, request

from crm.core import audit, lists
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.permissions import needs
from crm.core.sheets import Column, ColumnKind, SheetSpec, write_xlsx
from crm.core.transaction import commit
from crm.core.web import actor
from crm.core.words import N_
from crm.ladder import queries
from crm.ladder.queries import Wanted
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.words import Act, Stage
from crm.ladder.views.blueprint import bp, day_of, kind_short, stage_cause
from crm.ladder.views.board import address, frame, query_of, within_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PENDING = {"only": True, "any": None}


def wanted_of(args: Mapping[str, str], day: dt.date) -> Wanted:
    """What the query string asks of the list."""
    stages = {member.value: member for member in Stage}
    was = args.get("was")
    return Wanted(
        within_of(args, day),
        text=lists.clean(args.get("q", "")),
        stage=stages.get(args.get("stage", "")),
        pending=PENDING.get(args.get("pending", ""), False),
        kind=args.get("kind") if args.get("kind") in KINDS else None,
        under_way=args.get("way") if args.get("way") in (*KINDS, "any") else None,
        was=was if was in stages or was == queries.OUTSIDE else None,
        was_on=day_of(args.get("was_on"), day) if args.get("was_on") else None,
    )


def _query(wanted: Wanted, args: Mapping[str, str], day: dt.date) -> dict[str, str]:
    query = query_of(wanted.within, day)
    for key, value in (
        ("q", wanted.text), ("stage", wanted.stage.value if wanted.stage else ""), ("kind", wanted.kind),
        ("way", wanted.under_way), ("was", wanted.was),
        ("was_on", wanted.was_on.isoformat() if wanted.was_on else ""),
        ("pending", args.get("pending") if args.get("pending") in PENDING else ""),
    ):  # fmt: skip
        if value:
            query[key] = value
    return query


@bp.get("/ladder/list")
@needs("firm:read")
def index() -> Any:
    viewer, session, day = actor(), db.session(), today()
    wanted = wanted_of(request.args, day)
    order = queries.asked(request.args)
    page, total, capped = queries.list_firms(session, wanted, order, viewer=viewer)
    ids, as_of = [row.id for row in page.rows], wanted.within.as_of
    query = _query(wanted, request.args, day)
    sort_urls = {}
    for sort in queries.SORTS:
        key = sort.key if order.sort.key != sort.key else ("" if order.is_descending else "-") + sort.key
        if order.sort.key != sort.key and sort.is_descending:
            key = "-" + sort.key
        sort_urls[sort.key] = address("ladder.index", query, sort=key)
    if order.sort_key != "until":
        query = {**query, "sort": order.sort_key}
    context = frame(wanted.within, day, "ladder.index")
    context["query"] = query
    return render_template(
        "ladder/index.html",
        rows=page.rows,
        held=queries.held_by(session, ids, as_of),
        under_way=queries.under_way_of(session, ids, as_of),
        wanted=wanted,
        total=total,
        is_capped=capped,
        first=page.first,
        last=page.last,
        next_url=address("ladder.index", query, after=page.after) if page.after else None,
        previous_url=address("ladder.index", query, before=page.before) if page.before else None,
        sort=order.sort_key,
        sort_urls=sort_urls,
        stages=list(Stage),
        kinds=list(KINDS.values()),
        **context,
    )


@bp.post("/ladder/export")
@needs("export:run")
def export() -> Any:
    """Exactly the list, as a workbook; the audit keeps what was taken."""
    viewer, session, day = actor(), db.session(), today()
    wanted = wanted_of(request.args, day)
    as_of = wanted.within.as_of
    written = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal written
        for chunk in queries.every_row(session, wanted, viewer=viewer):
            ids = [row.id for row in chunk]
            held = queries.held_by(session, ids, as_of)
            under_way = queries.under_way_of(session, ids, as_of)
            for row in chunk:
                written += 1
                yield (
                    row.firm, row.code, word(row.stage) + (gettext("（待复评）") if row.is_pending else ""), row.from_on,
                    stage_cause(row.cause, row.params), row.to_on, word(row.leading_industry), row.street, row.officer,
                    gettext("、").join(
                        f"{kind_short(item.kind)} {item.number or ''}".strip() for item in held.get(row.id, ())
                    ),
                    min((item.expires_on for item in held.get(row.id, ()) if item.expires_on), default=None),
                    gettext("、").join(f"{kind_short(kind)} {word(step)}" for kind, step, _on in under_way.get(row.id, ())),
                )  # fmt: skip

    text, date = ColumnKind.TEXT, ColumnKind.DATE
    headings = (
        (N_("企业名称"), text), (N_("统一社会信用代码"), text), (N_("阶段"), text), (N_("进入日期"), date),
        (N_("原因"), text), (N_("下次变动"), date), (N_("主导产业"), text), (N_("街道"), text), (N_("服务专员"), text),
        (N_("有效证书"), text), (N_("最近到期"), date), (N_("在途申报"), text),
    )  # fmt: skip
    file = io.BytesIO()
    title = f"{gettext('培育梯队')} {as_of.isoformat()}"
    write_xlsx(file, [SheetSpec(title, [Column(gettext(label), kind) for label, kind in headings], rows())])
    audit.begin(
        session, actor=viewer, action=Act.EXPORT, count=written, filter=request.query_string.decode()[:500]
    )
    commit()
    return attachment(file.getvalue(), f"{title}.xlsx")


def attachment(content: bytes, name: str) -> Response:
    """A file to save, never to be shown."""
    response = Response(content, mimetype=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
