"""Listings, feeds and the press: what shows a release at an address nobody promised, or asks for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import structlog

from alerts.finding import Finding, ReleaseFacts
from monitor.config.settings import ProducerSettings
from monitor.look.fetch import Found
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window
from monitor.plan.targets import Target, is_file, press_of, tripwires_of
from schedules.announcement import Part, Role
from schedules.release import Release
from schedules.titles import title_matches

_log = structlog.get_logger(__name__)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)
_MOST_SEEN = 20_000
_ELSEWHERE = "elsewhere-"

Lead = Callable[[str, str, Found], None]
Elsewhere = Callable[[str, Part], None]


@dataclass(frozen=True, slots=True)
class Near:
    """A release that is watched or will be: when its slot begins, None where none is in force."""

    release: Release
    slot: datetime | None


@dataclass(slots=True)
class Tripwires:
    """Every tripwire of every configured producer.

    `near` tells a producer's releases whose slot has not long passed. `elsewhere(release, part)` is told of an
    address that a listing shows under a release's own title; `lead(producer, release, found)` of an item of
    the press that holds one of the producer's keywords; `newcomer(producer, found)` of an entry that a listing did not
    show at the look before. What a listing shows at the first look of a life is
    what it showed before, unless it is dated after `since`.
    """

    producers: Sequence[ProducerSettings]
    near: Callable[[str], Sequence[Near]]
    elsewhere: Elsewhere
    lead: Lead
    newcomer: Callable[[str, Found], None] = lambda _producer, _found: None
    since: datetime = _END
    _press: dict[str, ProducerSettings] = field(default_factory=dict)
    _newest: dict[str, ProducerSettings] = field(default_factory=dict)
    _seen: dict[str, set[str]] = field(default_factory=dict)

    def targets(self) -> Iterator[Target]:
        """Yield the targets of all tripwires."""
        for producer in self.producers:
            for target in tripwires_of(producer.id, producer.hosts, producer.newest):
                self._newest[target.id] = producer
                yield target
            for target in press_of(producer.id, producer.press):
                self._press[target.id] = producer
                yield target

    def see(self, target: Target, sighting: Sighting) -> None:
        """Take in a look at a tripwire."""
        if target.id in self._press:
            self._see_press(self._press[target.id], target, sighting)
        elif target.id in self._newest:
            self._see_newest(self._newest[target.id], target, sighting)

    def _see_newest(self, producer: ProducerSettings, target: Target, sighting: Sighting) -> None:
        for one in self._fresh(target, sighting):
            self.newcomer(producer.id, one)
        for near in self.near(producer.id):
            known = {part.url for part in near.release.parts}
            for one in sighting.found:
                if one.url not in known and title_matches(near.release.title, one.title):
                    self.elsewhere(near.release.id, _part(near.release, one.url))
                    known.add(one.url)

    def _see_press(self, producer: ProducerSettings, target: Target, sighting: Sighting) -> None:
        for one in self._fresh(target, sighting):
            if _speaks_of(one, producer.press_keywords):
                self._raise(producer.id, one)

    def _fresh(self, target: Target, sighting: Sighting) -> list[Found]:
        """Return what a listing shows for the first time in this life; at the first look, what is dated since."""
        if sighting.state is State.UNKNOWN and not sighting.found:
            return []
        is_first = target.id not in self._seen
        seen = self._seen.setdefault(target.id, set())
        fresh = [one for one in sighting.found if one.url not in seen]
        if len(seen) < _MOST_SEEN:
            seen.update(one.url for one in fresh)
        return [one for one in fresh if not is_first or self._is_later(one)]

    def _raise(self, producer: str, found: Found) -> None:
        ahead = [near for near in self.near(producer) if near.slot is not None]
        if ahead:
            nearest = min(ahead, key=lambda near: near.slot or _END)
            _log.info("lead", producer=producer, release=nearest.release.id, url=found.url)
            self.lead(producer, nearest.release.id, found)

    def _is_later(self, found: Found) -> bool:
        text = found.facts.get("published") or found.facts.get("updated") or ""
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return False
        return date.tzinfo is not None and date > self.since


def always(every: timedelta) -> tuple[Window, ...]:
    """Return the window of a tripwire, which is looked at whatever the hour."""
    return (Window("tripwire", _BEGINNING, _END, every),)


def with_lead(facts: ReleaseFacts, found: Found, now: datetime) -> ReleaseFacts:
    """Return a release's facts with a lead for a person: the address and the time of the item, none of its words."""
    detail = f"an item of the press that holds watched keywords, first seen by {now:%Y-%m-%d %H:%M:%S} UTC: {found.url}"
    return replace(facts, verdict="lead", grade="none", final=False, findings=(Finding("lead", None, detail),))


def read_by_title(part: Part) -> Part:
    """Return a part that a listing showed with its title to be read on every host: mere presence proves nothing."""
    is_shown = part.id.startswith(_ELSEWHERE) and part.recognise is None and not is_file(part.url)
    return replace(part, recognise="govuk") if is_shown else part


def _part(release: Release, url: str) -> Part:
    number = sum(part.id.startswith(_ELSEWHERE) for part in release.parts) + 1
    return read_by_title(Part(f"{_ELSEWHERE}{number}", Role.ALTERNATIVE, url, required=False))


def _speaks_of(found: Found, keywords: Iterable[str]) -> bool:
    text = f"{found.title} {found.facts.get('summary', '')}".casefold()
    return any(keyword.casefold() in text for keyword in keywords)
