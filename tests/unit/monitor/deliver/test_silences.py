"""Messages held back while somebody wants silence; at its end people are told what is still so, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from alerts.by_hand import InvalidInput, close_incident
from alerts.incident import Incident, make_fact_notice
from alerts.silence import Scope, Silence, create_silence
from monitor.clock import VirtualClock
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, open_late_incidents, record, recording
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

HOUR = timedelta(hours=1)


@dataclass
class World:
    clock: VirtualClock
    store: TemporaryStore
    writer: Writer
    channel: FakeChannel
    outbox: Outbox

    async def quiet(self, scope: Scope = Scope.RELEASE, name: str = "r", length: timedelta = HOUR) -> Silence:
        now = self.clock.now()
        made = create_silence(scope, name, now + length, "duty statistician", "their site moves", now)
        await self.writer.write(lambda tx: tx.save_silence(made))
        return made

    async def late(self, name: str = "r") -> None:
        await open_late_incidents(self.store, self.writer, self.clock, [name])

    async def over(self) -> None:
        events = VerdictRecorder(self.store, ReportingRules(channels=["mail"]))
        await record(self.writer, events, a_late_verdict(600, "r", 500.0), self.clock.now())

    async def told(self, *, after: timedelta = timedelta()) -> list[tuple[str, str]]:
        """Return kind and subject of every message sent so far, once so much time has passed."""
        await self.clock.sleep(after.total_seconds())
        await self.outbox.send_due("mail")
        return [(one.kind, one.subject) for one in self.channel.messages.values()]


def played(story: Callable[[World], Awaitable[None]]) -> None:
    async def whole(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer, channel = Writer(store, clock), recording(clock)

        def refresh_incident(incident: Incident, now: datetime) -> Incident:
            verdict = a_late_verdict((now - SLOT).total_seconds(), "r", 9000.0)
            return replace(incident, facts=release_facts(verdict, Measurement()))

        outbox = an_outbox(store, writer, [channel], clock, OutboxOptions(refresh_incident=refresh_incident))
        await story(World(clock, store, writer, channel, outbox))
        writer.abandon()

    run_virtually(whole, after_slot(400))


@pytest.mark.parametrize(
    ("scope", "name"), [(Scope.RELEASE, "r"), (Scope.PRODUCER, "ofqual"), (Scope.INCIDENT, "r-2018-01-05")]
)
def test_a_silence_suppresses_messages_and_its_end_sends_the_current_status(scope: Scope, name: str) -> None:
    async def story(world: World) -> None:
        made = await world.quiet(scope, name)
        await world.late()
        assert await world.outbox.send_due("mail") == made.until
        assert await world.told(after=HOUR - timedelta(seconds=1)) == []
        # Who wants silence is not to be called for it.
        assert world.outbox.backlogs["mail"].since is None
        ((kind, subject),) = await world.told(after=timedelta(seconds=1))
        assert kind == "opened"
        assert "still absent at 10:36:40 GMT" in subject
        assert len(await world.told(after=HOUR)) == 1

    played(story)


def test_a_silence_does_not_suppress_other_releases() -> None:
    async def story(world: World) -> None:
        await world.quiet()
        await world.late("other")
        assert [kind for kind, _ in await world.told()] == ["opened"]

    played(story)


def test_after_a_silence_only_people_who_were_notified_before_get_the_end() -> None:
    async def unheard(world: World) -> None:
        await world.quiet()
        await world.late()
        await world.over()
        assert await world.told(after=2 * HOUR) == []
        standings = {row.standing for row in world.store.outbox.deliveries()}
        assert standings == {DeliveryState.COVERED}

    async def heard(world: World) -> None:
        await world.late()
        await world.told()
        await world.quiet()
        await world.over()
        assert [kind for kind, _ in await world.told()] == ["opened"]
        assert [kind for kind, _ in await world.told(after=HOUR)] == ["opened", "final"]
        assert len(await world.told(after=HOUR)) == 2

    played(unheard)
    played(heard)


def test_a_thread_that_began_before_a_silence_continues_with_the_current_status() -> None:
    async def story(world: World) -> None:
        await world.late()
        await world.told()
        await world.quiet()
        (incident,) = world.store.verdicts.incidents()
        assert incident.facts is not None
        news = make_fact_notice("grade_changed", "report", incident, incident.facts, world.clock.now())
        waiting = Delivery(news.id, "mail", DeliveryState.WAITING, news.at)
        await world.writer.write(lambda tx: tx.add_notice(news, [waiting]))
        _, (kind, subject) = await world.told(after=HOUR)
        assert kind == "still"
        assert subject.startswith("LATE, still true: ")
        assert "still absent at 10:36:40 GMT" in subject

    played(story)


def test_messages_are_sent_when_a_person_ends_the_silence() -> None:
    async def story(world: World) -> None:
        made = await world.quiet()
        await world.late()
        assert await world.told() == []
        await world.clock.sleep(60)
        ended = replace(made, ended=world.clock.now(), ended_by="head of profession")
        await world.writer.write(lambda tx: tx.save_silence(ended))
        assert [kind for kind, _ in await world.told()] == ["opened"]

    played(story)


def test_a_silence_that_was_ended_before_it_began_mutes_nothing() -> None:
    async def story(world: World) -> None:
        now = world.clock.now()
        made = create_silence(Scope.RELEASE, "r", now + 2 * HOUR, "duty statistician", "why", now, begins=now + HOUR)
        await world.late()
        await world.clock.sleep(1)
        ended = replace(made, ended=world.clock.now())
        await world.writer.write(lambda tx: tx.save_silence(ended))
        assert [kind for kind, _ in await world.told()] == ["opened"]

    played(story)


def test_a_silence_of_a_host_mutes_the_releases_whose_page_is_there() -> None:
    async def story(world: World) -> None:
        await world.quiet(Scope.HOST, "elsewhere.example")
        await world.quiet(Scope.HOST, "www.gov.uk")
        await world.late()
        assert await world.told() == []
        assert [kind for kind, _ in await world.told(after=2 * HOUR)] == ["opened"]

    played(story)


def test_an_incident_that_a_person_closed_is_not_told_of() -> None:
    async def story(world: World) -> None:
        await world.quiet()
        await world.late()
        (incident,) = world.store.verdicts.incidents()
        shut = close_incident(incident, "duty statistician", world.clock.now())
        await world.writer.write(lambda tx: tx.save_incident(shut))
        assert await world.told(after=2 * HOUR) == []

    played(story)


def test_a_silence_needs_a_reason_a_role_and_an_end_that_is_near() -> None:
    with pytest.raises(InvalidInput, match="reason: say why\nuntil: must be after now, and within 14 days"):
        create_silence(Scope.RELEASE, "r", SLOT + timedelta(days=15), "duty statistician", " ", SLOT)
    with pytest.raises(InvalidInput, match="must be after now"):
        create_silence(Scope.RELEASE, "r", SLOT, "duty statistician", "why", SLOT)
    with pytest.raises(InvalidInput, match="give your role"):
        create_silence(Scope.RELEASE, "r", SLOT + HOUR, "", "why", SLOT)
