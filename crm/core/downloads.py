"""Files that a browser saves and never shows: the one place that names them in a header."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Response

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def saved_as(name: str) -> str:
    """The header that makes a browser save a file under this name (RFC 6266, the name as RFC 5987 has it).

    A header is Latin-1 on the wire: a Chinese name put there as it is ends the answer with an error of the server.
    """
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def to_save(response: Response, name: str) -> Response:
    """The answer, as a file of this name."""
    response.headers["Content-Disposition"] = saved_as(name)
    return response


def download(content: bytes, name: str) -> Response:
    """A sheet to save, of the kind its name says."""
    return to_save(Response(content, content_type=CSV if name.endswith(".csv") else XLSX), name)
