"""A silence delays messages.

At its end people get the current status, and nothing that is no longer true.

A release is silenced for an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from alerts.by_hand import InvalidInput, close_incident
from alerts.incident import Incident, make_fact_notice
from alerts.silence import Scope, Silence, create_silence
from monitor.clock import VirtualClock
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import (
    a_channel,
    an_outbox,
    open_late_incidents,
    play_story,
    record_verdict,
)
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import DAY, HOUR, MINUTE, SECOND, SLOT
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict
from tests.worlds.virtual import Test, asking_for

STILL_ABSENT_AFTER_AN_HOUR = "still absent at 10:36:40 GMT"
"""What a message says an hour after the beginning of a story, if the release is still overdue."""


@dataclass
class World:
    """A monitor with one channel, and a release `r` that is late or not judged yet."""

    clock: VirtualClock
    store: TemporaryStore
    writer: Writer
    channel: FakeChannel
    outbox: Outbox

    async def silence(
        self, scope: Scope = Scope.RELEASE, name: str = "r", length: timedelta = HOUR
    ) -> Silence:
        now = self.clock.now()
        silence = create_silence(
            scope,
            name,
            until=now + length,
            role="duty statistician",
            reason="their site moves",
            now=now,
        )
        await self.writer.write(lambda tx: tx.save(silence))
        return silence

    async def end_silence(self, silence: Silence) -> None:
        ended = replace(silence, ended=self.clock.now(), ended_by="head of profession")
        await self.writer.write(lambda tx: tx.save(ended))

    async def open_incident(self, release: str = "r") -> None:
        await open_late_incidents(self.store, self.writer, self.clock, [release])

    async def judge_late_and_published(self) -> None:
        events = VerdictRecorder(ReportingRules(channels=["mail"]))
        await record_verdict(self.writer, events, a_late_verdict(600, "r", 500.0), self.clock.now())

    async def kinds_sent_after(self, wait: timedelta) -> list[str]:
        """Wait, send what is due, and return the kinds of all messages sent so far."""
        await self.clock.sleep(wait.total_seconds())
        await self.outbox.send_due("mail")
        return [message.kind for message in self.channel.messages.values()]

    async def kinds_sent_by_now(self) -> list[str]:
        return await self.kinds_sent_after(timedelta())

    def last_subject(self) -> str:
        return list(self.channel.messages.values())[-1].subject


def with_world(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test. Its `world` is a new one. The other arguments are fixtures."""

    async def run_in_world(
        clock: VirtualClock, store: TemporaryStore, writer: Writer, **fixtures: object
    ) -> None:
        channel = a_channel(clock)

        def refresh_incident(_tx: Transaction, incident: Incident, now: datetime) -> Incident:
            verdict = a_late_verdict((now - SLOT).total_seconds(), "r", 9000.0)
            return replace(incident, facts=release_facts(verdict, Measurement()))

        outbox = an_outbox(
            store, writer, [channel], clock, OutboxOptions(refresh_incident=refresh_incident)
        )
        await test(world=World(clock, store, writer, channel, outbox), **fixtures)

    def run(**fixtures: object) -> None:
        play_story(partial(run_in_world, **fixtures))

    return asking_for(run, test, given=("world",))


@pytest.mark.parametrize(
    ("scope", "name"),
    [(Scope.RELEASE, "r"), (Scope.PRODUCER, "ofqual"), (Scope.INCIDENT, "r-2018-01-05")],
)
@with_world
async def test_silence_delays_messages_and_its_end_sends_current_status(
    world: World, scope: Scope, name: str
) -> None:
    """People silence a release for an hour.

    Or they silence its producer or its incident. Then its incident opens.

    Its first notice, `opened`, is not sent until the silence ends. Its message then has the delay
    of that time.
    """
    silence = await world.silence(scope, name)
    await world.open_incident()
    # `send_due` returns when it must be called again.
    assert await world.outbox.send_due("mail") == silence.until
    assert await world.kinds_sent_after(HOUR - SECOND) == []
    assert await world.kinds_sent_after(SECOND) == ["opened"]
    assert STILL_ABSENT_AFTER_AN_HOUR in world.last_subject()
    assert await world.kinds_sent_after(HOUR) == ["opened"]  # it is not sent again


@with_world
async def test_messages_that_wait_for_a_silence_are_no_backlog(world: World) -> None:
    """A release is silenced for an hour, so the message about its incident waits.

    A backlog is messages that the channel could have sent. This one is none.
    """
    await world.silence(length=HOUR)
    await world.open_incident()
    await world.kinds_sent_after(HOUR - SECOND)
    # `since` is when the oldest message of the backlog could have been sent.
    assert world.outbox.backlogs["mail"].since is None


@with_world
async def test_silence_of_one_release_does_not_delay_another(world: World) -> None:
    await world.silence(Scope.RELEASE, "r")
    await world.open_incident("other")
    assert await world.kinds_sent_by_now() == ["opened"]


@with_world
async def test_incident_opened_and_ended_in_a_silence_is_never_sent(world: World) -> None:
    """The incident opens because the release is late, and ends because it comes out.

    At the end of the silence, people get no message about that. The deliveries are `COVERED`: made
    unnecessary.
    """
    await world.silence(length=HOUR)
    await world.open_incident()
    await world.judge_late_and_published()
    assert await world.kinds_sent_after(2 * HOUR) == []
    assert {row.standing for row in world.store.outbox.deliveries()} == {DeliveryState.COVERED}


@with_world
async def test_end_of_a_known_incident_is_sent_after_a_silence(world: World) -> None:
    """The opening of an incident is sent, so people know of it.

    Then its release is silenced for an hour.

    In this hour the incident ends. The notice of that, `final`, is sent once, when the silence
    ends.
    """
    await world.open_incident()
    assert await world.kinds_sent_by_now() == ["opened"]
    await world.silence(length=HOUR)
    await world.judge_late_and_published()
    assert await world.kinds_sent_by_now() == ["opened"]
    assert await world.kinds_sent_after(HOUR) == ["opened", "final"]
    assert await world.kinds_sent_after(HOUR) == ["opened", "final"]


@with_world
async def test_after_a_silence_the_current_status_replaces_waiting_notices(world: World) -> None:
    """The opening of an incident is sent. Then its release is silenced for an hour.

    In this hour there is a notice that the grade changed. It waits, and is outdated when the
    silence ends. So people get a notice of the kind `still` instead, with the status of then.
    """
    await world.open_incident()
    assert await world.kinds_sent_by_now() == ["opened"]
    await world.silence(length=HOUR)
    (incident,) = world.store.verdicts.incidents()
    assert incident.facts is not None
    grade_changed = make_fact_notice(
        "grade_changed", "report", incident, incident.facts, world.clock.now()
    )
    waiting = Delivery(grade_changed.id, "mail", DeliveryState.WAITING, grade_changed.at)
    await world.writer.write(lambda tx: tx.add_notice(grade_changed, [waiting]))
    assert await world.kinds_sent_by_now() == ["opened"]
    assert await world.kinds_sent_after(HOUR) == ["opened", "still"]
    assert world.last_subject().startswith("LATE, still true: ")
    assert STILL_ABSENT_AFTER_AN_HOUR in world.last_subject()


@with_world
async def test_messages_are_sent_when_a_person_ends_the_silence(world: World) -> None:
    silence = await world.silence()
    await world.open_incident()
    assert await world.kinds_sent_after(MINUTE) == []
    await world.end_silence(silence)
    assert await world.kinds_sent_by_now() == ["opened"]


@with_world
async def test_silence_ended_before_its_begin_delays_nothing(world: World) -> None:
    """A silence of a release is planned for one hour from now, until two hours from now.

    A person ends it before that.

    When the incident opens after one and a half hours, its notice is sent at once.
    """
    now = world.clock.now()
    begins, until = now + HOUR, now + 2 * HOUR
    planned = create_silence(
        Scope.RELEASE, "r", until, role="duty statistician", reason="why", now=now, begins=begins
    )
    await world.writer.write(lambda tx: tx.save(planned))
    await world.clock.sleep(1)
    await world.end_silence(planned)
    await world.clock.sleep(1.5 * HOUR.total_seconds())
    await world.open_incident()
    assert await world.kinds_sent_by_now() == ["opened"]


@with_world
async def test_silence_that_began_after_a_message_was_due_delays_nothing(world: World) -> None:
    """The monitor is down when the incident opens.

    Meanwhile a person silences the release for a while, and it comes out.

    The silence delayed only the second message. Both are sent.
    """
    await world.open_incident()
    await world.clock.sleep(1)
    silence = await world.silence()
    await world.clock.sleep(1)
    await world.judge_late_and_published()
    await world.clock.sleep(1)
    await world.end_silence(silence)
    assert await world.kinds_sent_by_now() == ["opened", "final"]


@with_world
async def test_planned_silence_that_was_ended_before_its_begin_replaces_nothing(
    world: World,
) -> None:
    """The message waits for the end of quiet hours. A silence was planned and called off before."""
    now = world.clock.now()
    planned = create_silence(
        Scope.RELEASE,
        "r",
        now + 2 * HOUR,
        role="duty statistician",
        reason="why",
        now=now,
        begins=now + HOUR,
    )
    await world.writer.write(lambda tx: tx.save(planned))
    await world.open_incident()
    await world.clock.sleep(1)
    await world.end_silence(planned)
    (waiting,) = world.store.outbox.deliveries()
    quiet = replace(waiting, due=now + 3 * HOUR)
    await world.writer.write(lambda tx: tx.save(quiet))
    assert await world.kinds_sent_after(3 * HOUR) == ["opened"]
    assert STILL_ABSENT_AFTER_AN_HOUR not in world.last_subject()
    (sent,) = world.store.outbox.deliveries()
    assert sent.standing is DeliveryState.SENT


@with_world
async def test_silence_of_a_host_delays_messages_about_its_pages(world: World) -> None:
    await world.silence(Scope.HOST, "www.gov.uk")
    await world.open_incident()
    assert await world.kinds_sent_by_now() == []
    assert await world.kinds_sent_after(2 * HOUR) == ["opened"]


@with_world
async def test_silence_of_another_host_delays_nothing(world: World) -> None:
    await world.silence(Scope.HOST, "elsewhere.example")
    await world.open_incident()
    assert await world.kinds_sent_by_now() == ["opened"]


@with_world
async def test_incident_closed_by_hand_in_a_silence_is_never_sent(world: World) -> None:
    """Meanwhile its incident opens, and a person closes it."""
    await world.silence(length=HOUR)
    await world.open_incident()
    (incident,) = world.store.verdicts.incidents()
    closed = close_incident(incident, "duty statistician", world.clock.now())
    await world.writer.write(lambda tx: tx.save(closed))
    assert await world.kinds_sent_after(2 * HOUR) == []


@pytest.mark.parametrize(
    ("until", "role", "reason", "error"),
    [
        (SLOT + HOUR, "duty statistician", " ", "reason: say why"),
        (SLOT + HOUR, "", "their site moves", "give your role"),
        (SLOT, "duty statistician", "their site moves", "until: must be after now"),
        (
            SLOT + 15 * DAY,
            "duty statistician",
            "their site moves",
            "until: must be after now, and within 14 days",
        ),
    ],
)
def test_silence_needs_reason_role_and_end_within_14_days(
    until: datetime, role: str, reason: str, error: str
) -> None:
    with pytest.raises(InvalidInput, match=error):
        create_silence(Scope.RELEASE, "r", until, role, reason, now=SLOT)


def test_all_faults_of_a_silence_are_reported_at_once() -> None:
    with pytest.raises(InvalidInput, match="reason: say why\nuntil: must be after now"):
        create_silence(
            Scope.RELEASE, "r", until=SLOT, role="duty statistician", reason=" ", now=SLOT
        )
