"""Checks of the rotas: names that exist, and at least one way in which a role is on call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from schedules.values import did_you_mean, quote_value, read_wall

CrossFault = tuple[str, str, str | None]


def rota_faults(
    rows: Iterable[tuple[str, Mapping[str, Any]]], channels: Collection[str], taken: Collection[str], folder: Path
) -> Iterator[CrossFault]:
    """Yield `(key, reason, value)` for each fault. `rows` are rotas by key, and `taken` are names that others have."""
    for place, row in rows:
        who = row.get("who")
        ways = who if isinstance(who, dict) else {}
        if (name := row.get("name")) in taken:
            yield f"{place}.name", "a channel or calendar is called that", quote_value(name)
        for role, way in ways.items():
            if isinstance(way, str) and way not in channels:
                yield unknown_name_fault(f"{place}.who.{quote_value(role)}", "channel", way, channels)
        for key, role in _named_roles(place, row):
            if ways and role not in ways:
                yield unknown_name_fault(key, "role", role, ways)
        yield from _source_faults(place, row, folder)
        yield from _shift_faults(place, row)


def unknown_name_fault(key: str, what: str, name: str, known: Collection[str]) -> CrossFault:
    """Return the fault of a key whose value names a thing that is not configured."""
    return key, f"no {what} of that name{did_you_mean(name, known)}", quote_value(name)


def _named_roles(place: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    turns = row.get("turns")
    named = [(f"{place}.turns", role) for role in turns] if isinstance(turns, list) else []
    named += [(f"{where}.role", shift.get("role")) for where, shift in _shift_rows(place, row)]
    yield from ((key, role) for key, role in named if isinstance(role, str))


def _shift_rows(place: str, row: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    shifts = row.get("shift")
    for number, shift in enumerate(shifts if isinstance(shifts, list) else (), 1):
        if isinstance(shift, dict):
            yield f"{place}.shift[{number}]", shift


def _source_faults(place: str, row: Mapping[str, Any], folder: Path) -> Iterator[CrossFault]:
    file = row.get("file")
    if not any(row.get(key) for key in ("turns", "shift", "url", "file")):
        yield place, "needs turns, shifts, a url or a file: without one, no one is on call", None
    if "url" in row and file is not None:
        yield place, "needs either url or file", None
    if isinstance(file, str) and not (folder / file).is_file():
        yield f"{place}.file", "no such file", quote_value(file)
    if row.get("turns") and "begins" not in row:
        yield f"{place}.begins", "must be given with turns: the first turn begins then", None


def _shift_faults(place: str, row: Mapping[str, Any]) -> Iterator[CrossFault]:
    for where, shift in _shift_rows(place, row):
        begins, until = (_read_wall_or_none(shift.get(key)) for key in ("from", "until"))
        if begins is not None and until is not None and until <= begins:
            yield f"{where}.until", "must be later than from", quote_value(shift["until"])


def _read_wall_or_none(value: object) -> datetime | None:
    try:
        return read_wall(value)
    except PydanticCustomError:
        return None
