from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.rehearse.publisher.cdn import at_edge, at_origin
from monitor.rehearse.script.script import ScriptAnswer

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/a"


def after(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def answer(seconds: float, status: int = 200, edge_cache: str | None = None) -> ScriptAnswer:
    table = {"url": URL, "at": after(seconds), "status": status}
    return ScriptAnswer.model_validate(table if edge_cache is None else {**table, "edge_cache": edge_cache})


def test_before_its_first_answer_an_address_shows_nothing() -> None:
    assert at_edge([answer(60)], NINE).answer is None
    assert at_origin([answer(60)], NINE).answer is None


def test_without_a_cache_the_edge_shows_the_origin_and_tells_no_age() -> None:
    shown = at_edge([answer(60)], after(60))
    assert shown == at_origin([answer(60)], after(60))
    assert shown.headers() == {}


def test_the_edge_keeps_the_answer_before_until_its_time_is_over() -> None:
    answers = [answer(0), answer(60, 410, "30s")]
    assert [at_edge(answers, after(at)).answer for at in (59.9, 89.9, 90)] == [answers[0], answers[0], answers[1]]


def test_a_stale_copy_tells_an_age_from_before_the_change() -> None:
    assert at_edge([answer(60, 200, "30s")], after(60)).headers() == {"Age": "1", "X-Cache": "HIT"}
    assert at_edge([answer(60, 200, "30s")], after(72.5)).headers()["Age"] == "13"


def test_a_fresh_copy_grows_older_and_is_fetched_again() -> None:
    answers = [answer(60, 200, "30s")]
    assert [at_edge(answers, after(at)).age for at in (90, 91, 119.9, 120)] == [0, 1, 29, 0]


def test_the_origin_says_that_the_cache_was_missed() -> None:
    assert at_origin([answer(60, 200, "30s")], after(61)).headers() == {"X-Cache": "MISS"}


def test_an_answer_without_a_cache_is_seen_at_once_like_a_purge() -> None:
    answers = [answer(60, 200, "300s"), answer(100, 410)]
    assert at_edge(answers, after(100)).answer is answers[1]
    assert at_edge(answers, after(400)).answer is answers[1]


def test_a_change_while_a_stale_copy_is_held_shows_when_the_copy_ends() -> None:
    answers = [answer(60, 200, "30s"), answer(70, 410, "30s")]
    assert at_edge(answers, after(89)).answer is None
    assert at_edge(answers, after(90)).answer is answers[1]


@given(
    moments=st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True).map(sorted),
    caches=st.lists(st.sampled_from([None, "1s", "7s", "30s", "300s"]), min_size=6, max_size=6),
    asked=st.floats(0, 1000, allow_nan=False),
)
def test_whatever_the_edge_shows_was_true_at_an_instant_within_its_age(
    moments: list[int], caches: list[str | None], asked: float
) -> None:
    answers = [answer(at, edge_cache=cache) for at, cache in zip(moments, caches, strict=False)]
    now = after(asked)
    shown = at_edge(answers, now)
    age = shown.age or 0
    oldest, newest = now - timedelta(seconds=age + 1), now - timedelta(seconds=max(age - 1, 0))
    later = [one.at for one in answers if shown.since is None or one.at > shown.since]
    begins, ends = shown.since or NINE - timedelta(days=1), min(later, default=now + timedelta(days=1))
    assert begins <= newest
    assert oldest < ends


@given(change=st.integers(0, 300), cache=st.integers(1, 300), asked=st.floats(0, 700, allow_nan=False))
def test_date_less_age_puts_every_absence_before_the_change(change: int, cache: int, asked: float) -> None:
    shown = at_edge([answer(change, edge_cache=f"{cache}s")], after(asked))
    date = after(asked).replace(microsecond=0)
    is_before = date - timedelta(seconds=shown.age or 0) < after(change)
    assert is_before is (shown.answer is None)
