"""Notices of what is not ready are sent once a day, and once half an hour, before a slot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import pytest

from alerts.rota import Shift
from monitor.app.options import make_summary_schedules
from monitor.clock import VirtualClock
from monitor.config.people import SummarySettings
from monitor.config.settings import Settings
from monitor.deliver.rules import Links, ReportingRules
from monitor.plan.budget import Budget
from monitor.readiness.notices import ReadinessNotices, Recipients
from monitor.readiness.reader import ReadinessReader
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import Heartbeat
from monitor.store.writer import Writer
from monitor.watch.planner import WatchRules
from tests.unit.monitor.deliver.outbox import query_at_once
from tests.worlds.instants import DAY, HOUR, MINUTE, SLOT
from tests.worlds.releases import a_promise, a_release
from tests.worlds.rotas import a_rota
from tests.worlds.stores import TemporaryStore, a_read

PRODUCER = {"head_of_profession": "head", "contact": "desk", "to": "regulator"}
ON_CALL = a_rota({"duty": "phone"}, Shift("duty", SLOT - 2 * DAY, SLOT + DAY), name="duty")
RULES = ReportingRules(channels=("phone",), producers={"ofqual": PRODUCER}, rotas={"duty": ON_CALL})


class World:
    """A store with a release of 9.30, and the notices that a monitor has written about it."""

    def __init__(self, clock: VirtualClock, **fields: object) -> None:
        self.store, self.clock, self.woken = TemporaryStore(), clock, 0
        self.writer = Writer(self.store, clock)
        with self.store.transaction() as tx:
            tx.save(a_release())
            tx.add_promises([a_promise(confirmed_at=SLOT - 26 * HOUR)])
        self.notices = self.start(**fields)

    def start(self, **fields: object) -> ReadinessNotices:
        """Return the notices of a monitor that started long ago, unless `started` says when."""
        reader = ReadinessReader(
            self.store, WatchRules(), RULES, Links("https://board", b"key"), Budget(), {}
        )
        usual = ReadinessNotices(
            [Recipients(("duty",))],
            reader,
            self.writer,
            self.clock,
            query_at_once,
            self.wake,
            RULES.rotas,
            SLOT - 9 * DAY,
        )
        return replace(usual, **fields)

    def wake(self) -> None:
        self.woken += 1

    def confirm(self, at: datetime) -> None:
        """Let a monitor be alive, and the calendar show the promise again."""
        with self.store.transaction() as tx:
            tx.save(a_read(at), Heartbeat("edge", at))
            tx.confirm_all("govuk", ["r"], at)

    async def write_at(self, *instants: datetime) -> list[str]:
        """Run the job at these instants. Return the subjects of all notices."""
        for at in instants:
            await self.clock.sleep((at - self.clock.now()).total_seconds())
            await self.notices.write_due()
        return [notice.subject for notice in self.store.outbox.notices()]


HEADLINE = "NOT READY for Friday 5 January 2018, 09:30 GMT: {}"
A_DAY_BEFORE, HALF_AN_HOUR_BEFORE = SLOT - DAY, SLOT - 30 * MINUTE


def play(story: Callable[[World], Awaitable[None]], **fields: object) -> None:
    """Run a story from 26 hours before the slot."""

    async def run_story(clock: VirtualClock) -> None:
        world = World(clock, **fields)
        await story(world)
        world.writer.abandon()

    run_virtually(run_story, SLOT - 26 * HOUR)


def test_one_notice_is_sent_at_each_stage_while_something_is_not_ready() -> None:
    """No monitor is alive, and the promise was last confirmed 26 hours before the slot."""

    async def story(world: World) -> None:
        assert await world.write_at(A_DAY_BEFORE - MINUTE) == []
        assert await world.write_at(A_DAY_BEFORE) == [HEADLINE.format("2 checks")]
        assert len(await world.write_at(A_DAY_BEFORE + MINUTE, SLOT - HOUR)) == 1
        assert len(await world.write_at(HALF_AN_HOUR_BEFORE)) == 2
        assert len(await world.write_at(SLOT - MINUTE, SLOT, SLOT + HOUR)) == 2
        assert world.woken == 2

    play(story)


def test_notice_says_what_to_do_and_goes_to_the_role_on_call() -> None:
    async def story(world: World) -> None:
        await world.write_at(A_DAY_BEFORE)
        (notice,) = world.store.outbox.notices()
        assert (notice.kind, notice.findings) == ("readiness", ("confirmed", "running"))
        assert "- monitor: no monitor writes to the store. Start one" in notice.text
        assert notice.text.endswith("\nhttps://board\n")
        assert [one.channel for one in world.store.outbox.deliveries()] == ["phone"]

    play(story)


def test_what_was_put_right_in_time_makes_no_notice() -> None:
    async def story(world: World) -> None:
        await world.write_at(A_DAY_BEFORE)
        world.confirm(HALF_AN_HOUR_BEFORE - MINUTE)
        assert len(await world.write_at(HALF_AN_HOUR_BEFORE)) == 1

    play(story)


def test_restarted_monitor_repeats_no_notice() -> None:
    """The id of a notice follows from stage, slot and recipients."""

    async def story(world: World) -> None:
        await world.write_at(A_DAY_BEFORE)
        world.notices = world.start()
        assert len(await world.write_at(A_DAY_BEFORE + MINUTE)) == 1

    play(story)


@pytest.mark.parametrize(
    ("hours", "count"), [(2, 1), (4, 0)], ids=["two hours late", "four hours late"]
)
def test_monitor_that_was_down_sends_the_first_notice_up_to_three_hours_late(
    hours: int, count: int
) -> None:
    async def story(world: World) -> None:
        assert len(await world.write_at(A_DAY_BEFORE + hours * HOUR)) == count

    play(story)


def test_monitor_that_just_started_first_reads_its_calendars() -> None:
    async def story(world: World) -> None:
        assert await world.write_at(A_DAY_BEFORE + MINUTE) == []
        assert len(await world.write_at(A_DAY_BEFORE + 2 * MINUTE)) == 1

    play(story, started=A_DAY_BEFORE)


def test_recipients_of_a_producer_get_only_its_slots() -> None:
    recipients = [Recipients(("phone",), "ofqual"), Recipients(("mail",), "ons")]

    async def story(world: World) -> None:
        assert len(await world.write_at(A_DAY_BEFORE)) == 1

    play(story, recipients=recipients)


def test_long_notice_lists_twenty_checks_and_counts_the_rest() -> None:
    async def story(world: World) -> None:
        with world.store.transaction() as tx:
            for number in range(30):
                tx.save(a_release(id=f"r{number}"))
                tx.add_promises([a_promise(release=f"r{number}", confirmed_at=SLOT - 26 * HOUR)])
        assert await world.write_at(A_DAY_BEFORE) == [HEADLINE.format("32 checks")]
        (notice,) = world.store.outbox.notices()
        assert notice.text.count("\n- ") == 20
        assert "12 more: run `ninethirty ready`." in notice.text

    play(story)


def test_notice_before_slots_has_no_time_of_its_own() -> None:
    table = {"kind": "ready", "channels": ["phone"]}
    assert SummarySettings.model_validate(table).at is None
    with pytest.raises(ValueError, match="follows the slots"):
        SummarySettings.model_validate(table | {"at": "09:00"})
    ready = SummarySettings.model_validate(table)
    assert make_summary_schedules(Settings(summary=[ready])) == []
