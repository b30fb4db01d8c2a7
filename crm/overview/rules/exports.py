"""How large an export may be, and how long its file is kept."""

from __future__ import annotations

AT_ONCE = 5_000  # more rows than this are written by a job
MOST = 1_000_000
KEPT_HOURS = 24
CSV, XLSX = "csv", "xlsx"
