"""Checks whether each sentence of a draft and its letters is true in its world and follows GOV.UK
style.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from urllib.parse import urlsplit

from alerts.draft.report import Report
from tests.oracle.measures import may_seem_still_public
from tests.oracle.phrases import LENGTH, TIME, WHEN, read_clock, read_interval, read_length
from tests.oracle.words import allowed_error
from tests.oracle.world import (
    Place,
    Release,
    Span,
    World,
    is_in_old_copy,
    out,
    spans,
    spans_with_copies,
    users_from,
)
from tests.worlds.plain_style import breaches_of_style

_MINUTE = timedelta(minutes=1)
"""A draft gives instants to the minute."""
_SEEN_WITHIN = timedelta(seconds=150)
"""By then looks must have seen content, if nothing was in the way."""
_ROLES = {
    "landing page": "page",
    "HTML version": "html",
    "attachment": "attachment",
    "data file": "data",
}
"""The role of the parts that a noun names."""
_IDS_BY_NAME = {
    "the data tables": "tables",
    "the report": "report",
    "the bulletin": "bulletin",
    "a news story on the release": "news",
    "a post on the release": "post",
}
"""The id of the part that a subject names: an alternative address, or tables."""
_Subject = tuple[tuple[Sequence[Place], int], ...]
"""The subject of a sentence: groups of places that it may mean, and of how many places in each it
must be true.
"""


@dataclass(frozen=True)
class _Context:
    """The facts to check a sentence with: its world and release, when it was written, and what
    earlier sentences name.

    `slot` is the announced time that the draft names. `day` is an instant on the day of a time
    without a date: the day that an earlier sentence named, or the slot's. `paragraph` has its
    titles.
    """

    world: World
    release: Release
    at: datetime
    slot: datetime
    day: datetime
    paragraph: str
    subject: _Subject = ()

    @property
    def tolerance(self) -> timedelta:
        """Return by how much a stated time may be wrong."""
        return allowed_error(self.world) + timedelta(seconds=1)

    @property
    def places_of_world(self) -> list[Place]:
        """Return the places of all releases: a split or merged entry may have left its address to
        another release.
        """
        return [place for release in self.world.releases for place in release.places]

    def is_true_of_places(self, is_true: Callable[[Place], bool]) -> bool:
        """Return whether enough places of the subject fulfil a condition."""
        return all(sum(map(is_true, places)) >= number for places, number in self.subject)

    def is_true_of_spans(self, is_true: Callable[[Span], bool]) -> bool:
        """Return whether enough places of the subject have a span in public that fulfils a
        condition.
        """
        return self.is_true_of_places(
            lambda place: any(map(is_true, spans_with_copies(self.world, place)))
        )

    def is_within(self, at: datetime | None, words: str) -> bool:
        """Return whether an instant is known and agrees with words such as `between 9.40am and
        9.51am`.
        """
        low, high = read_interval(words, self.slot)
        return at is not None and low <= at + self.tolerance and at - self.tolerance <= high

    def is_as_long(self, length: timedelta | float, words: str | None) -> bool:
        """Return whether a length (a number is in seconds) agrees with words.

        True if `words` is None.
        """
        if words is None:
            return True
        seconds = length.total_seconds() if isinstance(length, timedelta) else length
        (low, high), tolerance = read_length(words), self.tolerance.total_seconds()
        return low - tolerance <= seconds <= high + tolerance


def reasons_against_draft(world: World, release: Release | None, report: Report) -> Iterator[str]:
    """Yield each sentence of a draft and its letters that is not true or breaks the style, with the
    reason.

    A report on a period is measured to the second and lists verdicts, so it is not checked. Without
    a `release` only the style is checked.
    """
    if report.form == "period":
        return
    slot = None if release is None else _find_named_slot(release, report)
    announced = (
        one.announced.title for one in world.releases if one.announced and one.announced.title
    )
    titles = {report.subject, *(one.title for one in world.releases), *announced}
    for text in dict.fromkeys(_list_paragraphs(report)):
        plain = text
        # Replace the longest title first, because a title may contain another.
        for title in sorted(titles, key=len, reverse=True):
            plain = plain.replace(f"“{title}”", "“”").replace(title, "“”")
        yield from (
            f"{why}: {text}" for why in breaches_of_style(plain, (report.incident, "release-"))
        )
        if release is not None and slot is not None:
            yield from _find_untrue_sentences(
                _Context(world, release, report.at, slot, slot, text), plain
            )


def _list_paragraphs(report: Report) -> Iterator[str]:
    """Yield every paragraph that a person signs or sends."""
    yield from chain.from_iterable(field.paragraphs for field in report.fields())
    yield from chain(report.covering, report.holding, report.correction, report.lines)


def _find_untrue_sentences(context: _Context, text: str) -> Iterator[str]:
    """Yield each sentence of a paragraph that is not true, or that names a time or length and has
    no rule.
    """
    for sentence in map(_name_page, re.split(r"(?<=[.?!])\s+(?=[A-Z“])", text)):
        rule = _find_rule(sentence)
        if rule is None:
            if re.search(rf"\b(?:{TIME}|{LENGTH})\b", sentence):
                yield f"no rule checks “{sentence}” of: {text}"
            continue
        match, is_true = rule
        words = match.groupdict()
        # “It” and “They” are the subject of the sentence before.
        if (who := words.get("who")) and who not in ("It", "They"):
            context = replace(context, subject=_find_subject(context, who, words.get("at")))
        if not is_true(context, match):
            yield f"not so: “{sentence}” of: {text}"
        dated = [
            read_clock(time, context.slot) for time in re.findall(TIME, sentence) if " on " in time
        ]
        context = replace(context, day=dated[-1] if dated else context.day)


def _find_rule(sentence: str) -> tuple[re.Match[str], _Check] | None:
    """Return how the first rule that fits a sentence reads it, and its check; None without one."""
    for pattern, is_true in _RULES:
        if match := re.fullmatch(pattern, sentence):
            return match, is_true
    return None


def _name_page(sentence: str) -> str:
    """Return a sentence on where the release was not with the landing page as its subject."""
    named = re.sub(
        r"^(?:The release|It) was (still )?not on its landing page",
        r"The landing page was \1not available",
        sentence,
    )
    return named.replace("the release on its landing page", "the landing page")


def _find_named_slot(release: Release, report: Report) -> datetime | None:
    """Return the slot that a draft names, or None if it names none that a calendar announced."""
    named = re.search(rf"was pre-announced(?: on GOV\.UK)? for ({TIME})", " ".join(report.covering))
    return next(
        (slot for slot in _list_slots(release) if named and read_clock(named[1], slot) == slot),
        None,
    )


def _list_slots(release: Release) -> list[datetime]:
    """Return every slot that a calendar gave to a release, or may seem to have given without its
    zone's offset.
    """
    changed = [change.slot for change in release.changes]
    without_offset = [release.slot + timedelta(hours=hours) for hours in (-1, 1) if release.redated]
    return [
        slot
        for slot in (release.slot, *changed, release.other_calendar, *without_offset)
        if slot is not None
    ]


def _find_subject(context: _Context, who: str, url: str | None) -> _Subject:
    """Return the places that a subject such as `the landing page and the data file` means, or those
    at `url`.
    """
    if url is not None:
        return (([place for place in context.places_of_world if place.url == url], 1),)
    names = re.split(", | and ", f"{who[:1].lower()}{who[1:]}")
    return tuple(chain.from_iterable(_find_places_by_name(context, name, names) for name in names))


def _find_places_by_name(
    context: _Context, name: str, names: Sequence[str]
) -> Iterator[tuple[Sequence[Place], int]]:
    """Yield the places that one of the `names` of a subject may mean, and how many of them it is
    about.

    Yield no places for a name that no rule reads, so its sentence is not true. A file's name
    belongs to its noun.
    """
    release = context.release
    if name in ("the release", "“”"):
        required = [
            place for place in release.places if place.required and place.role != "alternative"
        ]
        yield required, len(required)
    elif name in _IDS_BY_NAME:
        yield [place for place in release.parts if place.id == _IDS_BY_NAME[name]], 1
    elif name == "content of the release":
        # The monitor may have found it on the page of another release, if an entry was split or
        # merged.
        pages = [other.page for other in context.world.releases if other is not release]
        yield [*(place for place in release.parts if place.role == "alternative"), *pages], 1
    elif match := re.fullmatch(
        rf"(?:the |one )?(?:(\d+) )?({'|'.join(_ROLES)})s?(?: (\S+))?", name
    ):
        # A split or merged entry may lead to the page, and so to the files, of another release.
        at_same_page = [
            place
            for other in context.world.releases
            if other.page.url == release.page.url
            for place in other.places
        ]
        role = _ROLES[match[2]]
        same_role = [place for place in release.places if place.role == role]
        same_role = same_role or [place for place in at_same_page if place.role == role]
        files = [match[3], *(each for each in names if " " not in each)] if match[3] else []
        named = [
            place for place in same_role if urlsplit(place.url).path.rsplit("/", 1)[-1] in files
        ]
        yield (named, 1) if files else (same_role, int(match[1] or 1))
    elif " " in name:
        yield [], 1


_Check = Callable[[_Context, re.Match[str]], bool]
"""Return whether a sentence is true in its context. The match is the sentence, read by the pattern
of its rule.
"""


def _is_slot_right(context: _Context, match: re.Match[str]) -> bool:
    return read_clock(match["slot"], context.slot) == context.slot


def _are_readings_right(context: _Context, match: re.Match[str]) -> bool:
    """Return whether the calendar's text of the world can mean exactly these two times."""
    cell = context.release.cell
    named = {read_clock(match[name], context.slot) for name in ("first", "second")}
    return cell is not None and named == {context.slot, *cell.readings}


def _is_start_right(context: _Context, match: re.Match[str]) -> bool:
    early = match.groupdict().get("early")

    def fits(span: Span) -> bool:
        return context.is_within(span.begins, match["when"]) and context.is_as_long(
            context.slot - span.begins, early
        )

    return context.is_true_of_spans(fits)


def _is_again_right(context: _Context, match: re.Match[str]) -> bool:
    """Return whether a sentence says "again" only of what was public before the slot."""
    return match["again"] is None or context.is_true_of_spans(
        lambda span: span.begins < context.slot
    )


def _is_publication_right(context: _Context, match: re.Match[str]) -> bool:
    return _is_start_right(context, match) and _was_hidden_until_then(context, match)


def _was_published_as_announced(context: _Context, match: re.Match[str]) -> bool:
    def is_in_time(place: Place) -> bool:
        first = out(place, context.slot)
        return first is not None and first <= context.slot + _MINUTE + context.tolerance

    is_in_time_everywhere = context.is_true_of_places(is_in_time)
    return (
        _is_slot_right(context, match)
        and is_in_time_everywhere
        and _was_hidden_until_then(context, match)
    )


def _was_hidden_until_then(context: _Context, match: re.Match[str]) -> bool:
    """Return whether users had no access until, or still at, the time named; true if none is
    named.
    """
    if until := match["until"]:
        return context.is_true_of_places(
            lambda place: any(
                context.is_within(at, until) for at in users_from(context.world, place)
            )
        )
    if still := match["still"]:
        then = read_clock(still, context.slot)
        # If it was removed while the cache kept the older copy, users may never have got it.
        return context.is_true_of_places(
            lambda place: (
                max(users_from(context.world, place), default=then) + context.tolerance >= then
                or not any(span.ends is None or then < span.ends for span in spans(place))
            )
        )
    return True


def _was_absent_then(context: _Context, match: re.Match[str]) -> bool:
    """Return whether no group of places had been public long enough, without a break, for looks to
    see it.
    """
    then = read_clock(match["when"], context.day)

    def is_public(place: Place) -> bool:
        return any(
            span.begins <= then - _SEEN_WITHIN
            and (span.ends is None or then + _MINUTE <= span.ends)
            for span in spans(place)
        )

    # Two files may have the same name, so one absent place of a group is enough.
    return not any(all(map(is_public, places)) for places, _ in context.subject if places)


def _was_available_then(context: _Context, match: re.Match[str]) -> bool:
    then = read_clock(match["when"], context.day)
    return context.is_true_of_places(
        lambda place: _may_seem_public(place, then + _MINUTE / 2, context)
    )


def _was_available_at_slot(context: _Context, match: re.Match[str]) -> bool:
    del match
    return context.is_true_of_places(lambda place: _may_seem_public(place, context.slot, context))


def _was_published_at_address(context: _Context, match: re.Match[str]) -> bool:
    places = [place for place in context.places_of_world if place.url == match["url"]]
    return any(
        span.begins <= context.at + context.tolerance for place in places for span in spans(place)
    )


def _may_seem_public(place: Place, then: datetime, context: _Context) -> bool:
    """Return whether a place was public at an instant, or earlier and has not proved absence since
    then.
    """
    lasts = _MINUTE + context.tolerance
    return is_in_old_copy(context.world, place, then) or any(
        span.begins <= then + context.tolerance
        and (
            span.shown is None
            or then - lasts <= span.shown
            or may_seem_still_public(place, span.begins, then)
        )
        for span in spans(place)
    )


def _is_removal_right(context: _Context, match: re.Match[str]) -> bool:
    return context.is_true_of_spans(lambda span: _ends_within(context, span, match["when"]))


def _ends_within(context: _Context, span: Span, words: str) -> bool:
    """Return whether a span's end, or that of its last copy, agrees with words."""
    if span.ends is None or span.shown is None:
        return False
    low, high = read_interval(words, context.day)
    return low - context.tolerance <= span.shown and span.ends <= high + context.tolerance


def _is_change_right(context: _Context, match: re.Match[str]) -> bool:
    return context.is_true_of_places(
        lambda place: any(context.is_within(one.at, match["when"]) for one in place.shows)
    )


def _was_something_there(context: _Context, match: re.Match[str]) -> bool:
    """Return whether a file was there by then: perhaps of another release, or an older edition."""
    by = read_clock(match["by"], context.slot)
    files = [place for place in context.places_of_world if place.role != "page"]
    return any(one.at <= by for place in files for one in place.shows)


def _was_seen_before_slot(context: _Context, match: re.Match[str]) -> bool:
    starts = [span.begins for place in context.release.places for span in spans(place)]
    early = [start for start in starts if start < context.slot + context.tolerance]
    return any(not match["when"] or context.is_within(start, match["when"]) for start in early)


def _are_addresses_right(context: _Context, match: re.Match[str]) -> bool:
    """Return whether the release became public at each address that a sentence lists, at the time
    named there.
    """
    times = {each[1]: each[2] for each in re.finditer(rf"at (\S+) ({WHEN})", match[0])}
    places = {place.url: place for place in context.places_of_world if place.url in times}
    return len(places) == len(times) and all(
        any(context.is_within(span.begins, times[url]) for span in spans(place))
        for url, place in places.items()
    )


def _was_file_of_another(context: _Context, match: re.Match[str]) -> bool:
    """Return whether a file was there then, and is one of the release named.

    Two entries may have the same file or page. The file's content names only one of them.
    """
    since = read_clock(match["since"], context.slot)
    urls = {
        place.url
        for place in context.places_of_world
        if urlsplit(place.url).path.rsplit("/", 1)[-1] == match["file"]
    }
    owners = (
        other
        for other in context.world.releases
        if other is not context.release
        and f"it was the file of “{other.title}”" in context.paragraph
    )

    def fits(span: Span) -> bool:
        # One that was in place before the slot counts from the slot.
        starts = (span.begins, max(span.begins, context.slot))
        is_start = any(
            start - context.tolerance <= since + _MINUTE and since <= start + _SEEN_WITHIN
            for start in starts
        )
        return is_start and (match["until"] is None or _ends_within(context, span, match["until"]))

    return any(
        fits(span)
        for owner in owners
        for place in owner.parts
        if place.url in urls
        for span in spans(place)
    )


def _is_exposure_length_right(context: _Context, match: re.Match[str]) -> bool:
    def fits(place: Place) -> bool:
        found = spans_with_copies(context.world, place)
        return any(fits_span(span, follower) for span, follower in zip_longest(found, found[1:]))

    def fits_span(span: Span, follower: Span | None) -> bool:
        if span.begins >= context.slot or not context.is_as_long(
            context.slot - span.begins, match["early"]
        ):
            return False
        ends = [span.ends, span.shown]
        # If it came back before the copies at an edge ran out, users of that edge had it all the
        # time.
        if follower is not None and span.shown is not None and follower.begins <= span.shown:
            ends += [follower.ends, follower.shown]
        lengths = [min(end or context.slot, context.slot) - span.begins for end in ends]
        return any(context.is_as_long(length, match["length"]) for length in lengths)

    return context.is_true_of_places(fits)


def _is_delay_right(context: _Context, match: re.Match[str]) -> bool:
    def fits(place: Place) -> bool:
        starts = [*(span.begins for span in spans(place)), *users_from(context.world, place)]
        delays = [(start - context.slot).total_seconds() for start in starts]
        # If it was removed again, or never came, the delay may have no end.
        if all(span.ends is not None for span in spans(place)):
            delays.append(math.inf)
        return any(delay > 0 and context.is_as_long(delay, match["length"]) for delay in delays)

    return context.is_true_of_places(fits)


def _is_earlier_incident_right(context: _Context, match: re.Match[str]) -> bool:
    """Return whether any release of the world was public early for so long, or late by so much."""
    lengths = [
        length
        for release in context.world.releases
        for place in release.places
        for slot in _list_slots(release)
        for span in spans_with_copies(context.world, place)
        for end in (span.ends or slot, span.shown or slot, slot)
        for length in (
            end - span.begins,
            *(start - slot for start in users_from(context.world, place)),
        )
    ]
    is_known = any(context.is_as_long(abs(length), match["length"]) for length in lengths)
    return is_known or match["length"].startswith("at least")


_VERB = "(?:was|were)"
_STILL = rf"still had no access at (?P<still>{TIME})"
_HIDDEN = rf"(?:, but users (?:had no access (?P<until>{WHEN})|{_STILL}))?"
_UNKNOWN = rf"It is not known whether (?P<who>.+) {_VERB} published as announced"
_BECAME = rf"(?P<who>.+?)(?: at (?P<at>http\S+))? became available(?: again)? (?P<when>{WHEN})"
_WAS_EARLY = (
    rf"(?P<who>.+) {_VERB} available(?: for (?P<length>{LENGTH}))?(?:,? from (?P<early>{LENGTH}))?"
)
_FILE_WAS_THERE = rf"The file (?P<file>\S+) was there from (?P<since>{TIME})(?: (?P<until>{WHEN}))?"
_RULES: tuple[tuple[str, _Check], ...] = (
    # The Code's own words name the usual time, not that of this release.
    (
        r"Standard 3 \(Be transparent\): “at a standard time \(usually 9\.30am\)”",
        lambda _context, _match: True,
    ),
    (
        rf"(?P<who>“”|It|The release) was pre-announced(?: on GOV\.UK)? for (?P<slot>{TIME})\.",
        _is_slot_right,
    ),
    (
        rf"The time as announced, “[^”]*”, could be read as (?P<first>{TIME}) or (?P<second>{TIME})\.",
        _are_readings_right,
    ),
    (rf"{_UNKNOWN}; (?:it|they) (?:became|was|were) available (?P<when>{WHEN})\.", _is_start_right),
    (
        rf"{_UNKNOWN}; what had been at its address before changed (?P<when>{WHEN})\.",
        _is_change_right,
    ),
    (rf"{_UNKNOWN}; something was at its address by (?P<by>{TIME})\.", _was_something_there),
    (rf"{_BECAME}(?:, (?P<early>{LENGTH}) early)?\.", _is_start_right),
    (
        rf"(?P<who>.+) {_VERB} not available(?P<again> again)? (?P<when>{WHEN})\.",
        lambda context, match: _is_again_right(context, match) and _is_start_right(context, match),
    ),
    (rf"(?P<who>.+) {_VERB} published (?P<when>{WHEN}){_HIDDEN}\.", _is_publication_right),
    (
        rf"(?P<who>.+) {_VERB} published as announced at (?P<slot>{TIME}){_HIDDEN}\.",
        _was_published_as_announced,
    ),
    (
        rf"(?P<who>.+) {_VERB} still not (?:available|found)(?P<again> again)? at (?P<when>{TIME})\.",
        lambda context, match: _is_again_right(context, match) and _was_absent_then(context, match),
    ),
    (rf"(?P<who>It|They) {_VERB} still available at (?P<when>{TIME})\.", _was_available_then),
    (r"(?P<who>It|They) remained available until the announced time\.", _was_available_at_slot),
    (rf"(?P<who>It|They) {_VERB} removed (?P<when>{WHEN})\.", _is_removal_right),
    (
        rf"(?:It|Part of it) could be seen (?:shortly )?before that time(?:, (?P<when>{WHEN}))?\.",
        _was_seen_before_slot,
    ),
    (rf"(?P<who>.+) {_VERB} available (?P<when>by {TIME})\.", _is_start_right),
    (rf".+ {_VERB} available at http\S+ {WHEN}.*\.", _are_addresses_right),
    (rf"{_WAS_EARLY} before the announced time\.", _is_exposure_length_right),
    (rf"Access to (?P<who>.+) was delayed by (?P<length>{LENGTH})(?: so far)?\.", _is_delay_right),
    (rf"(?P<who>.+) was at another address (?P<when>{WHEN})\.", _is_start_right),
    (rf"{_FILE_WAS_THERE}, but it was the file of “”\.", _was_file_of_another),
    (r"(?P<who>“”) was published at (?P<url>http\S+)\.", _was_published_at_address),
    (
        rf"An earlier incident on .+ concerned “”: .+ (?P<length>{LENGTH})\.",
        _is_earlier_incident_right,
    ),
)
"""The pattern of each sentence that names a time or a length, without titles, and its check.

The first pattern that fits counts.
"""
