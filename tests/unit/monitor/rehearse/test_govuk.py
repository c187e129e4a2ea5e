from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from conftest import Play, Story

    from monitor.look.fetch import Answer

WWW = "https://www.gov.uk"
PAGE = f"{WWW}/government/statistics/gulls-2017"
ANNOUNCEMENT = f"{WWW}/government/statistics/announcements/gulls-2017"
FILE = "https://assets.publishing.service.gov.uk/media/5a/gulls.ods"
CHILD = f"{PAGE}/bulletin"
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
part = [{{ id = "sheet", role = "data", url = "{FILE}" }}, {{ id = "bulletin", role = "html", url = "{CHILD}" }}]
"""


def answer(at: str, more: str = "", url: str = PAGE) -> str:
    return f'\n[[answer]]\nurl = "{url}"\nat = 2018-01-05T{at}\n{more}\n'


def change(at: str, more: str, release: str = "gulls") -> str:
    return f'\n[[change]]\nrelease = "{release}"\nat = {at}\n{more}\n'


def twin(url: str) -> str:
    return url.replace(WWW, f"{WWW}/api/content")


def data(answer: Answer) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(answer.body))


async def listed(story: Story, url: str = LISTING) -> list[Any]:
    return list(data(await story.get(url))["results"])


async def statuses(story: Story) -> dict[str, int]:
    urls = {"page": PAGE, "item": twin(PAGE), "announcement": ANNOUNCEMENT, "file": FILE, "child": CHILD}
    return {name: (await story.get(url)).status for name, url in urls.items()}


def test_an_announced_release_is_listed_and_its_page_is_not_there(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert await statuses(story) == {"page": 404, "item": 404, "announcement": 200, "file": 302, "child": 404}
        entry = (await listed(story))[0]
        assert entry["display_date"] == "5 January 2018 9:30am"
        assert entry["release_timestamp"] == "2018-01-05T09:30:00.000+00:00"
        assert entry["link"] == "/government/statistics/announcements/gulls-2017"
        assert entry["organisations"][0]["slug"] == "bird-agency"
        item = data(await story.get(twin(ANNOUNCEMENT)))
        assert item["schema_name"] == "statistics_announcement"
        assert item["details"]["state"] == "confirmed"
        assert b"bulletin" not in (await story.get(FEED)).body
        assert await listed(story, NEWEST) == []

    play(RELEASE + answer("09:30:00"), tell)


def test_a_release_is_out_everywhere_after_its_slot(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:40")
        assert await statuses(story) == {"page": 200, "item": 200, "announcement": 301, "file": 200, "child": 200}
        item = data(await story.get(twin(PAGE)))
        assert (item["schema_name"], item["title"]) == ("publication", "Gulls & terns: 2017")
        assert item["scheduled_publishing_delay_seconds"] == 3
        assert [one["url"] for one in item["details"]["attachments"]] == [
            FILE,
            "/government/statistics/gulls-2017/bulletin",
        ]
        redirect = data(await story.get(twin(ANNOUNCEMENT)))
        assert redirect["schema_name"] == "redirect"
        assert redirect["redirects"][0]["destination"] == "/government/statistics/gulls-2017"
        assert await listed(story) == []
        assert [entry["link"] for entry in await listed(story, NEWEST)] == ["/government/statistics/gulls-2017"]
        assert b"Gulls &amp; terns: 2017" in (await story.get(FEED)).body

    play(RELEASE + answer("09:30:03"), tell)


def test_jobs_of_their_own_follow_the_page(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:01")
        assert await statuses(story) == {"page": 200, "item": 200, "announcement": 200, "file": 302, "child": 200}
        assert len(data(await story.get(twin(PAGE)))["details"]["attachments"]) == 1
        assert len(await listed(story)) == 1

    play(RELEASE + answer("09:30:00"), tell)


def test_an_older_edition_at_the_address_is_a_publication_of_its_own(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await statuses(story)) == {"page": 200, "item": 200, "announcement": 200, "file": 302, "child": 404}
        assert data(await story.get(twin(PAGE)))["title"] == "Gulls and terns: 2016"
        assert [one["title"] for one in await listed(story, NEWEST)] == ["Gulls and terns: 2016"]
        assert len(await listed(story)) == 1
        await story.at("09:31:00")
        assert data(await story.get(twin(PAGE)))["title"] == "Gulls & terns: 2017"
        assert await listed(story) == []

    older = "body = '<h1>Gulls and terns: 2016</h1>'"
    play(RELEASE + answer("08:00:00", older) + answer("09:30:00"), tell)


def test_a_page_about_nothing_is_an_error_in_the_api(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await statuses(story))["item"] == 503
        assert await listed(story, NEWEST) == []

    play(RELEASE + answer("08:00:00", "body = '<h1>Sorry, we are carrying out maintenance</h1>'"), tell)


def test_maintenance_takes_nothing_from_the_index(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:34:00")
        assert (await statuses(story))["item"] == 503
        assert [one["title"] for one in await listed(story, NEWEST)] == ["Gulls & terns: 2017"]

    play(RELEASE + answer("09:30:00") + answer("09:33:00", "body = '<h1>Sorry, under maintenance</h1>'"), tell)


OTHER_SLUG = RELEASE.replace(f'url = "{PAGE}"', f'url = "{PAGE}--2"\nannouncement = "gulls-2017"', 1)


def with_keys(keys: str) -> str:
    return OTHER_SLUG.replace("slot =", f"{keys}\nslot =", 1)


def test_an_announcement_under_another_slug_leads_to_its_publication(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await listed(story))[0]["link"] == "/government/statistics/announcements/gulls-2017"
        await story.at("09:30:09")
        assert (await story.get(ANNOUNCEMENT)).status == 200
        await story.at("09:30:10")
        assert (await story.get(ANNOUNCEMENT)).headers["location"] == "/government/statistics/gulls-2017--2"
        assert data(await story.get(twin(ANNOUNCEMENT)))["schema_name"] == "redirect"
        assert ((await story.get(PAGE)).status, (await story.get(f"{PAGE}--2")).status) == (404, 200)
        assert (await story.get(twin(PAGE))).status == 404

    play(with_keys('redirect_after = "10s"') + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_a_redirect_that_fails_leaves_the_announcement_listed(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("12:00:00")
        assert (await story.get(ANNOUNCEMENT)).status == 200
        assert len(await listed(story)) == 1
        assert [one["link"] for one in await listed(story, NEWEST)] == ["/government/statistics/gulls-2017--2"]

    play(with_keys('redirect_after = "never"') + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_the_index_lists_a_publication_after_the_time_it_is_given(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:59")
        assert await listed(story, NEWEST) == []
        await story.at("09:31:00")
        assert len(await listed(story, NEWEST)) == 1

    play(with_keys('listed_after = "60s"') + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_an_announcement_may_have_a_title_of_its_own(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await listed(story))[0]["title"] == "Sea birds, 2017"
        assert data(await story.get(twin(ANNOUNCEMENT)))["title"] == "Sea birds, 2017"
        assert b"<h1>Sea birds, 2017</h1>" in (await story.get(ANNOUNCEMENT)).body
        await story.at("09:31:00")
        assert [one["title"] for one in await listed(story, NEWEST)] == ["Gulls & terns: 2017"]

    play(with_keys('announcement_title = "Sea birds, 2017"') + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_all_organisations_are_told_in_their_order_and_each_lists_the_release(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert [one["slug"] for one in (await listed(story))[0]["organisations"]] == ["fish", "bird-agency"]
        item = data(await story.get(twin(ANNOUNCEMENT)))
        assert [one["title"] for one in item["links"]["organisations"]] == ["Fish", "Bird Agency"]
        await story.at("09:31:00")
        assert len(await listed(story, NEWEST)) == len(await listed(story, NEWEST.replace("bird-agency", "fish"))) == 1
        for feed in (FEED, FEED.replace("bird-agency", "fish")):
            assert b"statistics/gulls-2017--2" in (await story.get(feed)).body

    play(with_keys('organisations = ["fish", "bird-agency"]') + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_what_the_announcement_suggests_may_bear_another_edition(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert data(await story.get(twin(PAGE)))["title"] == "Gulls & terns: 2016"
        await story.at("09:31:00")
        assert (await story.get(ANNOUNCEMENT)).headers["location"] == "/government/statistics/gulls-2017--2"
        links = {one["link"]: one["title"] for one in await listed(story, NEWEST)}
        assert links == {
            "/government/statistics/gulls-2017": "Gulls & terns: 2016",
            "/government/statistics/gulls-2017--2": "Gulls & terns: 2017",
        }

    older = answer("08:00:00", "body = '<h1>Gulls &amp; terns: 2016</h1>'")
    play(OTHER_SLUG + older + answer("09:30:00", url=f"{PAGE}--2"), tell)


def test_what_stood_there_early_when_it_begins_is_still_announced(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert len(await listed(story)) == 1
        assert (await statuses(story))["announcement"] == 200

    play(RELEASE + answer("08:00:00"), tell)


def test_an_overdue_release_stays_in_the_listing(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("12:00:00")
        assert len(await listed(story)) == 1
        assert len(await listed(story, LISTING.replace("from:2017-12-29", "from:2018-01-06"))) == 0

    play(RELEASE, tell)


@pytest.mark.parametrize(
    "body",
    ["These statistics will be released on 5 January 2018", "<h1>Gulls &amp; terns: 2017</h1><p>Coming soon</p>"],
)
def test_a_placeholder_is_no_publication(play: Play, body: str) -> None:
    async def tell(story: Story) -> None:
        assert await statuses(story) == {"page": 200, "item": 404, "announcement": 200, "file": 302, "child": 404}
        assert len(await listed(story)) == 1
        await story.at("09:31:00")
        assert (await statuses(story))["item"] == 200
        assert await listed(story) == []

    play(RELEASE + answer("08:00:00", f'body = "{body}"') + answer("09:30:00"), tell)


def test_a_release_taken_down_leaves_its_redirect_and_is_gone(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:20:00")
        assert await statuses(story) == {"page": 410, "item": 200, "announcement": 301, "file": 302, "child": 301}
        item = data(await story.get(twin(PAGE)))
        assert item["schema_name"] == "gone"
        assert "published in error" in item["details"]["explanation"]
        assert b"published in error" in (await story.get(PAGE)).body
        assert (await story.get(FILE)).headers["location"] == PAGE
        assert await listed(story) == []
        assert await listed(story, NEWEST) == []

    play(RELEASE + answer("09:10:00") + answer("09:15:00", "status = 410"), tell)


def test_a_page_gone_without_a_word_is_410_in_the_api_too(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get(twin(PAGE))).status == 410

    play(RELEASE + answer("08:00:00", 'status = 410\nbody = "410 Gone"'), tell)


def test_a_later_release_wipes_the_trace_of_the_early_one(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:31:00")
        item = data(await story.get(twin(PAGE)))
        assert item["schema_name"] == "publication"
        assert item["public_updated_at"] == "2018-01-05T09:30:00Z"
        assert item["scheduled_publishing_delay_seconds"] is None

    play(RELEASE + answer("09:10:00") + answer("09:15:00", "status = 410") + answer("09:30:00"), tell)


def test_the_api_is_as_stale_as_the_page_except_past_the_cache(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:10")
        stale, fresh = await story.get(twin(PAGE)), await story.get(twin(PAGE), bust=True)
        assert (stale.status, stale.headers["age"]) == (404, "11")
        assert (fresh.status, "age" in fresh.headers) == (200, False)

    play(RELEASE + answer("09:30:00", 'edge_cache = "30s"'), tell)


def test_an_address_scripted_of_its_own_answers_as_scripted(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:31:00")
        assert (await story.get(FILE)).status == 404
        assert data(await story.get(twin(PAGE))) == {"schema_name": "special_route"}
        await story.at("09:40:00")
        assert (await story.get(FILE)).status == 200

    own = answer("09:00:00", 'body = \'{"schema_name": "special_route"}\'', twin(PAGE))
    play(RELEASE + answer("09:30:00") + answer("09:35:00", url=FILE) + own, tell)


def test_a_changed_date_is_told_with_the_one_before(play: Play) -> None:
    async def tell(story: Story) -> None:
        item = data(await story.get(twin(ANNOUNCEMENT)))
        assert item["details"]["display_date"] == "12 July 2018 9:30am"
        assert item["details"]["release_timestamp"] == "2018-07-12T09:30:00.000+01:00"
        assert item["details"]["previous_display_date"] == "5 January 2018 9:30am"
        assert item["details"]["latest_change_note"] == "More checks."
        assert (await listed(story))[0]["display_date"] == "12 July 2018 9:30am"
        assert b"The release date has been changed" in (await story.get(ANNOUNCEMENT)).body

    play(RELEASE + change("2018-01-04T17:00:00", 'slot = 2018-07-12T09:30:00\nwhy = "More checks."'), tell)


def test_a_cancelled_release_stays_in_the_listing_with_its_reason(play: Play) -> None:
    async def tell(story: Story) -> None:
        item = data(await story.get(twin(ANNOUNCEMENT)))
        assert item["details"]["cancelled_at"] == "2018-01-04T17:00:00Z"
        assert item["details"]["cancellation_reason"] == "No longer collected."
        assert (await listed(story))[0]["statistics_announcement_state"] == "cancelled"
        assert b"Statistics release cancelled" in (await story.get(ANNOUNCEMENT)).body

    play(RELEASE + change("2018-01-04T17:00:00", 'state = "cancelled"\nwhy = "No longer collected."'), tell)


def test_a_vanished_announcement_is_nowhere(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert len(await listed(story)) == 1
        await story.at("09:10:00")
        assert await listed(story) == []
        assert (await story.get(ANNOUNCEMENT)).status == 404

    play(RELEASE + change("2018-01-05T09:05:00", "gone = true"), tell)


def test_an_announcement_is_not_known_before_its_time(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert await listed(story) == []
        await story.at("09:20:00")
        assert len(await listed(story)) == 1

    play(RELEASE.replace("2017-12-01T09:30:00", "2018-01-05T09:15:00"), tell)


def test_a_month_is_announced_as_provisional(play: Play) -> None:
    async def tell(story: Story) -> None:
        entry = (await listed(story))[0]
        assert entry["display_date"] == "July 2018"
        assert entry["statistics_announcement_state"] == "provisional"
        assert b"will be released in July&nbsp;2018" in (await story.get(ANNOUNCEMENT)).body

    play(RELEASE.replace("slot = 2018-01-05T09:30:00", 'slot = "July 2018"'), tell)


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
def test_a_search_that_the_api_does_not_know_is_refused(play: Play, query: str) -> None:
    async def tell(story: Story) -> None:
        answer = await story.get(f"{WWW}/api/search.json?{query}")
        assert answer.status == 422
        assert "html" in answer.headers["content-type"]

    play(RELEASE, tell)


def test_the_listing_is_filtered_ordered_and_paged(play: Play) -> None:
    async def tell(story: Story) -> None:
        page = data(await story.get(LISTING.replace("count=500", "count=2&start=2")))
        assert (page["total"], page["start"], len(page["results"])) == (4, 2, 2)
        whole = [entry["release_timestamp"][:10] for entry in await listed(story)]
        assert whole == ["2018-01-05", "2018-02-05", "2018-03-05", "2018-04-05"]
        backwards = await listed(story, LISTING.replace("order=", "order=-"))
        assert [entry["release_timestamp"][:10] for entry in backwards] == whole[::-1]
        assert len(await listed(story, f"{LISTING}&filter_organisations=bird-agency")) == 1
        assert len(await listed(story, f"{LISTING}&filter_organisations=bird-agency&filter_organisations=fish")) == 4
        assert len(await listed(story, f"{LISTING}&reject_organisations=fish&c=abc")) == 1

    more = [
        RELEASE.replace("gulls", f"fish-{month}")
        .replace("2018-01-05", f"2018-0{month}-05")
        .replace("bird-agency", "fish")
        for month in (4, 2, 3)
    ]
    play("".join([RELEASE, *more]), tell)


def test_the_finders_feed_tells_upcoming_from_published(play: Play) -> None:
    async def tell(story: Story) -> None:
        finder = f"{WWW}/search/research-and-statistics.atom?organisations[]=bird-agency&content_store_document_type="
        assert b"announcements/gulls" in (await story.get(f"{finder}upcoming_statistics")).body
        assert b"<entry>" not in (await story.get(f"{finder}statistics_published")).body
        await story.at("09:31:00")
        assert b"<entry>" not in (await story.get(f"{finder}upcoming_statistics")).body
        assert b"statistics/gulls" in (await story.get(f"{finder}statistics_published")).body

    play(RELEASE + answer("09:30:00"), tell)


def test_a_release_elsewhere_is_announced_in_a_calendar_file(play: Play) -> None:
    async def tell(story: Story) -> None:
        calendar = "https://calendar.rehearsal.example/releases.toml"
        tables = tomllib.loads((await story.get(calendar)).body.decode())["release"]
        assert [table["id"] for table in tables] == ["terns"]
        assert tables[0]["slot"].isoformat() == "2018-07-12T09:30:00+01:00"
        assert tables[0]["state"] == "confirmed"
        assert [part["required"] for part in tables[0]["part"]] == [True, True]
        assert await listed(story) != []
        await story.at("10:00:00")
        assert tomllib.loads((await story.get(calendar)).body.decode()) == {}

    other = RELEASE.replace("gulls", "terns").replace("government/statistics", "government/publications")
    changes = change("2018-01-01T00:00:00", "slot = 2018-07-12T09:30:00", "terns")
    play(RELEASE + other + changes + change("2018-01-05T09:30:00", "gone = true", "terns"), tell)


def test_a_page_on_gov_uk_outside_statistics_has_its_twin_but_no_announcement(play: Play) -> None:
    async def tell(story: Story) -> None:
        url = PAGE.replace("statistics", "publications")
        assert (await story.get(twin(url))).status == 404
        await story.at("09:31:00")
        assert data(await story.get(twin(url)))["schema_name"] == "publication"
        assert (await story.get(url)).status == 200
        assert await listed(story) == []

    other = RELEASE.replace("government/statistics", "government/publications")
    play(other + answer("09:30:00").replace("government/statistics", "government/publications"), tell)
