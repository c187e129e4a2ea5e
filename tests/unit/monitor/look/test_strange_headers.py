"""A host with absurd headers can spoil its own looks, never those of another host."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from itertools import cycle

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from monitor.look.clock_skew import Skew
from monitor.look.fetch import Request
from tests.unit.monitor.look.story import NOON, PollerRun, run_poller, target, window
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
NUMBERS = (st.integers() | st.integers(0, 100_000) | st.sampled_from([10**12, 2**31, 2**63, 10**30])).map(str)
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
    st.integers(-90_000, 90_000).map(lambda off: format_datetime(NOON + timedelta(seconds=off), usegmt=True)),
    st.just(LAST_SECOND),
    st.text(max_size=20),
)
STATUSES = st.sampled_from([200, 200, 200, 304, 301, 404, 410, 429, 503])
BODIES = st.sampled_from([b"", b"<title>Figures</title>"])
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
STRANGE_REPLIES = st.lists(st.builds(Reply, STATUSES, BODIES, HEADERS), min_size=1, max_size=8)


def look_at_hosts(strange: list[Reply], *, has_date: bool, synchronised: bool | None) -> PollerRun:
    """Look for ten seconds at a plain host that publishes at second 4, and at a strange host if it has answers.

    The plain host sends the true time if it `has_date`. `synchronised` is what the machine says of our clock.
    """
    answers = cycle(strange)

    def publisher(request: Request) -> Reply:
        if STRANGE in request.url:
            return next(answers)
        now = asyncio.get_running_loop().time()
        date = format_datetime((NOON + timedelta(seconds=now)).replace(microsecond=0), usegmt=True)
        status, body = (200, b"<h1>Figures</h1>") if now >= 4 else (404, b"")
        return Reply(status, body, {"Date": date} if has_date else {}, seconds=0.04)

    def act(run: PollerRun) -> None:
        for host in (STRANGE, PLAIN) if strange else (PLAIN,):
            run.poller.watch(target(host, host=host), [window(every=0.7)])

    return run_poller(act, script=publisher, skew=lambda: Skew(lambda: synchronised))


@settings(max_examples=200, deadline=None)
@example(strange=[Reply(200, b"x", {"Date": LAST_SECOND})], has_date=False, synchronised=None)
@example(strange=[Reply(200, b"x", {"Date": LAST_SECOND})], has_date=True, synchronised=True)
@example(strange=[Reply(200, b"x", {"Date": LAST_SECOND})], has_date=True, synchronised=False)
@example(strange=[Reply(200, b"x", {"Date": "Thu, 26 Nov 2026 14:00:00 GMT"})], has_date=False, synchronised=None)
@example(
    strange=[Reply(200, b"x", {"Date": "Thu, 26 Nov 2026 12:00:00 GMT", "Age": "999999999"})],
    has_date=False,
    synchronised=True,
)
@example(strange=[Reply(404, b"", {"Age": "9" * 5000})], has_date=False, synchronised=None)
@given(strange=STRANGE_REPLIES, has_date=st.booleans(), synchronised=st.sampled_from([True, False, None]))
def test_headers_of_one_host_do_not_change_sightings_at_another(
    *, strange: list[Reply], has_date: bool, synchronised: bool | None
) -> None:
    # The strange host sends absurd headers. Looks at the plain host must see the same with and without it.
    # On an unsynchronised machine, one host is believed if no other host sends a date.
    assume(has_date or synchronised is not False)
    alone = look_at_hosts([], has_date=has_date, synchronised=synchronised)
    both = look_at_hosts(strange, has_date=has_date, synchronised=synchronised)
    assert both.sightings_at(PLAIN) == alone.sightings_at(PLAIN)
    assert len(both.sightings_at(STRANGE)) == len(both.look_times(STRANGE))
