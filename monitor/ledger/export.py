"""The joined calendar out of the store, in any format that people subscribe to."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from monitor.store.interface import Store
from schedules.export import FORMATS, promised
from schedules.promise import Promise


def published(
    store: Store, kind: str, span: tuple[datetime | None, datetime | None], now: datetime, timezone: str
) -> tuple[bytes, str]:
    """Return the joined calendar between two instants (None: open), and its media type.

    `kind` is one of `FORMATS`. Promises alone are told, nothing that was seen.
    """
    releases = store.releases(*span)
    promises: dict[str, list[Promise]] = defaultdict(list)
    for promise in store.promises([release.id for release in releases]):
        promises[promise.release].append(promise)
    write, media = FORMATS[kind]
    return write(promised(releases, promises, now), timezone), media
