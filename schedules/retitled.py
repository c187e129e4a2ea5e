"""What an entry of a calendar was called before: a new wording of its title, or another period under the same entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schedules.ledger_event import LedgerEvent, What
from schedules.times.json import instant_from_json, instant_json
from schedules.titles import read_title


@dataclass(frozen=True, slots=True)
class Retitled:
    """One change of a title, shown by the read at `at` and not yet by the one before it, at `since`."""

    at: datetime
    since: datetime | None
    before: str
    after: str

    @property
    def changes_period(self) -> bool:
        """Tell whether another edition is spoken of."""
        return read_title(self.before).period != read_title(self.after).period


def retitled(before: str, after: str, at: datetime, since: datetime | None) -> tuple[Retitled, ...]:
    """Return how a title changed, nothing where only blanks differ."""
    old, new = (" ".join(title.split()) for title in (before, after))
    return () if old == new else (Retitled(at, since, old, new),)


def retitlings_as_events(found: Iterable[Retitled], calendar: str, release: str) -> list[LedgerEvent]:
    """Return changes of titles as events of the ledger."""
    return [
        LedgerEvent(
            What.PERIOD_CHANGED if one.changes_period else What.RETITLED,
            one.at,
            calendar,
            release,
            one.since,
            detail=f"“{one.after}”, was “{one.before}”",
        )
        for one in found
    ]


def retitled_json(one: Retitled) -> dict[str, Any]:
    """Return a change of a title as JSON."""
    return {"at": instant_json(one.at), "since": instant_json(one.since), "before": one.before, "after": one.after}


def retitled_from_json(data: Mapping[str, Any]) -> Retitled:
    """Return the change that `retitled_json` wrote."""
    at, since = datetime.fromisoformat(data["at"]), instant_from_json(data["since"])
    return Retitled(at, since, data["before"], data["after"])
