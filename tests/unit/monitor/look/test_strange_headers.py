"""A host with absurd headers can spoil its own looks, never those of another host."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from itertools import cycle
from typing import NamedTuple

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from monitor.look.clock_skew import Skew
from monitor.look.fetch import Request
from tests.unit.monitor.look.poller_run import NOON, PollerRun, run_poller, target, window
from tests.worlds.fetcher import Reply

STRANGE, PLAIN = "strange.example", "plain.example"
LAST_SECOND = "Fri, 31 Dec 9999 23:59:59 GMT"
NAMES = (
    "Date",
    "Age",
    "Retry-After",
    "Cache-Control",
    "Last-Modified",
    "Expires",
    "ETag",
    "Content-Length",
    "Content-Type",
    "Location",
    "X-Cache",
)
NUMBERS = (
    st.integers() | st.integers(0, 100_000) | st.sampled_from([10**12, 2**31, 2**63, 10**30])
).map(str)
DATES = st.builds(
    "{:%a, %d %b} {:04d} {:%H:%M:%S} {}".format,
    st.datetimes(),
    st.integers(1, 9999) | st.sampled_from([1, 1970, 9999]),
    st.datetimes(),
    st.sampled_from(["GMT", "+0000", "-0000", "-1200", "+1400", "-9999", ""]),
)
VALUES = st.one_of(
    NUMBERS,
    st.integers(1, 5000).map("9".__mul__),
    NUMBERS.map("max-age={}".format),
    DATES,
    # A date that may well be believed: its host alone says so.
    st.integers(-90_000, 90_000).map(
        lambda off: format_datetime(NOON + timedelta(seconds=off), usegmt=True)
    ),
    st.just(LAST_SECOND),
    st.text(max_size=20),
)
STATUSES = st.sampled_from([200, 200, 200, 304, 301, 404, 410, 429, 503])
BODIES = st.sampled_from([b"", b"<title>Figures</title>"])
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
STRANGE_REPLIES = st.lists(st.builds(Reply, STATUSES, BODIES, HEADERS), min_size=1, max_size=8)


class Case(NamedTuple):
    """The answers of a strange host, and whether the plain host sends dates and our clock is
    synchronised.

    The machine reports that of our clock, or nothing (None).
    """

    strange_answers: list[Reply]
    plain_dates: bool
    synchronised: bool | None


def look_at_hosts(case: Case) -> PollerRun:
    """Look for ten seconds at a plain host that publishes at second 4, and at a strange host if it
    has answers.
    """
    answers = cycle(case.strange_answers)

    def publisher(request: Request) -> Reply:
        if STRANGE in request.url:
            return next(answers)
        now = asyncio.get_running_loop().time()
        date = format_datetime((NOON + timedelta(seconds=now)).replace(microsecond=0), usegmt=True)
        status, body = (200, b"<h1>Figures</h1>") if now >= 4 else (404, b"")
        return Reply(status, body, {"Date": date} if case.plain_dates else {}, seconds=0.04)

    def act(run: PollerRun) -> None:
        for host in (STRANGE, PLAIN) if case.strange_answers else (PLAIN,):
            run.poller.watch(target(host, host=host), [window(every=0.7)])

    return run_poller(act, publisher=publisher, skew=lambda: Skew(lambda: case.synchronised))


IN_YEAR_9999 = Reply(200, b"x", {"Date": LAST_SECOND})
TWO_HOURS_LATE = Reply(200, b"x", {"Date": "Thu, 26 Nov 2026 14:00:00 GMT"})
YEARS_OLD = Reply(200, b"x", {"Date": "Thu, 26 Nov 2026 12:00:00 GMT", "Age": "999999999"})
AGE_OF_5000_DIGITS = Reply(404, b"", {"Age": "9" * 5000})


@settings(max_examples=200, deadline=None)
@example(Case([IN_YEAR_9999], plain_dates=False, synchronised=None))
@example(Case([IN_YEAR_9999], plain_dates=True, synchronised=True))
@example(Case([IN_YEAR_9999], plain_dates=True, synchronised=False))
@example(Case([TWO_HOURS_LATE], plain_dates=False, synchronised=None))
@example(Case([YEARS_OLD], plain_dates=False, synchronised=True))
@example(Case([AGE_OF_5000_DIGITS], plain_dates=False, synchronised=None))
@given(st.builds(Case, STRANGE_REPLIES, st.booleans(), st.sampled_from([True, False, None])))
def test_absurd_headers_of_one_host_leave_sightings_at_another_unchanged(case: Case) -> None:
    """A strange host answers with random absurd headers, for example a date in the year 9999.
    Beside it, a plain host answers as it should, with or without dates. Looks at it must prove the
    same as if there were no strange host.
    """
    # One exception is left out: the machine reports that our clock is not synchronised, and only
    # the strange host sends dates. Then its dates are believed, and looks at the plain host are
    # dated by them.
    assume(case.synchronised is not False or case.plain_dates)
    without_strange_host = look_at_hosts(case._replace(strange_answers=[]))
    with_both_hosts = look_at_hosts(case)
    assert with_both_hosts.sightings_at(PLAIN) == without_strange_host.sightings_at(PLAIN)
    # Each look at the strange host has a sighting too. So none of its answers broke a look.
    assert len(with_both_hosts.sightings_at(STRANGE)) == len(with_both_hosts.look_times(STRANGE))
