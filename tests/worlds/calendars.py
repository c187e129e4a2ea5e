"""Tables of `[[calendar]]` for tests."""

from __future__ import annotations

from schedules.sources.settings import CalendarSettings


def calendar_settings(kind: str, address: str = "", **keys: object) -> CalendarSettings:
    """Return the table of a calendar. `address` is an address of the web, or the path of a file."""
    is_url = "://" in address
    where = {"url" if is_url else "file": address} if address else {}
    return CalendarSettings.model_validate({"name": "own", "kind": kind, **where, **keys})
