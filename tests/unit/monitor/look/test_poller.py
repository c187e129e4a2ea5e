from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import count
from urllib.parse import urlsplit

import pytest

from monitor.look.fetch import Request
from monitor.look.sighting import State
from tests.unit.monitor.look.poller_run import (
    HOST,
    HaltingClock,
    PollerRun,
    block_for_2_5_s,
    gaps_between,
    requested_page,
    run_poller,
    target,
    watch_pages,
    window,
)
from tests.worlds.fetcher import Reply


def test_looks_begin_exactly_when_they_are_due() -> None:
    run = run_poller(watch_pages("page"), seconds=5.5)
    assert run.look_times("page") == [0, 1, 2, 3, 4, 5]
    assert run.late == [0] * 6


def test_shift_moves_every_look_except_in_an_unshifted_window() -> None:
    """A shift moves the looks at a page, so that not all pages have their looks at the same instant."""
    unshifted = replace(window(every=1, begins=3), is_unshifted=True)

    def act(run: PollerRun) -> None:
        run.poller.watch(target(), [window(every=1, ends=3), unshifted], shift=timedelta(seconds=0.25))

    run = run_poller(act, seconds=5.5)
    # The window until second 3 is shifted by 0.25 s. The one from second 3 on is not.
    assert run.look_times("page") == [0.25, 1.25, 2.25, 3, 4, 5]


def test_looks_have_the_spacing_of_each_window_until_all_ended() -> None:
    windows = [window(every=5, ends=10), window(every=1, begins=10, ends=13)]
    run = run_poller(lambda run: run.poller.watch(target(), windows), seconds=30)
    assert run.look_times("page") == [0, 5, 10, 11, 12]


def test_dropped_target_gets_no_look() -> None:
    run = run_poller(watch_pages("page"), do_at={2.5: lambda run: run.poller.drop(target().id)})
    assert run.look_times("page") == [0, 1, 2]
    assert run.poller.watched_targets() == []


def test_next_look_is_at_first_due_second_of_new_windows() -> None:
    """A window says how often a page is looked at. First that is every 60 s, from second 2.5 on 5 s, from 6 on 2 s."""
    run = run_poller(
        watch_pages("page", every=60),
        seconds=8.5,
        do_at={
            2.5: lambda run: run.poller.watch(target(), [window(every=5)]),
            6: lambda run: run.poller.watch(target(), [window(every=2)]),
        },
    )
    # Every 5 s means at 5. Every 2 s means at even seconds: after the look at 5, at 6.
    assert run.look_times("page") == [0, 5, 6, 8]


def test_a_target_added_while_running_is_looked_at() -> None:
    run = run_poller(watch_pages(), seconds=4.5, do_at={2.2: watch_pages("added")})
    assert run.look_times("added") == [3, 4]


def test_target_never_has_two_looks_at_once() -> None:
    run = run_poller(watch_pages("page"), seconds=10.5, publisher=lambda _: Reply(200, b"x", seconds=1.3))
    gaps = gaps_between(run.look_times("page"))
    # Looks are due every second, but an answer takes 1.3 s. So each look begins when the last one ends.
    assert gaps == [pytest.approx(1.3)] * len(gaps)
    looks_due = 11  # one a second, from second 0 to 10
    assert len(run.starts) + run.poller.missed == looks_due


def test_host_that_is_down_is_still_looked_at() -> None:
    run = run_poller(watch_pages("page"), seconds=5.5, publisher=lambda _: Reply(503, b"down"))
    assert run.look_times("page") == [0, 1, 2, 3, 4, 5]
    assert set(run.states) == {State.UNKNOWN}


def test_a_redirect_within_the_host_is_looked_at_next() -> None:
    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if requested_page(request) == "page" else Reply(200, b"<h1>Figures</h1>")

    run = run_poller(watch_pages("page"), seconds=3.5, publisher=reply)
    # The look at the page gets the redirect, which proves nothing. The next three are at its destination.
    assert run.states == [State.UNKNOWN, *[State.PRESENT] * 3]


def test_after_redirect_to_missing_page_original_address_is_looked_at() -> None:
    """The page redirects to an address that answers 404. Each look requests one address."""

    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if requested_page(request) == "page" else Reply(404)

    run = run_poller(watch_pages("page"), seconds=3.5, publisher=reply)
    assert run.requested_pages == ["page", "moved", "page", "moved"]


def test_page_that_first_redirects_home_is_seen_once_published() -> None:
    """The first two times, the page redirects to the home page. From the third time on, it shows the figures."""
    looks_at_page = count(1)

    def reply(request: Request) -> Reply:
        if not request.url.endswith("/page"):
            return Reply(200, b"<h1>Welcome</h1>")  # the home page
        is_published = next(looks_at_page) >= 3
        return Reply(200, b"<h1>Figures for 2025</h1>") if is_published else Reply(302, b"", {"Location": "/"})

    release_page = replace(target("page"), title="Figures for 2025")
    run = run_poller(lambda run: run.poller.watch(release_page, [window(every=1)]), seconds=5.5, publisher=reply)
    # A look after a redirect follows it. The home page is not the release, so the next look is at the page again.
    home_page = ""
    assert run.requested_pages == ["page", home_page, "page", home_page, "page", "page"]
    assert run.states == [State.UNKNOWN] * 4 + [State.PRESENT] * 2


def test_looks_at_redirect_loop_request_its_addresses_in_turn() -> None:
    """Page a redirects to page b, and b to a. Each look makes one request, and the next one follows the redirect."""

    def reply(request: Request) -> Reply:
        return Reply(302, b"", {"Location": "/b" if requested_page(request) == "a" else "/a"})

    run = run_poller(watch_pages("a", every=1.0), seconds=4.5, publisher=reply)
    assert set(run.states) == {State.UNKNOWN}
    assert run.requested_pages == ["a", "b", "a", "b", "a"]


def test_redirect_is_followed_again_after_address_of_target_changed() -> None:
    def reply(request: Request) -> Reply:
        redirect = Reply(301, b"", {"Location": "/moved"})
        return Reply(200, b"<h1>Figures</h1>") if requested_page(request) == "moved" else redirect

    def change_address(run: PollerRun) -> None:
        new = replace(target("page"), url=target("page").url.replace("/page", "/new"))
        run.poller.watch(new, [window(every=1)])

    run = run_poller(watch_pages("page", every=1), seconds=4.5, publisher=reply, do_at={1.5: change_address})
    assert run.requested_pages == [
        "page",  # second 0: redirects
        "moved",  # second 1: shows the figures. Then the address of the target changes.
        "new",  # second 2: redirects
        "moved",  # second 3: shows the figures, so this address is kept
        "moved",  # second 4
    ]


def test_target_that_changed_host_is_only_looked_at_there() -> None:
    moved = target("page", host="new.example.gov.uk")
    change_host = {1.5: lambda run: run.poller.watch(moved, [window(every=1)])}
    run = run_poller(watch_pages("page"), seconds=4.2, do_at=change_host)
    # There is a look each second: at 0 s and 1 s on the old host, from 2 s on the new one.
    hosts = [urlsplit(request.url).hostname for request in run.fetcher.asked]
    assert hosts == [HOST, HOST, "new.example.gov.uk", "new.example.gov.uk", "new.example.gov.uk"]


def test_a_redirect_to_another_host_is_never_looked_at() -> None:
    reply = Reply(302, b"", {"Location": "http://169.254.169.254/latest"})
    run = run_poller(watch_pages("page"), seconds=2.5, publisher=lambda _: reply)
    assert {request.url for request in run.fetcher.asked} == {target().url}


def test_not_modified_proves_the_same_as_the_body() -> None:
    """Only looks at files have a digest, because the bytes of a page differ at every look."""
    file = replace(target(), is_file=True)
    # The publisher answers 304 to a request that names this ETag.
    reply = Reply(200, b"<h1>Figures</h1>", etag='"1"')
    run = run_poller(lambda run: run.poller.watch(file, [window(every=1)]), seconds=2.5, publisher=lambda _: reply)
    assert [request.etag for request in run.fetcher.asked] == [None, '"1"', '"1"']
    assert run.states == [State.PRESENT] * 3
    assert {sighting.digest for sighting in run.sightings} == {sha256(b"<h1>Figures</h1>").hexdigest()}


def test_clock_set_forward_is_reported_and_skipped_looks_are_missed() -> None:
    """A page has a look every second. At second 3.5, our clock is set 45 s ahead, so 45 looks are skipped."""

    def put_forward(run: PollerRun) -> None:
        run.clock.offset = timedelta(seconds=45)

    run = run_poller(watch_pages("page"), seconds=6.5, do_at={3.5: put_forward})
    assert run.clock_steps == [pytest.approx(45, abs=1)]
    looks_due_without_the_step, skipped_looks = 7, 45  # one a second, the first at once
    assert len(run.starts) + run.poller.missed == looks_due_without_the_step + skipped_looks


def test_looks_continue_each_second_after_clock_was_set_back() -> None:
    def set_clock_back(run: PollerRun) -> None:
        run.clock.offset = timedelta(hours=-1)

    # The window of the page began two hours before the run, so it contains the time that our clock then shows.
    act = watch_pages("page", every=1, begins=-2 * 3600)
    run = run_poller(act, seconds=69.5, do_at={3.5: set_clock_back})
    assert run.clock_steps == [pytest.approx(-3600, abs=1)]
    # The poller notices the step when it wakes for the look at second 4, so that this look is not made.
    assert run.look_times("page") == [0, 1, 2, 3, *range(5, 70)]


def test_looks_under_way_end_before_the_poller_stops() -> None:
    """The answer takes 3 s, and the poller is told to stop after 0.5 s."""
    run = run_poller(watch_pages("page"), seconds=0.5, publisher=lambda _: Reply(200, b"<h1>x</h1>", seconds=3.0))
    assert run.states == [State.PRESENT]


def test_look_that_never_ends_is_cancelled_at_shutdown() -> None:
    """The poller is told to stop after 0.5 s, and waits only a few seconds for the answer."""
    run = run_poller(watch_pages("page"), seconds=0.5, publisher=lambda _: Reply(200, b"x", seconds=3000.0))
    assert run.sightings == []


def test_single_looks_are_made_within_the_budget() -> None:
    """Six looks outside any plan are wanted at once. The budget is two a second, so they are 0.5 s apart."""
    looked_at: list[float] = []
    rate = 2

    async def look_six_times(run: PollerRun) -> None:
        for n in range(6):
            sighting, _ = await run.poller.look_once(target(f"p{n}"))
            assert sighting.target == target(f"p{n}").id
            looked_at.append(run.second())

    run_poller(watch_pages(), looks_per_second=rate, do_at={0: look_six_times})
    assert looked_at == [pytest.approx(n / rate, abs=0.1) for n in range(6)]


def test_blocked_loop_is_reported_and_misses_are_counted() -> None:
    """The loop is blocked from second 3.5 to 6. Each page has a look due every second, from second 0 to 8."""
    pages, looks_due_of_each = ("page", "sheet"), 9
    run = run_poller(watch_pages(*pages), seconds=8.3, do_at={3.5: block_for_2_5_s}, clock=HaltingClock)
    assert run.seconds_stalled == [pytest.approx(2.5, abs=0.1)]
    assert len(run.starts) + run.poller.missed == len(pages) * looks_due_of_each


def test_blocked_loop_is_reported_even_if_new_page_wakes_poller() -> None:
    def block_and_add_page(run: PollerRun) -> None:
        block_for_2_5_s(run)
        # Adding a page wakes the poller. That must not hide its delay. The window of this page is over: it has no look.
        run.poller.watch(target("more"), [window(ends=1)])

    run = run_poller(watch_pages("page"), seconds=8.3, do_at={3.5: block_and_add_page}, clock=HaltingClock)
    # The loop is blocked from second 3.5 to 6. The next look was due at second 4, so the poller wakes 2 s too late.
    assert run.seconds_stalled == [pytest.approx(2.0, abs=0.1)]
