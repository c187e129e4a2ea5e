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
    run = run_poller(watch_pages("page", every=1), seconds=5.5)
    assert run.look_times("page") == [0, 1, 2, 3, 4, 5]
    assert run.late == [0] * 6  # seconds by which each look was late


def test_shift_moves_every_look_except_in_an_unshifted_window() -> None:
    """A page is looked at every second. Its looks are shifted by 0.25 s.

    Pages have different shifts, so that they are not all looked at in the same instant.
    From second 3 on, the page has a window without a shift.
    """
    shifted = window(every=1, ends=3)
    unshifted = replace(window(every=1, begins=3), is_unshifted=True)

    def act(run: PollerRun) -> None:
        run.poller.watch(target(), [shifted, unshifted], shift=timedelta(seconds=0.25))

    run = run_poller(act, seconds=5.5)
    assert run.look_times("page") == [0.25, 1.25, 2.25, 3, 4, 5]


def test_looks_have_the_spacing_of_each_window_until_all_ended() -> None:
    windows = [window(every=5, ends=10), window(every=1, begins=10, ends=13)]
    run = run_poller(lambda run: run.poller.watch(target(), windows), seconds=30)
    assert run.look_times("page") == [0, 5, 10, 11, 12]


def test_dropped_target_gets_no_look() -> None:
    drop = {2.5: lambda run: run.poller.drop(target().id)}
    run = run_poller(watch_pages("page", every=1), do_at=drop)
    assert run.look_times("page") == [0, 1, 2]
    assert run.poller.watched_targets() == []


def test_next_look_is_at_first_due_second_of_new_windows() -> None:
    """A page is looked at every 60 s. The first look is at second 0.

    At second 2.5, the spacing is changed to 5 s. Then looks are due at seconds 5, 10, 15 …
    At second 6, it is changed to 2 s. Then looks are due at all even seconds.
    """
    run = run_poller(
        watch_pages("page", every=60),
        seconds=8.5,
        do_at={
            2.5: lambda run: run.poller.watch(target(), [window(every=5)]),
            6: lambda run: run.poller.watch(target(), [window(every=2)]),
        },
    )
    assert run.look_times("page") == [0, 5, 6, 8]


def test_a_target_added_while_running_is_looked_at() -> None:
    run = run_poller(watch_pages(), seconds=4.5, do_at={2.2: watch_pages("added")})
    assert run.look_times("added") == [3, 4]


def test_target_never_has_two_looks_at_once() -> None:
    """A look at a page is due every second, but each answer takes 1.3 s.

    So each look begins when the last one has ended, and some due looks are missed.
    """
    run = run_poller(
        watch_pages("page", every=1),
        seconds=10.5,
        publisher=lambda _: Reply(200, b"x", seconds=1.3),
    )
    gaps = gaps_between(run.look_times("page"))
    assert gaps == [pytest.approx(1.3)] * len(gaps)
    looks_due = 11  # one a second, from second 0 to 10
    assert len(run.starts) + run.poller.missed == looks_due


def test_host_that_is_down_is_still_looked_at() -> None:
    run = run_poller(
        watch_pages("page", every=1), seconds=5.5, publisher=lambda _: Reply(503, b"down")
    )
    assert run.look_times("page") == [0, 1, 2, 3, 4, 5]
    assert set(run.states) == {State.UNKNOWN}  # a failed look proves nothing


def test_after_redirect_within_host_next_looks_are_at_its_destination() -> None:
    """The address of a page redirects to /moved, which shows the figures.

    There are four looks, one a second.

    The first look only gets the redirect, which proves nothing. The other three are at /moved.
    """

    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if requested_page(request) == "page" else Reply(200, b"<h1>Figures</h1>")

    run = run_poller(watch_pages("page", every=1), seconds=3.5, publisher=reply)
    assert run.requested_pages == ["page", "moved", "moved", "moved"]
    assert run.states == [State.UNKNOWN, State.PRESENT, State.PRESENT, State.PRESENT]


def test_after_redirect_to_missing_page_original_address_is_looked_at() -> None:
    """The address of a page redirects to /moved, which answers 404.

    There are four looks, one a second.

    A look makes one request. After the redirect, the next look is at /moved. After the 404, it is
    at the page again.
    """

    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if requested_page(request) == "page" else Reply(404)

    run = run_poller(watch_pages("page", every=1), seconds=3.5, publisher=reply)
    assert run.requested_pages == ["page", "moved", "page", "moved"]


def test_page_that_first_redirects_home_is_seen_once_published() -> None:
    """Before publication, a page redirects to the home page.

    From the third look at it on, it shows the figures.

    The home page is not the release, so no look follows the redirect to it.
    """
    looks_at_page = count(1)

    def reply(_request: Request) -> Reply:
        is_published = next(looks_at_page) >= 3
        return (
            Reply(200, b"<h1>Figures for 2025</h1>")
            if is_published
            else Reply(302, b"", {"Location": "/"})
        )

    release_page = replace(target("page"), title="Figures for 2025")
    run = run_poller(
        lambda run: run.poller.watch(release_page, [window(every=1)]), seconds=5.5, publisher=reply
    )
    assert run.requested_pages == ["page"] * 6
    assert run.states == [State.UNKNOWN] * 2 + [State.PRESENT] * 4


def test_looks_at_redirect_loop_request_its_addresses_in_turn() -> None:
    """Page a redirects to page b, and b to a.

    A look makes one request, and the next look follows the redirect.
    """

    def reply(request: Request) -> Reply:
        return Reply(302, b"", {"Location": "/b" if requested_page(request) == "a" else "/a"})

    run = run_poller(watch_pages("a", every=1), seconds=4.5, publisher=reply)
    assert run.requested_pages == ["a", "b", "a", "b", "a"]
    assert set(run.states) == {State.UNKNOWN}  # a redirect alone proves nothing


def test_redirect_is_followed_again_after_address_of_target_changed() -> None:
    """The address /page of a target redirects to /moved, so later looks are there.

    After second 1, the target gets the address /new. The next look is at /new, not at /moved.
    It redirects to /moved, too.
    """

    def reply(request: Request) -> Reply:
        redirect = Reply(301, b"", {"Location": "/moved"})
        return Reply(200, b"<h1>Figures</h1>") if requested_page(request) == "moved" else redirect

    def change_address(run: PollerRun) -> None:
        new = replace(target("page"), url=target("page").url.replace("/page", "/new"))
        run.poller.watch(new, [window(every=1)])

    run = run_poller(
        watch_pages("page", every=1), seconds=4.5, publisher=reply, do_at={1.5: change_address}
    )
    assert run.requested_pages == [
        "page",  # second 0: redirects
        "moved",  # second 1: shows the figures. Then the address of the target changes.
        "new",  # second 2: redirects
        "moved",  # second 3: shows the figures, so later looks stay at this address
        "moved",  # second 4
    ]


def test_target_that_moved_to_another_host_is_only_looked_at_there() -> None:
    """A target is looked at every second.

    At second 1.5, its address is changed to one at another host.
    """
    moved = target("page", host="new.example.gov.uk")
    change_host = {1.5: lambda run: run.poller.watch(moved, [window(every=1)])}
    run = run_poller(watch_pages("page", every=1), seconds=4.2, do_at=change_host)
    hosts = [urlsplit(request.url).hostname for request in run.fetcher.asked]
    looks_at_0_and_1_s, looks_at_2_3_and_4_s = [HOST] * 2, ["new.example.gov.uk"] * 3
    assert hosts == looks_at_0_and_1_s + looks_at_2_3_and_4_s


def test_looks_after_redirect_to_www_keep_its_budget() -> None:
    """A page of stats.example redirects to www.stats.example, which answers 404. Another page is
    looked at there. Both hosts have a budget of one request a second.
    """
    apex, other = target("page", host="stats.example"), target("o", host="www.stats.example")

    def reply(request: Request) -> Reply:
        is_apex = urlsplit(request.url).hostname == apex.host
        return Reply(301, b"", {"Location": "//www.stats.example/page"}) if is_apex else Reply(404)

    def act(run: PollerRun) -> None:
        run.poller.watch(apex, [window(every=1)])
        run.poller.watch(other, [window(every=1)])

    run = run_poller(act, seconds=20, looks_per_second=1, publisher=reply)
    at_www = [s.sent.timestamp() for s in run.sightings if s.status == 404]
    assert min(gaps_between(at_www)) >= 0.99
    states = [sighting.state for sighting in run.sightings if sighting.target == apex.id]
    assert State.ABSENT in states  # an absence at www is one of this page


def test_a_redirect_to_another_host_is_never_looked_at() -> None:
    reply = Reply(302, b"", {"Location": "http://169.254.169.254/latest"})
    run = run_poller(watch_pages("page", every=1), seconds=2.5, publisher=lambda _: reply)
    # All three looks request the address of the page itself.
    assert [request.url for request in run.fetcher.asked] == [target("page").url] * 3


def test_not_modified_proves_the_same_as_the_body() -> None:
    """A file is looked at three times.

    The first answer has the file, and an ETag, which names its version.

    The next requests name this ETag, so they are answered with 304 (not modified), without the
    file. They prove the file present, with the same digest.
    """
    # only files have a digest, because the bytes of a page always differ
    file = replace(target(), is_file=True)
    reply = Reply(200, b"<h1>Figures</h1>", etag='"1"')
    run = run_poller(
        lambda run: run.poller.watch(file, [window(every=1)]),
        seconds=2.5,
        publisher=lambda _: reply,
    )
    assert [request.etag for request in run.fetcher.asked] == [None, '"1"', '"1"']
    assert run.states == [State.PRESENT] * 3
    assert {sighting.digest for sighting in run.sightings} == {
        sha256(b"<h1>Figures</h1>").hexdigest()
    }


def test_clock_set_forward_is_reported_and_skipped_looks_are_missed() -> None:
    """A page has a look every second. At second 3.5, our clock is set 45 s ahead.

    The step of the clock is reported. The 45 looks that it skips are counted as missed.
    """

    def put_forward(run: PollerRun) -> None:
        run.clock.offset = timedelta(seconds=45)

    run = run_poller(watch_pages("page", every=1), seconds=6.5, do_at={3.5: put_forward})
    assert run.clock_steps == [pytest.approx(45, abs=1)]
    looks_due_without_the_step, skipped_looks = 7, 45  # one a second, the first at once
    assert len(run.starts) + run.poller.missed == looks_due_without_the_step + skipped_looks


def test_looks_continue_each_second_after_clock_was_set_back() -> None:
    """A page has a look every second. At second 3.5, our clock is set back by an hour.

    The step is reported. It costs one look, the one at second 4, because the poller only notices it
    then.
    """

    def set_clock_back(run: PollerRun) -> None:
        run.clock.offset = timedelta(hours=-1)

    # The window of the page began two hours before the run, so it contains the time that our clock
    # then shows.
    act = watch_pages("page", every=1, begins=-2 * 3600)
    run = run_poller(act, seconds=69.5, do_at={3.5: set_clock_back})
    assert run.clock_steps == [pytest.approx(-3600, abs=1)]
    # These seconds are steady time, which does not change if our clock is set.
    assert run.look_times("page") == [0, 1, 2, 3, *range(5, 70)]


def test_looks_under_way_end_before_the_poller_stops() -> None:
    """The answer to a look takes 3 s.

    The poller is told to stop after 0.5 s, but waits for the answer.
    """
    run = run_poller(
        watch_pages("page"), seconds=0.5, publisher=lambda _: Reply(200, b"<h1>x</h1>", seconds=3.0)
    )
    assert run.states == [State.PRESENT]


def test_look_without_answer_is_cancelled_some_seconds_after_shutdown() -> None:
    """The answer to a look would take 3000 s.

    The poller is told to stop after 0.5 s, and waits a few seconds only.
    """
    run = run_poller(
        watch_pages("page"), seconds=0.5, publisher=lambda _: Reply(200, b"x", seconds=3000.0)
    )
    assert run.sightings == []


def test_single_looks_are_made_within_the_budget() -> None:
    """`look_once` makes one look that is not planned.

    It is called six times, at six pages of one host.

    The budget of the host is two looks a second, so the looks are 0.5 s apart.
    """
    looked_at: list[float] = []
    rate = 2

    async def look_six_times(run: PollerRun) -> None:
        for n in range(6):
            page = target(f"p{n}")
            sighting, _outcome = await run.poller.look_once(page)
            assert sighting.target == page.id
            looked_at.append(run.second())

    no_planned_looks = watch_pages()
    run_poller(no_planned_looks, looks_per_second=rate, do_at={0: look_six_times})
    assert looked_at == [pytest.approx(n / rate, abs=0.1) for n in range(6)]


def test_blocked_loop_is_reported_and_misses_are_counted() -> None:
    """Two pages have a look due every second, from second 0 to 8. The poller runs in an event loop.

    The loop is blocked from second 3.5 to 6, so no look can begin. Looks due then are made late or
    counted as missed.
    """
    pages, looks_due_of_each = ("page", "sheet"), 9
    run = run_poller(
        watch_pages(*pages, every=1), seconds=8.3, do_at={3.5: block_for_2_5_s}, clock=HaltingClock
    )
    assert run.seconds_stalled == [pytest.approx(2.5, abs=0.1)]
    assert len(run.starts) + run.poller.missed == len(pages) * looks_due_of_each


def test_blocked_loop_is_reported_even_if_new_page_wakes_poller() -> None:
    """A page has a look due every second.

    The event loop of the poller is blocked from second 3.5 to 6.

    The look due at second 4 is 2 s late, and this is reported.
    At second 6 another page is added, which wakes the poller. That must not hide the delay.
    """

    def block_and_add_page(run: PollerRun) -> None:
        block_for_2_5_s(run)
        already_over = window(ends=1)  # so the added page has no look
        run.poller.watch(target("added"), [already_over])

    run = run_poller(
        watch_pages("page", every=1),
        seconds=8.3,
        do_at={3.5: block_and_add_page},
        clock=HaltingClock,
    )
    assert run.seconds_stalled == [pytest.approx(2.0, abs=0.1)]
