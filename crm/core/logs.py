"""Structured logs: one JSON line an event on standard error, each with its request id; never secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

SECRET = ("password", "token", "secret", "cookie", "csrf")


def _hide(_logger: Any, _name: str, event: Any) -> Any:
    for key in event:
        if any(word in key.lower() for word in SECRET):
            event[key] = "***"
    return event


def init(level: int = logging.INFO) -> None:
    """Set up logging once for the process (also for the commands and the worker)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _hide,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Standard(),
        cache_logger_on_first_use=False,
    )


class _Standard:
    """Print to whatever standard error is now (tests and services replace it)."""

    def __call__(self, *_args: Any) -> Any:
        return structlog.PrintLogger(sys.stderr)


def quiet() -> None:
    """For commands: only warnings and worse, on standard error."""
    init(logging.WARNING)
