"""Many releases that go wrong together are told as one, and nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.digests import DigestRule, find_waiting_openings, make_digests
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, record, recording, some_late
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

NAMES = [f"r{number}" for number in range(6)]
RULE = DigestRule(frozenset({"mail"}), 5, timedelta(milliseconds=400))


def opening(name: str, seconds: float) -> Notice:
    return Notice(
        f"n-{name}", "opened", f"i-{name}", name, "ofqual", "report", ("late",), after_slot(seconds), name, name
    )


async def drained(clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str) -> dict[str, list[str]]:
    """Drain these channels until nothing waits; return the kinds of notice each was sent, in order."""
    channels = [recording(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(digest_rule=RULE))
    for name in names:
        while (due := await outbox.send_due(name)) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
    return {channel.name: [message.kind for message in channel.messages.values()] for channel in channels}


def test_many_openings_at_once_become_one_digest_and_each_is_marked_covered() -> None:
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


def test_later_notices_are_still_sent_if_a_digest_replaced_the_first_one() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES)
        assert await drained(clock, store, writer, "mail") == {"mail": ["digest"]}
        await record(
            writer, VerdictRecorder(store, ReportingRules(channels=["mail"])), a_late_verdict(1300, "r0"), clock.now()
        )
        (kinds,) = (await drained(clock, store, writer, "mail")).values()
        assert kinds
        assert "opened" not in kinds
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_channel_for_machines_gets_each_opening() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES, ["mail", "hook"])
        told = await drained(clock, store, writer, "mail", "hook")
        assert told == {"mail": ["digest"], "hook": ["opened"] * len(NAMES)}
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_few_openings_are_sent_one_by_one_after_the_wait() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, NAMES[:4])
        assert await drained(clock, store, writer, "mail") == {"mail": ["opened"] * 4}
        assert clock.now() - after_slot(400) < timedelta(seconds=1)
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_openings_far_apart_are_not_combined() -> None:
    apart = [opening(name, 10.0 * place) for place, name in enumerate(NAMES)]
    assert make_digests(apart, RULE, after_slot(1000)) == []


def test_a_group_of_openings_that_keeps_growing_is_sent_after_the_longest_wait() -> None:
    stream = [opening(f"s{place}", 0.3 * place) for place in range(10)]
    assert find_waiting_openings(stream, RULE, after_slot(1.0))
    assert find_waiting_openings(stream, RULE, after_slot(2.0)) == {}
    assert len(make_digests(stream, RULE, after_slot(2.0))) == 1


def test_many_unproven_releases_become_one_digest_that_claims_nothing() -> None:
    unproven = [replace(opening(name, 8.0 * place), kind="unproven") for place, name in enumerate(NAMES)]
    assert find_waiting_openings(unproven, RULE, after_slot(50)).keys() == {one.id for one in unproven}
    (told,) = make_digests(unproven, RULE, after_slot(61))
    assert len(told.covers) == len(NAMES)
    assert "6 RELEASES of 1 producers NOT PROVEN" in told.notice.subject
    assert "platform" not in told.notice.text + " ".join(told.notice.findings)


def test_unproven_and_late_releases_are_not_combined() -> None:
    mixed = [replace(opening(name, 0), kind="unproven" if name in NAMES[:3] else "opened") for name in NAMES]
    assert make_digests(mixed, RULE, after_slot(100)) == []


def test_openings_soon_after_a_digest_wait_longer_for_the_next_digest() -> None:
    more = [opening(name, 10.0 + 3 * place) for place, name in enumerate(NAMES)]
    called = replace(RULE, last_digest=after_slot(2))
    assert find_waiting_openings(more, called, after_slot(26)).keys() == {one.id for one in more}
    assert [len(told.covers) for told in make_digests(more, called, after_slot(46))] == [len(NAMES)]
    assert find_waiting_openings(more, replace(RULE, last_digest=after_slot(-400)), after_slot(26)) == {}


def test_an_exposure_is_sent_at_once_even_after_a_digest() -> None:
    called = replace(RULE, last_digest=after_slot(2))
    exposure = replace(opening("r0", 10), findings=("early_exposure",))
    assert find_waiting_openings([exposure, opening("r1", 10)], called, after_slot(11)).keys() == {"n-r1"}


def test_an_outbox_remembers_that_it_sent_a_digest() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        mail = recording(clock, "mail")
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions(digest_rule=RULE))
        await some_late(store, writer, clock, NAMES)
        while (due := await outbox.send_due("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await some_late(store, writer, clock, [name])
            await outbox.send_due("mail")
        while (due := await outbox.send_due("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]
        writer.abandon()

    run_virtually(story, after_slot(400))


@pytest.mark.parametrize("within", [timedelta(0), timedelta(milliseconds=400)])
@given(offsets=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_waits_longer_than_five_pauses_or_is_covered_twice(within: timedelta, offsets: list[float]) -> None:
    rule = DigestRule(frozenset({"mail"}), 3, within)
    notices = [opening(str(place), offset) for place, offset in enumerate(offsets)]
    assert find_waiting_openings(notices, rule, after_slot(5.0) + 5 * within) == {}
    covered = [one for made in make_digests(notices, rule, after_slot(100)) for one in made.covers]
    assert len(covered) == len(set(covered))
