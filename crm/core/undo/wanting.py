"""What an undo would leave without something it must have: references the database checks only at the commit."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.undo.obstacles import name_of_row, undoable
from crm.core.undo.planning import Plan
from crm.core.words import N_, Message, Refused


def require_whole(session: Session, plans: list[Plan]) -> None:
    """Raises `Refused` when a deferred reference of a written table leads nowhere now: the commit would fail."""
    written, models = {plan.model.__tablename__ for plan in plans}, undoable()
    for model in models.values():
        child = cast(sa.Table, model.__table__)
        for constraint in child.foreign_key_constraints:
            parent = constraint.referred_table
            if not constraint.deferrable or not {child.name, parent.name} & written:
                continue
            pairs = [(element.parent, element.column) for element in constraint.elements]
            there = sa.exists().select_from(parent).where(*(mine == theirs for mine, theirs in pairs))
            lone = sa.select(child.c.id).where(*(mine.is_not(None) for mine, _ in pairs), ~there).limit(1)
            row_id = session.scalar(lone.correlate(None))
            if row_id is not None:
                raise Refused(
                    N_(
                        "撤销以后，%(name)s（%(kind)s %(id)s）就缺少必须有的「%(what)s」，所以不能撤销。什么都没有改。"
                    ),
                    what=Message(models[parent.name].__label__ or parent.name),
                    **name_of_row(session, model, row_id),
                )
