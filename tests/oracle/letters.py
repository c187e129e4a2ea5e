"""Whether each sentence of a draft and its letters is true in its world, and in the words of the civil service."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from urllib.parse import urlsplit

from alerts.draft.report import Report
from tests.oracle.measures import not_seen_gone
from tests.oracle.phrases import LENGTH, TIME, WHEN, clock, interval, lengths
from tests.oracle.words import slack
from tests.oracle.world import Place, Release, Span, World, out, spans, users_from
from tests.worlds.plain_style import breaches_of_style

_MINUTE, _SEEN_WITHIN = timedelta(minutes=1), timedelta(seconds=150)
_NOUNS = {"landing page": "page", "HTML version": "html", "attachment": "attachment", "data file": "data"}
_ALTERNATIVES = {
    "the report": "report",
    "the bulletin": "bulletin",
    "a news story on the release": "news",
    "a post on the release": "post",
}
_Named = tuple[tuple[Sequence[Place], int], ...]
"""Places that a subject may mean, and how many of them it is about."""


@dataclass(frozen=True)
class _Said:
    """A sentence as of `at`: its release, the slot that it refers to, and the places that its subject names.

    `day` is an instant on the day of a time without a date: the day that an earlier sentence named, or the slot's.
    """

    world: World
    release: Release
    at: datetime
    slot: datetime
    day: datetime
    subject: _Named = ()

    @property
    def off(self) -> timedelta:
        """By how much a stated time may be wrong."""
        return slack(self.world) + timedelta(seconds=1)

    @property
    def places_of_world(self) -> list[Place]:
        """All places: a split or merged entry may have left its address to another release."""
        return [place for release in self.world.releases for place in release.places]

    def is_true_of_places(self, is_true: Callable[[Place], bool]) -> bool:
        return all(sum(map(is_true, places)) >= number for places, number in self.subject)

    def is_true_of_spans(self, is_true: Callable[[Span], bool]) -> bool:
        return self.is_true_of_places(lambda place: any(map(is_true, spans(place))))

    def is_within(self, at: datetime | None, words: str) -> bool:
        low, high = interval(words, self.slot)
        return at is not None and low <= at + self.off and at - self.off <= high

    def is_as_long(self, length: timedelta | float, words: str | None) -> bool:
        """Return whether a length is as stated; any is if none is stated."""
        if words is None:
            return True
        seconds = length.total_seconds() if isinstance(length, timedelta) else length
        (low, high), off = lengths(words), self.off.total_seconds()
        return low - off <= seconds <= high + off


def letters_denied(world: World, release: Release | None, report: Report) -> Iterator[str]:
    """Yield what a draft and its letters say that is not so, or that is said in the monitor's own words.

    A report on a period is measured to the second and lists verdicts, so it is not checked. Without a `release` only
    the style is checked.
    """
    if report.form == "period":
        return
    slot = None if release is None else _slot_of(release, report)
    announced = (one.announced.title for one in world.releases if one.announced and one.announced.title)
    titles = {report.subject, *(one.title for one in world.releases), *announced}
    for text in dict.fromkeys(_paragraphs(report)):
        plain = text
        # The longest first: a title may contain another.
        for title in sorted(titles, key=len, reverse=True):
            plain = plain.replace(f"“{title}”", "“”").replace(title, "“”")
        yield from (f"{why}: {text}" for why in breaches_of_style(plain, (report.incident, "release-")))
        if release is not None and slot is not None:
            yield from _untrue(_Said(world, release, report.at, slot, slot), plain)


def _paragraphs(report: Report) -> Iterator[str]:
    """Yield every paragraph that a person signs or sends."""
    yield from chain.from_iterable(field.paragraphs for field in report.fields())
    yield from chain(report.covering, report.holding, report.correction, report.lines)


def _untrue(said: _Said, text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z“])", text):
        matching = ((re.fullmatch(pattern, sentence), is_true) for pattern, is_true in _CLAIMS)
        found, is_true = next(((found, is_true) for found, is_true in matching if found), (None, None))
        if found is None or is_true is None:
            if re.search(rf"\b(?:{TIME}|{LENGTH})\b", sentence):
                yield f"no rule checks “{sentence}” of: {text}"
            continue
        words = found.groupdict()
        # “It” and “They” are the subject of the sentence before.
        if (who := words.get("who")) and who not in ("It", "They"):
            said = replace(said, subject=_named(who, words.get("at"), said.release))
        if not is_true(said, found):
            yield f"not so: “{sentence}” of: {text}"
        dated = [clock(each, said.slot) for each in re.findall(TIME, sentence) if " on " in each]
        said = replace(said, day=dated[-1] if dated else said.day)


def _slot_of(release: Release, report: Report) -> datetime | None:
    """Return the slot that a draft names, None if it names none that any calendar told."""
    told = re.search(rf"was pre-announced(?: on GOV\.UK)? for ({TIME})", " ".join(report.covering))
    return next((slot for slot in _slots(release) if told and clock(told[1], slot) == slot), None)


def _slots(release: Release) -> list[datetime]:
    changed = [change.slot for change in release.changes]
    without_offset = [release.slot + timedelta(hours=hours) for hours in (-1, 1) if release.redated]
    return [slot for slot in (release.slot, *changed, release.other_calendar, *without_offset) if slot is not None]


def _named(who: str, url: str | None, release: Release) -> _Named:
    if url is not None:
        return (([place for place in release.places if place.url == url], 1),)
    names = re.split(", | and ", f"{who[:1].lower()}{who[1:]}")
    return tuple(chain.from_iterable(_of_name(name, names, release) for name in names))


def _of_name(name: str, every: Sequence[str], release: Release) -> Iterator[tuple[Sequence[Place], int]]:
    if name in ("the release", "“”"):
        required = [place for place in release.places if place.required and place.role != "alternative"]
        yield required, len(required)
    elif name in _ALTERNATIVES:
        yield [place for place in release.parts if place.id == _ALTERNATIVES[name]], 1
    elif name == "content of the release":
        yield [place for place in release.parts if place.role == "alternative"], 1
    elif found := re.fullmatch(rf"(?:the |one )?(?:(\d+) )?({'|'.join(_NOUNS)})s?(?: (\S+))?", name):
        alike = [place for place in release.places if place.role == _NOUNS[found[2]]]
        files = [found[3], *(each for each in every if " " not in each)] if found[3] else []
        named = [place for place in alike if urlsplit(place.url).path.rsplit("/", 1)[-1] in files]
        yield (named, 1) if files else (alike, int(found[1] or 1))
    elif " " in name:
        yield [], 1


def _is_slot(said: _Said, found: re.Match[str]) -> bool:
    return clock(found["slot"], said.slot) == said.slot


def _came(said: _Said, found: re.Match[str]) -> bool:
    early = found.groupdict().get("early")
    return said.is_true_of_spans(
        lambda span: said.is_within(span.begins, found["when"]) and said.is_as_long(said.slot - span.begins, early)
    )


def _published(said: _Said, found: re.Match[str]) -> bool:
    return _came(said, found) and _was_hidden(said, found)


def _published_as_announced(said: _Said, found: re.Match[str]) -> bool:
    def is_in_time(place: Place) -> bool:
        first = out(place, said.slot)
        return first is not None and first <= said.slot + _MINUTE + said.off

    return _is_slot(said, found) and said.is_true_of_places(is_in_time) and _was_hidden(said, found)


def _was_hidden(said: _Said, found: re.Match[str]) -> bool:
    """Return whether users of an edge still got an older copy until or at the time named, if one is."""
    if until := found["until"]:
        return said.is_true_of_places(lambda place: any(said.is_within(got, until) for got in users_from(place)))
    if still := found["still"]:
        then = clock(still, said.slot)
        # Users may never have got what was taken away again while the edge kept the older copy.
        return said.is_true_of_places(lambda place: max(users_from(place), default=then) + said.off >= then)
    return True


def _still_absent(said: _Said, found: re.Match[str]) -> bool:
    """Return whether it had not been public without a pause for as long as seeing it takes."""
    then = clock(found["when"], said.day)

    def is_public(place: Place) -> bool:
        return any(
            span.begins <= then - _SEEN_WITHIN and (span.ends is None or then + _MINUTE <= span.ends)
            for span in spans(place)
        )

    # Two files may have one name, so one of them is enough.
    return not any(all(map(is_public, places)) for places, _ in said.subject if places)


def _still_available(said: _Said, found: re.Match[str]) -> bool:
    then = clock(found["when"], said.day)
    return said.is_true_of_places(lambda place: _is_public(place, then + _MINUTE / 2, said))


def _remained(said: _Said, found: re.Match[str]) -> bool:
    del found
    return said.is_true_of_places(lambda place: _is_public(place, said.slot, said))


def _is_out(said: _Said, found: re.Match[str]) -> bool:
    return any(_is_public(place, said.at, said) for place in said.places_of_world if place.url == found["url"])


def _was_out(said: _Said, found: re.Match[str]) -> bool:
    places = (place for place in said.places_of_world if place.url == found["url"])
    return any(span.begins <= said.at + said.off for place in places for span in spans(place))


def _is_public(place: Place, then: datetime, said: _Said) -> bool:
    """Return whether a place was public at an instant, or had shown nothing by then that proves its absence."""
    lasts = _MINUTE + said.off
    return any(
        span.begins <= then + said.off
        and (span.shown is None or then - lasts <= span.shown or not_seen_gone(place, span.begins, then))
        for span in spans(place)
    )


def _removed(said: _Said, found: re.Match[str]) -> bool:
    low, high = interval(found["when"], said.day)
    return said.is_true_of_spans(
        lambda span: (
            span.ends is not None
            and span.shown is not None
            and low - said.off <= span.shown
            and span.ends <= high + said.off
            and any(said.is_as_long(end - span.begins, found["length"]) for end in (span.ends, span.shown))
        )
    )


def _seen_before(said: _Said, found: re.Match[str]) -> bool:
    begun = [span.begins for place in said.release.places for span in spans(place)]
    return any(
        each < said.slot + said.off and (not found["when"] or said.is_within(each, found["when"])) for each in begun
    )


def _elsewhere(said: _Said, found: re.Match[str]) -> bool:
    told = {each[1]: each[2] for each in re.finditer(rf"at (\S+) ({WHEN})", found[0])}
    places = {place.url: place for place in said.places_of_world if place.url in told}
    return len(places) == len(told) and all(
        any(said.is_within(span.begins, told[url]) for span in spans(place)) for url, place in places.items()
    )


def _lasted(said: _Said, found: re.Match[str]) -> bool:
    def fits(span: Span) -> bool:
        ends = [min(each or said.slot, said.slot) for each in (span.ends, span.shown)]
        is_length = any(said.is_as_long(each - span.begins, found["length"]) for each in ends)
        return is_length and span.begins < said.slot and said.is_as_long(said.slot - span.begins, found["early"])

    return said.is_true_of_spans(fits)


def _delayed(said: _Said, found: re.Match[str]) -> bool:
    def fits(place: Place) -> bool:
        came = [*(span.begins for span in spans(place)), *users_from(place)]
        waits = [(each - said.slot).total_seconds() for each in came]
        # What left again, or never came, may be waited for without an end.
        for_ever = [math.inf] * all(span.ends is not None for span in spans(place))
        return any(wait > 0 and said.is_as_long(wait, found["length"]) for wait in (*waits, *for_ever))

    return said.is_true_of_places(fits)


def _earlier(said: _Said, found: re.Match[str]) -> bool:
    """Return whether any release of the world was public early for so long, or late by so much."""
    some = [
        said.is_as_long(abs(each), found["length"])
        for release in said.world.releases
        for place in release.places
        for slot in _slots(release)
        for span in spans(place)
        for end in (span.ends or slot, span.shown or slot, slot)
        for each in (end - span.begins, *(got - slot for got in users_from(place)))
    ]
    return any(some) or found["length"].startswith("at least")


_VERB = "(?:was|were)"
_STILL = rf"still shown an older copy at (?P<still>{TIME})"
_HIDDEN = rf"(?:, but users were (?:shown an older copy (?P<until>{WHEN})|{_STILL}))?"
_UNKNOWN = rf"It is not known whether (?P<who>.+) {_VERB} published as announced"
_BECAME = rf"(?P<who>.+?)(?: at (?P<at>http\S+))? became available(?: again)? (?P<when>{WHEN})"
_WAS_EARLY = rf"(?P<who>.+) {_VERB} available(?: for (?P<length>{LENGTH}))?(?:,? from (?P<early>{LENGTH}))?"
_CLAIMS: tuple[tuple[str, Callable[[_Said, re.Match[str]], bool]], ...] = (
    (rf"(?P<who>“”|It|The release) was pre-announced(?: on GOV\.UK)? for (?P<slot>{TIME})\.", _is_slot),
    (rf"{_UNKNOWN}; (?:it|they) (?:became|was|were) available (?P<when>{WHEN})\.", _came),
    (rf"{_BECAME}(?:, (?P<early>{LENGTH}) early)?\.", _came),
    (rf"(?P<who>.+) {_VERB} not available (?P<when>{WHEN})\.", _came),
    (rf"(?P<who>.+) {_VERB} published (?P<when>{WHEN}){_HIDDEN}\.", _published),
    (rf"(?P<who>.+) {_VERB} published as announced at (?P<slot>{TIME}){_HIDDEN}\.", _published_as_announced),
    (rf"(?P<who>.+) {_VERB} still not (?:available|found) at (?P<when>{TIME})\.", _still_absent),
    (rf"(?P<who>It|They) {_VERB} still available at (?P<when>{TIME})\.", _still_available),
    (r"(?P<who>It|They) remained available until the announced time\.", _remained),
    (rf"(?P<who>It|They) {_VERB} removed (?P<when>{WHEN})(?:, after (?P<length>{LENGTH}))?\.", _removed),
    (rf"(?:It|Part of it) could be seen (?:shortly )?before that time(?:, (?P<when>{WHEN}))?\.", _seen_before),
    (rf"(?P<who>.+) {_VERB} available (?P<when>by {TIME})\.", _came),
    (rf".+ {_VERB} available at http\S+ {WHEN}.*\.", _elsewhere),
    (rf"{_WAS_EARLY} before the announced time\.", _lasted),
    (rf"Access to (?P<who>.+) was delayed by (?P<length>{LENGTH})(?: so far)?\.", _delayed),
    (rf"(?P<who>.+) could be read elsewhere (?P<length>{LENGTH}) after the announced time\.", _delayed),
    (r"(?P<who>“”) is available at (?P<url>http\S+)\.", _is_out),
    (r"(?P<who>“”) was published at (?P<url>http\S+)\.", _was_out),
    (rf"An earlier incident on .+ concerned “”: .+ (?P<length>{LENGTH})\.", _earlier),
)
"""How each sentence that names a time or a length is checked, by its words without titles."""
