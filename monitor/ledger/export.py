"""The joined calendar out of the store, in any format that people subscribe to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import partial

from monitor.store.interface import LedgerStore
from schedules.export import FORMATS, Promised, promised
from schedules.promise import Promise


def published(
    store: LedgerStore,
    kind: str,
    span: tuple[datetime | None, datetime | None],
    now: datetime,
    timezone: str,
    *,
    with_addresses: bool = True,
) -> tuple[bytes, str]:
    """Return the joined calendar between two instants (None: open), and its media type.

    `kind` is one of `FORMATS`. Promises alone are told, nothing that was seen; `with_addresses` or without those of
    releases that are not due yet, some of which may be out.
    """
    releases = store.releases(*span)
    promises: dict[str, list[Promise]] = defaultdict(list)
    for promise in store.promises([release.id for release in releases]):
        promises[promise.release].append(promise)
    write, media = FORMATS[kind]
    entries = promised(releases, promises, now)
    return write(entries if with_addresses else map(partial(_unaddressed, now), entries), timezone), media


def _unaddressed(now: datetime, entry: Promised) -> Promised:
    passes = entry.slot.passes()
    if passes is not None and passes <= now:
        return entry
    return replace(entry, release=replace(entry.release, url="", parts=()))
