"""Lists of JSON that are answered in several pages."""

from __future__ import annotations

from schedules.source import Page
from schedules.sources.json import JsonSource
from tests.unit.schedules.sources.conftest import NOW
from tests.worlds.calendars import calendar_settings


def test_as_many_pages_are_requested_as_the_first_answer_says() -> None:
    """The header of the first answer says that there are three pages.

    So two more are requested, both at once.
    """
    source = JsonSource(
        calendar_settings("json", "https://x.example/wp?per_page=100", options={"pages": "page"})
    )
    first = Page(source.first(NOW)[0].url, 200, b"[]", {"x-wp-totalpages": "3"})
    further = [request.url for request in source.more([first], NOW)]
    assert further == [
        "https://x.example/wp?per_page=100&page=2",
        "https://x.example/wp?per_page=100&page=3",
    ]
    # After the answer to the second page, nothing more is requested.
    second = Page(further[0], 200, b"[]", {"x-wp-totalpages": "3"})
    assert source.more([first, second], NOW) == ()
