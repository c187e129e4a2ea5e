from __future__ import annotations

from datetime import UTC, datetime

from monitor.look.fetch import Answer
from monitor.record.heads import Heads, head_of

AT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


def answer(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("https://www.gov.uk/x", 200, named, b"figures that nobody may see", AT, AT)


def test_a_head_tells_how_fresh_an_answer_was_and_nothing_of_its_body() -> None:
    told = head_of(
        answer(date="Fri, 05 Jan 2018 09:30:00 GMT", age="12", set_cookie="secret", content_type="text/html")
    )
    assert told == "200; date: Fri, 05 Jan 2018 09:30:00 GMT; age: 12"


def test_a_record_of_an_earlier_life_has_no_head() -> None:
    heads = Heads()
    heads.put("edge-1", answer(age="3"))
    assert (heads.get("edge-1"), heads.get("edge-0")) == ("200; age: 3", "")


def test_only_the_newest_heads_are_held() -> None:
    heads = Heads()
    for number in range(5_001):
        heads.put(f"edge-{number}", answer())
    assert (heads.get("edge-0"), heads.get("edge-5000")) == ("", "200")
