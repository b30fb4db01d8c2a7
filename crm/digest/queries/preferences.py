"""What a person has muted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.digest.models import DigestMute


def muted_by(session: Session, person_id: int) -> set[str]:
    """The codes of the groups a person does not want in the mail."""
    return set(session.scalars(sa.select(DigestMute.group).where(DigestMute.user_id == person_id)))
