"""Openings of many incidents at once become one digest; no opening is lost or sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.message import Digest
from alerts.notice import Notice
from monitor.clock import SystemClock, VirtualClock
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.outbox_rows import OutboxRow
from monitor.deliver.rules import DigestRule, ReportingRules
from monitor.deliver.stages import ChannelState, bundle, hold_for_digest
from monitor.deliver.verdicts import VerdictRecorder
from monitor.store.rows import Delivery, DeliveryState
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
"""How long an urgent opening waits for others.

One that is not urgent waits 50 times as long, that is 20 seconds.
"""
DIGEST_FROM_FIVE_OPENINGS = DigestRule(frozenset({"mail"}), threshold=5, within=PAUSE)
DIGESTING = ReportingRules(digest_rule=DIGEST_FROM_FIVE_OPENINGS)
"""Five openings or more, each within a pause of the one before, become one digest in mail."""


def opening_at(seconds: float, name: str) -> Notice:
    """Return the opening notice of a late release, made so many seconds after the slot."""
    return Notice(
        f"n-{name}",
        "opened",
        f"i-{name}",
        name,
        "ofqual",
        "report",
        ("late",),
        after_slot(seconds),
        name,
        name,
    )


def mail_state(
    rule: DigestRule = DIGEST_FROM_FIVE_OPENINGS, last_digest: datetime | None = None
) -> ChannelState:
    return ChannelState(a_channel(SystemClock()), rule, last_digest=last_digest)


def as_rows(openings: Sequence[Notice]) -> list[OutboxRow]:
    """Return the rows of these openings, each due at once."""
    return [
        OutboxRow(Delivery(one.id, "mail", DeliveryState.WAITING, one.at), one, one.at)
        for one in openings
    ]


def find_waiting_openings(
    openings: Sequence[Notice], state: ChannelState, now: datetime
) -> dict[str, datetime]:
    """Return by id the openings that wait for others, and until when."""
    held = hold_for_digest(as_rows(openings), state, now)
    return {row.notice.id: row.due for row in held if row.due > now >= row.notice.at}


def make_digests(openings: Sequence[Notice], state: ChannelState, now: datetime) -> list[Digest]:
    return bundle(as_rows(openings), state, now)


async def send_all(
    clock: VirtualClock, store: TemporaryStore, writer: Writer, *names: str
) -> dict[str, list[str]]:
    """Send to these channels until none waits. Return the kinds of notice that each got, in
    order.
    """
    channels = [a_channel(clock, name) for name in names]
    outbox = an_outbox(store, writer, channels, clock, OutboxOptions(rules=DIGESTING))
    for name in names:
        await send_until_none_waits(outbox, clock, name)
    return {
        channel.name: [message.kind for message in channel.messages.values()]
        for channel in channels
    }


def test_six_openings_at_once_become_one_digest_that_names_each() -> None:
    """Six incidents open at the same instant. The first notice of each is called its opening.

    Mail gets one message in place of the six openings: a digest, which names each incident.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            tx.save(*(a_release(id=name) for name in RELEASES))
            tx.add_promises(a_promise(release=name) for name in RELEASES)
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        rows = store.outbox.deliveries()
        # A row is COVERED if its opening is not sent because a digest replaced it. It refers to the
        # digest.
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
    """Six releases are late, and an incident opens for each.

    Their first notices become one message, a digest.

    Then one of the releases is published. The notice of that, `final`, is sent as a message of its
    own.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, RELEASES)
        assert await send_all(clock, store, writer, "mail") == {"mail": ["digest"]}
        recorder = VerdictRecorder(ReportingRules(channels=["mail"]))
        # The release r0 is published 1200 s late. This is judged 100 s later.
        r0_published_late = a_late_verdict(now=1300, release="r0", seconds_late=1200)
        await record_verdict(writer, recorder, r0_published_late, clock.now())
        # Only the messages since the digest are returned.
        assert await send_all(clock, store, writer, "mail") == {"mail": ["final"]}

    play_story(story)


def test_channel_for_machines_gets_each_opening() -> None:
    """In the channel `mail`, a digest (one message) replaces the openings of several incidents. The
    channel `hook` is for machines.
    """

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
    """Six incidents open, ten seconds apart. The first notice of each waits only 0.4 s for others.

    So they do not become one message (a digest), and each is sent by itself.
    """
    ten_seconds_apart = [opening_at(10.0 * place, name) for place, name in enumerate(RELEASES)]
    no_digests = make_digests(ten_seconds_apart, mail_state(), now=after_slot(1000))
    assert no_digests == []


def test_openings_wait_for_others_for_at_most_five_pauses() -> None:
    """The first notice of an incident is its opening. An opening waits 0.4 s (a pause) for another
    one, and that one again. But the first waits for five pauses at most.

    Ten incidents open 0.3 s apart, the last at second 2.7. At second 2.0 the wait ends.
    Then one message, a digest, is about them.
    """
    openings = [opening_at(0.3 * number, f"r{number}") for number in range(10)]
    longest_wait_ends = openings[0].at + 5 * PAUSE  # at second 2.0
    still_waiting = find_waiting_openings(openings, mail_state(), now=longest_wait_ends - PAUSE)
    assert openings[0].id in still_waiting
    assert find_waiting_openings(openings, mail_state(), now=longest_wait_ends) == {}
    assert len(make_digests(openings, mail_state(), now=longest_wait_ends)) == 1


def test_digest_of_unproven_releases_blames_no_platform() -> None:
    """Six releases are unproven: no look shows whether they came out on time.

    Their first notices come 8 s apart.

    Such notices wait 20 s for each other. So all six become one message, a digest.
    It does not say that the platform, the host of the releases, failed.
    """
    openings = [
        replace(opening_at(8.0 * number, f"r{number}"), kind="unproven") for number in range(6)
    ]
    last_opened_at = openings[-1].at
    # 19 s after the last one, all still wait. After 21 s, the digest is made.
    waiting = find_waiting_openings(openings, mail_state(), now=last_opened_at + 19 * SECOND)
    assert waiting.keys() == {opening.id for opening in openings}
    (digest,) = make_digests(openings, mail_state(), now=last_opened_at + 21 * SECOND)
    assert len(digest.covers) == 6
    assert "6 RELEASES of 1 producers NOT PROVEN" in digest.notice.subject
    assert "platform" not in digest.notice.text
    assert "platform" not in digest.notice.findings


def test_unproven_and_late_releases_are_not_combined() -> None:
    """Five openings (first notices of incidents) of one kind would become one message, a digest.

    Here six come at once, but only three of each kind. So there is no digest.
    """
    late = [opening_at(0, name) for name in RELEASES[:3]]
    unproven = [replace(opening_at(0, name), kind="unproven") for name in RELEASES[3:]]
    no_digests = make_digests([*late, *unproven], mail_state(), now=after_slot(100))
    assert no_digests == []


def test_openings_wait_20_seconds_only_soon_after_a_digest() -> None:
    """An opening is the first notice of an incident, a digest one message about several.

    Six incidents open, 3 s apart.

    Usually an opening waits only 0.4 s for others. So none waits if the last digest was six minutes
    ago. If the last digest was less than five minutes ago, an opening waits 20 s. Then all six
    become another digest.
    """
    openings = [opening_at(3.0 * number, f"r{number}") for number in range(6)]
    first, last = openings[0].at, openings[-1].at
    long_after_digest = mail_state(last_digest=first - 6 * MINUTE)
    assert find_waiting_openings(openings, long_after_digest, now=last + SECOND) == {}
    soon_after_digest = mail_state(last_digest=first - 8 * SECOND)
    waiting_until = find_waiting_openings(openings, soon_after_digest, now=last + SECOND)
    assert waiting_until.keys() == {opening.id for opening in openings}
    (digest,) = make_digests(openings, soon_after_digest, now=max(waiting_until.values()))
    assert len(digest.covers) == 6


def test_an_exposure_is_sent_at_once_even_after_a_digest() -> None:
    """At second 2, one message about several incidents was sent (a digest).

    At second 10, two more incidents open.

    One is an exposure: a release is public too early. The other is about a late release. Soon after
    a digest, first notices wait for others. But at second 11, only that of the late release still
    waits.
    """
    soon_after_digest = mail_state(last_digest=after_slot(2))
    exposure, late = (
        replace(opening_at(10, "r0"), findings=("early_exposure",)),
        opening_at(10, "r1"),
    )
    waiting = find_waiting_openings([exposure, late], soon_after_digest, now=after_slot(11))
    assert waiting.keys() == {late.id}


@pytest.mark.parametrize("is_reconfigured", [False, True])
def test_openings_soon_after_a_digest_become_another_digest(*, is_reconfigured: bool) -> None:
    """Six incidents open at once.

    Their first notices become one message, a digest. Then five more open, 3 s apart.

    Soon after a digest, first notices wait longer for each other. So these five become another
    digest. A new configuration in between does not change that.
    """

    async def open_eleven_incidents(
        clock: VirtualClock, store: TemporaryStore, writer: Writer
    ) -> None:
        mail, options = (
            a_channel(clock, "mail"),
            OutboxOptions(rules=DIGESTING),
        )
        outbox = an_outbox(store, writer, [mail], clock, options)
        # The first digest.
        await open_late_incidents(store, writer, clock, ["r0", "r1", "r2", "r3", "r4", "r5"])
        await send_until_none_waits(outbox, clock)
        assert [message.kind for message in mail.messages.values()] == ["digest"]
        if is_reconfigured:
            outbox.reconfigure([mail], options)  # it must still know when the last digest was
        # The second digest. Without the first one, these notices would be sent one by one.
        for name in ("r7", "r8", "r9", "r10", "r11"):
            await clock.sleep(3)
            await open_late_incidents(store, writer, clock, [name])
            await outbox.send_due("mail")
        await send_until_none_waits(outbox, clock)
        assert [message.kind for message in mail.messages.values()] == ["digest", "digest"]

    play_story(open_eleven_incidents)


@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(opened_at_seconds=st.lists(st.floats(0, 5), min_size=1, max_size=12))
def test_no_opening_waits_longer_than_five_pauses(
    pause: timedelta, opened_at_seconds: list[float]
) -> None:
    """Incidents open at random seconds.

    The first notice of each waits for others for a pause: none, or 0.4 s.

    If others come, it may wait longer. But five pauses after the last incident opened, none may
    wait any more.
    """
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    openings = [
        opening_at(seconds, f"r{number}") for number, seconds in enumerate(opened_at_seconds)
    ]
    last_opened_at = after_slot(max(opened_at_seconds))
    assert find_waiting_openings(openings, mail_state(rule), now=last_opened_at + 5 * pause) == {}


@pytest.mark.parametrize("pause", [timedelta(0), PAUSE])
@given(opened_at_seconds=st.lists(st.floats(0, 5), max_size=12))
def test_no_opening_is_in_two_digests(pause: timedelta, opened_at_seconds: list[float]) -> None:
    """Incidents open at random seconds. The first notice of each is its opening.

    Three openings or more become one message, a digest, if each comes within a pause (0 or 0.4 s)
    after the one before. No opening may be in two digests.
    """
    rule = DigestRule(frozenset({"mail"}), threshold=3, within=pause)
    openings = [
        opening_at(seconds, f"r{number}") for number, seconds in enumerate(opened_at_seconds)
    ]
    when_none_waits_any_more = after_slot(100)
    digests = make_digests(openings, mail_state(rule), now=when_none_waits_any_more)
    openings_in_digests = [opening for digest in digests for opening in digest.covers]
    assert len(openings_in_digests) == len(set(openings_in_digests))
