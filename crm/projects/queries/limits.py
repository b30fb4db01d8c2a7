"""The limits of lights, as they are set."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.core import settings
from crm.projects.rules.progress import OUT, RED, YELLOW, Limits


def limits_of(session: Session) -> Limits:
    """The months without progress before each light."""
    return Limits(settings.value(session, YELLOW), settings.value(session, RED), settings.value(session, OUT))
