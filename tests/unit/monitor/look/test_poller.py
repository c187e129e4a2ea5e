from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from monitor.look.fetch import Reason, Request
from monitor.look.sighting import State
from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, HaltingClock, Watch, halt, target, watch, watching, window
from tests.worlds.fetcher import Reply


def test_looks_begin_on_their_second() -> None:
    seen = watch(watching("page"), seconds=5.5)
    assert seen.times("page") == [0, 1, 2, 3, 4, 5]
    assert seen.late == [0] * 6


def test_shift_moves_every_look_except_those_of_an_unshifted_window() -> None:
    exact = Window(
        "slot", NOON + timedelta(seconds=3), NOON + timedelta(hours=1), timedelta(seconds=1), is_unshifted=True
    )
    seen = watch(lambda w: w.poller.watch(target(), [window(1, ends=3), exact], timedelta(seconds=0.25)), seconds=5.5)
    assert seen.times("page") == [0.25, 1.25, 2.25, 3, 4, 5]


def test_looks_end_with_the_last_window() -> None:
    assert watch(watching("page", ends=3)).times("page") == [0, 1, 2]


def test_spacing_changes_from_window_to_window() -> None:
    seen = watch(lambda w: w.poller.watch(target(), [window(5, ends=10), window(1, 10, 13)]), seconds=30)
    assert seen.times("page") == [0, 5, 10, 11, 12]


def test_dropped_target_gets_no_look() -> None:
    seen = watch(watching("page"), later=[(2.5, lambda w: w.poller.drop(target().id))])
    assert seen.times("page") == [0, 1, 2]
    assert seen.poller.watched_targets() == []


def test_target_with_new_windows_keeps_its_last_look() -> None:
    seen = watch(
        watching("page", every=60),
        seconds=8.5,
        later=[
            (2.5, lambda w: w.poller.watch(target(), [window(5)])),
            (6, lambda w: w.poller.watch(target(), [window(2)])),
        ],
    )
    assert seen.times("page") == [0, 5, 6, 8]


def test_a_target_added_while_running_is_looked_at() -> None:
    seen = watch(watching(), seconds=4.5, later=[(2.2, watching("late"))])
    assert seen.times("late") == [3, 4]


def test_target_never_has_two_looks_at_once() -> None:
    seen = watch(watching("page"), seconds=10.5, script=lambda _: Reply(200, b"x", seconds=1.3))
    gaps = [b - a for a, b in zip(seen.times("page"), seen.times("page")[1:], strict=False)]
    assert gaps == [pytest.approx(1.3)] * len(gaps)
    assert len(seen.starts) + seen.poller.missed == 11


def test_host_that_is_down_is_still_looked_at() -> None:
    seen = watch(watching("page"), seconds=5.5, script=lambda _: Reply(503, b"down"))
    assert seen.times("page") == [0, 1, 2, 3, 4, 5]
    assert {sighting.state for sighting in seen.sightings} == {State.UNKNOWN}


def test_failed_look_is_an_unknown_sighting() -> None:
    seen = watch(watching("page"), seconds=1.5, script=lambda _: Reply(fails=Reason.DNS))
    assert [(sighting.state, sighting.why) for sighting in seen.sightings] == [(State.UNKNOWN, "dns")] * 2


def test_a_redirect_within_the_host_is_looked_at_next() -> None:
    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if request.url.endswith("/page") else Reply(200, b"<h1>Figures</h1>")

    seen = watch(watching("page"), seconds=3.5, script=reply)
    assert [sighting.state for sighting in seen.sightings] == [State.UNKNOWN, *[State.PRESENT] * 3]


def test_redirect_that_leads_nowhere_is_not_followed_again() -> None:
    def reply(request: Request) -> Reply:
        moved = Reply(301, b"", {"Location": "/moved"})
        return moved if request.url.endswith("/page") else Reply(404)

    seen = watch(watching("page"), seconds=3.5, script=reply)
    assert [request.url[-5:] for request in seen.fetcher.asked] == ["/page", "moved", "/page", "moved"]


def test_loop_of_redirects_is_followed_at_most_once() -> None:
    def reply(request: Request) -> Reply:
        return Reply(302, b"", {"Location": "/b" if request.url.endswith("/a") else "/a"})

    seen = watch(watching("a"), seconds=4.5, script=reply)
    assert {sighting.state for sighting in seen.sightings} == {State.UNKNOWN}
    assert [request.url[-2:] for request in seen.fetcher.asked] == ["/a", "/b", "/a", "/b", "/a"]


def test_a_redirect_to_another_host_is_never_looked_at() -> None:
    reply = Reply(302, b"", {"Location": "http://169.254.169.254/latest"})
    seen = watch(watching("page"), seconds=2.5, script=lambda _: reply)
    assert {request.url for request in seen.fetcher.asked} == {target().url}


def test_not_modified_proves_the_same_as_the_body() -> None:
    file = replace(target("page"), is_file=True)
    reply = Reply(200, b"<h1>Figures</h1>", etag='"1"')
    seen = watch(lambda w: w.poller.watch(file, [window(1)]), seconds=2.5, script=lambda _: reply)
    assert [request.etag for request in seen.fetcher.asked] == [None, '"1"', '"1"']
    assert [sighting.state for sighting in seen.sightings] == [State.PRESENT] * 3
    assert {sighting.digest for sighting in seen.sightings} == {sha256(b"<h1>Figures</h1>").hexdigest()}


def test_origin_view_uses_a_query_that_no_cache_has_seen() -> None:
    seen = watch(lambda w: w.poller.watch(target(view=View.ORIGIN), [window(1)]), seconds=0.5)
    assert [request.bust for request in seen.fetcher.asked] == [True]


def test_clock_set_forward_is_reported_and_skipped_looks_are_missed() -> None:
    def put_forward(seen: Watch) -> None:
        seen.clock.offset = timedelta(seconds=45)

    seen = watch(watching("page"), seconds=6.5, later=[(3.5, put_forward)])
    assert seen.clock_sets == [pytest.approx(45, abs=1)]
    assert len(seen.starts) + seen.poller.missed == 45 + 7


def test_a_clock_set_back_does_not_stop_the_looks() -> None:
    def put_back(seen: Watch) -> None:
        seen.clock.offset = timedelta(hours=-1)

    long = window(1, begins=-7200)
    seen = watch(lambda w: w.poller.watch(target(), [long]), seconds=70, later=[(3.5, put_back)])
    assert seen.clock_sets == [pytest.approx(-3600, abs=1)]
    assert len(seen.starts) > 8


def test_looks_under_way_end_before_the_poller_stops() -> None:
    seen = watch(watching("page"), seconds=0.5, script=lambda _: Reply(200, b"<h1>x</h1>", seconds=3.0))
    assert [sighting.state for sighting in seen.sightings] == [State.PRESENT]


def test_look_that_never_ends_is_cancelled_at_shutdown() -> None:
    seen = watch(watching("page"), seconds=0.5, script=lambda _: Reply(200, b"x", seconds=3000.0))
    assert seen.sightings == []


def test_single_looks_are_made_within_the_budget() -> None:
    async def once(seen: Watch) -> None:
        for n in range(6):
            sighting, _ = await seen.poller.look_once(target(f"p{n}"))
            looked.append((sighting.target, round(seen.clock.monotonic(), 1)))

    looked: list[tuple[str, float]] = []
    watch(watching(), rate=2, later=[(0, once)])
    assert looked == [(target(f"p{n}").id, pytest.approx(n / 2, abs=0.1)) for n in range(6)]


def test_blocked_loop_is_reported_and_due_looks_are_made_or_missed() -> None:
    seen = watch(watching("page", "sheet"), seconds=8.3, later=[(3.5, halt)], clock=HaltingClock)
    assert [end - begin for begin, end in seen.stalls] == [
        pytest.approx(timedelta(seconds=2.5), abs=timedelta(seconds=0.1))
    ]
    assert len(seen.starts) + seen.poller.missed == 2 * 9


def test_blocked_loop_is_reported_even_if_woken() -> None:
    def halted_and_rung(seen: Watch) -> None:
        halt(seen)
        seen.poller.watch(target("more"), [window(ends=1)])

    seen = watch(watching("page"), seconds=8.3, later=[(3.5, halted_and_rung)], clock=HaltingClock)
    assert [end - begin for begin, end in seen.stalls] == [
        pytest.approx(timedelta(seconds=2.0), abs=timedelta(seconds=0.1))
    ]
