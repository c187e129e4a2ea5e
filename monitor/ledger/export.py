"""Exports the joined calendar from the store, in the formats that people subscribe to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from monitor.store.sql.read_ledger import LedgerStore
from schedules.export import FORMATS, PromisedRelease, list_promised
from schedules.slot import has_passed


def export_calendar(  # noqa: PLR0913 # what people choose of it
    ledger: LedgerStore,
    kind: str,
    span: tuple[datetime | None, datetime | None],
    now: datetime,
    timezone: str,
    *,
    producer: str | None = None,
    with_addresses: bool = True,
) -> tuple[bytes, str]:
    """Return the joined calendar between two instants (None: without bound) as a file, and its
    media type.

    `kind` is one of `FORMATS`. With `producer`, only its releases are included. The export contains
    no results of looks. Without `with_addresses`, releases not due yet have no addresses: some may
    be public early (`docs/how-to/sign-in.md#who-sees-what`).
    """
    write, media = FORMATS[kind]
    entries = promised_between(ledger, span, now, producer)
    if not with_addresses:
        entries = (_without_early_address(entry, now) for entry in entries)
    return write(entries, timezone), media


def _without_early_address(entry: PromisedRelease, now: datetime) -> PromisedRelease:
    if has_passed(entry.slot, now):
        return entry
    return replace(entry, release=replace(entry.release, url="", parts=()))


def promised_between(
    ledger: LedgerStore,
    span: tuple[datetime | None, datetime | None],
    now: datetime,
    producer: str | None = None,
) -> Iterator[PromisedRelease]:
    """Yield the releases with a slot in force between two instants (None: without bound), with that
    slot.
    """
    releases = [
        release
        for release in ledger.releases(*span)
        if not producer or producer in release.producers
    ]
    promises = ledger.promises_by_release([release.id for release in releases])
    yield from list_promised(releases, promises, now)
