"""Reads of accounts."""

from __future__ import annotations

from typing import Any


def load(session_id: str) -> Any:
    return None
