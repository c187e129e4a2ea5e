"""The JSON of a watched release, kept until something can change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import is_
from typing import Any

from schedules.times.json import instant_json

_MAX_AGE = timedelta(seconds=1)
"""How long the JSON is reused after new looks that changed no verdict."""


@dataclass(frozen=True, slots=True)
class CachedJson:
    """The JSON of a release as of the instant `at`.

    `verdict` has the recorded objects that it was made from, and `looks` the runs. `until` is the next instant at
    which the passing of time changes it, or None.
    """

    body: dict[str, Any]
    at: datetime
    until: datetime | None
    verdict: Sequence[object]
    looks: Sequence[object]

    def as_of(self, now: datetime, verdict: Sequence[object], looks: Sequence[object]) -> dict[str, Any] | None:
        """Return the JSON as of now, or None if it must be made again."""
        if now < self.at or not all(map(is_, self.verdict, verdict)):
            return None
        has_no_new_look = len(self.looks) == len(looks) and all(map(is_, self.looks, looks))
        if has_no_new_look and (self.until is None or now < self.until):
            return self.body | {"at": instant_json(now)}
        return self.body if now < self.at + _MAX_AGE else None
