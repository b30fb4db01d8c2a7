"""The import batches as a list."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import lists
from crm.core.clock import ZONE
from crm.core.permissions import Actor
from crm.core.words import N_, Word
from crm.firms.models import ImportBatch
from crm.firms.rules.columns import OPENS, reached
from crm.firms.rules.words import BatchState, SheetKind

K = lists.Kind


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Whoever may import sees all imports of the same kinds."""
    return ImportBatch.sheet.in_(reached(viewer))


def _of(column: Any, words: type[Word]) -> Any:
    known = {member.value: member for member in words}

    def where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
        return column == known[value] if value in known else None

    return where


def _text(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool]:
    return sa.or_(
        ImportBatch.filename.contains(value, autoescape=True),
        ImportBatch.source.contains(value, autoescape=True),
    )


def _mine(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    return ImportBatch.created_by_id == (viewer.user_id or 0) if value == "yes" else None


def _since(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    try:
        return ImportBatch.created_at >= dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), ZONE)
    except ValueError:
        return None


def _choices(words: type[Word]) -> lists.Choices:
    return lambda _session, _viewer: [(member.value, member.label) for member in words]


def _matching(session: Session, asked: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    clauses, understood = lists.conditions(session, asked, FILTERS, viewer)
    return sa.select(ImportBatch.id).where(visible_to(viewer), *clauses), understood


def _rows(ids: sa.Select[Any], asked: lists.Asked) -> sa.Select[Any]:
    columns: list[Any] = [
        ImportBatch.id, ImportBatch.filename.label("name"), ImportBatch.sheet, ImportBatch.state, ImportBatch.source,
        ImportBatch.created_at.label("at"), ImportBatch.size, User.name.label("who"),
        asked.sort.column.label(f"sort_{asked.sort.key}"),
    ]  # fmt: skip
    return ids.with_only_columns(*columns).outerjoin(User, User.id == ImportBatch.created_by_id)


FILTERS = (
    lists.Filter("q", N_("文件或来源"), _text, kind="text", is_first=True),
    lists.Filter("sheet", N_("内容"), _of(ImportBatch.sheet, SheetKind), _choices(SheetKind), is_first=True),
    lists.Filter(
        "state", N_("状态"), _of(ImportBatch.state, BatchState), _choices(BatchState), is_first=True
    ),
    lists.Filter("mine", N_("范围"), _mine, lambda _s, _v: [("yes", N_("只看我的"))], is_first=True),
    lists.Filter("since", N_("从"), _since, kind="day"),
)
BATCH_LIST = lists.List(
    key="imports",
    label=N_("导入批次"),
    unit=N_("批"),
    endpoint="firms.import_list",
    head=N_("文件"),
    needs=OPENS,
    id=ImportBatch.id,
    sorts=(
        lists.Sort("at", N_("时间"), ImportBatch.created_at, is_descending=True),
        lists.Sort("name", N_("文件"), ImportBatch.filename),
    ),
    filters=FILTERS,
    columns=(
        lists.Column("sheet", N_("内容"), kind=K.WORD),
        lists.Column("state", N_("状态"), kind=K.WORD),
        lists.Column("source", N_("来源")),
        lists.Column("who", N_("谁")),
        lists.Column("at", N_("时间"), kind=K.MOMENT, sort="at"),
        lists.Column("size", N_("字节"), kind=K.NUMBER, is_default=False),
    ),
    matching=_matching,
    rows=_rows,
    exports="export:run",
    always=(lists.Column("name", N_("文件"), width=36),),
)
