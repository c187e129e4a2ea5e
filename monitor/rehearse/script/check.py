"""Checks across the tables of a script: releases that must exist, keys that must match, faults that
overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any

from pydantic_core import PydanticCustomError

from monitor.config.checks import rows_of
from monitor.errors import Fault
from monitor.rehearse.script.values import to_utc
from schedules.values import did_you_mean, quote_value

WITHOUT_RELEASE = frozenset({"notices", "drafts", "not_ready"})
"""The keys of an expectation that need no release."""

Row = Mapping[str, Any]
STATISTICS_PAGE = re.compile(
    r"https?://www\.gov\.uk/government/statistics/(?!announcements/)(?=[^/])"
)
"""Matches the folder of a page that GOV.UK's release calendar announces."""
_GOV_UK_KEYS = (
    "announcement",
    "announcement_title",
    "redirect_after",
    "listed_after",
    "organisations",
)
FoundFault = tuple[str, str, Any]
"""Key, reason and value of one fault; a value of None is not shown."""


def find_script_faults(data: Row, file: str, zone: str) -> list[Fault]:
    """Return the faults in the relations between a script's tables, in the order of the tables.

    `data` is the parsed TOML. Values of a wrong type are ignored, because the model of each table
    reports them.
    """
    rules = (
        _check_period,
        _check_releases,
        _check_changes,
        _check_answers,
        _check_faults,
        _check_monitor,
        _check_names,
    )
    return [
        Fault(file, key, reason, None if value is None else quote_value(value))
        for rule in rules
        for key, reason, value in rule(data, zone)
    ]


def _to_utc(value: object, zone: str) -> datetime | None:
    """Return a date-time in UTC.

    None for another value, or a local time that `zone` does not have or has twice.
    """
    if not isinstance(value, datetime):
        return None
    try:
        return to_utc(value, zone)
    except PydanticCustomError:
        return None


def _read_period(row: Row, zone: str) -> tuple[datetime, datetime] | None:
    """Return begin and end of the period of a table. None if one of them cannot be read."""
    begins, ends = _to_utc(row.get("from"), zone), _to_utc(row.get("until"), zone)
    return None if begins is None or ends is None else (begins, ends)


def _ends_before_begin(row: Row, zone: str) -> bool:
    period = _read_period(row, zone)
    return period is not None and period[1] <= period[0]


def _check_period(data: Row, zone: str) -> Iterator[FoundFault]:
    if _ends_before_begin(data, zone):
        yield "until", "is not after from", data["until"]


def _find_duplicates(keys: Sequence[tuple[str, Any]]) -> Iterator[FoundFault]:
    """Yield a fault for each pair of key and value whose value came before."""
    seen: list[Any] = []
    for key, value in keys:
        if value is not None and value in seen:
            yield key, "is there already, each needs its own", value
        seen.append(value)


def _check_releases(data: Row, _zone: str) -> Iterator[FoundFault]:
    """Yield each id that two releases or parts have, and keys for GOV.UK's calendar of a release
    that is not on it.
    """
    rows = rows_of(data, "release")
    yield from _find_duplicates([(f"{place}.id", row.get("id")) for place, row in rows])
    for place, row in rows:
        # The release's own page has the id `page`.
        part_ids = (
            (f"{place}.{part_place}.id", part.get("id"))
            for part_place, part in rows_of(row, "part")
        )
        yield from _find_duplicates([("", "page"), *part_ids])
        if not STATISTICS_PAGE.match(str(row.get("url"))):
            reason = (
                "needs a page below https://www.gov.uk/government/statistics/, which GOV.UK"
                " announces"
            )
            yield from ((f"{place}.{key}", reason, row[key]) for key in _GOV_UK_KEYS if key in row)


def _check_changes(data: Row, _zone: str) -> Iterator[FoundFault]:
    """Yield changes that change nothing, and removals of an entry that also change it."""
    for place, row in rows_of(data, "change"):
        given = [key for key in ("slot", "state", "gone") if key in row]
        if not given:
            yield place, "needs one of slot, state or gone", None
        elif "gone" in given and len(given) > 1:
            yield f"{place}.gone", f"a removed entry cannot have {given[0]}", row["gone"]


def _check_answers(data: Row, zone: str) -> Iterator[FoundFault]:
    """Yield answers of one address at the same time, and answers with two bodies."""
    rows = rows_of(data, "answer")
    answer_times = [
        (f"{place}.at", row.get("url"), _to_utc(row.get("at"), zone), row.get("at"))
        for place, row in rows
    ]
    for (_, url, at, _), (other_key, other_url, other_at, raw) in combinations(answer_times, 2):
        if at is not None and (url, at) == (other_url, other_at):
            yield other_key, "this address has another answer at the same time", raw
    for place, row in rows:
        if "body" in row and "body_file" in row:
            yield f"{place}.body_file", "cannot be used together with body", row["body_file"]


def _check_faults(data: Row, zone: str) -> Iterator[FoundFault]:
    """Yield what is wrong with the simulated faults of a script: no target, a wrong period or key,
    or an overlap.
    """
    rows = rows_of(data, "fault")
    for place, row in rows:
        if ("host" in row) == ("url" in row):
            yield place, "needs either host or url", None
        if _ends_before_begin(row, zone):
            yield f"{place}.until", "is not after from", row["until"]
        if "age" in row and row.get("kind") not in {"mirror", "stale"}:
            yield f"{place}.age", "only mirror and stale can have it", row["age"]
        if "retry_after" in row and row.get("kind") not in {"429", "503"}:
            yield f"{place}.retry_after", "only 429 and 503 can have it", row["retry_after"]
    for (first, one), (second, other) in combinations(rows, 2):
        has_same_target = (one.get("host"), one.get("url")) == (other.get("host"), other.get("url"))
        one_period, other_period = _read_period(one, zone), _read_period(other, zone)
        if not has_same_target or one_period is None or other_period is None:
            continue
        if one_period[0] < other_period[1] and other_period[0] < one_period[1]:
            yield f"{second}.from", f"overlaps {first}", other.get("from")


def _check_monitor(data: Row, zone: str) -> Iterator[FoundFault]:
    """Yield offsets that are absent or not allowed, and stops and starts of the monitor that do not
    alternate.
    """
    is_running = True
    rows = rows_of(data, "monitor")
    for place, row in rows:
        if (row.get("kind") == "clock") != ("offset" in row):
            reason = "only clock can have it"
            if row.get("kind") == "clock":
                reason = "a wrong clock needs an offset"
            yield f"{place}.offset", reason, row.get("offset")
    timed = []
    for place, row in rows:
        at = _to_utc(row.get("at"), zone)
        if at is not None:
            timed.append((at, place, row.get("kind")))
    for _, place, kind in sorted(timed, key=lambda entry: entry[0]):
        if kind in {"stop", "kill"} and not is_running:
            yield f"{place}.kind", "the monitor is not running at that time", kind
        elif kind == "start" and is_running:
            yield f"{place}.kind", "the monitor is already running", kind
        if kind in {"stop", "kill", "start"}:
            is_running = kind == "start"


def _check_names(data: Row, _zone: str) -> Iterator[FoundFault]:
    """Yield references to releases that the script does not define, and expectations that need a
    release.
    """
    known = [str(row.get("id")) for _, row in rows_of(data, "release")]
    # With a configuration, only changes are checked, because its calendars can announce further
    # releases.
    tables = ("change",) if "config" in data else ("change", "log", "expect")
    for table in tables:
        for place, row in rows_of(data, table):
            name = row.get("release")
            if isinstance(name, str) and name not in known:
                yield f"{place}.release", f"no such release{did_you_mean(name, known)}", name
    for place, row in rows_of(data, "expect"):
        if row.get("release") is None and set(row) - WITHOUT_RELEASE:
            reason = "is required, except for notices, drafts and not_ready"
            yield f"{place}.release", reason, None
