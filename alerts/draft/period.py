"""Facts of a report on a period: releases between two dates, their punctuality and faults."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import itemgetter
from statistics import median
from urllib.parse import urlsplit

from alerts.claim import Claim
from alerts.finding import BlindSpan
from alerts.incident import Incident
from schedules.times.interval import Bounds, Interval, earliest_known, latest_known
from schedules.times.words import SURE
from schedules.times.zone import local

FAULTY_VERDICTS = ("late", "overdue", "early", "not_published", "unproven")
JUDGED_VERDICTS = ("on_time", "late", "overdue", "early", "not_published")


@dataclass(frozen=True, slots=True)
class Row:
    """One release of the period."""

    release: str
    title: str
    producer: str
    url: str
    timezone: str
    slot: datetime | None
    verdict: str
    first_seen: Interval = field(default_factory=Interval)
    """Of the part behind the verdict."""
    delay: Bounds | None = None
    """Of the part behind the verdict."""
    exposure: Bounds | None = None
    """The longest before its slot."""
    practice: str = ""
    """The cited one. Empty: none."""
    cause: str = ""
    """The logged one. Empty: none."""
    incident: str = ""
    """Its id. Empty: none."""
    early_bound: float | None = None
    """How many seconds before its slot an on-time release may have appeared at most."""
    other_producers: tuple[str, ...] = ()
    """All but `producer`."""
    decided: str = ""
    """In words, to which time a person brought it forward."""
    with_platform: bool = False
    """Whether it has the finding `platform`."""
    precision: str = "instant"
    """That of `slot`: `instant` or `day`."""
    hosts: frozenset[str] = frozenset()
    """Those of its page and parts."""

    @property
    def host(self) -> str:
        """Return the platform: the host of the announced address."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Period:
    """Releases with a slot between two local dates, both included: of one `producer` or `host` if
    named, else all.

    With a `series`, named by its newest edition's title, they are all its editions. `blind` are the
    monitor's own gaps, `logged` the incidents logged by hand, `claims` the publishers' statements,
    which count no releases.
    """

    begins: date
    ends: date
    rows: tuple[Row, ...]
    producer: str = ""
    host: str = ""
    blind: tuple[BlindSpan, ...] = ()
    logged: tuple[Incident, ...] = ()
    claims: tuple[Claim, ...] = ()
    series: str = ""

    @property
    def incidents(self) -> tuple[Row, ...]:
        """Return the releases that were late, early, not published or unproven, in time order."""
        faulty = (row for row in self.rows if row.verdict in FAULTY_VERDICTS)
        return tuple(sorted(faulty, key=lambda row: (row.slot is None, str(row.slot), row.release)))


@dataclass(frozen=True, slots=True)
class Punctuality:
    """The standard indicator TP3 over the `judged` releases, `on_time` if within tolerance.

    `mean` bounds the mean of measured delays in seconds (0 for early releases), None without any.
    `left_out` are the incomplete bounds of those overdue or never published.
    """

    judged: int
    on_time: int
    mean: Bounds | None
    left_out: tuple[Bounds, ...] = ()

    @property
    def share(self) -> float | None:
        """Return the share on time between 0 and 1, None if no release was judged."""
        return self.on_time / self.judged if self.judged else None


def select_period(
    rows: Iterable[Row], begins: date, ends: date, producer: str = "", host: str = ""
) -> Period:
    """Return the rows whose slot is between two local days, of one producer and host if named."""
    chosen = []
    for row in rows:
        if row.slot is None or not begins <= get_local_slot(row).date() <= ends:
            continue
        is_of_producer = producer in ("", row.producer, *row.other_producers)
        if is_of_producer and host in ("", row.host):
            chosen.append(row)
    return Period(
        begins,
        ends,
        tuple(sorted(chosen, key=lambda row: (str(row.slot), row.release))),
        producer,
        host,
    )


def name_producers(period: Period, name_of: Callable[[str], str]) -> Period:
    """Return the period with names in place of producer ids."""
    return replace(
        period,
        rows=tuple(replace(row, producer=name_of(row.producer)) for row in period.rows),
        logged=tuple(
            replace(incident, producer=name_of(incident.producer)) for incident in period.logged
        ),
        claims=tuple(replace(claim, producer=name_of(claim.producer)) for claim in period.claims),
    )


def count_verdicts(period: Period) -> dict[str, int]:
    """Return how many releases have each verdict, the most frequent first."""
    return dict(Counter(row.verdict for row in period.rows).most_common())


def count_on_time(verdicts: Iterable[str]) -> tuple[int, int]:
    """Return how many verdicts are `on_time`, and how many count for punctuality."""
    judged = [verdict for verdict in verdicts if verdict in JUDGED_VERDICTS]
    return judged.count("on_time"), len(judged)


def measure_punctuality(period: Period) -> Punctuality:
    """Return the punctuality of a period. Only known delays count for the mean."""
    on_time, judged = count_on_time(row.verdict for row in period.rows)
    timed = (row for row in period.rows if row.precision == "instant")  # a day has no delay
    delays = [row.delay or Bounds() for row in timed if row.verdict in JUDGED_VERDICTS]
    # Complete: both bounds are known, or the upper one shows that it was not late.
    complete = [
        delay
        for delay in delays
        if delay.max is not None and (delay.min is not None or delay.max <= 0)
    ]
    left_out = tuple(delay for delay in delays if delay not in complete)
    if not complete:
        return Punctuality(judged, on_time, None, left_out)
    # An early release counts as no delay, else it would offset late ones.
    lowest_mean = sum(max(0.0, delay.min or 0.0) for delay in complete) / len(complete)
    highest_mean = sum(max(0.0, delay.max or 0.0) for delay in complete) / len(complete)
    return Punctuality(judged, on_time, Bounds(lowest_mean, highest_mean), left_out)


def list_early_bounds(period: Period) -> list[float]:
    """Return by how many seconds on-time releases may have been early, if over `SURE`, in order."""
    bounds = (
        row.early_bound
        for row in period.rows
        if row.verdict == "on_time" and row.early_bound is not None
    )
    return sorted(bound for bound in bounds if bound > SURE)


def list_late_delays(period: Period) -> list[Bounds]:
    """Return the measured delays of late releases, shortest first by lower bound."""
    late = (
        row.delay
        for row in period.rows
        if row.verdict in ("late", "overdue") and row.delay is not None
    )
    return sorted(late, key=lambda each: (each.min or 0.0, each.max or 0.0))


def find_quantile(delays: Sequence[Bounds], share: float) -> Bounds | None:
    """Return bounds of the delay that this share of delays does not exceed (nearest rank)."""
    if not delays:
        return None
    # The median of an even number of delays is between the middle two, as on the page `/history`.
    choose = median if share == 0.5 else itemgetter(max(0, math.ceil(share * len(delays)) - 1))
    # Ranked separately, so that the quantile of the true delays is between the two.
    low = choose(sorted(delay.min or 0.0 for delay in delays))
    high = choose(sorted(math.inf if delay.max is None else delay.max for delay in delays))
    return Bounds(low, None if high == math.inf else high)


def count_faulty_by(period: Period, key: Callable[[Row], str]) -> list[tuple[str, int, int]]:
    """Return (group, faulty, watched) for each value of `key`, the largest share first."""
    watched, faulty = Counter(map(key, period.rows)), Counter(map(key, period.incidents))
    groups = sorted(
        watched, key=lambda group: (-faulty[group] / watched[group], -faulty[group], group)
    )
    return [(group, faulty[group], watched[group]) for group in groups]


def get_local_slot(row: Row) -> datetime:
    """Return the slot in the release's own zone. Raises ValueError for a row without a slot."""
    if row.slot is None:
        raise ValueError(f"{row.release} has no announced instant")
    return local(row.slot, row.timezone)


@dataclass(frozen=True, slots=True)
class PlatformFault:
    """One fault of a platform: releases of several producers that were late together."""

    host: str
    rows: tuple[Row, ...]

    @property
    def begins(self) -> datetime:
        """Return the earliest slot of its releases."""
        return min(row.slot for row in self.rows if row.slot is not None)

    @property
    def ends(self) -> datetime | None:
        """Return the time by which all its releases were seen, None if one is still unseen."""
        seen = [row.first_seen.by for row in self.rows]
        return None if None in seen else latest_known(seen)

    @property
    def causes(self) -> tuple[str, ...]:
        """Return the logged causes, each once."""
        return tuple(dict.fromkeys(row.cause for row in self.rows if row.cause))


def find_platform_faults(period: Period) -> list[PlatformFault]:
    """Return the faults of platforms, each with its releases, late with other producers' ones.

    A fault lasts from a slot until the first late release of this slot is out, later slots on the
    host until then included. If the first release of 09:30 is out at 09:50, and that of 09:45 at
    10:05, this is one fault from 09:30 to 10:05.
    """
    groups: dict[tuple[str, datetime], list[Row]] = {}
    for row in period.incidents:  # in the order of their slots
        # It was late together with those of other producers on its host.
        if row.with_platform and row.slot is not None:
            groups.setdefault((row.host, row.slot), []).append(row)
    faults: list[list[Row]] = []
    last_fault_of: dict[str, tuple[list[Row], datetime]] = {}
    for (host, slot), rows in groups.items():
        # Releases of only one producer may be late for a reason of its own.
        if len({row.producer for row in rows}) == 1:
            continue
        fault, end = last_fault_of.get(host, ([], slot))
        is_new_fault = not fault or slot > end
        if is_new_fault:
            fault = []
            end = slot
            faults.append(fault)
        fault += rows
        # None if no release is out yet
        first_out_at = earliest_known(row.first_seen.by for row in rows)
        last_fault_of[host] = fault, max(end, first_out_at or end)
    return [PlatformFault(rows[0].host, tuple(rows)) for rows in faults]
