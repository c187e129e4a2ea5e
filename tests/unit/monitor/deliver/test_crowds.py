"""Many releases that go wrong together are told as one, and nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.digests import Digesting, digests, held
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecord
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, record, recording, some_late
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

NAMES = [f"r{number}" for number in range(6)]
RULE = Digesting(frozenset({"mail"}), 5, timedelta(milliseconds=400))


def opening(name: str, seconds: float) -> Notice:
    return Notice(
        f"n-{name}", "opened", f"i-{name}", name, "ofqual", "report", ("late",), after_slot(seconds), name, name
    )


async def drained(clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str) -> dict[str, list[str]]:
    """Drain these channels until nothing waits; return the kinds of notice each was sent, in order."""
    channels = [recording(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(digesting=RULE))
    for name in names:
        while (due := await outbox.empty(name)) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
    return {channel.name: [message.kind for message in channel.messages.values()] for channel in channels}


def test_a_crowd_of_openings_is_told_as_one_and_each_is_marked_covered() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        with store.transaction() as tx:
            tx.save_releases(a_release(id=name) for name in NAMES)
            tx.add_promises(a_promise(release=name) for name in NAMES)
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES)
        assert await drained(clock, store, writer, "mail") == {"mail": ["digest"]}
        rows = store.outbox.deliveries()
        covered = [row for row in rows if row.standing is DeliveryState.COVERED]
        (sent,) = [row for row in rows if row.standing is DeliveryState.SENT]
        assert len(covered) == len(NAMES)
        assert {row.reference for row in covered} == {sent.notice}
        told = store.outbox.notice(sent.notice)
        assert told is not None
        assert all(row_incident in told.text for row_incident in (one.id for one in store.verdicts.incidents()))
        assert store.check() == []
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_follow_ups_of_what_a_digest_covered_still_go_out() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES)
        assert await drained(clock, store, writer, "mail") == {"mail": ["digest"]}
        await record(
            writer, VerdictRecord(store, ReportingRules(channels=["mail"])), a_late_verdict(1300, "r0"), clock.now()
        )
        (kinds,) = (await drained(clock, store, writer, "mail")).values()
        assert kinds
        assert "opened" not in kinds
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_channel_for_machines_is_told_of_each() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES, ["mail", "hook"])
        told = await drained(clock, store, writer, "mail", "hook")
        assert told == {"mail": ["digest"], "hook": ["opened"] * len(NAMES)}
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_few_openings_speak_each_for_themselves_after_a_moment() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES[:4])
        assert await drained(clock, store, writer, "mail") == {"mail": ["opened"] * 4}
        assert clock.now() - after_slot(400) < timedelta(seconds=1)
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_openings_far_apart_are_no_crowd() -> None:
    apart = [opening(name, 10.0 * place) for place, name in enumerate(NAMES)]
    assert digests(apart, RULE, after_slot(1000)) == []


def test_a_crowd_that_goes_on_growing_is_told_all_the_same() -> None:
    stream = [opening(f"s{place}", 0.3 * place) for place in range(10)]
    assert held(stream, RULE, after_slot(1.0))
    assert held(stream, RULE, after_slot(2.0)) == {}
    assert len(digests(stream, RULE, after_slot(2.0))) == 1


def test_many_that_are_unproven_one_after_the_other_are_told_as_one_that_claims_nothing() -> None:
    unproven = [replace(opening(name, 8.0 * place), kind="unproven") for place, name in enumerate(NAMES)]
    assert held(unproven, RULE, after_slot(50)).keys() == {one.id for one in unproven}
    (told,) = digests(unproven, RULE, after_slot(61))
    assert len(told.covers) == len(NAMES)
    assert "6 RELEASES of 1 producers NOT PROVEN" in told.notice.subject
    assert "platform" not in told.notice.text + " ".join(told.notice.findings)


def test_what_is_unproven_is_not_told_in_one_with_what_is_late() -> None:
    mixed = [replace(opening(name, 0), kind="unproven" if name in NAMES[:3] else "opened") for name in NAMES]
    assert digests(mixed, RULE, after_slot(100)) == []


def test_once_somebody_was_called_by_a_digest_more_of_the_same_is_told_in_one() -> None:
    more = [opening(name, 10.0 + 3 * place) for place, name in enumerate(NAMES)]
    called = replace(RULE, digested=after_slot(2))
    assert held(more, called, after_slot(26)).keys() == {one.id for one in more}
    assert [len(told.covers) for told in digests(more, called, after_slot(46))] == [len(NAMES)]
    assert held(more, replace(RULE, digested=after_slot(-400)), after_slot(26)) == {}


def test_an_exposure_is_told_at_once_whatever_digests_there_were() -> None:
    called = replace(RULE, digested=after_slot(2))
    exposure = replace(opening("r0", 10), findings=("early_exposure",))
    assert held([exposure, opening("r1", 10)], called, after_slot(11)).keys() == {"n-r1"}


def test_a_drain_remembers_that_it_sent_a_digest() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        mail = recording(clock, "mail")
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions(digesting=RULE))
        await some_late(store, writer, clock, NAMES)
        while (due := await outbox.empty("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await some_late(store, writer, clock, [name])
            await outbox.empty("mail")
        while (due := await outbox.empty("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]
        writer.abandon()

    run_virtually(story, after_slot(400))


@pytest.mark.parametrize("within", [timedelta(0), timedelta(milliseconds=400)])
@given(offsets=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_is_held_for_longer_than_five_moments_nor_covered_twice(
    within: timedelta, offsets: list[float]
) -> None:
    rule = Digesting(frozenset({"mail"}), 3, within)
    notices = [opening(str(place), offset) for place, offset in enumerate(offsets)]
    assert held(notices, rule, after_slot(5.0) + 5 * within) == {}
    covered = [one for made in digests(notices, rule, after_slot(100)) for one in made.covers]
    assert len(covered) == len(set(covered))
