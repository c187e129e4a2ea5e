"""People are reminded of an incident, and further people too, until one of them acknowledges it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from alerts.finding import ReleaseFacts
from alerts.incident import Action, Incident
from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.current_incidents import CurrentIncidents, JudgeAt
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import render_draft
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.errors import UnknownName
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.store.rows import Actor, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.read import Reads
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import (
    open_late_incidents,
    play_story,
    query_at_once,
    record_verdict,
)
from tests.worlds.instants import DAY, MINUTE, SLOT, after_slot, at
from tests.worlds.looks import a_run
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict, judged
from tests.worlds.virtual import Test, asking_for

RULES = ReportingRules(channels=["mail", "pager"], routes=[a_route("mail", escalate=("pager",))])
OPENED_AT = after_slot(400)
"""When each story begins, usually with the opening of an incident of grade report."""


@dataclass
class World:
    """A monitor whose reminders add to `outbox_wakes` and `given_up_counts`."""

    clock: VirtualClock
    store: TemporaryStore
    writer: Writer
    outbox_wakes: list[datetime] = field(default_factory=list)
    given_up_counts: list[int] = field(default_factory=list)

    async def record(self, verdict: Verdict, rules: ReportingRules = RULES) -> RecordedVerdict:
        return await record_verdict(self.writer, VerdictRecorder(rules), verdict, self.clock.now())

    async def open_late_incident(self) -> None:
        """Open an incident of grade report about the release `r`."""
        await open_late_incidents(self.store, self.writer, self.clock, ["r"])

    def incident(self) -> Incident:
        (found,) = self.store.verdicts.incidents()
        return found

    def save_incident(self, incident: Incident) -> None:
        with self.store.transaction() as tx:
            tx.save(incident)

    async def acknowledge(self, incident: str) -> Incident | None:
        recorder = VerdictRecorder(RULES)
        current = CurrentIncidents(self.store, lambda _read, _release, _now: None, recorder)
        desk = Desk(current, self.writer, self.clock, actor=Actor("user:anne", "duty statistician"))
        return await desk.acknowledge(incident)

    def make_reminders(
        self,
        remind_after: timedelta = timedelta(minutes=15),
        rules: ReportingRules = RULES,
        judge_at: JudgeAt = lambda _read, _release, _now: None,
    ) -> Reminders:
        return Reminders(
            self.store,
            self.writer,
            self.clock,
            rules,
            remind_after=remind_after,
            remind_every=timedelta(minutes=30),
            current_incidents=CurrentIncidents(self.store, judge_at, VerdictRecorder(rules)),
            ask=query_at_once,
            wake=lambda: self.outbox_wakes.append(self.clock.now()),
            record_given_up=self.given_up_counts.append,
            record_owed=lambda _reports, _oldest_age, _actions: None,
        )

    async def remind_each_minute(self, reminders: Reminders, *, minutes: int) -> None:
        """Call the reminders once a minute, for so long."""
        for _ in range(minutes):
            await reminders.remind()
            await self.clock.sleep(60)

    def sent_reminders(self) -> list[Notice]:
        """Return the notices of all reminders so far."""
        return [one for one in self.store.outbox.notices() if one.kind == "reminder"]

    def minutes_of_reminders(self) -> list[int]:
        """Return when people were reminded, in minutes after the only incident was opened."""
        return sorted(
            round((one.at - self.incident().opened) / MINUTE) for one in self.sent_reminders()
        )


def with_world(begins: datetime = OPENED_AT) -> Callable[[Test], Callable[..., None]]:
    """Run a coroutine as a test. Its `world` is a new one at this time."""

    def decorate(test: Test) -> Callable[..., None]:
        def run() -> None:
            play_story(lambda clock, store, writer: test(world=World(clock, store, writer)), begins)

        return asking_for(run, test, given=("world",))

    return decorate


def channels_of(store: Store, notice: Notice) -> set[str]:
    return {row.channel for row in store.outbox.deliveries(notice.id)}


@with_world()
async def test_reminders_come_after_15_minutes_and_then_every_30(world: World) -> None:
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(), minutes=180)
    assert world.minutes_of_reminders() == [15, 45, 75, 105, 135, 165]


@with_world(after_slot(13 * 3600))
async def test_reminders_at_night_are_rarer_once_all_were_reminded(world: World) -> None:
    """The incident opens at 22:30.

    Three reminders escalate. From the fourth on, there is one each two hours until 07:00, and then
    the one that waited.
    """
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(), minutes=600)
    night = [15, 45, 75, 105, 225, 345, 465]
    assert world.minutes_of_reminders() == [*night, 510, 525, 555, 585]


@with_world()
async def test_reminder_says_that_nothing_is_new(world: World) -> None:
    """The stored facts do not change, so the first reminder has the status of the opening."""
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(), minutes=20)
    (reminder,) = world.sent_reminders()
    assert "What changed: since 09:36:40 GMT: nothing new" in reminder.text


@with_world()
async def test_reminder_says_what_is_new(world: World) -> None:
    await world.open_late_incident()
    reminders = world.make_reminders(judge_at=facts_while_overdue)
    await world.remind_each_minute(reminders, minutes=20)
    (reminder,) = world.sent_reminders()
    assert "What changed: since 09:36:40 GMT: still absent at 09:51:40 GMT" in reminder.text


@with_world()
async def test_the_outbox_is_woken_for_each_reminder(world: World) -> None:
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(), minutes=180)
    assert world.outbox_wakes == [reminder.at for reminder in world.sent_reminders()]


def facts_while_overdue(_read: Reads, release: str, now: datetime) -> ReleaseFacts:
    """Return the facts at `now` of a release that is not out yet."""
    return release_facts(
        a_late_verdict((now - SLOT).total_seconds(), release, seconds_late=2400.0), Measurement()
    )


@with_world()
async def test_reminder_states_the_absence_as_of_its_own_time(world: World) -> None:
    """The incident of a late release opens at 09:36:40. Its first reminder is due 15 minutes later.

    The reminder says that the release is still absent at 09:51:40. The stored facts of the incident
    stay as they are.
    """
    await world.open_late_incident()
    assert world.incident().opened == at("09:36:40")
    facts_before = world.incident().facts
    reminders = world.make_reminders(remind_after=15 * MINUTE, judge_at=facts_while_overdue)
    await world.remind_each_minute(reminders, minutes=20)
    (reminder,) = world.sent_reminders()
    assert reminder.subject.endswith("still absent at 09:51:40 GMT")
    assert "Measured so far, as of 09:51:40 GMT" in reminder.text
    assert world.incident().facts == facts_before


@with_world()
async def test_reminder_comes_with_a_new_draft_of_its_time(world: World) -> None:
    """The incident of a late release opens at 09:36:40, with a first draft of its report.

    Its first reminder is due 15 minutes later. It comes with a second draft, which has the time of
    the reminder.
    """
    await world.open_late_incident()
    reminders = world.make_reminders(remind_after=15 * MINUTE, judge_at=facts_while_overdue)
    await world.remind_each_minute(reminders, minutes=20)
    (reminder,) = world.sent_reminders()
    _first_draft, new_draft = world.store.verdicts.drafts(reminder.incident)
    assert new_draft.at == reminder.at == at("09:51:40")
    # The text of a draft gives times to the minute.
    text, *_ = render_draft(new_draft, "md")
    assert "09:51" in text.decode()


EXPOSED = -8 * 3600 - 60
"""Seconds after the slot at which a release is public too early: eight hours and a minute before
it.
"""
EXPOSURE_SEEN_AT = after_slot(EXPOSED + 5)


def an_open_exposure() -> Verdict:
    """Return the verdict, when it is first seen, on a release that is public eight hours before its
    slot.
    """
    absent = a_run("page", State.ABSENT, EXPOSED - 3600, EXPOSED - 5)
    present = a_run("page", State.PRESENT, EXPOSED, EXPOSED + 5, specific=True)
    return judged(EXPOSED + 5, {"page": [absent, present]})


LADDER = ReportingRules(
    channels=["mail", "pager", "deputy", "head"],
    routes=[a_route("mail", escalate=("pager", "deputy", "head"))],
)


@with_world(begins=EXPOSURE_SEEN_AT)
async def test_reminders_of_an_open_exposure_climb_the_ladder_all_night(world: World) -> None:
    """A release is public eight hours too early, and no one acknowledges that.

    At first, only mail is notified.

    The first reminder comes after 15 minutes, and then one every half an hour, all night.
    The first also goes to the pager, the second also to the deputy, and the third also to the head.
    All later ones go to all of them.
    """
    await world.record(an_open_exposure(), LADDER)
    await world.remind_each_minute(world.make_reminders(rules=LADDER), minutes=8 * 60)
    assert world.minutes_of_reminders() == list(range(15, 8 * 60, 30))
    reminders = sorted(world.sent_reminders(), key=lambda one: one.at)
    assert all(one.subject.startswith("EARLY, not acknowledged: ") for one in reminders)
    first, second, *others = (channels_of(world.store, one) for one in reminders)
    assert first == {"mail", "pager"}
    assert second == {"mail", "pager", "deputy"}
    assert all(channels == {"mail", "pager", "deputy", "head"} for channels in others)


@with_world(begins=EXPOSURE_SEEN_AT)
async def test_reminders_of_an_exposure_end_when_it_closes(world: World) -> None:
    await world.record(an_open_exposure())
    reminders = world.make_reminders()
    await world.remind_each_minute(reminders, minutes=120)
    world.save_incident(replace(world.incident(), closed=world.clock.now()))
    await world.remind_each_minute(reminders, minutes=120)
    # The exposure closes after two hours, before the reminder of minute 135.
    assert world.minutes_of_reminders() == [15, 45, 75, 105]


@with_world()
async def test_acknowledging_stops_reminders(world: World) -> None:
    await world.open_late_incident()
    reminders = world.make_reminders()
    await world.remind_each_minute(reminders, minutes=20)
    await world.acknowledge(world.incident().id)
    await world.remind_each_minute(reminders, minutes=120)
    # Without the acknowledgement, further reminders would follow from 45 minutes on.
    assert world.minutes_of_reminders() == [15]


@with_world()
async def test_a_second_acknowledgement_by_the_same_role_changes_nothing(world: World) -> None:
    await world.open_late_incident()
    first = await world.acknowledge(world.incident().id)
    second = await world.acknowledge(world.incident().id)
    # Each call returns the incident as it is stored then.
    assert first == second == world.incident()
    assert first is not None
    assert first.acknowledged is not None
    assert (first.acknowledged.by, first.acknowledged.text) == ("duty statistician", "acknowledged")


@with_world()
async def test_a_reminder_is_in_the_timeline_of_its_incident(world: World) -> None:
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(), minutes=20)
    assert any("not acknowledged" in entry.text for entry in world.incident().timeline)


@with_world()
async def test_restarts_every_ten_minutes_repeat_and_lose_no_reminder(world: World) -> None:
    await world.open_late_incident()
    for _ in range(6):
        reminders_after_restart = world.make_reminders()
        await world.remind_each_minute(reminders_after_restart, minutes=10)
    # These are the reminders of the first hour if there is no restart.
    assert world.minutes_of_reminders() == [15, 45]


@with_world()
async def test_reminders_include_incidents_opened_while_the_monitor_runs(world: World) -> None:
    reminders = world.make_reminders()
    await reminders.remind()  # while there is no incident
    reminders.wake_for_notices(await world.record(a_late_verdict(400)))
    await world.remind_each_minute(reminders, minutes=20)
    # The first reminder is due 15 minutes after the opening, and a second one only after 45.
    assert world.minutes_of_reminders() == [15]


@with_world()
async def test_an_incident_of_grade_note_has_no_reminder(world: World) -> None:
    await world.record(a_late_verdict(120))  # two minutes late
    assert world.incident().grade == "note"
    await world.remind_each_minute(world.make_reminders(), minutes=60)
    assert world.sent_reminders() == []


FLAPS_FROM = -9000
"""Seconds after the slot from which the flapping page is public and removed again: long before its
slot.
"""


async def record_flapping_page(world: World) -> None:
    """Record a page that appears and disappears every ten seconds for two minutes, at each of its
    changes.
    """
    runs = [a_run("page", State.ABSENT, FLAPS_FROM - 600, FLAPS_FROM - 1)]
    for begins in range(FLAPS_FROM, FLAPS_FROM + 120, 10):
        state = State.ABSENT if runs[-1].state is State.PRESENT else State.PRESENT
        runs.append(a_run("page", state, begins, begins + 9))
        await world.clock.sleep(10)
        await world.record(judged(begins + 10, {"page": list(runs)}))


@with_world(after_slot(FLAPS_FROM))
async def test_page_that_stops_flapping_is_notified_as_steady_once(world: World) -> None:
    """A page appears and disappears every ten seconds (it flaps), and then does not change any
    more.

    After ten minutes without a change, there is a notice that it is steady. Restarts of the monitor
    do not repeat it.
    """
    await record_flapping_page(world)
    await world.acknowledge(world.incident().id)
    for _ in range(3):
        reminders_after_restart = world.make_reminders()
        await world.remind_each_minute(reminders_after_restart, minutes=10)
    kinds = [one.kind for one in world.store.outbox.notices() if one.kind != "acknowledged"]
    assert kinds == ["opened", "exposure_closed", "comes_and_goes", "steady"]


@with_world()
async def test_configured_wait_of_0_minutes_turns_reminders_off(world: World) -> None:
    await world.open_late_incident()
    await world.remind_each_minute(world.make_reminders(timedelta(0)), minutes=180)
    assert world.sent_reminders() == []


@with_world()
async def test_acknowledging_an_unknown_incident_is_refused(world: World) -> None:
    with pytest.raises(UnknownName):
        await world.acknowledge("unknown")


@with_world()
async def test_owed_reports_and_overdue_actions_are_counted(world: World) -> None:
    """The report of an incident is owed: it must be signed.

    The incident also has an action (a task), due today.

    Today, one report is owed and no action is overdue. A day later, the report is still owed, and
    the action overdue.
    """
    await world.open_late_incident()
    due_today = Action("Renew it", "web team", world.clock.now().date())
    world.save_incident(replace(world.incident(), actions=(due_today,)))
    owed_and_overdue: list[tuple[int, int]] = []
    reminders = world.make_reminders()
    reminders.record_owed = lambda owed, _oldest_age, overdue: owed_and_overdue.append(
        (owed, overdue)
    )
    await reminders.update_counts()
    await world.clock.sleep(DAY.total_seconds())
    await reminders.update_counts()
    assert owed_and_overdue == [(1, 0), (1, 1)]


@with_world()
async def test_a_given_up_delivery_is_counted_for_one_week(world: World) -> None:
    """A message could not be delivered in three attempts, so its delivery is given up.

    It is counted right after that. Eight days later, it is not counted any more.
    """
    await world.open_late_incident()
    (row,) = world.store.outbox.deliveries()
    with world.store.transaction() as tx:
        tx.save(replace(row, standing=DeliveryState.GIVEN_UP, attempts=3, finished=row.due))
    await world.make_reminders().update_counts()
    await world.clock.sleep(8 * DAY.total_seconds())
    await world.make_reminders().update_counts()
    assert world.given_up_counts == [1, 0]


@with_world()
async def test_store_is_read_rarely_until_a_reminder_is_due_soon(world: World) -> None:
    """The monitor reads in the store whether a reminder is due.

    Usually it does so every five minutes.

    An incident opens at minute 10. So its reminder is due at minute 25.
    In the five minutes before that, the store is read each minute.
    """
    times_of_reads: list[datetime] = []

    async def ask(query: Callable[[], object]) -> object:
        times_of_reads.append(world.clock.now())
        return query()

    reminders = replace(world.make_reminders(), ask=ask)
    await world.remind_each_minute(reminders, minutes=10)
    await world.open_late_incident()
    await world.remind_each_minute(reminders, minutes=16)
    assert world.minutes_of_reminders() == [15]  # after the opening
    # Reads at minutes 0, 5, 10, 15 and 20, and then at 21, 22, 23, 24 and 25.
    minutes_between = [(later - earlier) / MINUTE for earlier, later in pairwise(times_of_reads)]
    assert minutes_between == [5, 5, 5, 5, 1, 1, 1, 1, 1]
