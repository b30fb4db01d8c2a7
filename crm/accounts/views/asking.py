"""Asking a signed-in person for the password again, before something that a stolen session must not do."""

from __future__ import annotations

import datetime as dt

from crm.accounts import queries
from crm.accounts.actions import sessions
from crm.accounts.actions.hashing import is_right
from crm.accounts.models import User
from crm.accounts.rules import account_key
from crm.core.db import db
from crm.core.transaction import commit
from crm.core.web import actor
from crm.core.words import N_, Refused


def ask_password(user_id: int, typed: str, *, at: dt.datetime) -> str:
    """Check one's own present password, with no transaction open while hashing. Returns its hash.

    Raises `Refused`, already counted and committed; five wrong ones lock the account name.
    """
    database = db.session()
    known = database.get_one(User, user_id, populate_existing=True)
    held, username = known.password_hash, known.username
    locked = queries.locked_until(database, account_key(username), at)
    database.rollback()
    if not is_right(held, typed) or locked:
        sessions.refuse_password(database, actor=actor(), username=username, at=at)
        commit()
        raise Refused(N_("现在的口令不对；连错 5 次会锁定 10 分钟。"), field="current")
    return held
