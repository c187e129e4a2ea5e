from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channel import Accepted, Outcome, Refused
from alerts.delivery import (
    AfterAttempt,
    GivenUp,
    RetryAt,
    RetryPolicy,
    decide_after_attempt,
)

NOW = datetime(2018, 1, 5, 9, 31, 1, tzinfo=UTC)
CONNECTION_REFUSED = Refused(permanent=False, reason="connection refused")


def decide_next(
    outcome: Outcome,
    *,
    attempts: int = 1,
    waited: timedelta = timedelta(0),
    rng: Random | None = None,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008  # it is frozen
) -> AfterAttempt:
    """Return what follows after so many attempts for a notice that has waited since NOW."""
    seeded = Random(1)  # noqa: S311  # spreads attempts, guards nothing
    return decide_after_attempt(outcome, attempts, NOW, NOW + waited, rng or seeded, policy)


def test_a_notice_that_the_channel_accepted_is_sent() -> None:
    assert decide_next(Accepted("250 queued")) == Accepted("250 queued")


def test_a_permanent_refusal_is_given_up_at_once() -> None:
    assert decide_next(Refused(permanent=True, reason="550 no such user")) == GivenUp(
        "550 no such user"
    )


def test_a_retry_after_longer_than_the_usual_wait_is_obeyed() -> None:
    busy = Refused(permanent=False, reason="429", retry_after=timedelta(minutes=7))
    assert decide_next(busy) == RetryAt(NOW + timedelta(minutes=7), "429")


def test_a_notice_a_day_old_is_given_up() -> None:
    """By default, a notice is retried for 24 hours."""
    step = decide_next(CONNECTION_REFUSED, attempts=100, waited=timedelta(hours=24))
    assert step == GivenUp("refused 100 times, most recently: connection refused")


def test_a_retry_after_beyond_the_expiry_gives_up_the_notice() -> None:
    busy = Refused(permanent=False, reason="429", retry_after=timedelta(days=2))
    assert isinstance(decide_next(busy, policy=RetryPolicy(expires=timedelta(days=1))), GivenUp)


def test_the_last_attempt_falls_on_the_expiry() -> None:
    """A notice expires after 24 hours.

    The usual wait would be five to ten minutes, but only a minute is left.
    """
    step = decide_next(CONNECTION_REFUSED, attempts=90, waited=timedelta(hours=23, minutes=59))
    assert step == RetryAt(NOW + timedelta(hours=24), "connection refused")


@example(attempts=1, rng=Random(1))  # noqa: S311  # spreads attempts, guards nothing
@given(attempts=st.integers(1, 499), rng=st.randoms(use_true_random=False))
def test_longest_wait_doubles_from_5_seconds_to_ten_minutes(attempts: int, rng: Random) -> None:
    """After the first attempt a notice waits 2.5 to 5 s at random, after the second 5 to 10 s, then
    10 to 20 s. After many attempts it waits five to ten minutes.
    """
    step = decide_next(CONNECTION_REFUSED, attempts=attempts, rng=rng)
    assert isinstance(step, RetryAt)
    longest = min(600.0, 5.0 * 2 ** (attempts - 1))
    assert longest / 2 <= (step.at - NOW).total_seconds() <= longest
    assert step.reason == "connection refused"


def test_the_same_random_seed_gives_the_same_wait() -> None:
    """How long a refused notice waits is random within bounds."""
    first = decide_next(CONNECTION_REFUSED, rng=Random(7))  # noqa: S311  # it only spreads attempts
    second = decide_next(CONNECTION_REFUSED, rng=Random(7))  # noqa: S311  # as above
    assert first == second


def test_notice_is_given_up_after_configured_number_of_attempts() -> None:
    policy = RetryPolicy(attempts=3)
    assert isinstance(decide_next(CONNECTION_REFUSED, attempts=2, policy=policy), RetryAt)
    assert isinstance(decide_next(CONNECTION_REFUSED, attempts=3, policy=policy), GivenUp)


def test_channel_that_stays_down_is_tried_for_24_hours() -> None:
    """Every attempt is refused. The last one is made after exactly 24 hours."""
    rng = Random(7)  # noqa: S311  # it only spreads attempts
    attempt_times = [NOW]
    while True:
        waited = attempt_times[-1] - NOW
        next_step = decide_next(
            CONNECTION_REFUSED, attempts=len(attempt_times), waited=waited, rng=rng
        )
        if isinstance(next_step, GivenUp):
            break
        assert isinstance(next_step, RetryAt)
        attempt_times.append(next_step.at)
    assert attempt_times[-1] == NOW + timedelta(hours=24)
    # After a few short ones, each wait is five to ten minutes. A day has 288 waits of five, or 144
    # of ten minutes.
    assert 140 < len(attempt_times) < 300
