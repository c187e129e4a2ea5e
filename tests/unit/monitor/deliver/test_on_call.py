"""Whoever is on call is told; who heard of it learns how it ends; nobody is told one fact twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from alerts.by_hand import acknowledge_incident
from alerts.rota import Rota, Shift
from alerts.routes import Route
from monitor.clock import VirtualClock
from monitor.rehearse.virtual_loop import run_virtually
from tests.unit.monitor.deliver.platform_day import OUT, WHOSE, Day
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import after_slot
from tests.worlds.rotas import a_rota
from tests.worlds.routes import a_route

WAYS = {"A": "phone-a", "B": "phone-b", "A2": "phone-a"}
PEOPLE = frozenset({"phone-a", "phone-b", "deputy", "head"})
ROUTES = (a_route("on-call", "hook", escalate=("deputy", "head")),)


def rota_of(*shifts: tuple[str, float, float]) -> Rota:
    return a_rota(WAYS, *(Shift(role, after_slot(begins), after_slot(ends)) for role, begins, ends in shifts))


def played(rota: Rota, story: Callable[[Day], Awaitable[None]], routes: tuple[Route, ...] = ROUTES) -> None:
    async def whole(clock: VirtualClock) -> None:
        day = Day(clock, routes=routes, folding=PEOPLE, rotas={"on-call": rota})
        await story(day)
        day.writer.abandon()

    run_virtually(whole, after_slot(0))


HANDED_OVER = rota_of(("A", -9000, 600), ("B", 600, 90000))


def test_each_person_on_call_is_notified_in_turn_and_both_get_the_end() -> None:
    async def story(day: Day) -> None:
        await day.judged(400, ["r7"])
        await day.on_to(500)
        assert (day.kinds("phone-a"), day.kinds("phone-b")) == (["opened"], [])
        await day.judged(1000, ["r7"])
        await day.judged(OUT["r7"] + 30, ["r7"])
        await day.judged(OUT["r7"] + 4000, ["r7"])
        await day.on_to(OUT["r7"] + 4100)
        # Reminders are for whoever can act.
        assert [kind for kind in day.kinds("phone-a") if kind == "reminder"] == []
        assert "reminder" in day.kinds("phone-b")
        assert day.kinds("phone-a")[-1] == day.kinds("phone-b")[-1] == "final"

    played(HANDED_OVER, story)


def test_without_acknowledgement_each_reminder_goes_one_step_higher_and_that_person_gets_the_end() -> None:
    async def story(day: Day) -> None:
        await day.judged(400, ["r7"])
        await day.on_to(400 + 16 * 60)
        assert (day.kinds("deputy"), day.kinds("head")) == (["reminder"], [])
        await day.on_to(400 + 46 * 60)
        assert (day.kinds("deputy"), day.kinds("head")) == (["reminder", "reminder"], ["reminder"])
        await day.judged(OUT["r7"] + 4000, ["r7"])
        await day.on_to(OUT["r7"] + 4100)
        assert day.kinds("deputy")[-1] == day.kinds("head")[-1] == "final"

    played(HANDED_OVER, story)


def test_acknowledging_ends_the_escalation_and_later_steps_get_nothing() -> None:
    async def story(day: Day) -> None:
        await day.judged(400, ["r7"])
        await day.on_to(400 + 16 * 60)
        (incident,) = day.store.verdicts.incidents()
        with day.store.transaction() as tx:
            tx.save_incident(acknowledge_incident(incident, "deputy", day.clock.now()))
        await day.judged(OUT["r7"] + 4000, ["r7"])
        await day.on_to(OUT["r7"] + 4100)
        assert day.kinds("head") == []
        assert day.kinds("deputy")[0] == "reminder"

    played(HANDED_OVER, story)


def test_if_no_one_is_on_call_the_whole_rota_is_notified() -> None:
    async def story(day: Day) -> None:
        await day.judged(400, ["r0"])
        await day.on_to(500)
        assert day.kinds("phone-a") == day.kinds("phone-b") == ["opened"]

    played(rota_of(), story)


def told_by_both(channel: FakeChannel) -> list[str]:
    """Return what a channel heard of a single release's delay after the thread of its platform had told it there."""
    messages = sorted(channel.messages.values(), key=lambda one: channel.received[one.id])
    opened = [
        place for place, one in enumerate(messages) if "platform" in one.data["findings"] and not one.data["release"]
    ]
    later = messages[opened[0] + 1 :] if opened else []
    return [one.subject for one in later if one.data["release"] and one.data["findings"][0] in {"late", "partial"}]


def test_people_notified_of_a_release_and_of_its_platform_are_told_of_the_end_once() -> None:
    async def story(day: Day) -> None:
        await day.judged(61, ["r0"])
        await day.on_to(80)
        await day.judged(90)
        await day.judged(1300)
        await day.on_to(1500)
        assert day.kinds("phone-a")[:2] == ["opened", "opened"]
        assert told_by_both(day.channels["phone-a"]) == []

    played(rota_of(("A", -9000, 1250), ("B", 1250, 90000)), story)


TURNS = some.lists(some.tuples(some.sampled_from(sorted(WAYS)), some.integers(0, 6000), some.integers(1, 4000)))


@pytest.mark.slow
@pytest.mark.explored
@pytest.mark.parametrize("releases", [1, len(WHOSE)], ids=["alone", "on a platform"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(turns=TURNS, later=TURNS, seed=some.integers(0, 3))
def test_each_person_gets_each_fact_once_however_the_rota_changes(
    releases: int, turns: list[tuple[str, int, int]], later: list[tuple[str, int, int]], seed: int
) -> None:
    """`later` is the rota as it is read anew in the middle; somebody acknowledges by `seed`."""
    names = list(WHOSE)[:releases]
    first, then = (rota_of(*((role, at, at + n) for role, at, n in each)) for each in (turns, later))

    async def story(day: Day) -> None:
        if seed % 2:
            await day.judged(61, names[:1])
        for step, seconds in enumerate((90, 400, 1300, 2200, 4000, OUT[names[-1]] + 60, OUT[names[-1]] + 4000)):
            await day.judged(seconds, names)
            if step == seed:
                (incident, *_) = day.store.verdicts.incidents()
                with day.store.transaction() as tx:
                    tx.save_incident(acknowledge_incident(incident, "duty", day.clock.now()))
            if step == 3:
                day.rules.rotas["on-call"] = then
        await day.on_to(OUT[names[-1]] + 4000 + timedelta(hours=1).total_seconds())
        for channel in day.channels.values():
            assert channel.attempts == len(channel.messages)
            told = Counter((one.kind, one.subject, one.text) for one in channel.messages.values())
            assert not [fact for fact, times in told.items() if times > 1]
            assert channel.name == "hook" or told_by_both(channel) == []
        reached = {name for channel in day.channels.values() if channel.name != "hook" for name in channel.messages}
        sent = [one for one in day.store.outbox.notices() if day.store.outbox.deliveries(one.id)]
        rows = {one.id: day.store.outbox.deliveries(one.id) for one in sent}
        assert all(one.id in reached or any(row.reference in reached for row in rows[one.id]) for one in sent)
        assert day.store.outbox.pending() == 0

    played(first, story)
