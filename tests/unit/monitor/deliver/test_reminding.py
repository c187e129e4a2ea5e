"""Nobody has an incident: they are told again, and others as well, until somebody says that they have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from alerts.finding import ReleaseFacts
from alerts.incident import Action
from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.current_incidents import CurrentIncidents, JudgeAt
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import render_draft
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.reminders import Reminders, ReminderTimes
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.errors import UnknownName
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import directly, record, some_late
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

RULES = ReportingRules(channels=["mail", "pager"], routes=[a_route("mail", escalate=("pager",))])
MINUTE = timedelta(minutes=1)


@dataclass
class World:
    clock: VirtualClock
    store: TemporaryStore
    writer: Writer
    rung: list[int]

    def reminders(
        self,
        reminding: ReminderTimes | None = None,
        rules: ReportingRules = RULES,
        judge_at: JudgeAt = lambda _release, _now: None,
    ) -> Reminders:
        return Reminders(
            self.store,
            self.writer,
            self.clock,
            rules,
            reminding or ReminderTimes(),
            current_incidents=CurrentIncidents(self.store.verdicts, judge_at, VerdictRecorder(self.store, rules)),
            ask=directly,
            wake=lambda: self.rung.append(1),
            given_up=self.rung.append,
        )

    async def minutes(self, reminders: Reminders, count: int) -> None:
        for _ in range(count):
            await reminders.remind()
            await self.clock.sleep(60)

    def told(self) -> list[Notice]:
        return [one for one in self.store.outbox.notices() if one.kind == "reminder"]


def played(story: Callable[[World], Awaitable[None]], begins: datetime | None = None) -> None:
    async def whole(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await story(World(clock, store, writer, []))
        writer.abandon()

    run_virtually(whole, begins or after_slot(400))


def a_desk(world: World) -> Desk:
    record = VerdictRecorder(world.store, RULES)
    return Desk(CurrentIncidents(world.store.verdicts, lambda _release, _now: None, record), world.writer, world.clock)


def channels_of(store: Store, notice: Notice) -> set[str]:
    return {row.channel for row in store.outbox.deliveries(notice.id)}


def test_people_are_reminded_of_a_report_grade_incident_after_15_minutes_and_then_every_30() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        await world.minutes(world.reminders(), 180)
        told = [round((one.at - after_slot(400)) / MINUTE) for one in world.told()]
        assert told == [15, 45, 75, 105, 135, 165]
        assert len(world.rung) == 6

    played(story)


def test_a_reminder_has_the_current_delay_and_changes_no_stored_measurement() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        (before,) = world.store.verdicts.incidents()
        reminders = world.reminders(judge_at=lambda release, now: as_of(release, (now - SLOT).total_seconds()))
        await world.minutes(reminders, 20)
        (told,) = world.told()
        assert told.subject.endswith("still absent at 09:51:40 GMT")
        assert "Measured so far, as of 09:51:40 GMT" in told.text
        (_, fresh) = world.store.verdicts.drafts(before.id)
        assert (fresh.at, "09:51" in render_draft(fresh, "md")[0].decode()) == (told.at, True)
        (after,) = world.store.verdicts.incidents()
        assert after.facts == before.facts

    def as_of(release: str, seconds: float) -> ReleaseFacts:
        return release_facts(a_late_verdict(seconds, release, 2400.0), Measurement())

    played(story)


EXPOSED = -8 * 3600 - 60


def an_open_exposure() -> Verdict:
    """Return the verdict, when it is first seen, on a release that is public eight hours before its slot."""
    runs = [a_run("page", State.ABSENT, EXPOSED - 3600, EXPOSED - 5)]
    runs.append(replace(a_run("page", State.PRESENT, EXPOSED, EXPOSED + 5), specific=True))
    return judge(a_release(), [a_promise()], {"r/page/edge": runs}, [], Policy(), after_slot(EXPOSED + 5))


def test_reminders_of_an_open_exposure_go_on_all_night_up_the_escalation_ladder() -> None:
    ladder = ReportingRules(
        channels=["mail", "pager", "deputy", "head"],
        routes=[a_route("mail", escalate=("pager", "deputy", "head"))],
    )

    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, ladder), an_open_exposure(), world.clock.now())
        await world.minutes(world.reminders(rules=ladder), 8 * 60)
        told = sorted(world.told(), key=lambda one: one.at)
        assert [round((one.at - after_slot(EXPOSED + 5)) / MINUTE) for one in told] == list(range(15, 8 * 60, 30))
        assert all(one.subject.startswith("EARLY, not acknowledged: ") for one in told)
        reached = [channels_of(world.store, one) for one in told]
        assert [len(channels) for channels in reached[:3]] == [2, 3, 4]
        assert all(channels == {"mail", "pager", "deputy", "head"} for channels in reached[2:])

    played(story, after_slot(EXPOSED + 5))


def test_reminders_of_an_exposure_end_when_it_closes() -> None:
    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, RULES), an_open_exposure(), world.clock.now())
        reminders = world.reminders()
        await world.minutes(reminders, 120)
        (incident,) = world.store.verdicts.incidents()
        with world.store.transaction() as tx:
            tx.save_incident(replace(incident, closed=world.clock.now()))
        before = len(world.told())
        await world.minutes(reminders, 120)
        assert (before, len(world.told())) == (4, 4)

    played(story, after_slot(EXPOSED + 5))


def test_a_reminder_also_goes_to_the_escalation_channel() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        await world.minutes(world.reminders(), 20)
        (told,) = world.told()
        assert channels_of(world.store, told) == {"mail", "pager"}

    played(story)


def test_acknowledging_stops_reminders_and_is_in_the_timeline() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        reminders = world.reminders()
        await world.minutes(reminders, 20)
        (incident,) = world.store.verdicts.incidents()
        desk = a_desk(world)
        said = await desk.acknowledge(incident.id, "duty statistician")
        again = await desk.acknowledge(incident.id, "duty statistician")
        await world.minutes(reminders, 120)
        assert len(world.told()) == 1
        assert said == again == world.store.verdicts.incident(incident.id)
        assert said is not None
        assert said.acknowledged is not None
        assert (said.acknowledged.by, said.acknowledged.text) == ("duty statistician", "acknowledged")
        assert any("not acknowledged" in entry.text for entry in said.timeline)

    played(story)


def test_after_a_restart_each_reminder_is_still_sent_once() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        for _ in range(6):
            await world.minutes(world.reminders(), 10)
        assert len(world.told()) == 2

    played(story)


def test_people_are_reminded_of_an_incident_that_opens_while_the_monitor_runs() -> None:
    async def story(world: World) -> None:
        reminders = world.reminders()
        await reminders.remind()
        events = VerdictRecorder(world.store, RULES)
        await record(world.writer, events, a_late_verdict(400), world.clock.now())
        for incident in world.store.verdicts.incidents():
            reminders.wake_for_notices(RecordedVerdict({}, incident, 0))
        await world.minutes(reminders, 20)
        assert len(world.told()) == 1

    played(story)


def test_an_incident_of_grade_note_has_no_reminder() -> None:
    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, RULES), a_late_verdict(120), world.clock.now())
        assert [one.grade for one in world.store.verdicts.incidents()] == ["note"]
        await world.minutes(world.reminders(), 60)
        assert world.told() == []

    played(story)


def test_people_are_notified_once_that_a_flapping_page_is_steady_even_after_acknowledging() -> None:
    async def story(world: World) -> None:
        begins = (world.clock.now() - SLOT).total_seconds()
        runs = [a_run("page", State.ABSENT, begins - 600, begins - 1)]
        for place, turn in enumerate((State.PRESENT, State.ABSENT) * 6):
            runs.append(a_run("page", turn, begins + 10 * place, begins + 10 * place + 9))
            await world.clock.sleep(10)
            seen = {"r/page/edge": list(runs)}
            verdict = judge(a_release(), [a_promise()], seen, [], Policy(), world.clock.now())
            await record(world.writer, VerdictRecorder(world.store, RULES), verdict, world.clock.now())
        (incident,) = world.store.verdicts.incidents()
        await a_desk(world).acknowledge(incident.id, "duty statistician")
        for _ in range(3):
            await world.minutes(world.reminders(), 10)
        kinds = [one.kind for one in world.store.outbox.notices() if one.kind != "acknowledged"]
        assert kinds == ["opened", "exposure_closed", "comes_and_goes", "steady"]

    played(story, after_slot(-9000))


def test_a_remind_after_of_zero_turns_reminders_off() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        await world.minutes(world.reminders(ReminderTimes(timedelta())), 180)
        assert world.told() == []

    played(story)


def test_acknowledging_an_unknown_incident_is_refused() -> None:
    async def story(world: World) -> None:
        with pytest.raises(UnknownName):
            await a_desk(world).acknowledge("nothing", "duty statistician")

    played(story)


def test_owed_reports_and_overdue_actions_are_counted() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        (known,) = world.store.verdicts.incidents()
        due = world.clock.now().date()
        with world.store.transaction() as tx:
            tx.save_incident(replace(known, actions=(Action("Renew it", "web team", due),)))
        told: list[tuple[int, int]] = []
        reminders = world.reminders()
        reminders.owed = lambda count, _longest, actions: told.append((count, actions))
        await reminders.update_counts()
        await world.clock.sleep(86400)
        await reminders.update_counts()
        assert told == [(1, 0), (1, 1)]

    played(story)


def test_recently_given_up_deliveries_are_counted() -> None:
    async def story(world: World) -> None:
        await some_late(world.store, world.writer, world.clock, ["r"])
        (row,) = world.store.outbox.deliveries()
        gone = type(row)(row.notice, row.channel, DeliveryState.GIVEN_UP, row.due, 3, row.due, row.due, "refused")
        with world.store.transaction() as tx:
            tx.save_delivery(gone)
        await world.reminders().update_counts()
        await world.clock.sleep(8 * 86400)
        await world.reminders().update_counts()
        assert world.rung == [1, 0]

    played(story)


def test_the_store_is_read_every_five_minutes_while_no_reminder_falls_due_soon() -> None:
    async def story(world: World) -> None:
        reads: list[datetime] = []

        async def ask(query: Callable[[], object]) -> object:
            reads.append(world.clock.now())
            return query()

        reminders = replace(world.reminders(), ask=ask)
        await world.minutes(reminders, 10)
        await some_late(world.store, world.writer, world.clock, ["r"])
        # The reminder of this incident falls due 15 minutes after its opening.
        await world.minutes(reminders, 16)
        minutes_between = [(later - earlier) / MINUTE for earlier, later in pairwise(reads)]
        assert minutes_between == [5, 5, 5, 5, 1, 1, 1, 1, 1]
        assert len(world.told()) == 1

    played(story)
