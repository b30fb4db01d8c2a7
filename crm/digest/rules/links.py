"""The signed link that mutes a group: it says who and which group, and works signed out. Pure."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

SALT = "digest-mute"
ALL = "all"  # every group that may be muted: what a mail program's own "unsubscribe" asks for


def mute_token(secret: str, person_id: int, group: str) -> str:
    """What stands in the link. The same for the same person and group, so that a mail is the same every time."""
    return str(URLSafeSerializer(secret, salt=SALT).dumps([person_id, group]))


def read_token(secret: str, token: str) -> tuple[int, str] | None:
    """Who and which group; None for what this server has not signed."""
    if len(token) > 300:
        return None
    try:
        person_id, group = URLSafeSerializer(secret, salt=SALT).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    if not isinstance(person_id, int) or not isinstance(group, str):
        return None
    return person_id, group
