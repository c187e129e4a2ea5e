from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.rehearse.publisher.cdn import ServedAnswer, answer_at_edge, answer_at_origin
from monitor.rehearse.script.script import ScriptAnswer

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/a"


def second(seconds: float) -> datetime:
    """Return the instant this many seconds after nine."""
    return NINE + timedelta(seconds=seconds)


def answer_from(begins: float, *, status: int = 200, edge_cache: str | None = None) -> ScriptAnswer:
    """Return what the origin answers from this second after nine.

    The edge keeps a copy for `edge_cache`.
    """
    table = {"url": URL, "at": second(begins), "status": status}
    return ScriptAnswer.model_validate(
        table if edge_cache is None else {**table, "edge_cache": edge_cache}
    )


def test_before_its_first_answer_an_address_serves_nothing() -> None:
    assert answer_at_edge([answer_from(60)], NINE).answer is None
    assert answer_at_origin([answer_from(60)], NINE).answer is None


def test_edge_without_cache_serves_the_origins_answer() -> None:
    uncached, now = answer_from(60), second(60)
    served = answer_at_edge([uncached], now)
    assert served == answer_at_origin([uncached], now)
    assert served.cache_headers() == {}


def test_the_edge_serves_the_previous_answer_until_its_cache_expires() -> None:
    old, new = answer_from(0), answer_from(60, status=410, edge_cache="30s")
    # The origin changes at 60 s. The edge keeps its copy of `old` for 30 s more, until 90 s.
    served = {at: answer_at_edge([old, new], second(at)).answer for at in (59.9, 89.9, 90)}
    assert served == {59.9: old, 89.9: old, 90: new}


def test_age_of_an_old_copy_shows_that_it_precedes_the_change() -> None:
    change = answer_from(60, edge_cache="30s")
    # From 60 to 90 s the edge serves its copy from before the change. The copy was made at now -
    # Age. At 60 s: 60 - 1 = 59 s, before the change.
    assert answer_at_edge([change], second(60)).cache_headers() == {"Age": "1", "X-Cache": "HIT"}
    # At 72.5 s: 72.5 - 13 = 59.5 s, before the change too.
    assert answer_at_edge([change], second(72.5)).cache_headers()["Age"] == "13"


def test_age_of_a_copy_grows_until_it_is_renewed() -> None:
    change = answer_from(60, edge_cache="30s")
    # The edge gets the new copy at 60 + 30 s and renews it every 30 s.
    ages = {at: answer_at_edge([change], second(at)).age for at in (90, 91, 119.9, 120)}
    assert ages == {90: 0, 91: 1, 119.9: 29, 120: 0}


def test_response_of_the_origin_is_marked_as_cache_miss() -> None:
    served = answer_at_origin([answer_from(60, edge_cache="30s")], second(61))
    assert served.cache_headers() == {"X-Cache": "MISS"}


def test_answer_without_edge_cache_replaces_an_unexpired_copy() -> None:
    """The origin answers with a page from 60 s on, and with 410 from 100 s on. The page may wait
    300 s until it replaces the absent page at the edge. The 410 may not wait, so the edge serves it
    at once.
    """
    cached, uncached = answer_from(60, edge_cache="300s"), answer_from(100, status=410)
    for at in (100, 400):
        assert answer_at_edge([cached, uncached], second(at)).answer is uncached


def test_copy_that_expires_is_replaced_by_the_latest_answer() -> None:
    """The page is published at 60 s, and removed (410) at 70 s. Until 60 + 30 s the edge serves its
    copy of the absent page (None). Then it serves the 410, and never the page.
    """
    page, removal = answer_from(60, edge_cache="30s"), answer_from(70, status=410, edge_cache="30s")
    assert answer_at_edge([page, removal], second(89)).answer is None
    assert answer_at_edge([page, removal], second(60 + 30)).answer is removal


@given(
    answer_times=st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True).map(sorted),
    edge_caches=st.lists(
        st.sampled_from([None, "1s", "7s", "30s", "300s"]), min_size=6, max_size=6
    ),
    requested_at=st.floats(0, 1000, allow_nan=False),
)
def test_now_minus_age_is_when_origin_gave_the_served_answer(
    answer_times: list[int], edge_caches: list[str | None], requested_at: float
) -> None:
    """The header Age says how old the copy at the edge is. So the time of the request minus Age is
    when the origin gave that answer. The answers, their caches and the time of the request are
    random.
    """
    answers = [
        answer_from(at, edge_cache=cache)
        for at, cache in zip(answer_times, edge_caches, strict=False)
    ]
    now = second(requested_at)
    served = answer_at_edge(answers, now)
    # Age has whole seconds, so `copy_made_at` can be wrong by a second.
    copy_made_at, rounding = now - timedelta(seconds=served.age or 0), timedelta(seconds=1)
    given_from, given_until = when_origin_gave(served, answers)
    assert given_from <= now
    assert given_from - rounding <= copy_made_at < given_until + rounding


def when_origin_gave(
    served: ServedAnswer, answers: list[ScriptAnswer]
) -> tuple[datetime, datetime]:
    """Return from when until when the origin gave the answer that the edge serves.

    Before all answers it gave a 404.
    """
    given_from = served.since or NINE - timedelta(days=1)
    later_answers = [answer.at for answer in answers if answer.at > given_from]
    return given_from, min(later_answers, default=NINE + timedelta(days=1))


@given(
    published_at=st.integers(0, 300),
    cache_seconds=st.integers(1, 300),
    requested_at=st.floats(0, 700, allow_nan=False),
)
def test_date_minus_age_shows_whether_copy_is_from_before_publication(
    published_at: int, cache_seconds: int, requested_at: float
) -> None:
    """A page is published, and the edge serves a copy of the absent page some seconds longer. The
    header Date minus the header Age is when a copy was made: before the publication if it says
    absent, else after it.
    """
    # The arguments are random seconds: `published_at` and `requested_at` after nine,
    # `cache_seconds` a duration.
    now = second(requested_at)
    served = answer_at_edge([answer_from(published_at, edge_cache=f"{cache_seconds}s")], now)
    is_served_as_absent = served.answer is None
    date_header = now.replace(microsecond=0)  # a Date has whole seconds
    copy_made_at = date_header - timedelta(seconds=served.age or 0)
    if is_served_as_absent:
        assert copy_made_at < second(published_at)
    else:
        assert copy_made_at >= second(published_at)
