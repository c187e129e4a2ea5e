from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.rehearse.publisher.cdn import answer_at_edge, answer_at_origin
from monitor.rehearse.script.script import ScriptAnswer

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/a"


def second(seconds: float) -> datetime:
    """Return the instant so many seconds after nine."""
    return NINE + timedelta(seconds=seconds)


def answer_from(begins: float, status: int = 200, edge_cache: str | None = None) -> ScriptAnswer:
    """Return what the origin answers from this second on. The edge keeps a copy for `edge_cache`."""
    table = {"url": URL, "at": second(begins), "status": status}
    return ScriptAnswer.model_validate(table if edge_cache is None else {**table, "edge_cache": edge_cache})


def test_before_its_first_answer_an_address_serves_nothing() -> None:
    assert answer_at_edge([answer_from(60)], NINE).answer is None
    assert answer_at_origin([answer_from(60)], NINE).answer is None


def test_without_a_cache_the_edge_serves_the_origins_answer_without_age() -> None:
    served = answer_at_edge([answer_from(60)], second(60))
    assert served == answer_at_origin([answer_from(60)], second(60))
    assert served.cache_headers() == {}


def test_the_edge_serves_the_previous_answer_until_its_cache_expires() -> None:
    old, new = answer_from(0), answer_from(60, 410, edge_cache="30s")
    served = {at: answer_at_edge([old, new], second(at)).answer for at in (59.9, 89.9, 90)}
    assert served == {59.9: old, 89.9: old, 90: new}


def test_a_stale_copy_has_an_age_that_dates_it_before_the_change() -> None:
    change = answer_from(60, edge_cache="30s")
    assert answer_at_edge([change], second(60)).cache_headers() == {"Age": "1", "X-Cache": "HIT"}
    assert answer_at_edge([change], second(72.5)).cache_headers()["Age"] == "13"


def test_the_age_of_a_copy_grows_until_the_copy_is_renewed() -> None:
    change = answer_from(60, edge_cache="30s")
    ages = {at: answer_at_edge([change], second(at)).age for at in (90, 91, 119.9, 120)}
    assert ages == {90: 0, 91: 1, 119.9: 29, 120: 0}


def test_a_response_of_the_origin_is_marked_as_a_cache_miss() -> None:
    served = answer_at_origin([answer_from(60, edge_cache="30s")], second(61))
    assert served.cache_headers() == {"X-Cache": "MISS"}


def test_an_answer_without_edge_cache_is_served_at_once() -> None:
    cached, uncached = answer_from(60, edge_cache="300s"), answer_from(100, 410)
    for at in (100, 400):
        assert answer_at_edge([cached, uncached], second(at)).answer is uncached


def test_a_change_and_a_second_one_within_30_s_are_served_when_the_copy_from_before_expires() -> None:
    first, later = answer_from(60, edge_cache="30s"), answer_from(70, 410, edge_cache="30s")
    assert answer_at_edge([first, later], second(89)).answer is None
    assert answer_at_edge([first, later], second(90)).answer is later


@given(
    changes=st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True).map(sorted),
    caches=st.lists(st.sampled_from([None, "1s", "7s", "30s", "300s"]), min_size=6, max_size=6),
    seconds=st.floats(0, 1000, allow_nan=False),
)
def test_the_edge_serves_what_the_origin_answered_as_long_ago_as_its_age_says(
    changes: list[int], caches: list[str | None], seconds: float
) -> None:
    answers = [answer_from(at, edge_cache=cache) for at, cache in zip(changes, caches, strict=False)]
    now = second(seconds)
    served = answer_at_edge(answers, now)
    # An age is whole seconds, so the copy may be a second older or younger.
    age = served.age or 0
    oldest, newest = now - timedelta(seconds=age + 1), now - timedelta(seconds=max(age - 1, 0))
    next_changes = [answer.at for answer in answers if served.since is None or answer.at > served.since]
    origin_began = served.since or NINE - timedelta(days=1)
    origin_ended = min(next_changes, default=now + timedelta(days=1))
    assert origin_began <= newest
    assert oldest < origin_ended


@given(change=st.integers(0, 300), cache=st.integers(1, 300), seconds=st.floats(0, 700, allow_nan=False))
def test_date_less_age_is_before_the_change_exactly_if_the_edge_serves_the_absence_before_it(
    change: int, cache: int, seconds: float
) -> None:
    served = answer_at_edge([answer_from(change, edge_cache=f"{cache}s")], second(seconds))
    is_absence = served.answer is None
    date_header = second(seconds).replace(microsecond=0)
    origin_answered = date_header - timedelta(seconds=served.age or 0)
    assert (origin_answered < second(change)) is is_absence
