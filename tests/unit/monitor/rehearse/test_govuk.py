from __future__ import annotations

import json
import tomllib
from typing import Any, cast

import pytest

from monitor.look.fetch import Answer
from tests.unit.monitor.rehearse.conftest import PublisherClient, RunScenario, with_script

WWW = "https://www.gov.uk"
PAGE = f"{WWW}/government/statistics/gulls-2017"
ANNOUNCEMENT = f"{WWW}/government/statistics/announcements/gulls-2017"
FILE = "https://assets.publishing.service.gov.uk/media/5a/gulls.ods"
HTML_PART = f"{PAGE}/bulletin"
LISTING = (
    f"{WWW}/api/search.json?filter_format=statistics_announcement&order=release_timestamp&count=500"
    "&filter_release_timestamp=from:2017-12-29,to:2018-12-31"
    "&fields=title,link,display_date,release_timestamp,statistics_announcement_state,organisations"
)
NEWEST = (
    f"{WWW}/api/search.json?filter_organisations=bird-agency&filter_content_store_document_type=official_statistics"
    "&order=-public_timestamp&count=50&fields=title,link,public_timestamp,first_published_at,content_id,updated_at"
)
FEED = f"{WWW}/government/organisations/bird-agency.atom"
RELEASE = f"""
[[release]]
id = "gulls"
title = "Gulls & terns: 2017"
producer = "bird-agency"
url = "{PAGE}"
slot = 2018-01-05T09:30:00
known_from = 2017-12-01T09:30:00
part = [{{ id = "sheet", role = "data", url = "{FILE}" }}, {{ id = "bulletin", role = "html", url = "{HTML_PART}" }}]
"""


def answer_from(at: str, more: str = "", url: str = PAGE) -> str:
    return f'\n[[answer]]\nurl = "{url}"\nat = 2018-01-05T{at}\n{more}\n'


def change_at(at: str, more: str, release: str = "gulls") -> str:
    return f'\n[[change]]\nrelease = "{release}"\nat = {at}\n{more}\n'


def content_api_url(url: str) -> str:
    return url.replace(WWW, f"{WWW}/api/content")


def json_of(answer: Answer) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(answer.body))


async def read_item(client: PublisherClient, url: str) -> dict[str, Any]:
    """Return the item of GOV.UK's content API on a page."""
    return json_of(await client.get(content_api_url(url)))


async def list_announcements(client: PublisherClient, url: str = LISTING) -> list[Any]:
    """Return the announcements that GOV.UK's search lists."""
    return list(json_of(await client.get(url))["results"])


def release_days(announcements: list[Any]) -> list[str]:
    return [entry["release_timestamp"][:10] for entry in announcements]


async def list_publications(
    client: PublisherClient, organisation: str = "bird-agency"
) -> list[Any]:
    """Return the publications of an organisation that GOV.UK's search lists."""
    return list(json_of(await client.get(NEWEST.replace("bird-agency", organisation)))["results"])


async def page_statuses(client: PublisherClient) -> dict[str, int]:
    urls = {
        "page": PAGE,
        "content API": content_api_url(PAGE),
        "announcement": ANNOUNCEMENT,
        "file": FILE,
        "HTML part": HTML_PART,
    }
    return {name: (await client.get(url)).status for name, url in urls.items()}


@with_script(RELEASE + answer_from("09:30:00"))
async def test_an_announced_release_is_listed_and_its_page_is_absent(
    client: PublisherClient,
) -> None:
    # It is 09:00. GOV.UK redirects a file that is not published yet to its draft host (302).
    statuses = await page_statuses(client)
    assert statuses == {
        "page": 404,
        "content API": 404,
        "announcement": 200,
        "file": 302,
        "HTML part": 404,
    }
    entry = (await list_announcements(client))[0]
    assert entry["display_date"] == "5 January 2018 9:30am"
    assert entry["release_timestamp"] == "2018-01-05T09:30:00.000+00:00"
    assert entry["link"] == "/government/statistics/announcements/gulls-2017"
    assert entry["organisations"][0]["slug"] == "bird-agency"
    item = await read_item(client, ANNOUNCEMENT)
    assert item["schema_name"] == "statistics_announcement"
    assert item["details"]["state"] == "confirmed"
    assert b"<entry>" not in (await client.get(FEED)).body
    assert await list_publications(client) == []


@with_script(RELEASE + answer_from("09:30:03"))
async def test_a_published_release_is_visible_everywhere(client: PublisherClient) -> None:
    # The page is published at 09:30:03. The index is the last to follow, 30 s later.
    await client.wait_until("09:30:40")
    statuses = await page_statuses(client)
    assert statuses == {
        "page": 200,
        "content API": 200,
        "announcement": 301,
        "file": 200,
        "HTML part": 200,
    }
    item = await read_item(client, PAGE)
    assert (item["schema_name"], item["title"]) == ("publication", "Gulls & terns: 2017")
    assert item["scheduled_publishing_delay_seconds"] == 3  # from the slot, 09:30:00, to 09:30:03
    assert [one["url"] for one in item["details"]["attachments"]] == [
        FILE,
        "/government/statistics/gulls-2017/bulletin",
    ]
    redirect = await read_item(client, ANNOUNCEMENT)
    assert redirect["schema_name"] == "redirect"
    assert redirect["redirects"][0]["destination"] == "/government/statistics/gulls-2017"
    assert await list_announcements(client) == []
    assert [entry["link"] for entry in await list_publications(client)] == [
        "/government/statistics/gulls-2017"
    ]
    assert b"Gulls &amp; terns: 2017" in (await client.get(FEED)).body


@with_script(RELEASE + answer_from("09:30:00"))
async def test_redirect_file_and_index_follow_the_page_later(client: PublisherClient) -> None:
    # The page is published at 09:30:00. Redirect and file follow 2 s later, the index 30 s later.
    await client.wait_until("09:30:01")
    statuses = await page_statuses(client)
    assert statuses == {
        "page": 200,
        "content API": 200,
        "announcement": 200,
        "file": 302,
        "HTML part": 200,
    }
    # The file is not there yet, so the HTML part is the only attachment. The announcement is still
    # listed.
    (html_part,) = (await read_item(client, PAGE))["details"]["attachments"]
    assert html_part["url"] == "/government/statistics/gulls-2017/bulletin"
    assert len(await list_announcements(client)) == 1


EDITION_OF_2016 = answer_from("08:00:00", "body = '<h1>Gulls &amp; terns: 2016</h1>'")


@with_script(RELEASE + EDITION_OF_2016 + answer_from("09:30:00"))
async def test_new_edition_is_only_announced_before_its_slot(client: PublisherClient) -> None:
    # It is 09:00. The address shows the edition of 2016. That of 2017 is due at 09:30.
    statuses = await page_statuses(client)
    assert (statuses["page"], statuses["content API"]) == (200, 200)
    assert (await read_item(client, PAGE))["title"] == "Gulls & terns: 2016"
    assert [entry["title"] for entry in await list_publications(client)] == ["Gulls & terns: 2016"]
    # The edition of 2017 is announced. Its file redirects to the draft host, and its HTML part is
    # absent.
    assert len(await list_announcements(client)) == 1
    assert (statuses["announcement"], statuses["file"], statuses["HTML part"]) == (200, 302, 404)


@with_script(RELEASE + EDITION_OF_2016 + answer_from("09:30:00"))
async def test_published_edition_replaces_the_older_one_at_its_address(
    client: PublisherClient,
) -> None:
    # The edition of 2017 is published at 09:30.
    await client.wait_until("09:31:00")
    assert (await read_item(client, PAGE))["title"] == "Gulls & terns: 2017"
    assert await list_announcements(client) == []


@with_script(
    RELEASE + answer_from("08:00:00", "body = '<h1>Sorry, we are carrying out maintenance</h1>'")
)
async def test_a_maintenance_page_is_an_error_in_the_content_api(client: PublisherClient) -> None:
    assert (await page_statuses(client))["content API"] == 503
    assert await list_publications(client) == []


@pytest.mark.parametrize(
    "heading", ["Sorry, under maintenance", "Checking your browser before you go on"]
)
def test_error_page_gives_503_in_api_but_stays_in_search(
    run_scenario: RunScenario, heading: str
) -> None:
    """An error page, such as “Sorry, under maintenance”, replaces a published release. The content
    API answers 503, and the search still lists the release.
    """
    published = answer_from("09:30:00")
    error_page = answer_from("09:33:00", f"body = '<h1>{heading}</h1>'")

    async def scenario(client: PublisherClient) -> None:
        await client.wait_until("09:34:00")
        assert (await client.get(content_api_url(PAGE))).status == 503
        assert [entry["title"] for entry in await list_publications(client)] == [
            "Gulls & terns: 2017"
        ]

    run_scenario(RELEASE + published + error_page, scenario)


OTHER_SLUG = RELEASE.replace(
    f'url = "{PAGE}"', f'url = "{PAGE}--2"\nannouncement = "gulls-2017"', 1
)
OUT_AT_OTHER_SLUG = answer_from("09:30:00", url=f"{PAGE}--2")


def with_keys(keys: str) -> str:
    return OTHER_SLUG.replace("slot =", f"{keys}\nslot =", 1)


@with_script(with_keys('redirect_after = "10s"') + OUT_AT_OTHER_SLUG)
async def test_an_announcement_redirects_to_its_publication_at_another_slug(
    client: PublisherClient,
) -> None:
    # The publication appears at 09:30:00 and the script delays the redirect by 10 s.
    assert (await list_announcements(client))[0][
        "link"
    ] == "/government/statistics/announcements/gulls-2017"
    await client.wait_until("09:30:09")
    assert (await client.get(ANNOUNCEMENT)).status == 200
    await client.wait_until("09:30:10")
    assert (await client.get(ANNOUNCEMENT)).headers[
        "location"
    ] == "/government/statistics/gulls-2017--2"
    assert (await read_item(client, ANNOUNCEMENT))["schema_name"] == "redirect"
    # The publication is at PAGE--2. PAGE itself is the address that one would guess from the
    # announcement.
    assert ((await client.get(PAGE)).status, (await client.get(f"{PAGE}--2")).status) == (404, 200)
    assert (await client.get(content_api_url(PAGE))).status == 404


@with_script(with_keys('redirect_after = "0s"') + OUT_AT_OTHER_SLUG)
async def test_announcement_redirects_at_once_if_its_delay_is_zero(client: PublisherClient) -> None:
    await client.wait_until("09:30:00")
    assert (await client.get(ANNOUNCEMENT)).status == 301


@with_script(with_keys('redirect_after = "never"') + OUT_AT_OTHER_SLUG)
async def test_without_a_redirect_the_announcement_stays_listed_beside_its_publication(
    client: PublisherClient,
) -> None:
    # The publication appears at 09:30 and the script says that the announcement never redirects to
    # it.
    await client.wait_until("12:00:00")
    assert (await client.get(ANNOUNCEMENT)).status == 200
    assert len(await list_announcements(client)) == 1
    assert [one["link"] for one in await list_publications(client)] == [
        "/government/statistics/gulls-2017--2"
    ]


@with_script(with_keys('listed_after = "60s"') + OUT_AT_OTHER_SLUG)
async def test_the_index_lists_a_publication_after_its_scripted_delay(
    client: PublisherClient,
) -> None:
    # The publication appears at 09:30:00 and the script delays its listing by 60 s.
    await client.wait_until("09:30:59")
    assert await list_publications(client) == []
    await client.wait_until("09:31:00")
    assert len(await list_publications(client)) == 1


@with_script(with_keys('announcement_title = "Sea birds, 2017"') + OUT_AT_OTHER_SLUG)
async def test_an_announcement_can_have_another_title_than_its_publication(
    client: PublisherClient,
) -> None:
    # The script announces "Gulls & terns: 2017" under another title and publishes it at 09:30.
    assert (await list_announcements(client))[0]["title"] == "Sea birds, 2017"
    assert (await read_item(client, ANNOUNCEMENT))["title"] == "Sea birds, 2017"
    assert b"<h1>Sea birds, 2017</h1>" in (await client.get(ANNOUNCEMENT)).body
    await client.wait_until("09:31:00")
    assert [one["title"] for one in await list_publications(client)] == ["Gulls & terns: 2017"]


@with_script(with_keys('organisations = ["fish", "bird-agency"]') + OUT_AT_OTHER_SLUG)
async def test_organisations_are_named_in_order_and_list_the_release(
    client: PublisherClient,
) -> None:
    # The script names fish before bird-agency and publishes the release at 09:30.
    (announcement,) = await list_announcements(client)
    assert [one["slug"] for one in announcement["organisations"]] == ["fish", "bird-agency"]
    item = await read_item(client, ANNOUNCEMENT)
    assert [one["title"] for one in item["links"]["organisations"]] == ["Fish", "Bird Agency"]
    await client.wait_until("09:31:00")
    for organisation in ("bird-agency", "fish"):
        assert len(await list_publications(client, organisation)) == 1
        feed = await client.get(FEED.replace("bird-agency", organisation))
        assert b"statistics/gulls-2017--2" in feed.body


@with_script(OTHER_SLUG + EDITION_OF_2016 + OUT_AT_OTHER_SLUG)
async def test_the_address_guessed_from_the_announcement_can_show_another_edition(
    client: PublisherClient,
) -> None:
    # The edition of 2017 is published at 09:30, at an address that ends in --2.
    # PAGE is the guessed address. It has shown the edition of 2016 since 08:00.
    assert (await read_item(client, PAGE))["title"] == "Gulls & terns: 2016"
    await client.wait_until("09:31:00")
    assert (await client.get(ANNOUNCEMENT)).headers[
        "location"
    ] == "/government/statistics/gulls-2017--2"
    assert {one["link"]: one["title"] for one in await list_publications(client)} == {
        "/government/statistics/gulls-2017": "Gulls & terns: 2016",
        "/government/statistics/gulls-2017--2": "Gulls & terns: 2017",
    }


@with_script(RELEASE + answer_from("08:00:00"))
async def test_release_public_before_the_rehearsal_is_still_announced(
    client: PublisherClient,
) -> None:
    assert len(await list_announcements(client)) == 1
    assert (await page_statuses(client))["announcement"] == 200


@with_script(RELEASE)  # announced for 09:30, but never published
async def test_release_that_never_appears_stays_in_the_listing(client: PublisherClient) -> None:
    await client.wait_until("12:00:00")
    assert len(await list_announcements(client)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "These statistics will be released on 5 January 2018",
        "<h1>Gulls &amp; terns: 2017</h1><p>Coming soon</p>",
        (
            "<h1>Gulls &amp; terns: 2017</h1><dl><dt>Status:</dt><dd>Confirmed</dd></dl><p>It is"
            " due on 5 January 2018 at 9.30am. Embargoed until then.</p>"
        ),
    ],
)
def test_placeholder_is_no_publication_until_the_page_replaces_it(
    run_scenario: RunScenario, body: str
) -> None:
    """A case is the text of a page that only says that the release will come."""

    async def scenario(client: PublisherClient) -> None:
        # It is 09:00. GOV.UK redirects a file that is not published yet (302).
        statuses = await page_statuses(client)
        assert statuses == {
            "page": 200,
            "content API": 404,
            "announcement": 200,
            "file": 302,
            "HTML part": 404,
        }
        assert len(await list_announcements(client)) == 1
        # At 09:30 the real page replaces the placeholder.
        await client.wait_until("09:31:00")
        assert (await page_statuses(client))["content API"] == 200
        assert await list_announcements(client) == []

    placeholder = answer_from("08:00:00", f'body = "{body}"')
    run_scenario(RELEASE + placeholder + answer_from("09:30:00"), scenario)


@pytest.mark.parametrize(
    "sentence",
    [
        "The next release will be published on 14 January 2018",
        "Figures for Wales are not yet published",
        "Table 5 is no longer available",
    ],
)
def test_release_that_mentions_other_figures_is_published(
    run_scenario: RunScenario, sentence: str
) -> None:
    async def scenario(client: PublisherClient) -> None:
        assert (await page_statuses(client))["content API"] == 200

    body = f"<h1>Gulls &amp; terns: 2017</h1><p>Gulls rose. {sentence}.</p>"
    run_scenario(RELEASE + answer_from("08:00:00", f'body = "{body}"'), scenario)


@with_script(RELEASE + answer_from("09:10:00") + answer_from("09:15:00", "status = 410"))
async def test_removed_release_has_a_gone_item_and_redirects_remain(
    client: PublisherClient,
) -> None:
    """The page is published at 09:10 and removed at 09:15.

    Then file (302) and HTML part (301) redirect to it.
    """
    await client.wait_until("09:20:00")
    statuses = await page_statuses(client)
    assert statuses == {
        "page": 410,
        "content API": 200,
        "announcement": 301,
        "file": 302,
        "HTML part": 301,
    }
    item = await read_item(client, PAGE)
    assert item["schema_name"] == "gone"
    assert "published in error" in item["details"]["explanation"]
    assert b"published in error" in (await client.get(PAGE)).body
    assert (await client.get(FILE)).headers["location"] == PAGE
    assert await list_announcements(client) == []
    assert await list_publications(client) == []


@with_script(RELEASE + answer_from("08:00:00", 'status = 410\nbody = "410 Gone"'))
async def test_page_removed_without_explanation_is_410_in_content_api(
    client: PublisherClient,
) -> None:
    assert (await client.get(content_api_url(PAGE))).status == 410


@with_script(
    RELEASE
    + answer_from("09:10:00")
    + answer_from("09:15:00", "status = 410")
    + answer_from("09:30:00")
)
async def test_early_release_has_no_scheduling_delay(client: PublisherClient) -> None:
    # The page is published at 09:10, removed at 09:15 and published again at its slot, 09:30.
    await client.wait_until("09:31:00")
    item = await read_item(client, PAGE)
    assert item["schema_name"] == "publication"
    assert item["first_published_at"] == "2018-01-05T09:10:00Z"
    assert item["public_updated_at"] == "2018-01-05T09:30:00Z"
    # The delay is that of the first publication. It was before the slot, so it was not by the
    # scheduler.
    assert item["scheduled_publishing_delay_seconds"] is None


@with_script(RELEASE + answer_from("09:30:00", 'edge_cache = "30s"'))
async def test_content_api_is_as_stale_as_the_page(client: PublisherClient) -> None:
    await client.wait_until("09:30:10")
    stale = await client.get(content_api_url(PAGE))
    fresh = await client.get(content_api_url(PAGE), bust=True)
    # The stale copy is of 09:29:59, the last second before the publication. `bust` goes past it.
    assert (stale.status, stale.headers["age"]) == (404, "11")
    assert (fresh.status, "age" in fresh.headers) == (200, False)


def test_file_with_its_own_answer_does_not_follow_its_page(run_scenario: RunScenario) -> None:
    page_at_09_30 = answer_from("09:30:00", url=PAGE)
    file_at_09_35 = answer_from("09:35:00", url=FILE)

    async def scenario(client: PublisherClient) -> None:
        # Without an answer of its own, the file would be published two seconds after the page.
        await client.wait_until("09:31:00")
        assert (await client.get(FILE)).status == 404
        await client.wait_until("09:40:00")
        assert (await client.get(FILE)).status == 200

    run_scenario(RELEASE + page_at_09_30 + file_at_09_35, scenario)


def test_scripted_content_api_answer_replaces_the_content_item(run_scenario: RunScenario) -> None:
    """Usually the content API answers with an item made from the page.

    Here the script has an answer for it.
    """
    page_at_09_30 = answer_from("09:30:00", url=PAGE)
    other_item = answer_from(
        "09:00:00", 'body = \'{"schema_name": "special_route"}\'', url=content_api_url(PAGE)
    )

    async def scenario(client: PublisherClient) -> None:
        await client.wait_until("09:31:00")
        assert await read_item(client, PAGE) == {"schema_name": "special_route"}

    run_scenario(RELEASE + page_at_09_30 + other_item, scenario)


@with_script(
    RELEASE + change_at("2018-01-04T17:00:00", 'slot = 2018-07-12T09:30:00\nwhy = "More checks."')
)
async def test_a_changed_date_is_published_with_the_previous_one(client: PublisherClient) -> None:
    # The script moves the release from 5 January to 12 July, with the reason "More checks."
    item = await read_item(client, ANNOUNCEMENT)
    assert item["details"]["display_date"] == "12 July 2018 9:30am"
    assert item["details"]["release_timestamp"] == "2018-07-12T09:30:00.000+01:00"
    assert item["details"]["previous_display_date"] == "5 January 2018 9:30am"
    assert item["details"]["latest_change_note"] == "More checks."
    assert (await list_announcements(client))[0]["display_date"] == "12 July 2018 9:30am"
    assert b"The release date has been changed" in (await client.get(ANNOUNCEMENT)).body


@with_script(
    RELEASE + change_at("2018-01-04T17:00:00", 'state = "cancelled"\nwhy = "No longer collected."')
)
async def test_a_cancelled_release_stays_in_the_listing_with_its_reason(
    client: PublisherClient,
) -> None:
    # The script cancels the release on 4 January at 17:00, because it is "No longer collected."
    item = await read_item(client, ANNOUNCEMENT)
    assert item["details"]["cancelled_at"] == "2018-01-04T17:00:00Z"
    assert item["details"]["cancellation_reason"] == "No longer collected."
    assert (await list_announcements(client))[0]["statistics_announcement_state"] == "cancelled"
    assert b"Statistics release cancelled" in (await client.get(ANNOUNCEMENT)).body


@with_script(RELEASE + change_at("2018-01-05T09:05:00", "gone = true"))
async def test_a_removed_announcement_is_neither_listed_nor_served(client: PublisherClient) -> None:
    assert len(await list_announcements(client)) == 1
    # The script removes the announcement at 09:05.
    await client.wait_until("09:10:00")
    assert await list_announcements(client) == []
    assert (await client.get(ANNOUNCEMENT)).status == 404


@with_script(RELEASE.replace("2017-12-01T09:30:00", "2018-01-05T09:15:00"))
async def test_a_release_is_not_listed_before_it_is_announced(client: PublisherClient) -> None:
    assert await list_announcements(client) == []
    # The script announces the release at 09:15.
    await client.wait_until("09:20:00")
    assert len(await list_announcements(client)) == 1


@with_script(RELEASE.replace("slot = 2018-01-05T09:30:00", 'slot = "July 2018"'))
async def test_slot_of_only_a_month_is_announced_as_provisional(client: PublisherClient) -> None:
    # The slot in the script is "July 2018".
    entry = (await list_announcements(client))[0]
    assert entry["display_date"] == "July 2018"
    assert entry["statistics_announcement_state"] == "provisional"
    assert b"will be released in July&nbsp;2018" in (await client.get(ANNOUNCEMENT)).body


@pytest.mark.parametrize(
    "query",
    [
        "foo=1",
        "count=1501",
        "count=x",
        "start=900001",
        "order=colour",
        "fields=title,colour",
        "filter_colour=red",
        "filter_release_timestamp=since:2018",
        "filter_release_timestamp=from:soon",
        "ninethirty=1",
    ],
)
@with_script(RELEASE)
async def test_search_with_an_unknown_parameter_or_value_gets_422(
    client: PublisherClient, query: str
) -> None:
    """A case is a query.

    For example, GOV.UK's search gives 1,500 results at most, so it refuses count=1501.
    """
    answer = await client.get(f"{WWW}/api/search.json?{query}")
    assert answer.status == 422
    assert "html" in answer.headers["content-type"]


BIRDS_IN_JANUARY = ["2018-01-05"]
FISH_IN_FEBRUARY_TO_APRIL = ["2018-02-05", "2018-03-05", "2018-04-05"]
BIRDS_AND_FISH = RELEASE + "".join(
    RELEASE.replace("gulls", f"fish-{month}")
    .replace("2018-01-05", f"2018-0{month}-05")
    .replace("bird-agency", "fish")
    for month in (4, 2, 3)
)


@pytest.mark.parametrize(
    ("url", "days_listed"),
    [
        (LISTING, BIRDS_IN_JANUARY + FISH_IN_FEBRUARY_TO_APRIL),
        (LISTING.replace("order=", "order=-"), FISH_IN_FEBRUARY_TO_APRIL[::-1] + BIRDS_IN_JANUARY),
        (LISTING.replace("from:2017-12-29", "from:2018-01-06"), FISH_IN_FEBRUARY_TO_APRIL),
        (f"{LISTING}&filter_organisations=bird-agency", BIRDS_IN_JANUARY),
        (
            f"{LISTING}&filter_organisations=bird-agency&filter_organisations=fish",
            BIRDS_IN_JANUARY + FISH_IN_FEBRUARY_TO_APRIL,
        ),
        (f"{LISTING}&c=abc", BIRDS_IN_JANUARY + FISH_IN_FEBRUARY_TO_APRIL),
    ],
    ids=[
        "in order",
        "backwards",
        "from a day",
        "one organisation",
        "two organisations",
        "past the cache",
    ],
)
@with_script(BIRDS_AND_FISH)
async def test_listing_is_ordered_and_filtered_as_its_address_says(
    client: PublisherClient, url: str, days_listed: list[str]
) -> None:
    # A release of bird-agency is due in January, and three of the organisation fish in February to
    # April. LISTING asks for all, in the order of their slots. Each row changes its address, for
    # example to the opposite order.
    announcements = await list_announcements(client, url)
    assert release_days(announcements) == days_listed


@with_script(BIRDS_AND_FISH)
async def test_the_listing_is_paged(client: PublisherClient) -> None:
    # There are four releases, due on 5 January, 5 February, 5 March and 5 April.
    page = json_of(await client.get(LISTING.replace("count=500", "count=2&start=2")))
    assert (page["total"], page["start"]) == (4, 2)
    assert release_days(page["results"]) == ["2018-03-05", "2018-04-05"]


@with_script(RELEASE + answer_from("09:30:00"))
async def test_the_finders_feed_separates_upcoming_from_published(client: PublisherClient) -> None:
    finder = f"{WWW}/search/research-and-statistics.atom?organisations[]=bird-agency&content_store_document_type="
    # It is 09:00.
    assert b"announcements/gulls" in (await client.get(f"{finder}upcoming_statistics")).body
    assert b"<entry>" not in (await client.get(f"{finder}statistics_published")).body
    # The release is published at 09:30.
    await client.wait_until("09:31:00")
    assert b"<entry>" not in (await client.get(f"{finder}upcoming_statistics")).body
    assert b"statistics/gulls" in (await client.get(f"{finder}statistics_published")).body


TOML_CALENDAR = "https://calendar.rehearsal.example/releases.toml"
TERNS_OUTSIDE_STATISTICS = RELEASE.replace("gulls", "terns").replace(
    "government/statistics", "government/publications"
)


async def read_toml_calendar(client: PublisherClient) -> list[dict[str, Any]]:
    """Return the tables of the releases in the calendar of the rehearsal, which is not on
    GOV.UK.
    """
    body = (await client.get(TOML_CALENDAR)).body.decode()
    return list(tomllib.loads(body).get("release", []))


@with_script(RELEASE + TERNS_OUTSIDE_STATISTICS)
async def test_release_outside_gov_uk_statistics_is_only_in_toml_calendar(
    client: PublisherClient,
) -> None:
    on_gov_uk = [entry["link"] for entry in await list_announcements(client)]
    assert on_gov_uk == ["/government/statistics/announcements/gulls-2017"]
    # `terns` is at an address under government/publications.
    (terns,) = await read_toml_calendar(client)
    assert (terns["id"], terns["state"]) == ("terns", "confirmed")
    assert [(part["id"], part["required"]) for part in terns["part"]] == [
        ("sheet", True),
        ("bulletin", True),
    ]


def test_toml_calendar_shows_the_new_slot_of_a_release(run_scenario: RunScenario) -> None:
    """The release `terns` is not in GOV.UK's statistics, so the TOML calendar announces it. On 1
    January its slot moved to 12 July.
    """
    moved = change_at("2018-01-01T00:00:00", "slot = 2018-07-12T09:30:00", release="terns")

    async def scenario(client: PublisherClient) -> None:
        # It is 5 January.
        (terns,) = await read_toml_calendar(client)
        assert terns["slot"].isoformat() == "2018-07-12T09:30:00+01:00"

    run_scenario(TERNS_OUTSIDE_STATISTICS + moved, scenario)


def test_toml_calendar_without_its_last_release_is_not_empty(run_scenario: RunScenario) -> None:
    """The only release is removed at 09:30.

    A comment is left, because an empty body would be no calendar.
    """
    removed = change_at("2018-01-05T09:30:00", "gone = true", release="terns")

    async def scenario(client: PublisherClient) -> None:
        await client.wait_until("10:00:00")
        body = (await client.get(TOML_CALENDAR)).body
        assert tomllib.loads(body.decode()) == {}
        assert body.strip() != b""

    run_scenario(TERNS_OUTSIDE_STATISTICS + removed, scenario)


def test_gov_uk_page_outside_statistics_has_no_announcement(run_scenario: RunScenario) -> None:
    """The page is below /government/publications. It is published at 09:30 without an
    announcement.
    """

    async def scenario(client: PublisherClient) -> None:
        url = PAGE.replace("statistics", "publications")
        assert (await client.get(content_api_url(url))).status == 404
        await client.wait_until("09:31:00")
        assert (await read_item(client, url))["schema_name"] == "publication"
        assert (await client.get(url)).status == 200
        assert await list_announcements(client) == []

    published = RELEASE + answer_from("09:30:00")
    run_scenario(published.replace("government/statistics", "government/publications"), scenario)
