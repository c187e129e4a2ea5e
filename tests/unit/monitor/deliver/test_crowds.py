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
DIGEST_FROM_FIVE_OPENINGS = DigestRule(frozenset({"mail"}), threshold=5, within=PAUSE)
"""Five openings or more, each within a pause of the one before, become one digest in mail."""


def opening_at(seconds: float, name: str) -> Notice:
    """Return the opening notice of a late release, made so many seconds after the slot."""
    return Notice(
        f"n-{name}", "opened", f"i-{name}", name, "ofqual", "report", ("late",), after_slot(seconds), name, name
    )


async def send_all(clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str) -> dict[str, list[str]]:
    """Send to these channels until none waits. Return the kinds of notice that each got, in order."""
    channels = [a_channel(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(digest_rule=DIGEST_FROM_FIVE_OPENINGS))
    for name in names:
        await send_until_none_waits(outbox, clock, name)
    return {channel.name: [message.kind for message in channel.messages.values()] for channel in channels}


def test_six_openings_at_once_become_one_digest_that_names_each() -> None:
    """Six incidents open at the same instant, each with an opening, its first notice. Mail gets one message in place of
    the six: a digest, which names each incident."""

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            tx.save(*(a_release(id=name) for name in RELEASES))
            tx.add_promises(a_promise(release=name) for name in RELEASES)
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        rows = store.outbox.deliveries()
        # A row is COVERED if its opening is not sent because a digest replaced it. It refers to the digest.
        covered = [row for row in rows if row.standing is DeliveryState.COVERED]
        (sent,) = [row for row in rows if row.standing is DeliveryState.SENT]
        assert len(covered) == len(RELEASES)
        assert {row.reference for row in covered} == {sent.notice}
        digest = store.outbox.notice(sent.notice)
        assert digest is not None
        assert all(incident.id in digest.text for incident in store.verdicts.incidents())
        assert store.check() == []

    play_story(story)


def test_digest_does_not_replace_later_notices() -> None:
    """The first notices of six incidents at once become one digest."""

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        recorder = VerdictRecorder(store, ReportingRules(channels=["mail"]))
        # Judged 100 seconds after r0 was published. A late release that is out gets the notice `final`.
        r0_published_late = a_late_verdict(now=1300, release="r0", seconds_late=1200)
        await record_verdict(writer, recorder, r0_published_late, clock.now())
        assert await send_all(clock, store, writer, "mail") == {"mail": ["final"]}

    play_story(story)


def test_channel_for_machines_gets_each_opening() -> None:
    """In the channel `mail`, a digest (one message) replaces the openings of several incidents. The channel `hook` is
    for machines."""

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES, ["mail", "hook"])
        kinds = await send_all(clock, store, writer, "mail", "hook")
        assert kinds == {"mail": ["digest"], "hook": ["opened"] * len(RELEASES)}

    play_story(story)


def test_too_few_openings_for_a_digest_are_sent_at_once() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES[:4])
        # A digest has five openings or more.
        assert await send_all(clock, store, writer, "mail") == {"mail": ["opened"] * 4}
        assert clock.now() - START < timedelta(seconds=1)

    play_story(story)


def test_openings_far_apart_are_not_combined() -> None:
    ten_seconds_apart = [opening_at(10.0 * place, name) for place, name in enumerate(RELEASES)]
    assert make_digests(ten_seconds_apart, DIGEST_FROM_FIVE_OPENINGS, after_slot(1000)) == []


def test_openings_wait_for_others_for_at_most_five_pauses() -> None:
    """Ten incidents open 0.3 s apart, so each within a pause (0.4 s) of the one before. Their openings wait for each
    other, but only until second 2.0, five pauses after the first. Then one message, a digest, is about all."""
    openings = [opening_at(0.3 * number, f"r{number}") for number in range(10)]
    longest_wait_ends = openings[0].at + 5 * PAUSE  # at 2.0 s
    still_waiting = find_waiting_openings(openings, DIGEST_FROM_FIVE_OPENINGS, now=longest_wait_ends - PAUSE)
    assert openings[0].id in still_waiting
    assert find_waiting_openings(openings, DIGEST_FROM_FIVE_OPENINGS, now=longest_wait_ends) == {}
    assert len(make_digests(openings, DIGEST_FROM_FIVE_OPENINGS, now=longest_wait_ends)) == 1


def test_digest_of_unproven_releases_blames_no_platform() -> None:
    """Six releases are unproven: no look shows whether they came out on time. Their first notices come 8 s apart and
    wait 20 s for each other. Then one message, a digest, is about all six."""
    openings = [replace(opening_at(8.0 * number, f"r{number}"), kind="unproven") for number in range(6)]
    last_opened_at = openings[-1].at
    waiting = find_waiting_openings(openings, DIGEST_FROM_FIVE_OPENINGS, now=last_opened_at + 19 * SECOND)
    assert waiting.keys() == {opening.id for opening in openings}
    (digest,) = make_digests(openings, DIGEST_FROM_FIVE_OPENINGS, now=last_opened_at + 21 * SECOND)
    assert len(digest.covers) == 6
    assert "6 RELEASES of 1 producers NOT PROVEN" in digest.notice.subject
    assert "platform" not in digest.notice.text
    assert "platform" not in digest.notice.findings


def test_unproven_and_late_releases_are_not_combined() -> None:
    """All six would be enough for a digest, which needs five. Three of each kind are not."""
    late = [opening_at(0, name) for name in RELEASES[:3]]
    unproven = [replace(opening_at(0, name), kind="unproven") for name in RELEASES[3:]]
    assert make_digests([*late, *unproven], DIGEST_FROM_FIVE_OPENINGS, after_slot(100)) == []


def test_openings_wait_20_seconds_only_soon_after_a_digest() -> None:
    """An opening is the first notice of an incident. Usually it waits only 0.4 s for others. If a digest (one message
    about several incidents) was sent less than five minutes ago, it waits 20 s."""
    three_seconds_apart = [opening_at(3.0 * number, f"r{number}") for number in range(6)]
    first, last = three_seconds_apart[0].at, three_seconds_apart[-1].at
    # The last digest was six minutes before. A second after the last of six openings, none waits.
    long_after_digest = replace(DIGEST_FROM_FIVE_OPENINGS, last_digest=first - 6 * MINUTE)
    assert find_waiting_openings(three_seconds_apart, long_after_digest, now=last + SECOND) == {}
    # The last digest was eight seconds before. Then all six wait, and become another digest when the wait ends.
    soon_after_digest = replace(DIGEST_FROM_FIVE_OPENINGS, last_digest=first - 8 * SECOND)
    waiting_until = find_waiting_openings(three_seconds_apart, soon_after_digest, now=last + SECOND)
    assert waiting_until.keys() == {opening.id for opening in three_seconds_apart}
    (digest,) = make_digests(three_seconds_apart, soon_after_digest, now=max(waiting_until.values()))
    assert len(digest.covers) == 6


def test_an_exposure_is_sent_at_once_even_after_a_digest() -> None:
    """A digest, one message about several incidents, was sent at second 2. At second 10 two incidents open: an exposure
    (a release is public too early), and a late release. At second 11, only the late release still waits for others."""
    soon_after_digest = replace(DIGEST_FROM_FIVE_OPENINGS, last_digest=after_slot(2))
    exposure, late = replace(opening_at(10, "r0"), findings=("early_exposure",)), opening_at(10, "r1")
    assert find_waiting_openings([exposure, late], soon_after_digest, after_slot(11)).keys() == {late.id}


@pytest.mark.parametrize("is_reconfigured", [False, True])
def test_openings_soon_after_a_digest_become_another_digest(*, is_reconfigured: bool) -> None:
    """Six incidents open at once, and one message (a digest) is about all. Then five more open, 3 s apart. So soon
    after a digest they wait for each other and become another. A new configuration in between does not change that."""

    async def open_eleven_incidents(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        mail, options = a_channel(clock, "mail"), OutboxOptions(digest_rule=DIGEST_FROM_FIVE_OPENINGS)
        outbox = an_outbox(store, writer, [mail], clock, options)
        # The first digest.
        await open_late_incidents(store, writer, clock, ["r0", "r1", "r2", "r3", "r4", "r5"])
        await send_until_none_waits(outbox, clock)
        assert [message.kind for message in mail.messages.values()] == ["digest"]
        if is_reconfigured:
            outbox.reconfigure([mail], options)  # it must still know when the last digest was
        # The second digest. Without the first one, these openings would be sent one by one.
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await open_late_incidents(store, writer, clock, [name])
            await outbox.send_due("mail")
        await send_until_none_waits(outbox, clock)
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]

    play_story(open_eleven_incidents)


@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(opened_at_seconds=st.lists(st.floats(0, 5), min_size=1, max_size=12))
def test_no_opening_waits_longer_than_five_pauses(pause: timedelta, opened_at_seconds: list[float]) -> None:
    """Hypothesis chooses the seconds at which incidents open. The first notice of each waits for others for a pause:
    none, or 0.4 s."""
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    openings = [opening_at(seconds, f"r{number}") for number, seconds in enumerate(opened_at_seconds)]
    last_opened_at = after_slot(max(opened_at_seconds))
    assert find_waiting_openings(openings, rule, now=last_opened_at + 5 * pause) == {}


@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(opened_at_seconds=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_is_in_two_digests(pause: timedelta, opened_at_seconds: list[float]) -> None:
    """Hypothesis chooses the seconds at which incidents open, and a pause of 0 or 0.4 s. Three openings or more become
    one digest if each comes within a pause after the one before."""
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    openings = [opening_at(seconds, f"r{number}") for number, seconds in enumerate(opened_at_seconds)]
    when_none_waits_any_more = after_slot(100)
    digests = make_digests(openings, rule, now=when_none_waits_any_more)
    openings_in_digests = [opening for digest in digests for opening in digest.covers]
    assert len(openings_in_digests) == len(set(openings_in_digests))
