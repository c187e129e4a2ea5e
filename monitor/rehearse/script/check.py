"""What no single table of a script can know: names that must exist, pairs that must fit, spans that must not meet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from typing import Any

from pydantic_core import PydanticCustomError

from monitor.config.checks import rows_of
from monitor.errors import Fault
from monitor.rehearse.script.values import to_utc
from schedules.values import did_you_mean

Row = Mapping[str, Any]
_ANNOUNCED_AT = re.compile(r"https?://www\.gov\.uk/government/statistics/(?!announcements/)[^/]")
Found = tuple[str, str, Any]
"""Key, reason and value of one fault; a value of None is not shown."""


def script_faults(data: Row, file: str, zone: str) -> list[Fault]:
    """Return what does not fit together in a script, in the order of its tables.

    `data` is as TOML gave it and may be wrong in any other way; what cannot be understood is left to the
    check of each table by itself.
    """
    rules = (_span, _releases, _changes, _answers, _faults, _troubles, _names)
    return [
        Fault(file, key, reason, None if value is None else _shown(value))
        for rule in rules
        for key, reason, value in rule(data, zone)
    ]


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False, default=str)


def _instant(value: object, zone: str) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    try:
        return to_utc(value, zone)
    except PydanticCustomError:
        return None


def _is_backwards(row: Row, zone: str) -> bool:
    begins, ends = _instant(row.get("from"), zone), _instant(row.get("until"), zone)
    return begins is not None and ends is not None and ends <= begins


def _span(data: Row, zone: str) -> Iterator[Found]:
    if _is_backwards(data, zone):
        yield "until", "is not after from", data["until"]


def _twice(keys: Sequence[tuple[str, Any]]) -> Iterator[Found]:
    seen: list[Any] = []
    for key, value in keys:
        if value is not None and value in seen:
            yield key, "is there already", value
        seen.append(value)


def _releases(data: Row, zone: str) -> Iterator[Found]:
    del zone
    rows = rows_of(data, "release")
    yield from _twice([(f"{place}.id", row.get("id")) for place, row in rows])
    for place, row in rows:
        parts = [(f"{place}.part{at.removeprefix('part')}", part) for at, part in rows_of(row, "part")]
        yield from _twice([("", "page"), *((f"{at}.id", part.get("id")) for at, part in parts)])
        yield from _of_gov_uk(place, row)


def _of_gov_uk(place: str, row: Row) -> Iterator[Found]:
    """Find fault with what only GOV.UK's announcements have, where none announces the release."""
    if _ANNOUNCED_AT.match(str(row.get("url"))):
        return
    for key in ("announcement", "announcement_title", "redirect_after", "listed_after", "organisations"):
        if key in row:
            reason = "needs a page below https://www.gov.uk/government/statistics/, which GOV.UK announces"
            yield f"{place}.{key}", reason, row[key]


def _changes(data: Row, zone: str) -> Iterator[Found]:
    del zone
    for place, row in rows_of(data, "change"):
        given = [key for key in ("slot", "state", "gone") if key in row]
        if not given:
            yield place, "needs one of slot, state or gone", None
        elif "gone" in given and len(given) > 1:
            yield f"{place}.gone", f"an entry that vanishes has no {given[0]}", row["gone"]


def _answers(data: Row, zone: str) -> Iterator[Found]:
    rows = rows_of(data, "answer")
    moments = [(f"{place}.at", row.get("url"), _instant(row.get("at"), zone), row.get("at")) for place, row in rows]
    for (_, url, at, _), (key, other, later, raw) in combinations(moments, 2):
        if at is not None and (url, at) == (other, later):
            yield key, "this address has another answer from that instant on", raw
    for place, row in rows:
        if "body" in row and "body_file" in row:
            yield f"{place}.body_file", "there is a body already", row["body_file"]


def _faults(data: Row, zone: str) -> Iterator[Found]:
    rows = rows_of(data, "fault")
    for place, row in rows:
        if ("host" in row) == ("url" in row):
            yield place, "needs either host or url", None
        if _is_backwards(row, zone):
            yield f"{place}.until", "is not after from", row["until"]
        if "age" in row and row.get("kind") not in {"mirror", "stale"}:
            yield f"{place}.age", "belongs to mirror and stale alone", row["age"]
        if "retry_after" in row and row.get("kind") not in {"429", "503"}:
            yield f"{place}.retry_after", "belongs to 429 and 503 alone", row["retry_after"]
    for (first, one), (second, other) in combinations(rows, 2):
        if _same_place(one, other) and _meet(one, other, zone):
            yield f"{second}.from", f"overlaps {first}", other.get("from")


def _same_place(one: Row, other: Row) -> bool:
    return (one.get("host"), one.get("url")) == (other.get("host"), other.get("url"))


def _meet(one: Row, other: Row, zone: str) -> bool:
    ends = [_instant(row.get(key), zone) for row in (one, other) for key in ("from", "until")]
    if None in ends:
        return False
    begins, until, other_begins, other_until = (end for end in ends if end is not None)
    return begins < other_until and other_begins < until


def _troubles(data: Row, zone: str) -> Iterator[Found]:
    runs = True
    rows = rows_of(data, "monitor")
    for place, row in rows:
        if (row.get("kind") == "clock") != ("offset" in row):
            reason = "a wrong clock needs an offset" if row.get("kind") == "clock" else "belongs to clock alone"
            yield f"{place}.offset", reason, row.get("offset")
    timed = [(at, place, row.get("kind")) for place, row in rows if (at := _instant(row.get("at"), zone))]
    for _, place, kind in sorted(timed, key=lambda trouble: trouble[0]):
        if kind in {"stop", "kill"} and not runs:
            yield f"{place}.kind", "the monitor does not run then", kind
        elif kind == "start" and runs:
            yield f"{place}.kind", "the monitor runs already", kind
        runs = kind == "start" if kind in {"stop", "kill", "start"} else runs


def _names(data: Row, zone: str) -> Iterator[Found]:
    del zone
    known = [str(row.get("id")) for _, row in rows_of(data, "release")]
    # The calendars of a configuration may announce releases that the script does not tell of.
    for table in ("change",) if "config" in data else ("change", "log", "expect"):
        for place, row in rows_of(data, table):
            name = row.get("release")
            if isinstance(name, str) and name not in known:
                yield f"{place}.release", f"no such release{did_you_mean(name, known)}", name
            elif name is None and table == "expect":
                yield from _loose(place, row)


def _loose(place: str, row: Row) -> Iterator[Found]:
    """Find fault with an expectation of no release that does more than count over all of them."""
    if set(row) - {"notices", "drafts"}:
        yield f"{place}.release", "must be given for anything but notices and drafts", None
