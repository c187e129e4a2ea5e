"""Openings of many incidents at once become one digest; no opening is lost or sent twice."""

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
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import START, an_outbox, open_late_incidents, play_story, record, recording
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

RELEASES = [f"r{number}" for number in range(6)]
PAUSE = timedelta(milliseconds=400)
"""How long an urgent opening waits for others. One that is not urgent waits 50 times as long, that is 20 seconds."""
RULE = DigestRule(frozenset({"mail"}), threshold=5, within=PAUSE)


def opening_at(seconds: float, name: str) -> Notice:
    """Return the opening notice of a late release, made so many seconds after the slot."""
    return Notice(
        f"n-{name}", "opened", f"i-{name}", name, "ofqual", "report", ("late",), after_slot(seconds), name, name
    )


async def send_all(clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str) -> dict[str, list[str]]:
    """Send to these channels until nothing waits. Return the kinds of notice that each got, in order."""
    channels = [recording(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(digest_rule=RULE))
    for name in names:
        while (due := await outbox.send_due(name)) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
    return {channel.name: [message.kind for message in channel.messages.values()] for channel in channels}


def test_many_openings_at_once_become_one_digest_and_each_is_marked_covered() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            tx.save_releases(a_release(id=name) for name in RELEASES)
            tx.add_promises(a_promise(release=name) for name in RELEASES)
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        rows = store.outbox.deliveries()
        covered = [row for row in rows if row.standing is DeliveryState.COVERED]
        (sent,) = [row for row in rows if row.standing is DeliveryState.SENT]
        assert len(covered) == len(RELEASES)
        assert {row.reference for row in covered} == {sent.notice}
        digest = store.outbox.notice(sent.notice)
        assert digest is not None
        assert all(incident.id in digest.text for incident in store.verdicts.incidents())
        assert store.check() == []

    play_story(story)


def test_later_notices_are_still_sent_if_a_digest_replaced_the_first_one() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        await record(
            writer, VerdictRecorder(store, ReportingRules(channels=["mail"])), a_late_verdict(1300, "r0"), clock.now()
        )
        (kinds,) = (await send_all(clock, store, writer, "mail")).values()
        assert kinds
        assert "opened" not in kinds

    play_story(story)


def test_a_channel_for_machines_gets_each_opening() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES, ["mail", "hook"])
        kinds = await send_all(clock, store, writer, "mail", "hook")
        assert kinds == {"mail": ["digest"], "hook": ["opened"] * len(RELEASES)}

    play_story(story)


def test_openings_too_few_for_a_digest_are_sent_one_by_one_within_a_second() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES[:4])
        assert await send_all(clock, store, writer, "mail") == {"mail": ["opened"] * 4}
        assert clock.now() - START < timedelta(seconds=1)

    play_story(story)


def test_openings_far_apart_are_not_combined() -> None:
    ten_seconds_apart = [opening_at(10.0 * place, name) for place, name in enumerate(RELEASES)]
    assert make_digests(ten_seconds_apart, RULE, after_slot(1000)) == []


def test_a_group_of_openings_that_keeps_growing_is_sent_after_the_longest_wait() -> None:
    every_300_ms = [opening_at(0.3 * place, f"s{place}") for place in range(10)]
    longest_wait = after_slot(0) + 5 * PAUSE
    assert find_waiting_openings(every_300_ms, RULE, longest_wait - PAUSE)
    assert find_waiting_openings(every_300_ms, RULE, longest_wait) == {}
    assert len(make_digests(every_300_ms, RULE, longest_wait)) == 1


def test_many_unproven_releases_become_one_digest_that_blames_no_platform() -> None:
    unproven = [replace(opening_at(8.0 * place, name), kind="unproven") for place, name in enumerate(RELEASES)]
    last_opening = 8.0 * (len(RELEASES) - 1)
    assert find_waiting_openings(unproven, RULE, after_slot(last_opening + 10)).keys() == {one.id for one in unproven}
    (digest,) = make_digests(unproven, RULE, after_slot(last_opening + 21))
    assert len(digest.covers) == len(RELEASES)
    assert "6 RELEASES of 1 producers NOT PROVEN" in digest.notice.subject
    assert "platform" not in digest.notice.text + " ".join(digest.notice.findings)


def test_unproven_and_late_releases_are_not_combined() -> None:
    mixed = [replace(opening_at(0, name), kind="unproven" if name in RELEASES[:3] else "opened") for name in RELEASES]
    assert make_digests(mixed, RULE, after_slot(100)) == []


def test_openings_soon_after_a_digest_wait_longer_for_the_next_digest() -> None:
    openings = [opening_at(10.0 + 3 * place, name) for place, name in enumerate(RELEASES)]
    second_after_the_last = after_slot(26)
    soon_after_digest, long_after_digest = (replace(RULE, last_digest=after_slot(seconds)) for seconds in (2, -400))
    assert find_waiting_openings(openings, long_after_digest, second_after_the_last) == {}
    waiting = find_waiting_openings(openings, soon_after_digest, second_after_the_last)
    assert waiting.keys() == {one.id for one in openings}
    (digest,) = make_digests(openings, soon_after_digest, max(waiting.values()))
    assert len(digest.covers) == len(RELEASES)


def test_an_exposure_is_sent_at_once_even_after_a_digest() -> None:
    soon_after_digest = replace(RULE, last_digest=after_slot(2))
    exposure, late = replace(opening_at(10, "r0"), findings=("early_exposure",)), opening_at(10, "r1")
    assert find_waiting_openings([exposure, late], soon_after_digest, after_slot(11)).keys() == {late.id}


def test_openings_seconds_apart_after_a_digest_become_a_second_digest() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        mail = recording(clock, "mail")
        outbox = an_outbox(store, writer, [mail], clock, OutboxOptions(digest_rule=RULE))
        await open_late_incidents(store, writer, clock, RELEASES)
        while (due := await outbox.send_due("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        # Three seconds are longer than the pause. Only soon after a digest do openings wait for each other so long.
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await open_late_incidents(store, writer, clock, [name])
            await outbox.send_due("mail")
        while (due := await outbox.send_due("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]

    play_story(story)


@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(seconds=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_waits_longer_than_five_pauses_or_is_in_two_digests(pause: timedelta, seconds: list[float]) -> None:
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    notices = [opening_at(each, str(place)) for place, each in enumerate(seconds)]
    assert find_waiting_openings(notices, rule, after_slot(max(seconds, default=0)) + 5 * pause) == {}
    in_digests = [notice for digest in make_digests(notices, rule, after_slot(100)) for notice in digest.covers]
    assert len(in_digests) == len(set(in_digests))
