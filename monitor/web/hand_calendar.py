"""The file of the calendar `by-hand`, to which people add releases and addresses on the pages."""

from __future__ import annotations

import asyncio
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alerts.by_hand import BoxFault, InvalidInput, is_address
from monitor.look.guard import RefusedAddress
from monitor.look.http.resolve import NoAddress, Resolver
from monitor.threads import run_in_thread
from monitor.web.answers import Addition
from schedules.announcement import Role, State
from schedules.export import toml_string
from schedules.times.json import Json
from schedules.titles import slug

T = TypeVar("T")
_HEADING = (
    "# People add to this calendar on the pages of ninethirty. You can edit it too, but your"
    " comments are lost.\n"
)
_NOT_AN_ADDRESS = "Enter a web address, such as https://www.gov.uk/government/statistics/widgets."
_LOOKUP_SECONDS = 2.0
_MOST_PARTS = 20
_LONGEST_ID = 100


@dataclass
class HandCalendar:
    """The file of the calendar `by-hand`.

    The `resolver` refuses the same addresses as the looks do.
    """

    file: Path
    resolver: Resolver
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def make_file(self) -> None:
        """Write an empty calendar if there is no file yet.

        If it cannot be written, reads of the calendar say so.
        """
        with suppress(OSError):
            if not self.file.exists():
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self.file.write_text(_HEADING, encoding="utf-8")

    async def list_additions(self) -> list[Addition]:
        """Return what people added and did not remove, the newest first.

        Raises `InvalidInput` for a damaged file.
        """
        return [*_list_additions(await run_in_thread(self._read_file))][::-1]

    async def edit(self, change: Callable[[list[Json]], T]) -> T:
        """Write the `[[release]]` tables as `change` alters them, and return its result.

        Raises `InvalidInput`.
        """
        async with self._lock:
            data = await run_in_thread(self._read_file)
            result = change(data.setdefault("release", []))
            await run_in_thread(lambda: self._write_file(data))
        return result

    async def find_address_fault(self, url: str) -> str:
        """Return why a web address cannot be watched, empty if it can.

        A host that has no address now is accepted.
        """
        if not is_address(url) or "@" in urlsplit(url).netloc:
            return _NOT_AN_ADDRESS
        parts = urlsplit(url)
        try:
            origin = self.resolver.guard.origin_of(parts.scheme, parts.hostname or "", parts.port)
            await self.resolver.find_routes(origin, _LOOKUP_SECONDS)
        except NoAddress:
            return ""
        except RefusedAddress as refused:
            return f"This monitor may not request that address: {refused}."
        except ValueError:  # a port that no server can have
            return _NOT_AN_ADDRESS
        return ""

    def _read_file(self) -> Json:
        """Return the file's content, empty without a file.

        Raises `InvalidInput` if damaged or not in our form.
        """
        why: object = "write [[release]] and [[release.part]]"
        try:
            if not self.file.exists():
                return {}
            data = tomllib.loads(self.file.read_text(encoding="utf-8"))
            list(_list_additions(data))  # this and the next line raise for another form
            write_toml(data)
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as exc:
            if isinstance(exc, OSError | ValueError):
                why = exc
            fault = f"The file {self.file.name} cannot be read, so repair it first: {why}"
            raise InvalidInput(BoxFault("", fault)) from exc
        return data

    def _write_file(self, data: Json) -> None:
        """Replace the file in one step, so that no read and no crash sees half of it."""
        new = self.file.with_name(f"{self.file.name}.new")
        try:
            with new.open("w", encoding="utf-8") as stream:
                stream.write(write_toml(data))
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self.file)
        except OSError as exc:
            fault = f"The file {self.file.name} cannot be written: {exc.strerror}"
            raise InvalidInput(BoxFault("", fault)) from exc


def add_release(
    tables: list[Json], title: str, producer: str, url: str, slot: datetime, reason: str
) -> str:
    """Add a release with its slot in local time.

    Return the id of its entry. Raises `InvalidInput` for a repetition.
    """
    if any(
        (one.get("title"), one.get("slot")) == (title, slot)
        for one in tables
        if not _is_removed(one)
    ):
        why = "This release was added before, with the same time."
        raise InvalidInput(BoxFault("title", why))
    stem, taken = f"{slug(title, _LONGEST_ID)}-{slot:%Y-%m-%d}", {one.get("id") for one in tables}
    ids = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    entry = next(one for one in ids if one not in taken)
    tables.append(
        {
            "id": entry,
            "title": title,
            "producer": producer,
            "url": url,
            "slot": slot,
            "reason": reason,
        }
    )
    return entry


def add_address(tables: list[Json], entry: Json, url: str, *, required: bool) -> None:
    """Add an address as a `part` of the calendar's table of a release.

    Raises `InvalidInput` if it has too many.

    `entry` is a new table for this release. It is used if none of `tables` has the same `id`, or
    the same `of` (the id of a release in another calendar). A `required` address is an attachment
    that the verdict needs, any other address an alternative.
    """
    table = next(
        (one for one in tables if one.get("id") == entry["id"] or one.get("of") == entry["of"]),
        None,
    )
    if table is None:
        table = {**entry}
        tables.append(table)
    parts = table.setdefault("part", [])
    if len(parts) >= _MOST_PARTS:
        why = f"No more than {_MOST_PARTS} addresses can be added to a release."
        raise InvalidInput(BoxFault("url", why))
    taken = {one.get("id") for one in parts}
    ids = (f"added-{number}" for number in count(1))
    part = next(one for one in ids if one not in taken)
    role = Role.ATTACHMENT if required else Role.ALTERNATIVE
    parts.append(
        {
            "id": part,
            "role": role.value,
            "url": url,
            "required": required,
            "reason": entry["reason"],
        }
    )


def remove_addition(tables: list[Json], entry: str, part: str, reason: str) -> None:
    """Remove an address that a person added to a release, or cancel a release that a person added.

    `tables` are the entries of the calendar that is kept by hand, changed in place. `entry` is the
    id of one of them. `part` is the id of the address, or "" to cancel the release. The `reason` is
    saved in the entry. Raises `InvalidInput` if the address or the release was removed before.
    """
    removed_before = InvalidInput(BoxFault("", "It was removed before."))
    table = next((one for one in tables if one.get("id") == entry and not _is_removed(one)), None)
    if table is None:
        raise removed_before
    if part:
        addresses = table.get("part", [])
        table_part = [one for one in addresses if one.get("id") != part]
        if len(table_part) == len(addresses):
            raise removed_before
        table["part"] = table_part
    elif "of" in table:  # it adds addresses to another entry's release
        raise removed_before
    else:
        table["state"] = State.CANCELLED.value
    table["reason"] = reason


def write_toml(data: Mapping[str, Any]) -> str:
    """Return a calendar as TOML: its table `[source]` if it has one, and its `[[release]]`
    tables.
    """
    lines = [_HEADING]
    for name, value in data.items():
        heading, tables = f"[{name}]", [value]
        if isinstance(value, list):
            heading, tables = f"[{heading}]", value
        for table in tables:
            pairs = (f"{_write_key(key)} = {_write_value(one)}" for key, one in table.items())
            lines += [heading, *pairs, ""]
    return "\n".join(lines)


def _write_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _write_value(key)


def _write_value(value: object) -> str:
    """Return a TOML value: a text, a table in braces, an array, a date or time, a number, or `true`
    or `false`.
    """
    match value:
        case str():
            return toml_string(value)
        case dict():
            pairs = (f"{_write_key(key)} = {_write_value(one)}" for key, one in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case list():
            return f"[{', '.join(map(_write_value, value))}]"
        case date() | time():
            return value.isoformat()
    return str(value).lower()


def _list_additions(data: Json) -> Iterator[Addition]:
    """Yield the releases and further addresses in the `[[release]]` tables, without those that were
    removed.

    A table with `of` has only further addresses, for the release with that id.
    """
    for table in (one for one in data.get("release", []) if not _is_removed(one)):
        entry, title, of = (str(table.get(key, "")) for key in ("id", "title", "of"))
        rows = table.get("part", [])
        if not of:
            rows = [{**table, "id": ""}, *rows]
        for one in rows:
            url, reason = (str(one.get(key, "")) for key in ("url", "reason"))
            part = str(one.get("id"))
            yield Addition(entry=entry, part=part, title=title, url=url, reason=reason, of=of)


def _is_removed(table: Json) -> bool:
    return table.get("state") == State.CANCELLED.value
