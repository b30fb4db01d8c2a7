"""A calendar as RFC 5545 writes it: whole-day events, folded lines, escaped text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A whole-day event. `uid` stays the same when it moves."""

    uid: str
    on: dt.date
    title: str
    text: str = ""
    url: str = ""
    changed_at: dt.datetime | None = None


def escaped(text: str) -> str:
    """TEXT of RFC 5545 § 3.3.11."""
    cleaned = "".join(char for char in text if char >= " " or char == "\n")
    return cleaned.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """A content line of at most 75 octets (§ 3.1), never cut within a character."""
    parts: list[str] = []
    now, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > (75 if not parts else 74):
            parts.append(now)
            now, size = "", 0
        now += char
        size += width
    return "\r\n ".join([*parts, now])


def calendar(name: str, events: Iterable[Event], *, at: dt.datetime) -> str:
    """The whole calendar, lines ended by CRLF."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tidui//Next steps//ZH", "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{escaped(name)}", "X-WR-TIMEZONE:Asia/Shanghai", "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]  # fmt: skip
    for event in events:
        stamp = (event.changed_at or at).astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        lines += [
            "BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{stamp}", f"DTSTART;VALUE=DATE:{event.on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{event.on + dt.timedelta(1):%Y%m%d}", f"SUMMARY:{escaped(event.title)}",
        ]  # fmt: skip
        if event.text:
            lines.append(f"DESCRIPTION:{escaped(event.text)}")
        if event.url:
            lines.append(f"URL:{event.url}")
        lines += ["TRANSP:TRANSPARENT", "END:VEVENT"]
    lines.append("END:VCALENDAR")
    return "\r\n".join(folded(line) for line in lines) + "\r\n"
