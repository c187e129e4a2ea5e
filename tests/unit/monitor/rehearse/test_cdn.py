from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.rehearse.publisher.cdn import answer_at_edge, answer_at_origin
from monitor.rehearse.script.script import ScriptAnswer

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/a"


def after(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def answer(seconds: float, status: int = 200, edge_cache: str | None = None) -> ScriptAnswer:
    table = {"url": URL, "at": after(seconds), "status": status}
    return ScriptAnswer.model_validate(table if edge_cache is None else {**table, "edge_cache": edge_cache})


def test_before_its_first_answer_an_address_serves_nothing() -> None:
    assert answer_at_edge([answer(60)], NINE).answer is None
    assert answer_at_origin([answer(60)], NINE).answer is None


def test_without_a_cache_the_edge_serves_the_origins_answer_without_age() -> None:
    served = answer_at_edge([answer(60)], after(60))
    assert served == answer_at_origin([answer(60)], after(60))
    assert served.cache_headers() == {}


def test_the_edge_serves_the_previous_answer_until_its_cache_expires() -> None:
    answers = [answer(0), answer(60, 410, "30s")]
    assert [answer_at_edge(answers, after(at)).answer for at in (59.9, 89.9, 90)] == [
        answers[0],
        answers[0],
        answers[1],
    ]


def test_a_stale_copy_has_an_age_that_dates_it_before_the_change() -> None:
    assert answer_at_edge([answer(60, 200, "30s")], after(60)).cache_headers() == {"Age": "1", "X-Cache": "HIT"}
    assert answer_at_edge([answer(60, 200, "30s")], after(72.5)).cache_headers()["Age"] == "13"


def test_the_age_of_a_copy_grows_until_the_copy_is_renewed() -> None:
    answers = [answer(60, 200, "30s")]
    assert [answer_at_edge(answers, after(at)).age for at in (90, 91, 119.9, 120)] == [0, 1, 29, 0]


def test_a_response_of_the_origin_is_marked_as_a_cache_miss() -> None:
    assert answer_at_origin([answer(60, 200, "30s")], after(61)).cache_headers() == {"X-Cache": "MISS"}


def test_an_answer_without_edge_cache_is_served_at_once() -> None:
    answers = [answer(60, 200, "300s"), answer(100, 410)]
    assert answer_at_edge(answers, after(100)).answer is answers[1]
    assert answer_at_edge(answers, after(400)).answer is answers[1]


def test_a_second_change_is_served_when_the_stale_copy_expires() -> None:
    answers = [answer(60, 200, "30s"), answer(70, 410, "30s")]
    assert answer_at_edge(answers, after(89)).answer is None
    assert answer_at_edge(answers, after(90)).answer is answers[1]


@given(
    moments=st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True).map(sorted),
    caches=st.lists(st.sampled_from([None, "1s", "7s", "30s", "300s"]), min_size=6, max_size=6),
    seconds=st.floats(0, 1000, allow_nan=False),
)
def test_the_edge_serves_an_answer_that_was_current_within_its_age(
    moments: list[int], caches: list[str | None], seconds: float
) -> None:
    answers = [answer(at, edge_cache=cache) for at, cache in zip(moments, caches, strict=False)]
    now = after(seconds)
    served = answer_at_edge(answers, now)
    age = served.age or 0
    oldest, newest = now - timedelta(seconds=age + 1), now - timedelta(seconds=max(age - 1, 0))
    later = [one.at for one in answers if served.since is None or one.at > served.since]
    begins, ends = served.since or NINE - timedelta(days=1), min(later, default=now + timedelta(days=1))
    assert begins <= newest
    assert oldest < ends


@given(change=st.integers(0, 300), cache=st.integers(1, 300), seconds=st.floats(0, 700, allow_nan=False))
def test_date_minus_age_dates_every_absence_before_the_change(change: int, cache: int, seconds: float) -> None:
    served = answer_at_edge([answer(change, edge_cache=f"{cache}s")], after(seconds))
    date = after(seconds).replace(microsecond=0)
    is_before = date - timedelta(seconds=served.age or 0) < after(change)
    assert is_before is (served.answer is None)
