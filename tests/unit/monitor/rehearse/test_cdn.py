from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.rehearse.publisher.cdn import answer_at_edge, answer_at_origin
from monitor.rehearse.script.script import ScriptAnswer

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/a"


def second(seconds: float) -> datetime:
    """Return the instant this many seconds after nine."""
    return NINE + timedelta(seconds=seconds)


def answer_from(begins: float, *, status: int = 200, edge_cache: str | None = None) -> ScriptAnswer:
    """Return what the origin answers from this second after nine. The edge keeps a copy for `edge_cache`."""
    table = {"url": URL, "at": second(begins), "status": status}
    return ScriptAnswer.model_validate(table if edge_cache is None else {**table, "edge_cache": edge_cache})


def test_before_its_first_answer_an_address_serves_nothing() -> None:
    assert answer_at_edge([answer_from(60)], NINE).answer is None
    assert answer_at_origin([answer_from(60)], NINE).answer is None


def test_without_a_cache_the_edge_serves_the_origins_answer_without_age() -> None:
    uncached, now = answer_from(60), second(60)
    served = answer_at_edge([uncached], now)
    assert served == answer_at_origin([uncached], now)
    assert served.cache_headers() == {}


def test_the_edge_serves_the_previous_answer_until_its_cache_expires() -> None:
    old, new = answer_from(0), answer_from(60, status=410, edge_cache="30s")
    # The origin changes at 60 s. The edge keeps its copy of `old` for 30 s more, until 90 s.
    served = {at: answer_at_edge([old, new], second(at)).answer for at in (59.9, 89.9, 90)}
    assert served == {59.9: old, 89.9: old, 90: new}


def test_the_age_of_a_stale_copy_dates_it_before_the_change() -> None:
    change = answer_from(60, edge_cache="30s")
    # Until 60 + 30 s the edge serves the copy from before the change. Its Age is the whole seconds since the change
    # plus one (0 + 1 and 12 + 1), so that now - Age is always before second 60.
    assert answer_at_edge([change], second(60)).cache_headers() == {"Age": "1", "X-Cache": "HIT"}
    assert answer_at_edge([change], second(72.5)).cache_headers()["Age"] == "13"


def test_the_age_of_a_copy_grows_until_the_copy_is_renewed() -> None:
    change = answer_from(60, edge_cache="30s")
    # The edge gets the new copy at 60 + 30 s and renews it every 30 s.
    ages = {at: answer_at_edge([change], second(at)).age for at in (90, 91, 119.9, 120)}
    assert ages == {90: 0, 91: 1, 119.9: 29, 120: 0}


def test_a_response_of_the_origin_is_marked_as_a_cache_miss() -> None:
    served = answer_at_origin([answer_from(60, edge_cache="30s")], second(61))
    assert served.cache_headers() == {"X-Cache": "MISS"}


def test_an_answer_without_edge_cache_is_served_at_once_even_if_an_older_copy_has_not_expired() -> None:
    cached, uncached = answer_from(60, edge_cache="300s"), answer_from(100, status=410)
    # The copy from before `cached` (a 404) would otherwise be served until 60 + 300 s.
    for at in (100, 400):
        assert answer_at_edge([cached, uncached], second(at)).answer is uncached


def test_an_expired_copy_is_replaced_by_the_later_of_two_changes() -> None:
    first, later = answer_from(60, edge_cache="30s"), answer_from(70, status=410, edge_cache="30s")
    # The copy from before `first` (None: a 404) expires at 60 + 30 s, when the origin already answers `later`.
    assert answer_at_edge([first, later], second(89)).answer is None
    assert answer_at_edge([first, later], second(90)).answer is later


@given(
    answer_times=st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True).map(sorted),
    edge_caches=st.lists(st.sampled_from([None, "1s", "7s", "30s", "300s"]), min_size=6, max_size=6),
    requested_at=st.floats(0, 1000, allow_nan=False),
)
def test_now_minus_age_is_within_a_second_of_a_time_when_the_origin_gave_the_served_answer(
    answer_times: list[int], edge_caches: list[str | None], requested_at: float
) -> None:
    # An Age says for how many seconds the edge has had its copy. So the copy was made at now - Age.
    answers = [answer_from(at, edge_cache=cache) for at, cache in zip(answer_times, edge_caches, strict=False)]
    now = second(requested_at)
    served = answer_at_edge(answers, now)
    age = served.age or 0
    # An Age is whole seconds, so the copy may be a second older or younger.
    copied_after, copied_by = now - timedelta(seconds=age + 1), now - timedelta(seconds=max(age - 1, 0))
    # `since` is when the origin began to give the served answer. A 404 has none: it was given before all answers.
    origin_gave_it_from = served.since or NINE - timedelta(days=1)
    later_answers = [answer.at for answer in answers if answer.at > origin_gave_it_from]
    origin_gave_it_until = min(later_answers, default=now + timedelta(days=1))
    # The two times must overlap: when the copy was made, and when the origin gave the served answer.
    assert origin_gave_it_from <= copied_by
    assert copied_after < origin_gave_it_until


@given(published=st.integers(0, 300), cache_for=st.integers(1, 300), requested_at=st.floats(0, 700, allow_nan=False))
def test_date_minus_age_is_before_the_publication_if_and_only_if_the_page_is_served_as_absent(
    published: int, cache_for: int, requested_at: float
) -> None:
    # For `cache_for` seconds after the publication the edge still serves its copy of the absent page. Date - Age is
    # when a copy was made, so that of the absent page was made before the publication.
    served = answer_at_edge([answer_from(published, edge_cache=f"{cache_for}s")], second(requested_at))
    is_absent = served.answer is None
    date_header = second(requested_at).replace(microsecond=0)
    date_minus_age = date_header - timedelta(seconds=served.age or 0)
    assert (date_minus_age < second(published)) is is_absent
