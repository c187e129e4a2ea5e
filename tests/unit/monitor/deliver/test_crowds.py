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
from tests.unit.monitor.deliver.outbox import (
    START,
    a_channel,
    an_outbox,
    open_late_incidents,
    play_story,
    record_verdict,
    send_until_none_waits,
)
from tests.worlds.instants import MINUTE, SECOND, after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

RELEASES = [f"r{number}" for number in range(6)]
PAUSE = timedelta(milliseconds=400)
"""How long an urgent opening waits for others. One that is not urgent waits 50 times as long, that is 20 seconds."""
FIVE_WITHIN_PAUSES = DigestRule(frozenset({"mail"}), threshold=5, within=PAUSE)
"""Five openings or more, each within a pause of the one before, become one digest in mail."""


def opening_at(seconds: float, name: str) -> Notice:
    """Return the opening notice of a late release, made so many seconds after the slot."""
    return Notice(
        f"n-{name}", "opened", f"i-{name}", name, "ofqual", "report", ("late",), after_slot(seconds), name, name
    )


async def send_all(clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str) -> dict[str, list[str]]:
    """Send to these channels until none waits. Return the kinds of notice that each got, in order."""
    channels = [a_channel(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(digest_rule=FIVE_WITHIN_PAUSES))
    for name in names:
        await send_until_none_waits(outbox, clock, name)
    return {channel.name: [message.kind for message in channel.messages.values()] for channel in channels}


def test_many_openings_at_once_become_one_digest_and_each_is_marked_covered() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            tx.save(*(a_release(id=name) for name in RELEASES))
            tx.add_promises(a_promise(release=name) for name in RELEASES)
        # Here a digest replaces five openings or more that are at most 0.4 s apart. These six are of one instant.
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
        # The first notices of six incidents at once become one digest.
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        recorder = VerdictRecorder(store, ReportingRules(channels=["mail"]))
        # Judged 100 seconds after r0 was published. A late release that is out gets the notice `final`.
        r0_published_late = a_late_verdict(now=1300, release="r0", seconds_late=1200)
        await record_verdict(writer, recorder, r0_published_late, clock.now())
        assert await send_all(clock, store, writer, "mail") == {"mail": ["final"]}

    play_story(story)


def test_a_channel_for_machines_gets_each_opening() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        # Openings become digests in the channel `mail` only. The channel `hook` is for machines.
        await open_late_incidents(store, writer, clock, RELEASES, ["mail", "hook"])
        kinds = await send_all(clock, store, writer, "mail", "hook")
        assert kinds == {"mail": ["digest"], "hook": ["opened"] * len(RELEASES)}

    play_story(story)


def test_openings_too_few_for_a_digest_are_sent_one_by_one_within_a_second() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES[:4])
        # A digest has five openings or more.
        assert await send_all(clock, store, writer, "mail") == {"mail": ["opened"] * 4}
        assert clock.now() - START < timedelta(seconds=1)

    play_story(story)


def test_openings_far_apart_are_not_combined() -> None:
    ten_seconds_apart = [opening_at(10.0 * place, name) for place, name in enumerate(RELEASES)]
    assert make_digests(ten_seconds_apart, FIVE_WITHIN_PAUSES, after_slot(1000)) == []


def test_a_group_of_openings_that_keeps_growing_is_sent_after_the_longest_wait() -> None:
    # The last opening is at 2.7 seconds. The first one waits for at most five pauses of 0.4 s, which are two seconds.
    every_300_ms = [opening_at(0.3 * place, f"s{place}") for place in range(10)]
    longest_wait_ends = after_slot(0) + 5 * PAUSE
    assert find_waiting_openings(every_300_ms, FIVE_WITHIN_PAUSES, longest_wait_ends - PAUSE)
    assert find_waiting_openings(every_300_ms, FIVE_WITHIN_PAUSES, longest_wait_ends) == {}
    assert len(make_digests(every_300_ms, FIVE_WITHIN_PAUSES, longest_wait_ends)) == 1


def test_many_unproven_releases_become_one_digest_that_blames_no_platform() -> None:
    unproven = [replace(opening_at(8.0 * place, name), kind="unproven") for place, name in enumerate(RELEASES)]
    last_opened_at = unproven[-1].at
    # An opening that is not urgent waits 20 seconds for others.
    waiting = find_waiting_openings(unproven, FIVE_WITHIN_PAUSES, last_opened_at + 19 * SECOND)
    assert waiting.keys() == {one.id for one in unproven}
    (digest,) = make_digests(unproven, FIVE_WITHIN_PAUSES, last_opened_at + 21 * SECOND)
    assert len(digest.covers) == len(RELEASES)
    assert "6 RELEASES of 1 producers NOT PROVEN" in digest.notice.subject
    assert "platform" not in digest.notice.text + " ".join(digest.notice.findings)


def test_unproven_and_late_releases_are_not_combined() -> None:
    late = [opening_at(0, name) for name in RELEASES[:3]]
    unproven = [replace(opening_at(0, name), kind="unproven") for name in RELEASES[3:]]
    # All six would be enough for a digest, which needs five. Three of each kind are not.
    assert make_digests([*late, *unproven], FIVE_WITHIN_PAUSES, after_slot(100)) == []


def test_openings_soon_after_a_digest_wait_longer_for_the_next_digest() -> None:
    openings = [opening_at(10.0 + 3 * place, name) for place, name in enumerate(RELEASES)]
    # They are three seconds apart. An opening waits 0.4 s for others, but 20 s in the five minutes after a digest.
    second_after_the_last = openings[-1].at + SECOND
    long_after_digest = replace(FIVE_WITHIN_PAUSES, last_digest=openings[0].at - 6 * MINUTE)
    assert find_waiting_openings(openings, long_after_digest, second_after_the_last) == {}
    soon_after_digest = replace(FIVE_WITHIN_PAUSES, last_digest=openings[0].at - 8 * SECOND)
    waiting = find_waiting_openings(openings, soon_after_digest, second_after_the_last)
    assert waiting.keys() == {one.id for one in openings}
    (digest,) = make_digests(openings, soon_after_digest, max(waiting.values()))
    assert len(digest.covers) == len(RELEASES)


def test_an_exposure_is_sent_at_once_even_after_a_digest() -> None:
    soon_after_digest = replace(FIVE_WITHIN_PAUSES, last_digest=after_slot(2))  # so other openings wait longer
    exposure, late = replace(opening_at(10, "r0"), findings=("early_exposure",)), opening_at(10, "r1")
    # One second after both openings, only the late one still waits.
    assert find_waiting_openings([exposure, late], soon_after_digest, after_slot(11)).keys() == {late.id}


@pytest.mark.parametrize("is_reconfigured", [False, True])
def test_openings_seconds_apart_after_a_digest_become_a_second_digest(*, is_reconfigured: bool) -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        mail, options = a_channel(clock, "mail"), OutboxOptions(digest_rule=FIVE_WITHIN_PAUSES)
        outbox = an_outbox(store, writer, [mail], clock, options)
        await open_late_incidents(store, writer, clock, RELEASES)
        await send_until_none_waits(outbox, clock)
        if is_reconfigured:
            outbox.reconfigure([mail], options)  # must not make it forget when the last digest was
        # Openings usually wait for each other for less than 3 s. Soon after a digest they wait longer.
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await open_late_incidents(store, writer, clock, [name])
            await outbox.send_due("mail")
        await send_until_none_waits(outbox, clock)
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]

    play_story(story)


# An opening waits for others for a pause: not at all, or 0.4 s. Hypothesis chooses the seconds of the openings.
@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(opened_at=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_waits_longer_than_five_pauses_or_is_in_two_digests(
    pause: timedelta, opened_at: list[float]
) -> None:
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    openings = [opening_at(seconds, str(place)) for place, seconds in enumerate(opened_at)]
    assert find_waiting_openings(openings, rule, after_slot(max(opened_at, default=0)) + 5 * pause) == {}
    # So late, no opening waits any more.
    in_digests = [opening for digest in make_digests(openings, rule, after_slot(100)) for opening in digest.covers]
    assert len(in_digests) == len(set(in_digests))
