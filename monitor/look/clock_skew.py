"""Estimates how wrong our clock is, by the `Date` headers of the watched hosts.

A host writes its date, in whole seconds, after we send the request and before we receive the
answer. So each date gives bounds for the offset, which is our clock minus the true time. The bounds
by several dates of one host are intersected, and the hosts vote. A date more than a day from our
clock is ignored, because some hosts send year 9999 or 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from monitor.look.cache_age import age_of
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date

Span = tuple[float, float]
"""The least and most seconds that our clock may be ahead of the true time."""

TOLERANCE = 1.0
"""Spans that are more than this many seconds apart contradict each other. The servers of one name
differ by less.
"""
RIGHT_CLOCK: Span = (-1.0, 1.0)
"""The vote of our own clock: that it is right to a second."""
_LEAST_HOSTS = 2
"""This many hosts must agree that our clock is wrong, because the clock of one host may be
wrong.
"""
_HOST_WEIGHT, _MACHINE_WEIGHT, _OUR_WEIGHT = 2, 2, 1
"""Our own clock decides a draw, but never against two hosts."""
_log = structlog.get_logger(__name__)
NO_OFFSET: Span = (0.0, 0.0)
_DAY = 86_400.0
_WITHIN_A_DAY: Span = (-_DAY, _DAY)
_GRAIN = 1.0
"""Dates and ages are whole seconds."""
_DRIFT = 0.0005
"""The machine corrects its clock by up to 500 ppm, so old bounds are widened by that before they
are used.
"""
_REPLACED_AFTER = 2
_ERRATIC_AFTER = 6
"""A host whose dates contradicted earlier ones this many times is ignored: its servers have
different clocks.
"""
_VOTES_EVERY = timedelta(seconds=1)
_LEAST_SECONDS_APART = 5.0
"""Two answers of one address must be at least this many seconds apart to show who wrote their
dates.
"""
_SAME_WITHIN = 2.0
"""Seconds by which ages and dates may differ from the time between two answers: both are whole
seconds.
"""
_FOLLOWED_SECONDS = 120.0
"""Seconds after which another address of the host is compared, if this one showed nothing."""


@dataclass(frozen=True, slots=True)
class Vote:
    """The result of a vote. `bounds` is how far our clock is ahead, in seconds.

    `outvoted` hosts contradict it. The dates of `unconfirmed` hosts, which nothing confirms, count
    only at their host.
    """

    bounds: Span
    outvoted: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()


def vote(spans: Mapping[str, Span], *, synchronised: bool | None = None) -> Vote:
    """Return how far our clock is ahead, in seconds, which hosts are outvoted, and which are not
    confirmed.

    `spans` has the range that each host's dates allow, for at least one host, the host with the
    newest date first. Hosts with overlapping ranges form a group. Our clock, and the machine if it
    says that it is `synchronised`, add weight to each group that allows a right clock. The group
    with the most weight wins: its common range is the result.
    """
    # Two hosts must agree to prove our clock wrong. But a single host suffices if the machine is
    # not synchronised.
    least_hosts = 1 if synchronised is False and len(spans) == 1 else _LEAST_HOSTS
    first_group = _agreeing_hosts(next(iter(spans)), spans)
    is_only_group = len(first_group) == len(spans)  # usually all hosts agree
    groups = [first_group] if is_only_group else [_agreeing_hosts(name, spans) for name in spans]
    credible = [
        group for group in groups if len(group) >= least_hosts or _allows_right_clock(group, spans)
    ]
    if not credible:
        # The hosts contradict each other and our clock. If the machine is synchronised, our clock
        # is right.
        everyone = frozenset(spans)
        return (
            Vote(RIGHT_CLOCK, outvoted=everyone)
            if synchronised
            else Vote(RIGHT_CLOCK, unconfirmed=everyone)
        )
    our_weight = _OUR_WEIGHT + (_MACHINE_WEIGHT if synchronised else 0)
    weights = [
        _HOST_WEIGHT * len(group) + our_weight * _allows_right_clock(group, spans)
        for group in credible
    ]
    winner, *others = (
        group for group, weight in zip(credible, weights, strict=True) if weight == max(weights)
    )
    bounds = common_span(spans, winner)
    rivals = [group for group in others if distance(common_span(spans, group), bounds) > TOLERANCE]
    if rivals:
        # A draw: each of the groups may be right, so the result covers all of them.
        drawn = [bounds, *(common_span(spans, group) for group in rivals)]
        covering = min(low for low, _ in drawn), max(high for _, high in drawn)
        return Vote(covering, unconfirmed=frozenset().union(winner, *rivals))
    outvoted = frozenset(name for name, span in spans.items() if distance(span, bounds) > TOLERANCE)
    confirmed = _limit_to_confirmed([spans[name] for name in winner], least_hosts)
    if confirmed == bounds:
        return Vote(confirmed, outvoted)
    # The winners prove our clock wrong only by `confirmed`, because too few of them agree on all of
    # `bounds`.
    return Vote(
        confirmed, outvoted, unconfirmed=frozenset(name for name in winner if is_off(spans[name]))
    )


def _agreeing_hosts(seed: str, spans: Mapping[str, Span]) -> frozenset[str]:
    """Return host `seed` and, in the order of `spans`, each host whose span overlaps with all those
    chosen before.
    """
    common, group = spans[seed], {seed}
    for name, span in spans.items():
        narrowed = overlap(common, span)
        if narrowed is not None:
            common = narrowed
            group.add(name)
    return frozenset(group)


def _allows_right_clock(group: Iterable[str], spans: Mapping[str, Span]) -> bool:
    """Return whether the common range of these hosts allows that our clock is right to a second."""
    return distance(common_span(spans, group), RIGHT_CLOCK) <= 0


def _limit_to_confirmed(spans: list[Span], least_hosts: int) -> Span:
    """Return how far our clock is ahead, given hosts' overlapping spans.

    `least_hosts` must confirm an error.

    E.g. (3, 9) and (5, 8): two hosts confirm at least 3 s, only one at least 5 s. If two must, the
    result is (3, 8).
    """
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    low, high = lows[-1], highs[0]
    if len(spans) < least_hosts:
        return min(low, 0.0), max(high, 0.0)  # too few to confirm any error, so allow zero
    if low > 0:
        low = max(0.0, lows[-least_hosts])  # this many hosts have a low bound at least as large
    if high < 0:
        high = min(0.0, highs[least_hosts - 1])
    return low, high


def common_span(spans: Mapping[str, Span], names: Iterable[str]) -> Span:
    """Return the range that the spans of these hosts share. It is inverted if they share none."""
    chosen = [spans[name] for name in names]
    return max(low for low, _ in chosen), min(high for _, high in chosen)


def overlap(span: Span, other: Span) -> Span | None:
    """Return the range in which two spans overlap, None if they do not."""
    low, high = max(span[0], other[0]), min(span[1], other[1])
    return (low, high) if low <= high else None


def distance(span: Span, other: Span) -> float:
    """Return the seconds between two spans. Below zero if they overlap."""
    return max(span[0], other[0]) - min(span[1], other[1])


def is_off(bounds: Span) -> bool:
    """Return whether the clock is known to be wrong: zero is not among the possible offsets."""
    return bounds[0] > 0 or bounds[1] < 0


class AgedAnswer(NamedTuple):
    """The headers of an answer from a cache: its `Date`, and its `Age` in seconds.

    `sent` is when we requested it.
    """

    url: str
    sent: datetime
    date: datetime
    age: int


@dataclass(slots=True, eq=False)
class _HostDates:
    """The bounds of our clock's offset by the dates of one host, the last of which we received at
    `at`.

    `contrary_bounds` are those by its newest dates if they contradict `bounds`, and
    `contrary_dates` is the number of these dates. `contradictions` counts how often that ended: the
    dates agreed again, or replaced `bounds`.
    """

    name: str
    bounds: Span
    at: datetime
    contrary_bounds: Span | None = None
    contrary_dates: int = 0
    contradictions: int = 0

    def add_bounds(self, bounds: Span, at: datetime) -> bool:
        """Add one date's bounds of our clock's offset.

        Return whether the known ones were replaced: a clock was set.
        """
        # The clocks may have drifted apart since the last date.
        drift = abs((at - self.at).total_seconds()) * _DRIFT
        known = (self.bounds[0] - drift, self.bounds[1] + drift)
        self.bounds, self.at = known, at
        if distance(known, bounds) > TOLERANCE:
            return self._add_contrary_bounds(bounds)
        # If the two do not overlap, the small gap between them is imprecision: cover both.
        self.bounds = overlap(known, bounds) or (min(known[0], bounds[0]), max(known[1], bounds[1]))
        if self.contrary_bounds is not None:
            # The date before contradicted the known bounds, and this one agrees with them: dates
            # change to and fro.
            self.contradictions += 1
            self.contrary_bounds, self.contrary_dates = None, 0
        return False

    def _add_contrary_bounds(self, bounds: Span) -> bool:
        """Keep bounds of our clock's offset that contradict the known ones.

        Return whether they now replace those.

        They do after `_REPLACED_AFTER` dates in a row that contradict the known bounds, but not
        each other.
        """
        narrowed = None if self.contrary_bounds is None else overlap(self.contrary_bounds, bounds)
        if narrowed is None:  # no date just before, or one that this date contradicts too
            self.contrary_bounds, self.contrary_dates = bounds, 1
        else:
            self.contrary_bounds, self.contrary_dates = narrowed, self.contrary_dates + 1
        if self.contrary_dates < _REPLACED_AFTER:
            return False
        self.contradictions += 1  # because a host whose clock is set many times is ignored
        self.bounds, self.contrary_bounds, self.contrary_dates = self.contrary_bounds, None, 0
        return True

    def shift(self, seconds: float) -> None:
        """Adapt the bounds after our clock was set by this many seconds."""
        self.bounds = shift_span(self.bounds, seconds)
        self.contrary_bounds = self.contrary_bounds and shift_span(self.contrary_bounds, seconds)
        self.at += timedelta(seconds=seconds)

    def is_erratic(self) -> bool:
        """Return whether its dates change back and forth, so that they are not used."""
        return self.contradictions >= _ERRATIC_AFTER


@dataclass(slots=True, eq=False)
class Skew:
    """Estimates the offset of our clock from the dates of the hosts we look at.

    Offsets are in seconds, and positive if our clock is ahead of the true time. `synchronised`
    returns whether the machine reports that its clock is synchronised, None if it reports nothing.
    `moved` returns by how many seconds our clock was moved since the start. `bounds` are the least
    and most seconds that our clock is ahead of the true time. Both are zero before any date is
    known.
    """

    synchronised: Callable[[], bool | None] = lambda: None
    moved: Callable[[], float] = lambda: 0.0
    bounds: Span = NO_OFFSET
    _last_moved: float = field(init=False)
    _last_vote: Vote = Vote(NO_OFFSET)
    _dates_by_host: dict[str, _HostDates] = field(default_factory=dict)
    # Hosts whose last date was more than a day from our clock, with the bounds by that date.
    _far_off_spans: dict[str, Span] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)
    # When a host's dates last showed that a clock was set. Older dates of other hosts may be by the
    # old clock.
    _clock_set_at: datetime | None = None
    _last_vote_at: datetime | None = None
    # The last `Date` header and its instant: several answers in a row have the same one.
    _last_date: tuple[str, datetime | None] = ("", None)
    # One answer of each host from its cache, to compare the next ones with it.
    _kept_answers: dict[str, AgedAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last_moved = self.moved()

    def observe(self, host: str, answer: Answer) -> bool:
        """Update the offset of our clock by the date of an answer.

        Return whether the answer's own time is certain.

        It is uncertain if its date contradicts earlier dates of this host: our clock or the host's
        has just been set.
        """
        self.adapt_to_move()
        bounds = self._bounds_by_date(host, answer)
        if bounds is None:  # an answer without a usable date contradicts nothing
            return True
        dates = self._dates_by_host.get(host)
        if dates is None:
            dates = self._dates_by_host[host] = _HostDates(host, bounds, answer.received)
            self._last_vote_at = None  # so that the hosts vote on our clock now
        elif (
            dates.is_erratic()
        ):  # its servers have different clocks, so a contradiction shows nothing about ours
            return True
        elif dates.add_bounds(
            bounds, answer.received
        ):  # two dates in a row contradict earlier ones: a clock was set
            self._clock_set_at, self._last_vote_at = answer.sent, None
        # A vote after every look would cost more than the look.
        is_vote_due = (
            self._last_vote_at is None or abs(answer.received - self._last_vote_at) > _VOTES_EVERY
        )
        if dates.contrary_bounds is not None or is_vote_due:
            self.bounds, self._last_vote_at = self._run_vote(), answer.received
        return dates.contrary_bounds is None

    def adapt_to_move(self) -> None:
        """Adapt all that is known about our clock's offset if the clock was moved."""
        step = self.moved() - self._last_moved
        if step == 0.0:
            return
        self._last_moved += step
        # else they stay zero, which means that no host has sent a usable date yet
        if self.is_known():
            self.bounds = shift_span(self.bounds, step)
        if self._clock_set_at is not None:
            self._clock_set_at += timedelta(seconds=step)  # the same instant by the new clock
        self._last_vote_at = None  # so that the hosts vote on our clock at the next answer
        self._kept_answers.clear()  # the time between one of these and a later answer is not known
        self._far_off_spans = {
            host: shift_span(span, step) for host, span in self._far_off_spans.items()
        }
        for dates in self._dates_by_host.values():
            dates.shift(step)

    def bounds_for(self, host: str) -> Span:
        """Return the least and most seconds that our clock is ahead, for dating the looks at one
        host.
        """
        dates = self._dates_by_host.get(host)
        if dates is None:
            # This host has sent no usable date. So our clock counts as right, unless the hosts'
            # vote proved it wrong.
            return self.bounds if is_off(self.bounds) else NO_OFFSET
        # Dates that the vote neither confirmed nor contradicted count at their own host only.
        return dates.bounds if host in self._last_vote.unconfirmed else self.bounds

    def count_support(self, wall_lead: float) -> tuple[int, int]:
        """Return how many hosts' newest dates allow that our clock is right, and how many that the
        wall clock is, which is `wall_lead` seconds ahead of it.
        """
        hosts = [dates for dates in self._dates_by_host.values() if not dates.is_erratic()]
        newest = [dates.contrary_bounds or dates.bounds for dates in hosts]
        ours = sum(distance(span, RIGHT_CLOCK) <= 0 for span in newest)
        walls = (shift_span(span, wall_lead) for span in newest)
        return ours, sum(distance(span, RIGHT_CLOCK) <= 0 for span in walls)

    def describe_doubts(self) -> dict[str, str]:
        """Return each host with dates that are not used, and the reason in words for the status
        page.
        """
        doubts = dict.fromkeys(
            self._far_off_spans, "its Date header is more than a day from our clock, and is ignored"
        )
        # A host in the last vote had a plausible date then, and the result of that vote is the
        # reason shown for it.
        for host in self._last_vote.outvoted:
            doubts[host] = "its clock differs from ours and others', and is not believed"
        for host in self._last_vote.unconfirmed:
            proves_ours_wrong = distance(self._dates_by_host[host].bounds, RIGHT_CLOCK) > 0
            if proves_ours_wrong:
                doubts[host] = (
                    "its clock differs from ours and nothing confirms either: its looks prove"
                    " nothing"
                )
        return doubts

    def is_known(self) -> bool:
        """Return whether any host has sent a usable date yet."""
        return self.bounds != NO_OFFSET

    def _bounds_by_date(self, host: str, answer: Answer) -> Span | None:
        """Return by how many seconds, least and most, our clock is ahead of an answer's date
        (negative: behind).

        The publisher's server (the origin) wrote the date, or a cache in its place. Return None if
        it is unusable.
        """
        header = answer.headers.get("date", "")
        if header != self._last_date[0]:
            self._last_date = (header, mail_date(header))
        date = self._last_date[1]
        if date is None:
            return None
        # The date was written between `sent` and `received`, without the fraction of the second.
        least = (answer.sent - date).total_seconds() - _GRAIN
        most = (answer.received - date).total_seconds()
        if age := age_of(answer.headers):
            # A cache answered with a copy that is `age` seconds old. If the cache wrote the date,
            # it did so now, and these bounds are right. If the origin wrote it, it did so `age`
            # seconds ago. Then `age` must be subtracted from both bounds. The age is in whole
            # seconds, so allow for one second more or less.
            least_by_origin, most_by_origin = least - (age + _GRAIN), most - (age - _GRAIN)
            is_by_cache = self._is_date_by_cache(
                host, AgedAnswer(answer.url, answer.sent, date, age)
            )
            if is_by_cache is None:
                # the writer is not known, so allow for both: `most` is higher by the cache
                least = least_by_origin
            elif not is_by_cache:
                least, most = least_by_origin, most_by_origin
        is_over_a_day_off = distance((least, most), _WITHIN_A_DAY) > 0
        if is_over_a_day_off:
            self._record_implausible_date(host, (least, most))
            return None
        # an earlier date of this host may have been over a day off
        self._far_off_spans.pop(host, None)
        return least, most

    def _is_date_by_cache(self, host: str, aged: AgedAnswer) -> bool | None:
        """Return whether the cache wrote an answer's date (True), or the origin did (False).

        None: this is not known.

        The cache writes it at our request, the origin (the publisher's server) when the cache gets
        its copy. So two answers with the same copy are compared, e.g. with ages of 100 and 110 and
        sent 10 s apart. If their dates are equal, the origin wrote them. If the second is 10 s
        later, the cache wrote both.
        """
        earlier = self._kept_answers.get(host)
        if earlier is None:
            self._kept_answers[host] = aged
            return None
        elapsed = (aged.sent - earlier.sent).total_seconds()
        is_same_address = aged.url == earlier.url
        # One answer of each host is kept. An answer of the same address at least 5 s later is
        # compared with it, and then kept in its place. An answer of another address cannot be
        # compared. It is kept instead after 120 s.
        keep_seconds = _LEAST_SECONDS_APART if is_same_address else _FOLLOWED_SECONDS
        if 0.0 <= elapsed < keep_seconds:
            return None
        self._kept_answers[host] = aged
        age_growth, date_growth = aged.age - earlier.age, (aged.date - earlier.date).total_seconds()
        # `elapsed` is negative if our clock was set back between the two.
        is_same_copy = (
            is_same_address and elapsed >= 0.0 and abs(age_growth - elapsed) <= _SAME_WITHIN
        )
        if is_same_copy and date_growth == 0:
            return False
        return True if is_same_copy and abs(date_growth - elapsed) <= _SAME_WITHIN else None

    def _record_implausible_date(self, host: str, span: Span) -> None:
        """Record a date more than a day from our clock, and log it once a host.

        `span` is by how many seconds, least and most, our clock would be ahead if the date were
        right. Nearly always, the host's clock is wrong. So such dates are believed only if two
        hosts agree, no host has sent a plausible one, and the machine does not report that its
        clock is synchronised.
        """
        if host not in self._logged:
            self._logged.add(host)
            _log.warning("date_ignored", host=host, days_behind_ours=round(span[0] / _DAY))
        self._far_off_spans[host] = span
        has_plausible_date = bool(self._dates_by_host)
        if not has_plausible_date and len(self._far_off_spans) > 1 and not self.synchronised():
            # `RIGHT_CLOCK` if they contradict each other
            self.bounds = vote(self._far_off_spans).bounds

    def _run_vote(self) -> Span:
        """Let the hosts with consistent dates vote on our clock's offset.

        Return its bounds, as before if none can.
        """
        # A host is consistent if its newest date agrees with its earlier ones.
        hosts = self._dates_by_host.values()
        consistent = [
            host for host in hosts if host.contrary_bounds is None and not host.is_erratic()
        ]
        # Once a clock was set, earlier dates may be by the old clock: omit them if two hosts have
        # sent later ones.
        recent = [
            host
            for host in consistent
            if self._clock_set_at is None or host.at >= self._clock_set_at
        ]
        # Newest first: of equal groups, the one with the newest date wins.
        voters = sorted(
            recent if len(recent) > 1 else consistent, key=lambda host: host.at, reverse=True
        )
        if not voters:
            return self.bounds
        spans = {host.name: host.bounds for host in voters}
        result = vote(spans)
        if result.outvoted or result.unconfirmed:
            # Ask the machine only if hosts disagree, because that takes as long as a look.
            result = vote(spans, synchronised=self.synchronised())
        self._last_vote = result
        return result.bounds


def shift_span(bounds: Span, seconds: float) -> Span:
    """Return the bounds of a clock's offset after the clock was set by this many seconds."""
    return bounds[0] + seconds, bounds[1] + seconds


def largest_offset(bounds: Span) -> float:
    """Return the most seconds by which the clock may be wrong, in either direction."""
    return max(-bounds[0], bounds[1], 0.0)
