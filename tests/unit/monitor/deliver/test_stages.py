"""The stages between the outbox and a channel: no notice overtakes its thread, none is lost, none
is sent twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Scope, create_silence
from monitor.clock import SystemClock
from monitor.deliver.outbox_rows import OutboxRow
from monitor.deliver.rules import DigestRule
from monitor.deliver.stages import (
    ChannelState,
    bundle,
    drop_silenced,
    hold_for_digest,
    next_due,
    order_threads,
    select_ready,
)
from monitor.store.rows import Delivery, DeliveryState
from tests.unit.monitor.deliver.outbox import a_channel
from tests.worlds.incidents import an_incident
from tests.worlds.instants import HOUR, after_slot

NOW = after_slot(100)
KINDS = ("opened", "unproven", "new_finding", "grade_changed", "appeared", "final")


def a_row(
    notice: str,
    thread: str,
    *,
    made: float = 0,
    due: float = 0,
    kind: str = "new_finding",
    attempts: int = 0,
) -> OutboxRow:
    """Return a row whose notice was made, and is due, so many seconds after the slot."""
    made_at, due_at = after_slot(made), after_slot(due)
    found = Notice(
        id=notice,
        kind=kind,
        incident=thread,
        release=thread,
        producer="ofqual",
        grade="report",
        findings=("late",),
        at=made_at,
        subject=notice,
        text=f"{notice}\n",
        follows="" if notice == thread else thread,
    )
    delivery = Delivery(notice, "mail", DeliveryState.WAITING, due_at, attempts=attempts)
    return OutboxRow(delivery, found, due_at)


def a_state(*, is_paced: bool = True, last_sent: dict[str, datetime] | None = None) -> ChannelState:
    rule = DigestRule(frozenset({"mail"}), threshold=3)
    return ChannelState(a_channel(SystemClock()), rule, is_paced, last_sent=last_sent or {})


def ids_of(rows: Sequence[OutboxRow]) -> list[str]:
    return [row.notice.id for row in rows]


@st.composite
def waiting_rows(draw: st.DrawFn) -> list[OutboxRow]:
    """Draw up to twelve rows of up to four threads."""
    rows = []
    for number in range(draw(st.integers(0, 12))):
        thread = draw(st.sampled_from("abcd"))
        is_opening = all(row.thread != thread for row in rows)
        kinds = KINDS[:2] if is_opening else KINDS[2:]
        row = a_row(
            thread if is_opening else f"n{number}",
            thread,
            made=number,
            due=draw(st.floats(0, 200)),
            kind=draw(st.sampled_from(kinds)),
            attempts=draw(st.sampled_from([0, 0, 1])),
        )
        rows.append(row)
    return rows


@given(rows=waiting_rows(), sent=st.dictionaries(st.sampled_from("abcd"), st.floats(50, 100)))
def test_stages_keep_each_row_and_the_order_of_its_thread(
    rows: list[OutboxRow], sent: dict[str, float]
) -> None:
    last_sent = {thread: after_slot(seconds) for thread, seconds in sent.items()}
    state = a_state(last_sent=last_sent)
    ordered = order_threads(hold_for_digest(rows, state, NOW), state)
    assert ids_of(ordered) == ids_of(rows)  # they were drawn in time order
    first_of_threads = {row.thread: row.notice.id for row in reversed(rows)}
    ready = select_ready(ordered, NOW)
    assert {row.notice.id for row in ready} <= set(first_of_threads.values())
    # What is not ready has an instant at which the outbox is read again.
    following = next_due(ordered)
    assert bool(rows) == (following is not None)
    assert bool(ready) == (following is not None and following <= NOW)


@given(rows=waiting_rows())
def test_no_row_is_in_two_messages_and_none_that_was_attempted_in_a_bundle(
    rows: list[OutboxRow],
) -> None:
    state = a_state()
    ordered = order_threads(hold_for_digest(rows, state, NOW), state)
    covered = Counter(name for digest in bundle(ordered, state, NOW) for name in digest.covers)
    assert max(covered.values(), default=1) == 1
    due_first_attempts = {
        row.notice.id for row in ordered if row.is_first_attempt and row.delivery.due <= NOW
    }
    hurried = {row.notice.id for row in ordered if row.is_first_attempt and row.due <= NOW}
    assert covered.keys() <= due_first_attempts | hurried


@given(rows=waiting_rows(), silenced_thread=st.sampled_from("abcd"), ends=st.floats(-50, 50))
def test_each_row_is_sendable_or_silenced(
    rows: list[OutboxRow], silenced_thread: str, ends: float
) -> None:
    until = NOW + timedelta(seconds=ends)
    silence = create_silence(
        Scope.RELEASE,
        silenced_thread,
        until=NOW + HOUR,
        role="duty",
        reason="their site moves",
        now=after_slot(0),
    )
    ended = replace(silence, ended=until if until <= NOW else None)
    incidents: dict[str, Incident] = {
        name: replace(an_incident(name), release=name) for name in "abcd"
    }
    found = drop_silenced(rows, [ended], incidents, NOW)
    replaced = [row for _, some in found.ended.values() for row in some]
    assert len(found.sendable) + len(found.ends) + len(replaced) == len(rows)
    assert all(row.thread == silenced_thread for row in replaced)
    others = [row for row in rows if row.thread != silenced_thread]
    assert [row for row in found.sendable if row.thread != silenced_thread] == others


def test_follow_up_is_not_sent_before_its_opening() -> None:
    """The follow-up is due at second 5.

    The opening of its thread was refused and is due again at second 60.
    """
    rows = [a_row("final", "opening", made=5, due=5), a_row("opening", "opening", due=60)]
    assert select_ready(rows, after_slot(10)) == []
    assert next_due(rows) == after_slot(60)
    assert ids_of(select_ready(rows, after_slot(60))) == ["opening"]


def test_waiting_notice_does_not_delay_other_threads() -> None:
    """At second 5, the notice c still waits, until second 600. The notices a and b are of other
    threads and due. They are sent now, first a, which was made a second before b.
    """
    rows = [a_row("c", "c", due=600), a_row("b", "b", made=2), a_row("a", "a", made=1)]
    assert ids_of(select_ready(rows, after_slot(5))) == ["a", "b"]


def test_opening_is_sent_before_follow_up_of_same_instant() -> None:
    """The opening is the first notice of a thread."""
    rows = [a_row("final", "opening"), a_row("opening", "opening")]
    assert ids_of(select_ready(rows, NOW)) == ["opening"]


def test_nothing_is_due_in_an_empty_outbox() -> None:
    assert next_due([]) is None


def test_channel_that_is_not_paced_gets_each_later_notice() -> None:
    rows = [a_row("n1", "a", made=1), a_row("n2", "a", made=2)]
    assert bundle(rows, a_state(is_paced=False), NOW) == []
    (digest,) = bundle(rows, a_state(), NOW)
    assert digest.covers == ("n1", "n2")


def test_an_urgent_notice_is_bundled_with_earlier_ones_and_stays_urgent() -> None:
    rows = [
        a_row("n1", "a", made=1),
        a_row("n2", "a", made=2, kind="grade_changed"),
        a_row("n3", "a", made=3, kind="appeared"),
    ]
    (digest,) = bundle(rows, a_state(), NOW)
    assert (digest.covers, digest.notice.urgent) == (("n1", "n2"), True)
