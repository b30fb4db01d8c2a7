"""The cookie by which a browser is known to have signed in to an account: it keeps its place when the door is crowded.

It opens nothing. It holds the ids of the last accounts, signed.
"""

from __future__ import annotations

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

DAYS, ACCOUNTS = 180, 8


def _name() -> str:
    return "__Host-tidui-known" if current_app.config["SESSION_COOKIE_SECURE"] else "tidui_known"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known-browser")


def accounts_known() -> list[int]:
    """The accounts this browser has signed in to."""
    try:
        held = _signer().loads(request.cookies.get(_name(), "")[:500])
    except BadSignature:
        return []
    return [item for item in held if isinstance(item, int)] if isinstance(held, list) else []


def remember_browser(user_id: int) -> None:
    """Let the answer to this request tell the browser that it is known to the account."""
    held = [user_id, *(item for item in accounts_known() if item != user_id)][:ACCOUNTS]

    @after_this_request
    def _tell(response: Response) -> Response:
        response.set_cookie(
            _name(),
            str(_signer().dumps(held)),
            max_age=DAYS * 24 * 3600,
            httponly=True,
            samesite="Lax",
            path="/",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
        return response
