"""Estimates how wrong our clock is, by the `Date` headers of the watched hosts.

A host writes its date, in whole seconds, between our sending and receiving. So each date bounds the
offset, our clock minus the true time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from monitor.look.cache_age import age_of
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date

Span = tuple[float, float]
"""The least and most seconds that our clock may be ahead."""

TOLERANCE = 1.0
"""Spans further apart contradict each other."""
RIGHT_CLOCK: Span = (-1.0, 1.0)
"""The vote of our own clock."""
_LEAST_HOSTS = 2
"""So many hosts must agree that our clock is wrong, because one host's may be."""
_HOST_WEIGHT, _MACHINE_WEIGHT, _OUR_WEIGHT = 2, 2, 1
"""Our own clock decides a draw, but never against two hosts."""
_log = structlog.get_logger(__name__)
NO_OFFSET: Span = (0.0, 0.0)
_DAY = 86_400.0
_WITHIN_A_DAY: Span = (-_DAY, _DAY)
_GRAIN = 1.0
"""Dates and ages are whole seconds."""
_DRIFT = 0.0005
"""The machine corrects its clock by up to 500 ppm, so old bounds are widened by that."""
_REPLACED_AFTER = 2
_ERRATIC_AFTER = 6
"""A host that contradicted itself so often is ignored: its servers have different clocks."""
_VOTES_EVERY = timedelta(seconds=1)
_LEAST_SECONDS_APART = 5.0
"""Two answers of one address show who wrote their dates only if so far apart."""
_SAME_WITHIN = 2.0
"""Ages and dates are whole seconds, so they may differ by this from the time between answers."""
_FOLLOWED_SECONDS = 120.0
"""After this, another address of the host is compared, if this one showed nothing."""


@dataclass(frozen=True, slots=True)
class Vote:
    """By how many seconds, least and most, our clock is ahead (`bounds`).

    `outvoted` hosts contradict it. Dates of `unconfirmed` ones count only at their host.
    """

    bounds: Span
    outvoted: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()


def vote(spans: Mapping[str, Span], *, synchronised: bool | None = None) -> Vote:
    """Let hosts vote on the `spans` of offsets that their dates allow, newest date first.

    Hosts with overlapping spans form a group. Our clock, and the machine if it is `synchronised`,
    add weight to each group that allows a right clock. The common span of the group with the most
    weight wins.
    """
    # A single host suffices if the machine is not synchronised.
    least_hosts = _LEAST_HOSTS
    if synchronised is False and len(spans) == 1:
        least_hosts = 1
    first_group = _agreeing_hosts(next(iter(spans)), spans)
    is_only_group = len(first_group) == len(spans)
    groups = [first_group] if is_only_group else [_agreeing_hosts(name, spans) for name in spans]
    credible = [
        group for group in groups if len(group) >= least_hosts or _allows_right_clock(group, spans)
    ]
    if not credible:
        # The hosts contradict each other and our clock.
        everyone = frozenset(spans)
        if synchronised:
            return Vote(RIGHT_CLOCK, outvoted=everyone)
        return Vote(RIGHT_CLOCK, unconfirmed=everyone)
    our_weight = _OUR_WEIGHT + (_MACHINE_WEIGHT if synchronised else 0)

    def weigh_group(group: Collection[str]) -> int:
        return _HOST_WEIGHT * len(group) + our_weight * _allows_right_clock(group, spans)

    most_weight = max(map(weigh_group, credible))
    winner, *others = (group for group in credible if weigh_group(group) == most_weight)
    bounds = common_span(spans, winner)
    rivals = [group for group in others if distance(common_span(spans, group), bounds) > TOLERANCE]
    if rivals:
        # A draw: any of them may be right, so cover all.
        drawn = [bounds, *(common_span(spans, group) for group in rivals)]
        covering = min(low for low, _ in drawn), max(high for _, high in drawn)
        return Vote(covering, unconfirmed=frozenset().union(winner, *rivals))
    outvoted = frozenset(name for name, span in spans.items() if distance(span, bounds) > TOLERANCE)
    confirmed = _limit_to_confirmed([spans[name] for name in winner], least_hosts)
    if confirmed == bounds:
        return Vote(confirmed, outvoted)
    # Too few of the winners agree on all of `bounds`.
    return Vote(
        confirmed, outvoted, unconfirmed=frozenset(name for name in winner if is_off(spans[name]))
    )


def _agreeing_hosts(seed: str, spans: Mapping[str, Span]) -> frozenset[str]:
    """Return host `seed` and, in order, each whose span overlaps with all chosen before."""
    common, group = spans[seed], {seed}
    for name, span in spans.items():
        narrowed = overlap(common, span)
        if narrowed is not None:
            common = narrowed
            group.add(name)
    return frozenset(group)


def _allows_right_clock(group: Iterable[str], spans: Mapping[str, Span]) -> bool:
    """Return whether these hosts' common span allows that our clock is right."""
    return distance(common_span(spans, group), RIGHT_CLOCK) <= 0


def _limit_to_confirmed(spans: list[Span], least_hosts: int) -> Span:
    """Return how far our clock is ahead by hosts' overlapping spans, if `least_hosts` confirm an
    error.

    For example, of (3, 9) and (5, 8) two confirm at least 3 s, only one 5 s.
    """
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    low, high = lows[-1], highs[0]
    if len(spans) < least_hosts:
        return min(low, 0.0), max(high, 0.0)  # too few to confirm any error
    if low > 0:
        low = max(0.0, lows[-least_hosts])
    if high < 0:
        high = min(0.0, highs[least_hosts - 1])
    return low, high


def common_span(spans: Mapping[str, Span], names: Iterable[str]) -> Span:
    """Return the range that spans share, inverted if none."""
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
    """Return whether the clock is known to be wrong: its bounds exclude zero."""
    return bounds[0] > 0 or bounds[1] < 0


class AgedAnswer(NamedTuple):
    """The `Date`, and `Age` in seconds, of an answer to a request `sent` to a cache."""

    url: str
    sent: datetime
    date: datetime
    age: int


@dataclass(slots=True, eq=False)
class _HostDates:
    """The bounds of our clock's offset by the dates of one host, the last received at `at`.

    The `contrary_dates` newest ones contradict `bounds` and give `contrary_bounds`.
    `contradictions` counts how often such dates replaced `bounds` or stopped.
    """

    name: str
    bounds: Span
    at: datetime
    contrary_bounds: Span | None = None
    contrary_dates: int = 0
    contradictions: int = 0

    def add_bounds(self, bounds: Span, at: datetime) -> bool:
        """Add one date's bounds. Return whether they replaced the known ones: a clock was set."""
        # The clocks may have drifted apart meanwhile.
        drift = abs((at - self.at).total_seconds()) * _DRIFT
        known = (self.bounds[0] - drift, self.bounds[1] + drift)
        self.bounds, self.at = known, at
        if distance(known, bounds) > TOLERANCE:
            return self._add_contrary_bounds(bounds)
        # A small gap between the two is imprecision: cover both.
        self.bounds = overlap(known, bounds) or (min(known[0], bounds[0]), max(known[1], bounds[1]))
        if self.contrary_bounds is not None:
            self.contradictions += 1
            self.contrary_bounds, self.contrary_dates = None, 0
        return False

    def _add_contrary_bounds(self, bounds: Span) -> bool:
        """Keep bounds that contradict the known ones. Return whether they replace those: after
        `_REPLACED_AFTER` in a row that agree.
        """
        narrowed = None
        if self.contrary_bounds is not None:
            narrowed = overlap(self.contrary_bounds, bounds)
        if narrowed is None:
            self.contrary_bounds, self.contrary_dates = bounds, 1
        else:
            self.contrary_bounds, self.contrary_dates = narrowed, self.contrary_dates + 1
        if self.contrary_dates < _REPLACED_AFTER:
            return False
        self.contradictions += 1  # a host whose clock is set many times is ignored
        self.bounds, self.contrary_bounds, self.contrary_dates = self.contrary_bounds, None, 0
        return True

    def shift(self, seconds: float) -> None:
        """Shift all bounds, as `shift_span` does."""
        self.bounds = shift_span(self.bounds, seconds)
        self.contrary_bounds = self.contrary_bounds and shift_span(self.contrary_bounds, seconds)
        self.at += timedelta(seconds=seconds)

    def is_erratic(self) -> bool:
        """Return whether its dates change back and forth, so that they are not used."""
        return self.contradictions >= _ERRATIC_AFTER


@dataclass(slots=True, eq=False)
class Skew:
    """Estimates the offset of our clock, positive if it is ahead, from the dates of hosts.

    `synchronised` returns what the machine says of its clock, if anything, `moved` by how many
    seconds our clock was moved since the start. `bounds` are zero before any date is known.
    """

    synchronised: Callable[[], bool | None] = lambda: None
    moved: Callable[[], float] = lambda: 0.0
    bounds: Span = NO_OFFSET
    _last_moved: float = field(init=False)
    _last_vote: Vote = Vote(NO_OFFSET)
    _dates_by_host: dict[str, _HostDates] = field(default_factory=dict)
    _far_off_spans: dict[str, Span] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)
    # When a clock was last seen to be set. Older dates may be by the old clock.
    _clock_set_at: datetime | None = None
    _last_vote_at: datetime | None = None
    # Several answers in a row have the same header.
    _last_date: tuple[str, datetime | None] = ("", None)
    _kept_answers: dict[str, AgedAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last_moved = self.moved()

    def observe(self, host: str, answer: Answer) -> bool:
        """Update the offset by the date of an answer. Return whether the answer's time is certain:
        not if the date contradicts this host's earlier ones, because a clock was just set.
        """
        self.adapt_to_move()
        bounds = self._bounds_by_date(host, answer)
        if bounds is None:  # an answer without a usable date contradicts nothing
            return True
        dates = self._dates_by_host.get(host)
        if dates is None:
            dates = self._dates_by_host[host] = _HostDates(host, bounds, answer.received)
            self._last_vote_at = None  # vote now
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
        """Adapt all that is known of the offset if our clock was moved."""
        step = self.moved() - self._last_moved
        if step == 0.0:
            return
        self._last_moved += step
        # Zero bounds mean that no date is known, so they stay.
        if self.is_known():
            self.bounds = shift_span(self.bounds, step)
        if self._clock_set_at is not None:
            self._clock_set_at += timedelta(seconds=step)
        self._last_vote_at = None  # vote at the next answer
        self._kept_answers.clear()  # the time since these is not known
        self._far_off_spans = {
            host: shift_span(span, step) for host, span in self._far_off_spans.items()
        }
        for dates in self._dates_by_host.values():
            dates.shift(step)

    def bounds_for(self, host: str) -> Span:
        """Return the bounds for looks at one host."""
        dates = self._dates_by_host.get(host)
        if dates is None:
            # Without a date of its own, our clock counts as right unless the vote proved it wrong.
            if is_off(self.bounds):
                return self.bounds
            return NO_OFFSET
        if host in self._last_vote.unconfirmed:
            return dates.bounds
        return self.bounds

    def count_support(self, wall_lead: float) -> tuple[int, int]:
        """Return how many hosts' newest dates allow our clock, and the wall clock, which is
        `wall_lead` seconds ahead.
        """
        hosts = [dates for dates in self._dates_by_host.values() if not dates.is_erratic()]
        newest = [dates.contrary_bounds or dates.bounds for dates in hosts]
        ours = sum(distance(span, RIGHT_CLOCK) <= 0 for span in newest)
        walls = (shift_span(span, wall_lead) for span in newest)
        return ours, sum(distance(span, RIGHT_CLOCK) <= 0 for span in walls)

    def describe_doubts(self) -> dict[str, str]:
        """Return each host whose dates are not used, with the reason in words."""
        doubts = dict.fromkeys(
            self._far_off_spans, "its Date header is more than a day from our clock, and is ignored"
        )
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
        """Return the least and most seconds that our clock is ahead of an answer's date, which is
        the origin's or a cache's.
        """
        header = answer.headers.get("date", "")
        if header != self._last_date[0]:
            self._last_date = (header, mail_date(header))
        date = self._last_date[1]
        if date is None:
            return None
        # Written between `sent` and `received`, without the fraction of a second.
        least = (answer.sent - date).total_seconds() - _GRAIN
        most = (answer.received - date).total_seconds()
        if age := age_of(answer.headers):
            # A cache that wrote the date did so now. The origin did `age` whole seconds ago.
            least_by_origin, most_by_origin = least - (age + _GRAIN), most - (age - _GRAIN)
            is_by_cache = self._is_date_by_cache(
                host, AgedAnswer(answer.url, answer.sent, date, age)
            )
            if is_by_cache is None:
                # allow for both: `most` is higher by the cache
                least = least_by_origin
            elif not is_by_cache:
                least, most = least_by_origin, most_by_origin
        is_over_a_day_off = distance((least, most), _WITHIN_A_DAY) > 0
        if is_over_a_day_off:
            self._record_implausible_date(host, (least, most))
            return None
        self._far_off_spans.pop(host, None)
        return least, most

    def _is_date_by_cache(self, host: str, aged: AgedAnswer) -> bool | None:
        """Return whether the cache wrote an answer's date, False for the origin, None if not known.

        A cache writes it at our request, the origin when the cache gets its copy. So of two answers
        10 s apart with the same copy, only the cache's dates differ, by 10 s.
        """
        earlier = self._kept_answers.get(host)
        if earlier is None:
            self._kept_answers[host] = aged
            return None
        elapsed = (aged.sent - earlier.sent).total_seconds()
        is_same_address = aged.url == earlier.url
        # Another address cannot be compared, and takes the place after 120 s.
        keep_seconds = _FOLLOWED_SECONDS
        if is_same_address:
            keep_seconds = _LEAST_SECONDS_APART
        if 0.0 <= elapsed < keep_seconds:
            return None
        self._kept_answers[host] = aged
        age_growth, date_growth = aged.age - earlier.age, (aged.date - earlier.date).total_seconds()
        # `elapsed` is negative if our clock was set back.
        is_same_copy = (
            is_same_address and elapsed >= 0.0 and abs(age_growth - elapsed) <= _SAME_WITHIN
        )
        if is_same_copy and date_growth == 0:
            return False
        if is_same_copy and abs(date_growth - elapsed) <= _SAME_WITHIN:
            return True
        return None

    def _record_implausible_date(self, host: str, span: Span) -> None:
        """Record a date more than a day from our clock, and log it once a host.

        It counts only if two hosts agree, none has sent a plausible date, and the machine is not
        synchronised: else the host's clock is wrong.
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
        """Let hosts vote. Return the bounds, as before if none can."""
        hosts = self._dates_by_host.values()
        consistent = [
            host for host in hosts if host.contrary_bounds is None and not host.is_erratic()
        ]
        # Omit earlier dates if two hosts have sent later ones.
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
            # Asking the machine takes as long as a look.
            result = vote(spans, synchronised=self.synchronised())
        self._last_vote = result
        return result.bounds


def shift_span(bounds: Span, seconds: float) -> Span:
    """Return the bounds after the clock was set by so many seconds."""
    return bounds[0] + seconds, bounds[1] + seconds


def largest_offset(bounds: Span) -> float:
    """Return the most seconds by which the clock may be wrong."""
    return max(-bounds[0], bounds[1], 0.0)
