"""What somebody has typed into a form and not saved yet: kept on the server for two weeks, for that person only.

A draft belongs to a person and to the address the form is sent to. It is no business data, so not in the audit. Saving
the form drops it (`core.saving`). Only forms behind a permission have drafts: passwords and codes never do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.datastructures import MultiDict

from crm.core.clock import now
from crm.core.db import BigId, Model, Moment, Pk
from crm.core.permissions import Actor

KEPT = dt.timedelta(days=14)
MOST = 60_000  # characters of one draft
MOST_FIELDS = 200
MOST_DRAFTS = 100  # a person; the oldest go


class Draft(Model):
    """`values` are (name, text) pairs in the form's order; `version_seen` is the record's when the form was filled."""

    __tablename__ = "drafts"
    __audited__ = False
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(BigId)
    form: Mapped[str] = mapped_column(sa.String(200))  # the path it is sent to
    values: Mapped[list[Any]] = mapped_column("typed")
    version_seen: Mapped[str] = mapped_column(sa.String(12))
    updated_at: Mapped[Moment] = mapped_column(index=True)
    __table_args__ = (sa.UniqueConstraint("user_id", "form"), sa.Index("ix_drafts_form", "form"))


def key_of(path: str) -> str:
    """A form's address as drafts are kept under it."""
    return path[:200]


def draft_of(session: Session, viewer: Actor, form: str) -> Draft | None:
    """The viewer's own draft of a form, unless it has grown old."""
    if viewer.user_id is None:
        return None
    return session.execute(
        sa.select(Draft).where(
            Draft.user_id == viewer.user_id, Draft.form == form, Draft.updated_at > now() - KEPT
        )
    ).scalar_one_or_none()


def drafts_of_others(session: Session, viewer: Actor, form: str) -> Sequence[Draft]:
    """What others have typed into the same form and not saved yet."""
    return session.scalars(
        sa.select(Draft)
        .where(Draft.form == form, Draft.user_id != (viewer.user_id or 0), Draft.updated_at > now() - KEPT)
        .order_by(Draft.id)
        .limit(50)
    ).all()


def fits(values: list[tuple[str, str]]) -> bool:
    """Whether a draft is of a size worth keeping."""
    return len(values) <= MOST_FIELDS and sum(len(name) + len(text) for name, text in values) <= MOST


def keep(
    session: Session, user_id: int, form: str, values: list[tuple[str, str]], *, version: str, at: dt.datetime
) -> None:
    """Keep what a person has typed into a form, in the place of what was kept before."""
    clean = [[name.replace("\0", ""), text.replace("\0", "")] for name, text in values]
    table = Draft.__table__
    changed = session.execute(
        sa.update(Draft)
        .where(Draft.user_id == user_id, Draft.form == form)
        .values(values=clean, version_seen=version[:12], updated_at=at)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        return
    session.add(Draft(user_id=user_id, form=form, values=clean, version_seen=version[:12], updated_at=at))
    session.flush()
    old = (
        sa.select(table.c.id)
        .where(table.c.user_id == user_id)
        .order_by(table.c.updated_at.desc(), table.c.id.desc())
        .offset(MOST_DRAFTS)
    )
    if ids := list(session.scalars(old)):
        session.execute(
            sa.delete(Draft).where(Draft.id.in_(ids)).execution_options(synchronize_session=False)
        )


def drop(session: Session, owner: Actor, form: str) -> None:
    """The form was saved, or its draft is not wanted any more."""
    if owner.user_id is not None:
        session.execute(
            sa.delete(Draft)
            .where(Draft.user_id == owner.user_id, Draft.form == form)
            .execution_options(synchronize_session=False)
        )


def expire(session: Session, at: dt.datetime) -> None:
    """Delete what has been lying for two weeks."""
    session.execute(
        sa.delete(Draft).where(Draft.updated_at <= at - KEPT).execution_options(synchronize_session=False)
    )


def typed(posted: MultiDict[str, str]) -> list[tuple[str, str]]:
    """What a form post held, without its token and version."""
    return [(name, text) for name, text in posted.items(multi=True) if name not in ("csrf_token", "version")]
