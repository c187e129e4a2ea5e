"""A release at an unexpected address: a listing shows it, and looks at the address prove it.

An index is a sitemap that names other sitemaps.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config.settings import Settings
from monitor.ledger.memory import matching_releases
from monitor.look.fetch import Found
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target, newest_on_govuk
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from monitor.watch.listing_match import Matcher, MatchKind, NearRelease
from monitor.watch.tripwires import Producer, Tripwires, publication_date
from schedules.announcement import Part, Role
from schedules.contract.verdict import FindingKind
from schedules.release import Release
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    HOST,
    MonitorInTest,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.watch.fake_poller import FakePoller, make_tripwires
from tests.worlds.scripts import a_web_page, an_answer

TITLE = "Example claims: July to September 2026"
STATS = "https://stats.example"
LISTED_URL = f"{STATS}/releases/example-claims-july-to-september-2026"
PAGE = a_web_page(TITLE)
PREVIOUS_EDITION = (
    "<url><loc>https://stats.example/releases/example-claims-april-to-june-2026</loc></url>"
)
FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>All</title>'
    "<entry><id>1</id><title>{title}</title><updated>2026-11-26T09:28:30Z</updated>"
    '<link rel="alternate" href="{url}"/></entry></feed>'
)


def sitemap(*urls: str) -> str:
    places = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return (
        '<?xml version="1.0"?><urlset'
        f' xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{PREVIOUS_EDITION}{places}</urlset>'
    )


LISTINGS = {
    "sitemap": ("/sitemap.xml", sitemap(), sitemap(LISTED_URL)),
    "feed": (
        "/news.atom",
        FEED.format(title="Annual plan", url=f"{STATS}/plan"),
        FEED.format(title=TITLE, url=LISTED_URL),
    ),
    "page": (
        "/latest",
        (
            "<html><title>Latest</title><body><h1>Latest</h1><a href='/plan'>Annual"
            " plan</a></body></html>"
        ),
        (
            "<html><title>Latest</title><body><h1>Latest</h1><a"
            f" href='{LISTED_URL}'>{TITLE}</a></body></html>"
        ),
    ),
}


def listing_answers(path: str, before: str, after: str, at: str) -> str:
    """Return a listing that changes at an instant, when the page that it lists appears."""
    listing = an_answer(STATS + path, "08:00:00", before) + an_answer(STATS + path, at, after)
    return listing + an_answer(LISTED_URL, at, PAGE)


def with_listing(path: str) -> Settings:
    table = {"id": "department-for-example", "name": "Department", "newest": [STATS + path]}
    return Settings.model_validate({"producer": [table]})


def current_findings(monitor: MonitorInTest) -> set[tuple[FindingKind, str | None]]:
    verdict = monitor.daemon.parts.watch.releases["claims-q3"].verdict
    return {(found.kind, found.part) for found in verdict.findings} if verdict else set()


@pytest.mark.parametrize("kind_of_listing", sorted(LISTINGS))
def test_page_listed_before_its_slot_is_an_early_exposure(
    tmp_path: Path, kind_of_listing: str
) -> None:
    """The release is announced for 09:30. At 09:28:30, its page comes at another address than
    announced, and a listing shows it. So the release is exposed early. People get one notice of
    that, which does not quote the page. After a restart, the monitor still knows it.
    """
    path, without_page, with_page = LISTINGS[kind_of_listing]
    answers = listing_answers(path, without_page, with_page, at="09:28:30")

    async def restart_before_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:45")
        assert monitor.stored_verdict() == "early"
        # The listed page became a further part, `elsewhere-1`. It had several looks in the minute
        # before.
        assert current_findings(monitor) == {(FindingKind.EARLY_EXPOSURE, "elsewhere-1")}
        assert monitor.runs("claims-q3/elsewhere-1/edge")[-1].looks > 3
        await monitor.restart(killed_at="09:29:45", started_at="09:29:50")
        await monitor.until("09:29:58")
        assert (FindingKind.EARLY_EXPOSURE, "elsewhere-1") in current_findings(monitor)
        _page, elsewhere = monitor.daemon.parts.watch.releases["claims-q3"].release.parts
        assert elsewhere.url == LISTED_URL
        notices = monitor.daemon.core.store.outbox.notices()
        assert [notice.kind for notice in notices if not notice.follows] == ["opened"]
        # No notice discloses what the page says.
        assert not any("Figures." in notice.text for notice in notices)

    run_monitor(
        tmp_path, answers, restart_before_slot, base=with_listing(path), delay=REAL_COMMIT_DELAY
    )


SITEMAP, SITEMAP_BEFORE, SITEMAP_AFTER = LISTINGS["sitemap"]


@pytest.mark.slow
@with_daemon(
    listing_answers(SITEMAP, SITEMAP_BEFORE, SITEMAP_AFTER, at="09:32:10"),
    base=with_listing(SITEMAP),
)
async def test_missing_release_listed_elsewhere_is_late_and_elsewhere_first(
    monitor: MonitorInTest,
) -> None:
    """The release is due at 09:30, but its page never comes at the announced address. At 09:32:10
    it comes at another one, which a sitemap shows. So its own page is late. The finding
    `elsewhere_first` says that it was found at another address.
    """
    await monitor.until("09:37:00")
    assert monitor.stored_verdict() == "overdue"
    assert current_findings(monitor) == {
        (FindingKind.LATE, "page"),
        (FindingKind.ELSEWHERE_FIRST, "elsewhere-1"),
    }


@with_daemon(
    listing_answers(SITEMAP, SITEMAP_BEFORE, SITEMAP_BEFORE, at="09:29:00"),
    base=with_listing(SITEMAP),
)
async def test_previous_edition_in_a_listing_is_no_match(monitor: MonitorInTest) -> None:
    """The release is the edition of July to September. The sitemap shows only that of April to
    June. So its entry is not requested, and there is no finding.
    """
    await monitor.until("09:29:45")
    assert current_findings(monitor) == set()
    assert [part.id for part in monitor.daemon.parts.watch.releases["claims-q3"].release.parts] == [
        "page"
    ]
    requested = [
        entry.path for entry in monitor.publisher.log.entries if entry.host == "stats.example"
    ]
    assert set(requested) == {SITEMAP}
    # The listing itself is looked at each minute from 09:28 to 09:29:45.
    assert len(requested) <= 3
    # The page of the release itself is looked at as usual.
    assert monitor.publisher.log.requests()[HOST] > 0


HEAD_WITH_SLOT_AT_09_40 = HEAD.replace("slot = 2026-11-26T09:30:00", "slot = 2026-11-26T09:40:00")
UNEXPECTED_URL = "https://www.gov.uk/government/statistics/example-claims-july-to-september-2026--1"
ON_GOVUK = Settings.model_validate(
    {"producer": [{"id": "department-for-example", "name": "Department", "hosts": ["www.gov.uk"]}]}
)


def found_by_search(*, early: bool) -> str:
    """Return a search listing of the shape of GOV.UK's."""
    common = {
        "index": "govuk",
        "es_score": None,
        "elasticsearch_type": "edition",
        "document_type": "edition",
    }
    plan = {"title": "Example plan: 2025", "link": "/government/statistics/example-plan-2025"}
    surprise = {"title": TITLE, "link": UNEXPECTED_URL.removeprefix("https://www.gov.uk")}
    rows = [
        {**common, **row, "_id": row["link"], "public_timestamp": "2026-11-26T09:28:30Z"}
        for row in ([surprise, plan] if early else [plan])
    ]
    return json.dumps(
        {"results": rows, "total": len(rows), "start": 0, "aggregates": {}, "suggested_queries": []}
    )


def organisation_feed(*, early: bool) -> str:
    """Return an organisation's feed of the shape of GOV.UK's: the kind of statistics stands before
    the title.
    """
    entry = (
        f"<entry><id>{UNEXPECTED_URL}#2026-11-26T09:28:30Z</id><updated>2026-11-26T09:28:30Z</updated>"
        f'<link rel="alternate" type="text/html" href="{UNEXPECTED_URL}"/>'
        "<title>Accredited Official Statistics:"
        f" {TITLE}</title><summary>Quarterly.</summary></entry>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xml:lang="en-GB"'
        ' xmlns="http://www.w3.org/2005/Atom">'
        "<id>tag:www.gov.uk,2005:/government/organisations/department-for-example</id>"
        f"<title>Department for Example - Activity on GOV.UK</title>{entry if early else ''}</feed>"
    )


def govuk_listings(*, shown_in: str) -> str:
    """Return GOV.UK's search and the feed of an organisation, and the page that one of them shows
    from 09:28:30 on.
    """
    feed_url = f"https://{HOST}/government/organisations/department-for-example.atom"
    listings = {
        "search": (newest_on_govuk("department-for-example"), found_by_search, "json"),
        "feed": (feed_url, organisation_feed, "atom+xml"),
    }
    tables = an_answer(UNEXPECTED_URL, "09:28:30", PAGE)
    for name, (url, listing, kind) in listings.items():
        content_type = f'headers = {{ "Content-Type" = "application/{kind}" }}\n'
        tables += an_answer(url, "08:00:00", listing(early=False), more=content_type)
        if name == shown_in:
            tables += an_answer(url, "09:28:30", listing(early=True), more=content_type)
    return tables


@pytest.mark.parametrize("listing", ["search", "feed"])
def test_govuk_listing_of_another_address_shows_early_exposure(
    tmp_path: Path, listing: str
) -> None:
    """The slot is at 09:40. At 09:28:30, the page comes at another address than announced. A search
    or a feed of GOV.UK shows it. So the release is exposed early.
    """

    async def read_findings(monitor: MonitorInTest) -> None:
        await monitor.until("09:33:30")
        assert (FindingKind.EARLY_EXPOSURE, "page") in current_findings(monitor)

    tables = govuk_listings(shown_in=listing)
    run_monitor(tmp_path, tables, read_findings, head=HEAD_WITH_SLOT_AT_09_40, base=ON_GOVUK)


@with_daemon(govuk_listings(shown_in="search"), head=HEAD_WITH_SLOT_AT_09_40, base=ON_GOVUK)
async def test_govuk_search_and_feed_share_one_request_a_minute(monitor: MonitorInTest) -> None:
    """On GOV.UK, a search and a feed list what a producer has published. They are requested in
    turn, one of them each minute.
    """
    await monitor.until("09:33:30")
    entries = monitor.publisher.log.entries
    of_search = [entry.at.minute for entry in entries if "filter_organisations" in entry.query]
    of_feed = [entry.at.minute for entry in entries if ".atom" in entry.path]
    assert of_search
    assert of_feed
    requests_by_minute = Counter(of_search + of_feed)
    assert set(requests_by_minute.values()) == {1}


SITEMAP_INDEX = (
    '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    "<sitemap><loc>https://stats.example/map-old.xml</loc><lastmod>2019-01-01</lastmod></sitemap>"
    "<sitemap><loc>https://stats.example/map-1.xml.gz</loc><lastmod>2026-11-25T18:00:00+00:00</lastmod></sitemap>"
    "<sitemap><loc>https://stats.example/map-2.xml</loc><lastmod>2026-11-24</lastmod></sitemap>"
    "<sitemap><loc>https://stats.example/map-3.xml</loc><lastmod>2026-11-23</lastmod></sitemap>"
    "<sitemap><loc>https://elsewhere.example/map.xml</loc></sitemap></sitemapindex>"
)


def test_release_is_found_in_recent_sitemap_of_an_index(tmp_path: Path) -> None:
    """A sitemap lists the pages of a site.

    Here an index names three: a recent one, one of 2019, one on another host.

    1. The slot is at 09:40. From 09:32:30 on, the recent sitemap lists the release at another
       address: early exposure.
    2. The sitemap of 2019 and the one on the other host are not read.
    3. The index and its sitemaps together get one request a minute.
    """
    for name, body in {"before": sitemap(), "after": sitemap(LISTED_URL)}.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(body.encode()))
    tables = an_answer(f"{STATS}/sitemap.xml", "08:00:00", SITEMAP_INDEX)
    # The recent sitemap, `map-1.xml.gz`, is compressed.
    for name, at in (("before", "08:00:00"), ("after", "09:32:30")):
        gzipped_body = (
            f'body_file = "{name}.gz"\nheaders = {{ "Content-Type" = "application/gzip" }}\n'
        )
        tables += an_answer(f"{STATS}/map-1.xml.gz", at, more=gzipped_body)
    tables += an_answer(LISTED_URL, "09:32:30", PAGE)

    async def read_findings(monitor: MonitorInTest) -> None:
        await monitor.until("09:39:00")
        assert current_findings(monitor) >= {(FindingKind.EARLY_EXPOSURE, "elsewhere-1")}
        requests = [entry for entry in monitor.publisher.log.entries if "map" in entry.path]
        assert {entry.host for entry in requests} == {"stats.example"}
        assert "/map-old.xml" not in {entry.path for entry in requests}
        requests_by_minute = Counter(f"{entry.at:%H:%M}" for entry in requests)
        assert set(requests_by_minute.values()) == {1}

    run_monitor(
        tmp_path,
        tables,
        read_findings,
        head=HEAD_WITH_SLOT_AT_09_40,
        base=with_listing("/sitemap.xml"),
    )


NINE = datetime(2026, 11, 26, 9, tzinfo=UTC)


def tripwires_of(*producers: Producer, poller: FakePoller | None = None) -> Tripwires:
    return make_tripwires(producers, poller=poller)


def a_look(target: Target, *found: Found, at: datetime = NINE) -> Sighting:
    """Return one look at a tripwire, which has these entries."""
    return Sighting(target.id, State.ABSENT, at, at, at, at, found=found)


def test_tripwires_of_one_producer_and_host_take_turns() -> None:
    """A tripwire is a listing or feed that may show a release early. All those of one producer on
    one host together get one request a minute. So if there are two, each is requested every two
    minutes, the second one a minute later.
    """
    one = Producer("one", ["www.gov.uk"], [f"{STATS}/a.xml", f"{STATS}/b.atom"])
    two = Producer("two", newest=[f"{STATS}/a.xml"])
    minute = timedelta(minutes=1)
    planned = [
        (target.id.split("/")[1], target.host, window.every / minute, shift / minute)
        for target, (window,), shift in tripwires_of(one, two).plan_targets()
    ]
    # Each row has a producer, a host, the minutes between two requests, and those until the first.
    # On www.gov.uk, a producer has two tripwires: a search and a feed.
    assert planned == [
        ("one", "www.gov.uk", 2.0, 0.0),
        ("one", "www.gov.uk", 2.0, 1.0),
        ("one", "stats.example", 2.0, 0.0),
        ("one", "stats.example", 2.0, 1.0),
        ("two", "stats.example", 1.0, 0.0),
    ]


def test_only_current_sitemaps_on_the_own_host_are_watched() -> None:
    """An index may name others at each look. Only those that it named last are watched, and only those on
    its own host.
    """
    poller = FakePoller()
    wires = tripwires_of(Producer("one", newest=[f"{STATS}/sitemap.xml"]), poller=poller)
    (index,) = wires.targets()
    wires.start(NINE - timedelta(hours=1))

    def look_at_index(*named_urls: str) -> None:
        wires.see(index, a_look(index, *(Found(url, "", "sitemap") for url in named_urls)))

    look_at_index(f"{STATS}/a.xml", "https://another-host.example/b.xml")
    assert sorted(poller.urls()) == [f"{STATS}/a.xml", f"{STATS}/sitemap.xml"]
    # The same sitemap again changes no plan.
    calls_before = poller.calls
    look_at_index(f"{STATS}/a.xml")
    assert poller.calls == calls_before
    # Another sitemap takes its place.
    look_at_index(f"{STATS}/b.xml")
    assert sorted(poller.urls()) == [f"{STATS}/b.xml", f"{STATS}/sitemap.xml"]


def test_match_is_reported_once_and_forgotten_with_its_release() -> None:
    """A match is an entry of a listing with the title of a release whose slot is near. Each week
    another release is near, and two listings show its page. That is reported once. In the next
    week, the match is no longer in memory.
    """
    near, reported = list[NearRelease](), list[str]()
    producer = Producer("one", newest=[f"{STATS}/feed.atom", f"{STATS}/latest"])
    wires = make_tripwires(
        [producer],
        near_releases=lambda _producer: near,
        on_match=lambda match: reported.append(match.url),
    )
    feed, latest = wires.targets()
    weeks = 20
    for week in range(weeks):
        title, when = f"Example claims: week {week}, 2026", NINE + timedelta(weeks=week)
        release = Release(f"of-week-{week}", title, "one", f"{STATS}/promised-{week}", ())
        near[:] = [NearRelease(release, when)]
        page = Found(f"{STATS}/week-{week}", title, "listed")
        # Both listings of the producer show the page, the feed even twice.
        for listing in (feed, latest, feed):
            wires.see(listing, a_look(listing, page, at=when))
    assert reported == [f"{STATS}/week-{week}" for week in range(weeks)]
    weeks_in_memory = [week for week in range(weeks) if f"'of-week-{week}'" in repr(wires)]
    assert weeks_in_memory == [weeks - 1]


def test_sitemaps_no_longer_in_their_index_are_forgotten() -> None:
    """Each day this one names a new sitemap, and no longer the one before. Only the last one is
    still in memory.
    """
    wires = tripwires_of(Producer("one", newest=[f"{STATS}/sitemap.xml"]))
    index = next(wires.targets())
    for day in range(9):
        wires.see(index, a_look(index, Found(f"{STATS}/of-day-{day}.xml", "", "sitemap")))
        (child,) = (target for target in wires.targets() if target.url != index.url)
        wires.see(child, a_look(child, Found(f"{STATS}/{day}", "Example", "listed")))
    # `wires` has a `_Listing` for each sitemap that it remembers.
    days_in_memory = [day for day in range(9) if f"/of-day-{day}.xml': _Listing" in repr(wires)]
    assert days_in_memory == [8]


@pytest.mark.parametrize(
    ("facts", "when"),
    [
        ({"updated": "2026-11-26T09:28:30Z"}, "2026-11-26T09:28:30+00:00"),
        (
            {"published": "Thu, 26 Nov 2026 09:28:30 GMT", "updated": "2027-01-01"},
            "2026-11-26T09:28:30+00:00",
        ),
        ({"public_timestamp": "2026-11-26T09:28:30.000+00:00"}, "2026-11-26T09:28:30+00:00"),
        ({"updated": "2026-11-26"}, "2026-11-26T00:00:00+00:00"),
        ({"published": "soon", "updated": ""}, None),
        ({"published": "Thu, 26 Nov 99999999999999999999 09:28:30 GMT"}, None),
        ({}, None),
    ],
)
def test_publication_date_is_read_from_feeds_and_sitemaps(
    facts: dict[str, str], when: str | None
) -> None:
    """Feeds and sitemaps give the date of an entry in several fields and formats. The date of
    publication goes before that of an update. None: there is no date that can be read.
    """
    date = publication_date(Found("u", "t", "listed", facts))
    assert (date.isoformat() if date else None) == when


@pytest.mark.parametrize("days_until_slot", [1, 40, 87])
@pytest.mark.parametrize(
    ("title_of_entry", "is_new", "is_match"),
    [
        (TITLE, True, True),
        (TITLE, False, True),
        ("Something else altogether", True, True),
        ("Something else altogether", False, False),
    ],
)
def test_listed_own_address_matches_if_new_or_rightly_titled(
    title_of_entry: str, days_until_slot: int, *, is_new: bool, is_match: bool
) -> None:
    """A slot is in 1, 40 or 87 days. A listing has an entry with the address of the release. A
    match means that the release may be early. A new entry (`is_new`) matches under any title. An
    old one, which was there at the last look, matches only under the title of the release.
    """
    entry = Found(LISTED_URL, title_of_entry, "entry")
    # A match by the address has the same kind as one by the title.
    expected = [("claims-q3", MatchKind.TITLE)] if is_match else []
    now = datetime(2026, 9, 15, 15, 50, tzinfo=UTC)
    assert (
        matches_of_release(
            entry, is_new=is_new, slot=now + timedelta(days=days_until_slot), now=now
        )
        == expected
    )


@pytest.mark.parametrize("days_since_slot", [1, 40, 87])
@pytest.mark.parametrize("title_of_entry", [TITLE, "Something else altogether"])
def test_announced_address_listed_after_its_slot_is_no_match(
    title_of_entry: str, days_since_slot: int
) -> None:
    """A slot was 1, 40 or 87 days ago. Only now, a listing shows the address of the release. A
    match would mean that the release may be early. But its slot is over, so there is none.
    """
    entry = Found(LISTED_URL, title_of_entry, "entry")
    now = datetime(2026, 9, 15, 15, 50, tzinfo=UTC)
    assert (
        matches_of_release(entry, is_new=True, slot=now - timedelta(days=days_since_slot), now=now)
        == []
    )


def matches_of_release(
    entry: Found, *, is_new: bool, slot: datetime, now: datetime
) -> list[tuple[str, MatchKind]]:
    release = Release("claims-q3", TITLE, "one", LISTED_URL, (Part("page", Role.PAGE, LISTED_URL),))
    matcher = Matcher([NearRelease(release, slot)], now, lambda _found: ())
    return list(matcher.matches(entry, is_new=is_new))


@pytest.mark.parametrize("url", [LISTED_URL, f"{STATS}/releases/other"], ids=["own", "other"])
@pytest.mark.parametrize(
    "title",
    [
        "Example claims: July to September 2026, tables",
        "Example claims by region: July to September 2026",
        "Example claims: July 2026 to September 2026, week 3",
    ],
)
def test_entry_with_title_of_another_known_release_does_not_match(url: str, title: str) -> None:
    """The entry is new, and at the promised address of our release or at another one."""
    slot = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    release = Release("claims-q3", TITLE, "one", LISTED_URL, (Part("page", Role.PAGE, LISTED_URL),))
    near = NearRelease(release, slot, similar_titles=(title,))
    matcher = Matcher([near], slot - timedelta(days=1), lambda _found: ())
    assert list(matcher.matches(Found(url, title, "entry"), is_new=True)) == []


def test_entry_is_of_the_release_with_the_nearest_title() -> None:
    claims = Release("claims", "Example claims by post and region: 2026", "one", f"{STATS}/1", ())
    mail = Release("mail", "Example claims by post, region and mail: 2026", "one", f"{STATS}/2", ())
    found = matching_releases(
        [claims, mail], f"{STATS}/3", "Example claims by post and region 2026"
    )
    assert found == [claims]
    # The title may also be that of a release without being the same.
    assert matching_releases([claims], f"{STATS}/3", mail.title) == [claims]
