from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from alerts.channel import Accepted, Refused
from alerts.delivery import (
    GivenUp,
    PendingDelivery,
    RetryAt,
    RetryPolicy,
    Sent,
    decide_after_attempt,
    next_due,
    select_ready,
)

NOW = datetime(2018, 1, 5, 9, 31, 1, tzinfo=UTC)
CONNECTION_REFUSED = Refused(permanent=False, reason="connection refused")


def seeded_random(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # spreads attempts, guards nothing


def pending(notice: str, *, thread: str, channel: str = "mail", made: int = 0, due: int = 0) -> PendingDelivery:
    """Return a delivery that was made, and is due, so many seconds after NOW."""
    return PendingDelivery(notice, thread, channel, NOW + timedelta(seconds=made), NOW + timedelta(seconds=due))


def test_a_notice_that_the_channel_accepted_is_sent() -> None:
    assert decide_after_attempt(Accepted("250 queued"), 1, NOW, NOW, seeded_random(1)) == Sent("250 queued")


def test_a_permanent_refusal_is_given_up_at_once() -> None:
    assert decide_after_attempt(
        Refused(permanent=True, reason="550 no such user"), 1, NOW, NOW, seeded_random(1)
    ) == GivenUp("550 no such user")


def test_the_first_temporary_refusal_is_retried_within_5_seconds() -> None:
    step = decide_after_attempt(CONNECTION_REFUSED, 1, NOW, NOW, seeded_random(1))
    assert isinstance(step, RetryAt)
    assert timedelta(seconds=2.5) <= step.at - NOW <= timedelta(seconds=5)
    assert step.reason == "connection refused"


def test_a_retry_after_longer_than_the_usual_wait_is_obeyed() -> None:
    busy = Refused(permanent=False, reason="429", retry_after=timedelta(minutes=7))
    step = decide_after_attempt(busy, 1, NOW, NOW, seeded_random(1))
    assert step == RetryAt(NOW + timedelta(minutes=7), "429")


def test_a_notice_a_day_old_is_given_up() -> None:
    step = decide_after_attempt(CONNECTION_REFUSED, 100, NOW, NOW + timedelta(hours=24), seeded_random(1))
    assert step == GivenUp("refused 100 times, most recently: connection refused")


def test_a_retry_after_beyond_the_expiry_gives_up_the_notice() -> None:
    busy = Refused(permanent=False, reason="429", retry_after=timedelta(days=2))
    assert isinstance(decide_after_attempt(busy, 1, NOW, NOW, seeded_random(1)), GivenUp)


def test_the_last_attempt_falls_on_the_expiry() -> None:
    almost = NOW + timedelta(hours=23, minutes=59)
    assert decide_after_attempt(CONNECTION_REFUSED, 90, NOW, almost, seeded_random(1)) == RetryAt(
        NOW + timedelta(hours=24), "connection refused"
    )


@given(attempts=st.integers(1, 499), seed=st.integers())
def test_the_wait_doubles_up_to_ten_minutes_and_is_at_least_half_of_that(attempts: int, seed: int) -> None:
    patience = RetryPolicy()
    step = decide_after_attempt(CONNECTION_REFUSED, attempts, NOW, NOW, seeded_random(seed))
    assert isinstance(step, RetryAt)
    full = min(600.0, 5.0 * 2 ** (attempts - 1))
    assert full / 2 <= (step.at - NOW).total_seconds() <= full
    assert step == decide_after_attempt(CONNECTION_REFUSED, attempts, NOW, NOW, seeded_random(seed), patience)


def test_a_notice_is_given_up_after_the_configured_number_of_attempts() -> None:
    assert isinstance(
        decide_after_attempt(CONNECTION_REFUSED, 3, NOW, NOW, seeded_random(1), RetryPolicy(attempts=3)), GivenUp
    )


def test_a_channel_that_is_down_is_tried_for_24_hours() -> None:
    now, attempts, step, rng = NOW, 0, RetryAt(NOW, ""), seeded_random(7)
    while isinstance(step, RetryAt):
        now, attempts = step.at, attempts + 1
        step = decide_after_attempt(CONNECTION_REFUSED, attempts, NOW, now, rng)
    assert now == NOW + timedelta(hours=24)
    assert 140 < attempts < 500


def test_a_follow_up_is_not_sent_before_its_opening_on_one_channel() -> None:
    outbox = [pending("final", thread="opened", made=5), pending("opened", thread="opened", due=60)]
    assert select_ready(outbox, NOW + timedelta(seconds=10)) == []
    assert [one.notice for one in select_ready(outbox, NOW + timedelta(seconds=60))] == ["opened"]


def test_a_notice_that_waits_for_its_retry_does_not_delay_other_threads() -> None:
    outbox = [pending("c", thread="c", due=600), pending("b", thread="b", made=2), pending("a", thread="a", made=1)]
    assert [one.notice for one in select_ready(outbox, NOW + timedelta(seconds=5))] == ["a", "b"]


def test_a_channel_that_waits_for_its_retry_does_not_delay_another_channel() -> None:
    outbox = [pending("a", thread="a", channel="pager", due=600), pending("a", thread="a", channel="mail")]
    assert [one.channel for one in select_ready(outbox, NOW)] == ["mail"]


def test_an_opening_is_sent_before_its_follow_up_of_the_same_instant() -> None:
    outbox = [pending("final", thread="opening"), pending("opening", thread="opening")]
    assert [one.notice for one in select_ready(outbox, NOW)] == ["opening"]


def test_a_follow_up_is_not_due_before_the_refused_opening_of_its_thread() -> None:
    refused, later = pending("opening", thread="opening", due=60), pending("follow-up", thread="opening", made=1)
    assert select_ready([refused, later], NOW) == []
    assert next_due([refused, later]) == refused.due
    assert next_due([]) is None
