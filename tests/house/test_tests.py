"""What holds while the tests themselves run."""

from __future__ import annotations

import socket
import warnings

import pytest


def test_every_warning_is_an_error() -> None:
    for kind in (UserWarning, DeprecationWarning, ResourceWarning):
        with pytest.raises(kind):
            warnings.warn("careless", kind, stacklevel=1)


def test_nothing_outside_this_machine_is_reached() -> None:
    with socket.socket() as made, pytest.raises(RuntimeError, match="opens a socket"):
        made.connect(("192.0.2.1", 80))
