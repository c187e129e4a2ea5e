"""People are reminded of an incident, and further people too, until one of them acknowledges it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
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
from monitor.store.rows import DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import directly, open_late_incidents, play_story, record
from tests.worlds.instants import DAY, MINUTE, SLOT, after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

RULES = ReportingRules(channels=["mail", "pager"], routes=[a_route("mail", escalate=("pager",))])
OPENED_AT = after_slot(400)
"""When each story begins, usually with the opening of an incident of grade report."""


@dataclass
class World:
    """A monitor whose reminders add to `wake_calls` and `given_up_counts`."""

    clock: VirtualClock
    store: TemporaryStore
    writer: Writer
    wake_calls: list[None] = field(default_factory=list)
    given_up_counts: list[int] = field(default_factory=list)

    def make_reminders(
        self,
        times: ReminderTimes | None = None,
        rules: ReportingRules = RULES,
        judge_at: JudgeAt = lambda _release, _now: None,
    ) -> Reminders:
        return Reminders(
            self.store,
            self.writer,
            self.clock,
            rules,
            times or ReminderTimes(),
            current_incidents=CurrentIncidents(self.store.verdicts, judge_at, VerdictRecorder(self.store, rules)),
            ask=directly,
            wake=lambda: self.wake_calls.append(None),
            given_up=self.given_up_counts.append,
        )

    async def remind_for(self, minutes: int, reminders: Reminders) -> None:
        for _ in range(minutes):
            await reminders.remind()
            await self.clock.sleep(60)

    def sent_reminders(self) -> list[Notice]:
        return [one for one in self.store.outbox.notices() if one.kind == "reminder"]


def play(story: Callable[[World], Awaitable[None]], begins: datetime = OPENED_AT) -> None:
    play_story(lambda clock, store, writer: story(World(clock, store, writer)), begins)


def a_desk(world: World) -> Desk:
    record = VerdictRecorder(world.store, RULES)
    return Desk(CurrentIncidents(world.store.verdicts, lambda _release, _now: None, record), world.writer, world.clock)


def channels_of(store: Store, notice: Notice) -> set[str]:
    return {row.channel for row in store.outbox.deliveries(notice.id)}


def test_people_are_reminded_of_a_report_grade_incident_after_15_minutes_and_then_every_30() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        await world.remind_for(180, world.make_reminders())
        minutes_after_opening = [round((reminder.at - OPENED_AT) / MINUTE) for reminder in world.sent_reminders()]
        assert minutes_after_opening == [15, 45, 75, 105, 135, 165]
        assert len(world.wake_calls) == 6

    play(story)


def facts_of_overdue_release(release: str, now: datetime) -> ReleaseFacts:
    return release_facts(a_late_verdict((now - SLOT).total_seconds(), release, came=2400.0), Measurement())


def test_a_reminder_has_the_current_delay_and_changes_no_stored_measurement() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        (before,) = world.store.verdicts.incidents()
        await world.remind_for(20, world.make_reminders(judge_at=facts_of_overdue_release))
        (reminder,) = world.sent_reminders()
        assert reminder.subject.endswith("still absent at 09:51:40 GMT")
        assert "Measured so far, as of 09:51:40 GMT" in reminder.text
        (after,) = world.store.verdicts.incidents()
        assert after.facts == before.facts

    play(story)


def test_a_reminder_comes_with_a_new_draft_that_has_the_current_delay() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        await world.remind_for(20, world.make_reminders(judge_at=facts_of_overdue_release))
        (reminder,) = world.sent_reminders()
        (_, draft) = world.store.verdicts.drafts(reminder.incident)
        assert draft.at == reminder.at
        assert "09:51" in render_draft(draft, "md")[0].decode()

    play(story)


EXPOSED = -8 * 3600 - 60
"""Seconds after the slot at which a release is public too early: eight hours and a minute before it."""
SEEN_AT = after_slot(EXPOSED + 5)


def an_open_exposure() -> Verdict:
    """Return the verdict, when it is first seen, on a release that is public eight hours before its slot."""
    runs = [a_run("page", State.ABSENT, EXPOSED - 3600, EXPOSED - 5)]
    runs.append(replace(a_run("page", State.PRESENT, EXPOSED, EXPOSED + 5), specific=True))
    return judge(a_release(), [a_promise()], {"r/page/edge": runs}, [], Policy(), SEEN_AT)


def test_reminders_of_an_open_exposure_go_on_all_night_up_the_escalation_ladder() -> None:
    ladder = ReportingRules(
        channels=["mail", "pager", "deputy", "head"],
        routes=[a_route("mail", escalate=("pager", "deputy", "head"))],
    )

    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, ladder), an_open_exposure(), world.clock.now())
        await world.remind_for(8 * 60, world.make_reminders(rules=ladder))
        reminders = sorted(world.sent_reminders(), key=lambda one: one.at)
        assert [round((one.at - SEEN_AT) / MINUTE) for one in reminders] == list(range(15, 8 * 60, 30))
        assert all(one.subject.startswith("EARLY, not acknowledged: ") for one in reminders)
        first, second, *others = (channels_of(world.store, one) for one in reminders)
        assert first == {"mail", "pager"}
        assert second == {"mail", "pager", "deputy"}
        assert all(channels == {"mail", "pager", "deputy", "head"} for channels in others)

    play(story, begins=SEEN_AT)


def test_reminders_of_an_exposure_end_when_it_closes() -> None:
    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, RULES), an_open_exposure(), world.clock.now())
        reminders = world.make_reminders()
        await world.remind_for(120, reminders)
        assert len(world.sent_reminders()) == 4
        (incident,) = world.store.verdicts.incidents()
        with world.store.transaction() as tx:
            tx.save_incident(replace(incident, closed=world.clock.now()))
        await world.remind_for(120, reminders)
        assert len(world.sent_reminders()) == 4

    play(story, begins=SEEN_AT)


def test_a_reminder_also_goes_to_the_escalation_channel() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        await world.remind_for(20, world.make_reminders())
        (reminder,) = world.sent_reminders()
        assert channels_of(world.store, reminder) == {"mail", "pager"}

    play(story)


def test_acknowledging_stops_reminders() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        reminders = world.make_reminders()
        await world.remind_for(20, reminders)
        (incident,) = world.store.verdicts.incidents()
        await a_desk(world).acknowledge(incident.id, "duty statistician")
        await world.remind_for(120, reminders)
        assert len(world.sent_reminders()) == 1

    play(story)


def test_a_second_acknowledgement_by_the_same_role_changes_nothing() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        (incident,) = world.store.verdicts.incidents()
        first = await a_desk(world).acknowledge(incident.id, "duty statistician")
        second = await a_desk(world).acknowledge(incident.id, "duty statistician")
        assert first == second == world.store.verdicts.incident(incident.id)
        assert first is not None
        assert first.acknowledged is not None
        assert (first.acknowledged.by, first.acknowledged.text) == ("duty statistician", "acknowledged")

    play(story)


def test_a_reminder_is_in_the_timeline_of_its_incident() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        await world.remind_for(20, world.make_reminders())
        (incident,) = world.store.verdicts.incidents()
        assert any("not acknowledged" in entry.text for entry in incident.timeline)

    play(story)


def test_if_the_monitor_restarts_every_ten_minutes_each_reminder_is_still_sent_once() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        for _ in range(6):
            await world.remind_for(10, world.make_reminders())
        assert [round((one.at - OPENED_AT) / MINUTE) for one in world.sent_reminders()] == [15, 45]

    play(story)


def test_people_are_reminded_of_an_incident_that_opens_while_the_monitor_runs() -> None:
    async def story(world: World) -> None:
        reminders = world.make_reminders()
        await reminders.remind()
        events = VerdictRecorder(world.store, RULES)
        await record(world.writer, events, a_late_verdict(400), world.clock.now())
        for incident in world.store.verdicts.incidents():
            reminders.wake_for_notices(RecordedVerdict({}, incident, 0))
        await world.remind_for(20, reminders)
        assert len(world.sent_reminders()) == 1

    play(story)


def test_an_incident_of_grade_note_has_no_reminder() -> None:
    async def story(world: World) -> None:
        await record(world.writer, VerdictRecorder(world.store, RULES), a_late_verdict(120), world.clock.now())
        assert [one.grade for one in world.store.verdicts.incidents()] == ["note"]
        await world.remind_for(60, world.make_reminders())
        assert world.sent_reminders() == []

    play(story)


def test_people_are_notified_once_that_a_flapping_page_is_steady_even_after_acknowledging() -> None:
    async def story(world: World) -> None:
        begins = (world.clock.now() - SLOT).total_seconds()
        runs = [a_run("page", State.ABSENT, begins - 600, begins - 1)]
        # The page appears and disappears every ten seconds.
        for place, state in enumerate((State.PRESENT, State.ABSENT) * 6):
            runs.append(a_run("page", state, begins + 10 * place, begins + 10 * place + 9))
            await world.clock.sleep(10)
            verdict = judge(a_release(), [a_promise()], {"r/page/edge": list(runs)}, [], Policy(), world.clock.now())
            await record(world.writer, VerdictRecorder(world.store, RULES), verdict, world.clock.now())
        (incident,) = world.store.verdicts.incidents()
        await a_desk(world).acknowledge(incident.id, "duty statistician")
        # A restart every ten minutes repeats nothing.
        for _ in range(3):
            await world.remind_for(10, world.make_reminders())
        kinds = [one.kind for one in world.store.outbox.notices() if one.kind != "acknowledged"]
        assert kinds == ["opened", "exposure_closed", "comes_and_goes", "steady"]

    play(story, after_slot(-9000))


def test_a_remind_after_of_zero_turns_reminders_off() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        await world.remind_for(180, world.make_reminders(ReminderTimes(timedelta())))
        assert world.sent_reminders() == []

    play(story)


def test_acknowledging_an_unknown_incident_is_refused() -> None:
    async def story(world: World) -> None:
        with pytest.raises(UnknownName):
            await a_desk(world).acknowledge("unknown", "duty statistician")

    play(story)


def test_owed_reports_and_overdue_actions_are_counted() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        (incident,) = world.store.verdicts.incidents()
        due_today = Action("Renew it", "web team", world.clock.now().date())
        with world.store.transaction() as tx:
            tx.save_incident(replace(incident, actions=(due_today,)))
        owed_and_overdue: list[tuple[int, int]] = []
        reminders = world.make_reminders()
        reminders.owed = lambda owed, _longest, overdue: owed_and_overdue.append((owed, overdue))
        await reminders.update_counts()
        await world.clock.sleep(DAY.total_seconds())
        await reminders.update_counts()
        assert owed_and_overdue == [(1, 0), (1, 1)]

    play(story)


def test_a_delivery_is_counted_as_given_up_for_a_week() -> None:
    async def story(world: World) -> None:
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        (row,) = world.store.outbox.deliveries()
        with world.store.transaction() as tx:
            tx.save_delivery(replace(row, standing=DeliveryState.GIVEN_UP, attempts=3, finished=row.due))
        await world.make_reminders().update_counts()
        await world.clock.sleep(8 * DAY.total_seconds())
        await world.make_reminders().update_counts()
        assert world.given_up_counts == [1, 0]

    play(story)


def test_the_store_is_read_every_five_minutes_while_no_reminder_falls_due_soon() -> None:
    async def story(world: World) -> None:
        reads: list[datetime] = []

        async def ask(query: Callable[[], object]) -> object:
            reads.append(world.clock.now())
            return query()

        reminders = replace(world.make_reminders(), ask=ask)
        await world.remind_for(10, reminders)
        await open_late_incidents(world.store, world.writer, world.clock, ["r"])
        # The reminder of this incident falls due 15 minutes after its opening.
        await world.remind_for(16, reminders)
        minutes_between = [(later - earlier) / MINUTE for earlier, later in pairwise(reads)]
        assert minutes_between == [5, 5, 5, 5, 1, 1, 1, 1, 1]
        assert len(world.sent_reminders()) == 1

    play(story)
