"""The process of its own in which an unknown workbook is parsed. It imports nothing of the project.

Started as ``python -I child.py``; reads one line of JSON (what to do) and the workbook from standard input, writes
lines of JSON: what it found, then lists of ``[row number, cells]``, then ``{"end": true}`` or ``{"error": …}``.
"""

import contextlib
import datetime as dt
import io
import json
import sys
from typing import Any


def confine(memory: int, seconds: int) -> None:
    """A hostile workbook may not take the machine down; where the system has no limits, the parent's clock must do."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def plain(value: object) -> dict[str, str]:
    """Dates and times for JSON; `timedelta` has no use in a list and is shown as text."""
    if isinstance(value, dt.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    if isinstance(value, dt.time):
        return {"time": value.isoformat()}
    return {"text": str(value)}


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    confine(asked["memory"], asked["seconds"])
    import python_calamine as calamine

    out = sys.stdout.buffer

    def say(thing: object) -> None:
        out.write(
            json.dumps(thing, default=plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        )

    data = sys.stdin.buffer.read()
    try:
        read(calamine, data, asked, say)
    except calamine.PasswordError:
        say({"error": "password"})
    except MemoryError:
        say({"error": "memory"})
    except (calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        say({"error": "broken", "detail": str(error)[:200]})


def read(calamine: Any, data: bytes, asked: dict[str, Any], say: Any) -> None:
    book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        and (sheet.visible == calamine.SheetVisibleEnum.Visible or sheet.name == asked["sheet"])
    ]
    chosen = asked["sheet"]
    if chosen is not None and chosen not in names:
        say({"error": "sheet", "names": names})
        return
    if chosen is None:
        for name in names:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is not None:
                chosen = name
                break
        else:
            say({"sheets": names, "sheet": None, "merged": []})
            say({"end": True})
            return
    else:
        sheet = book.get_sheet_by_name(chosen)
    merged = sheet.merged_cell_ranges or []
    if len(merged) > asked["merges"]:
        say({"error": "merges"})
        return
    say({"sheets": names, "sheet": chosen, "merged": merged})
    if sheet.start is not None:
        send(sheet, asked, say)
    say({"end": True})


def send(sheet: Any, asked: dict[str, Any], say: Any) -> None:
    pad: list[Any] = [None] * sheet.start[1]
    block: list[Any] = []
    rows = cells = chars = 0
    for number, values in enumerate(sheet.iter_rows(), 1):
        last = len(values)
        while last and values[last - 1] == "":
            last -= 1
        if not last:
            continue
        kept = pad + [None if value == "" else value for value in values[:last]]
        rows += 1
        cells += last
        if len(kept) > asked["columns"]:
            say({"error": "columns", "row": number})
            return
        for place, value in enumerate(kept):
            if type(value) is str:
                chars += len(value)
                if len(value) > asked["cell_chars"]:
                    say({"error": "cell", "row": number, "column": place, "length": len(value)})
                    return
        if rows > asked["rows"] or cells > asked["cells"] or chars > asked["text_chars"]:
            say({"error": "rows", "row": number})
            return
        block.append([number, kept])
        if len(block) == 500:
            say(block)
            block = []
    if block:
        say(block)


if __name__ == "__main__":
    main()
