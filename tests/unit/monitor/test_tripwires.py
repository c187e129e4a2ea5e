"""A release at an address that nobody promised: shown by a listing, looked at closely, told with what it proves."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.settings import Settings
from monitor.judge.verdict import Kind
from tests.unit.monitor.life import HOST, Life, live

TITLE = "Example claims: July to September 2026"
STATS = "https://stats.example"
SLUG = f"{STATS}/releases/example-claims-july-to-september-2026"
PAGE = f"<html><head><title>{TITLE}</title></head><body><h1>{TITLE}</h1><p>Figures.</p></body></html>"
OLD = "<url><loc>https://stats.example/releases/example-claims-april-to-june-2026</loc></url>"
FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>All</title>'
    "<entry><id>1</id><title>{title}</title><updated>2026-11-26T09:28:30Z</updated>"
    '<link rel="alternate" href="{url}"/></entry></feed>'
)


def sitemap(*urls: str) -> str:
    places = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{OLD}{places}</urlset>'


LISTINGS = {
    "sitemap": ("/sitemap.xml", sitemap(), sitemap(SLUG)),
    "feed": (
        "/news.atom",
        FEED.format(title="Annual plan", url=f"{STATS}/plan"),
        FEED.format(title=TITLE, url=SLUG),
    ),
    "page": (
        "/latest",
        "<html><title>Latest</title><body><h1>Latest</h1><a href='/plan'>Annual plan</a></body></html>",
        f"<html><title>Latest</title><body><h1>Latest</h1><a href='{SLUG}'>{TITLE}</a></body></html>",
    ),
}


def answers(path: str, before: str, after: str, at: str) -> str:
    told = [(STATS + path, "08:00:00", before), (STATS + path, at, after), (SLUG, at, PAGE)]
    return "".join(
        f"[[answer]]\nurl = \"{url}\"\nat = 2026-11-26T{when}\nbody = '''{body}'''\n" for url, when, body in told
    )


def producer(path: str) -> Settings:
    table = {"id": "department-for-example", "name": "Department", "newest": [STATS + path]}
    return Settings.model_validate({"producer": [table]})


def findings(life: Life) -> set[tuple[Kind, str | None]]:
    verdict = life.daemon.watch.releases["claims-q3"].verdict
    return {(found.kind, found.part) for found in verdict.findings} if verdict else set()


@pytest.mark.parametrize("kind", sorted(LISTINGS))
def test_a_release_that_a_listing_shows_before_its_slot_is_an_early_exposure(tmp_path: Path, kind: str) -> None:
    path, before, after = LISTINGS[kind]

    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert (life.word(), findings(life)) == ("early", {(Kind.EARLY_EXPOSURE, "elsewhere-1")})
        # From the first look on that address is looked at as closely as any.
        assert life.runs("claims-q3/elsewhere-1/edge")[-1].looks > 3
        await life.kill()
        await life.until("09:29:50")
        await life.start()
        await life.until("09:29:58")
        assert findings(life) >= {(Kind.EARLY_EXPOSURE, "elsewhere-1")}
        assert [one.url for one in life.daemon.watch.releases["claims-q3"].release.parts if one.id != "page"] == [SLUG]
        notices = life.daemon.store.notices()
        assert [notice.kind for notice in notices if not notice.follows] == ["opened"]
        assert not any(TITLE in notice.text and "Figures." in notice.text for notice in notices)

    live(tmp_path, answers(path, before, after, "09:28:30"), act, base=producer(path))


def test_a_release_that_a_listing_shows_while_its_page_is_missing_was_elsewhere_first(tmp_path: Path) -> None:
    path, before, after = LISTINGS["sitemap"]

    async def act(life: Life) -> None:
        await life.until("09:37:00")
        assert life.word() == "overdue"
        assert findings(life) == {(Kind.LATE, "page"), (Kind.ELSEWHERE_FIRST, "elsewhere-1")}

    live(tmp_path, answers(path, before, after, "09:32:10"), act, base=producer(path))


def test_the_edition_before_in_a_listing_is_nothing(tmp_path: Path) -> None:
    path, before, _ = LISTINGS["sitemap"]

    async def act(life: Life) -> None:
        await life.until("09:29:45")
        assert findings(life) == set()
        assert [part.id for part in life.daemon.watch.releases["claims-q3"].release.parts] == ["page"]
        assert life.publisher.log.requests()["stats.example"] <= 3
        assert life.publisher.log.requests()[HOST] > 0

    live(tmp_path, answers(path, before, before, "09:29:00"), act, base=producer(path))
