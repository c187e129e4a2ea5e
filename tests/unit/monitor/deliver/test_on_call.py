"""Each person on call is notified once of each fact; all who were notified get the end.

A rota says who is on call when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from alerts.rota import Rota, Shift
from monitor.store.rows import DeliveryState
from tests.unit.monitor.deliver.platform_day import (
    A_MINUTE_LATE,
    PRODUCERS_BY_RELEASE,
    PUBLISHED_AT,
    Day,
    play_day,
)
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.rotas import a_rota
from tests.worlds.routes import a_route
from tests.worlds.virtual import Test, asking_for

OVERDUE_AT = 400
"""Seconds after the slot at which releases are judged first: overdue, grade report."""
DEPUTY_REMINDED_BY, HEAD_REMINDED_BY = OVERDUE_AT + 16 * 60, OVERDUE_AT + 46 * 60
"""A minute after the first reminder, which also goes to the deputy, and after the second, also to
the head.
"""
R7_FINAL_AT = PUBLISHED_AT["r7"] + 4000
"""Seconds after the slot at which r7 is public and its verdict final."""
WAYS = {"A": "phone-a", "B": "phone-b", "A2": "phone-a"}
PEOPLE = frozenset({"phone-a", "phone-b", "deputy", "head"})
ROUTES = (a_route("on-call", "hook", escalate=("deputy", "head")),)


def rota_of_shifts(*shifts: tuple[str, float, float]) -> Rota:
    return a_rota(
        WAYS, *(Shift(role, after_slot(begins), after_slot(ends)) for role, begins, ends in shifts)
    )


async def judge_r7_final_and_send(day: Day) -> None:
    await day.judge_at(R7_FINAL_AT, ["r7"])
    await day.run_until(R7_FINAL_AT + 100)


def play_day_on_call(rota: Rota, story: Callable[[Day], Awaitable[None]]) -> None:
    play_day(
        story,
        lambda clock: Day(clock, routes=ROUTES, folding=PEOPLE, rotas={"on-call": rota}),
        SLOT,
    )


def with_rota(rota: Rota) -> Callable[[Test], Callable[..., None]]:
    """Run a coroutine as a test.

    Its `day` begins at the slot, with the people of this rota on call.
    """
    return lambda test: asking_for(
        lambda: play_day_on_call(rota, lambda day: test(day=day)), test, given=("day",)
    )


LONG_BEFORE, HANDOVER_AT, LONG_AFTER = -9000, 600, 90_000
A_THEN_B = rota_of_shifts(("A", LONG_BEFORE, HANDOVER_AT), ("B", HANDOVER_AT, LONG_AFTER))


@with_rota(A_THEN_B)
async def test_reminders_go_to_the_next_person_after_a_handover(day: Day) -> None:
    """A release is overdue. A, who has phone-a, is on call and gets the opening of its incident.

    200 s later, B is on call, who has phone-b. The first reminder is 15 minutes after the opening.
    It goes only to B. When the release is out at last, both get the notice of the end, `final`.
    """
    await day.judge_at(OVERDUE_AT, ["r7"])
    await day.run_until(HANDOVER_AT - 100)
    assert day.kinds("phone-a") == ["opened"]
    assert day.kinds("phone-b") == []
    await day.judge_at(HANDOVER_AT + 400, ["r7"])  # it is still absent
    await day.judge_at(PUBLISHED_AT["r7"] + 30, ["r7"])
    await judge_r7_final_and_send(day)
    assert "reminder" not in day.kinds("phone-a")
    assert "reminder" in day.kinds("phone-b")
    assert day.kinds("phone-a")[-1] == day.kinds("phone-b")[-1] == "final"


@with_rota(A_THEN_B)
async def test_each_reminder_goes_a_step_higher_until_the_head_gets_it(day: Day) -> None:
    """A release is overdue, and no one acknowledges its incident.

    The first reminder, 15 minutes after the opening, also goes to the deputy.
    Those from 45 minutes on go to the head, too.
    When the release is out at last, all of them get the notice of the end, `final`.
    """
    await day.judge_at(OVERDUE_AT, ["r7"])
    await day.run_until(DEPUTY_REMINDED_BY)
    assert day.kinds("deputy") == ["reminder"]
    assert day.kinds("head") == []
    await day.run_until(HEAD_REMINDED_BY)
    assert day.kinds("deputy") == ["reminder", "reminder"]
    assert day.kinds("head") == ["reminder"]
    await judge_r7_final_and_send(day)
    assert day.kinds("deputy")[-1] == day.kinds("head")[-1] == "final"


@with_rota(A_THEN_B)
async def test_head_gets_no_reminder_once_the_deputy_acknowledged(day: Day) -> None:
    """A release is overdue.

    The first reminder of its incident also goes to the deputy, who acknowledges it.

    Without that, a second reminder would go to the head half an hour later.
    """
    await day.judge_at(OVERDUE_AT, ["r7"])
    await day.run_until(DEPUTY_REMINDED_BY)
    (incident,) = day.store.verdicts.incidents()
    day.acknowledge(incident, "deputy")
    await judge_r7_final_and_send(day)
    assert day.kinds("deputy")[0] == "reminder"
    assert day.kinds("head") == []


@with_rota(rota_of_shifts())
async def test_whole_rota_is_notified_if_no_one_is_on_call(day: Day) -> None:
    """The rota has no shifts, so no one is on call when a release is overdue.

    People of the rota have phone-a or phone-b. Both phones get the opening of the incident.
    """
    await day.judge_at(OVERDUE_AT, ["r0"])
    await day.run_until(OVERDUE_AT + 100)
    assert day.kinds("phone-a") == day.kinds("phone-b") == ["opened"]


def subjects_about_releases_after_opening_of_platform(channel: FakeChannel) -> list[str]:
    """Return subjects about one release's delay that a channel got after the opening of its
    platform's incident.
    """
    messages = sorted(channel.messages.values(), key=lambda one: channel.received[one.id])
    opened = [
        place
        for place, one in enumerate(messages)
        if "platform" in one.data["findings"] and not one.data["release"]
    ]
    later = messages[opened[0] + 1 :] if opened else []
    return [
        one.subject
        for one in later
        if one.data["release"] and one.data["findings"][0] in {"late", "partial"}
    ]


def test_platform_notice_ends_messages_about_its_single_releases() -> None:
    """One release is overdue. A, who has phone-a, is on call and gets the opening of its incident.

    Then all eight releases of its host (their platform) are overdue. An incident of the platform
    opens, and A is notified. From then on, people get no more messages about a single release. That
    is so even after one release is published and B is on call.
    """
    handover = PUBLISHED_AT["r0"] + 50  # seconds after the slot: from here on B is on call, not A
    all_eight_releases = list(PRODUCERS_BY_RELEASE)

    async def play(day: Day) -> None:
        await day.judge_at(A_MINUTE_LATE, ["r0"])
        await day.run_until(A_MINUTE_LATE + 20)
        assert day.kinds("phone-a") == ["opened"]
        await day.judge_at(A_MINUTE_LATE + 30, all_eight_releases)
        await day.judge_at(handover + 50, all_eight_releases)  # r0 is out by now
        await day.run_until(handover + 250)
        assert day.kinds("phone-a")[:2] == ["opened", "opened"]
        assert subjects_about_releases_after_opening_of_platform(day.channels["phone-a"]) == []

    play_day_on_call(
        rota_of_shifts(("A", LONG_BEFORE, handover), ("B", handover, LONG_AFTER)), play
    )


def check_no_message_is_repeated_and_each_notice_is_received(day: Day) -> None:
    people = [channel for channel in day.channels.values() if channel.name != "hook"]
    for channel in day.channels.values():
        assert channel.attempts == len(channel.messages)
        facts = Counter((one.kind, one.subject, one.text) for one in channel.messages.values())
        assert not [fact for fact, times in facts.items() if times > 1]
    for person in people:
        assert subjects_about_releases_after_opening_of_platform(person) == []
    received_ids = {id_ for person in people for id_ in person.messages}
    # A person received each notice, or a digest that replaced it.
    for notice in day.store.outbox.notices():
        rows = day.store.outbox.deliveries(notice.id)
        assert not rows or received_ids & {notice.id, *(row.reference for row in rows)}
    rows = day.store.outbox.deliveries()
    assert not [row for row in rows if row.standing is DeliveryState.WAITING]


SHIFTS = some.lists(
    some.tuples(some.sampled_from(sorted(WAYS)), some.integers(0, 6000), some.integers(1, 4000))
)


@pytest.mark.slow
@pytest.mark.explored
@pytest.mark.parametrize(
    "number_of_releases", [1, len(PRODUCERS_BY_RELEASE)], ids=["alone", "on a platform"]
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(
    rota=SHIFTS.map(lambda shifts: rota_of_shifts(*shifts)),
    new_rota=SHIFTS.map(lambda shifts: rota_of_shifts(*shifts)),
    acknowledged_at=some.sampled_from([90, 400, 1300, 2200]),
    first_is_judged_alone=some.booleans(),
)
def test_changed_rota_repeats_no_message_and_loses_no_notice(
    number_of_releases: int,
    rota: Rota,
    new_rota: Rota,
    acknowledged_at: int,
    *,
    first_is_judged_alone: bool,
) -> None:
    """One or eight releases are late.

    They are judged again and again until all are out, and their verdicts final.

    The rota is random. 2200 s after the slot, another random one replaces it. Someone acknowledges
    at a random time. No person may get a message twice, and each notice must reach a person.
    """
    releases = list(PRODUCERS_BY_RELEASE)[:number_of_releases]
    last_published_at = PUBLISHED_AT[releases[-1]]
    a_minute_after_publication, final_at = last_published_at + 60, last_published_at + 4000

    async def play(day: Day) -> None:
        if first_is_judged_alone:
            await day.judge_at(A_MINUTE_LATE, releases[:1])
        for seconds in (90, 400, 1300, 2200, 4000, a_minute_after_publication, final_at):
            await day.judge_at(seconds, releases)
            if seconds == acknowledged_at:
                first_incident = day.store.verdicts.incidents()[0]
                day.acknowledge(first_incident, "duty")
            if seconds == 2200:
                day.rules.rotas["on-call"] = new_rota
        # In the hour after the final verdict, too, no message may be repeated.
        await day.run_until(final_at + 3600)
        check_no_message_is_repeated_and_each_notice_is_received(day)

    play_day_on_call(rota, play)
