"""What every write of a pipeline's record is asked first, besides who may."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.pipeline.declaring import Pipeline
from crm.core.words import N_, Conflict, Message, Refused


def lock(pipeline: Pipeline[Any, Any], record: Any, version: int | None) -> None:
    """Raises `Conflict` when the record has changed since the form was filled."""
    if version is not None and record.version != version:
        raise _changed(pipeline)


def held(pipeline: Pipeline[Any, Any], session: Session, record: Any) -> None:
    """Take the record's row for this transaction, so that two decisions about it come one after the other. Raises
    `Conflict` when somebody was quicker."""
    model = type(record)
    found = session.execute(
        sa.select(model.version).where(model.id == record.id).with_for_update()
    ).scalar_one()
    if found != record.version:
        raise _changed(pipeline)


def there(pipeline: Pipeline[Any, Any], record: Any) -> None:
    """Raises `Refused` for a record that was put away."""
    if record.archived_on is not None:
        raise Refused(N_("%(what)s已经归档，请先恢复。"), what=Message(pipeline.what))


def touch(record: Any) -> None:
    """Make a newer version of the record, so that who edits it at the same time sees both."""
    sa.orm.attributes.flag_modified(record, "stage")


def _changed(pipeline: Pipeline[Any, Any]) -> Conflict:
    return Conflict(N_("%(what)s刚刚被别人改过，请核对后再保存。"), what=Message(pipeline.what))
