"""What people are shown of a watched release, judged anew only where that can tell anything new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import is_
from typing import Any

from schedules.times.json import instant_json

_FRESH = timedelta(seconds=1)
"""How old what is shown may be where looks came in since that changed no verdict."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The JSON of a release as of an instant.

    It rests on `verdict` and what else is written down, and on what `looks` saw. `until` is the next instant at which
    time alone can change it, None when there is none.
    """

    body: dict[str, Any]
    at: datetime
    until: datetime | None
    verdict: Sequence[object]
    looks: Sequence[object]

    def as_of(self, now: datetime, verdict: Sequence[object], looks: Sequence[object]) -> dict[str, Any] | None:
        """Return the JSON as of now, None when it is to be made anew."""
        if not self.at <= now or not all(map(is_, self.verdict, verdict)):
            return None
        has_same_looks = len(self.looks) == len(looks) and all(map(is_, self.looks, looks))
        if has_same_looks and (self.until is None or now < self.until):
            return self.body | {"at": instant_json(now)}
        return self.body if now < self.at + _FRESH else None
