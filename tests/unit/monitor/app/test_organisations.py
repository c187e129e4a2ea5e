"""GOV.UK's organisations are requested once, with limits, and only a valid answer is used."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.app.organisations import request_organisations
from monitor.config.organisations import name_of, nearest_slug, slug_of
from monitor.errors import EnvironmentFault
from monitor.look.fetch import Answer, Failure, Reason, Request

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WIDGET_OFFICE = {
    "slug": "widget-office",
    "title": "Widget\u202e Office",
    "acronym": "WO",
    "link": "/government/x",
}


def answer(body: bytes, status: int = 200, *, whole: bool = True) -> Answer:
    return Answer("https://www.gov.uk/", status, {}, body, NOW, NOW, whole)


def search_facets(*values: object) -> bytes:
    options = [{"value": value, "documents": 7} for value in values]
    return json.dumps(
        {"results": [], "aggregates": {"organisations": {"options": options}}}
    ).encode()


async def test_one_request_finds_organisations_by_slug_name_or_acronym() -> None:
    """A slug is the short name of an organisation in addresses of GOV.UK. `known` has the names by
    slug, without organisations whose slug is invalid. `slug_of` returns None for an unknown name.
    """
    requests: list[Request] = []
    without_acronym, without_valid_slug = (
        {"slug": "gone-body", "title": "Gone"},
        {"slug": 'a"\n', "title": "No slug"},
    )

    async def ask(request: Request) -> Answer:
        requests.append(request)
        return answer(search_facets(WIDGET_OFFICE, without_acronym, without_valid_slug))

    known = await request_organisations(ask)
    assert known == {"widget-office": ("Widget Office", "WO"), "gone-body": ("Gone",)}
    assert slug_of("WO", known) == slug_of("the widget office", known) == "widget-office"
    assert slug_of("DfT", known) is None
    assert nearest_slug("widgt-office", known) == "widget-office"
    assert name_of("widget-office", known) == "Widget Office"
    (request,) = requests
    assert request.url == "https://www.gov.uk/api/search.json?aggregate_organisations=1500&count=0"
    most_bytes_of_the_response = 8_000_000
    assert request.cap == most_bytes_of_the_response


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (answer(b"<html>", 422), "answered 422"),
        (answer(search_facets(WIDGET_OFFICE), whole=False), "answered too much"),
        (answer(b"<html>"), "Expecting value"),
        (answer(b"[]"), "names no organisations"),
        (answer(search_facets(7)), "names no organisations"),
        (answer(search_facets({"slug": "a", "title": 7})), "names no organisations"),
        (
            Failure("https://www.gov.uk/", Reason.TIMEOUT, "no answer in time", NOW, NOW),
            "no answer in time",
        ),
    ],
)
async def test_an_unusable_response_is_an_environment_error(
    outcome: Answer | Failure, why: str
) -> None:
    """For example, a response that is cut off at the size limit (`whole=False`) gives "answered too
    much".
    """

    async def ask(_: Request) -> Answer | Failure:
        return outcome

    with pytest.raises(
        EnvironmentFault, match=rf"GOV.UK's organisations: {why}.*Leave out --online"
    ):
        await request_organisations(ask)
