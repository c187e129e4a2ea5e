"""GOV.UK as it would answer for the releases of a script, coherently (`facts/govuk.md` §9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.rehearse.publisher.calendar import announced_url, is_listed
from monitor.rehearse.publisher.govuk.facts import ASSETS, WWW, Facts, PageState, Standing, is_asset, is_www, path_of
from monitor.rehearse.publisher.govuk.feeds import feed
from monitor.rehearse.publisher.govuk.items import (
    announcement_item,
    as_json,
    gone_item,
    media_type,
    publication_item,
    redirect_item,
)
from monitor.rehearse.publisher.govuk.pages import announcement_page, error_page, publication_page
from monitor.rehearse.publisher.govuk.search import announcement_path, search
from monitor.rehearse.publisher.reply import Asked, Reply
from monitor.rehearse.script.script import ScriptPart, ScriptRelease

_API = "/api/content"
_MONTH = timedelta(days=28)
_TEXTS = {"csv", "tsv", "txt"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BEGINNINGS = {"pdf": b"%PDF-1.7\n", "xml": b"<figures>", **dict.fromkeys(("xls", "doc", "ppt"), _OLD_OFFICE)}


class GovUk:
    """Answers for GOV.UK's hosts where the script does not. Pure."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._announced = {announcement_path(release): release for release in facts.releases if is_listed(release)}
        self._pages = dict(_pages(facts))
        self._files = {path_of(part.url): (release, part) for release, part in _parts(facts) if is_asset(part.url)}
        self._children = {
            path_of(part.url): (release, part)
            for release, part in _parts(facts)
            if is_www(part.url) and facts.follows_page(release, part)
        }

    def reply(self, asked: Asked, now: datetime) -> Reply | None:
        """Return what GOV.UK answers; None where it knows nothing of the address."""
        if asked.host == ASSETS:
            return self._file(asked.path, now)
        return self._www(asked, now) if asked.host == WWW else None

    def _www(self, asked: Asked, now: datetime) -> Reply | None:
        if asked.path == "/api/search.json":
            return search(self.facts, asked.query, now)
        if asked.path.startswith(f"{_API}/"):
            return self._item(asked, now)
        if asked.path in self._announced:
            return self._announcement(asked.path, now)
        if asked.path in self._children:
            return self._child(asked.path, now)
        return feed(self.facts, asked, now)

    def page(self, url: str, now: datetime) -> Reply | None:
        """Return the plausible page of a release or part on GOV.UK; None for an address of neither."""
        if not is_www(url) or path_of(url) not in self._pages:
            return None
        release, _ = self._pages[path_of(url)]
        standing = self.facts.scripted(url, now)
        parts = self._out(release, now) if url == release.url else []
        return publication_page(release, parts, standing.since or now, standing.first)

    def _out(self, release: ScriptRelease, now: datetime) -> list[ScriptPart]:
        parts = [part for part in release.part if part.role != "alternative"]
        return [part for part in parts if self.facts.part(release, part, now).is_out]

    def _announcement(self, path: str, now: datetime) -> Reply:
        release = self._announced[path]
        if self.facts.is_redirected(release, now):
            return Reply(301, b"", {"Location": path_of(release.url), "Cache-Control": "max-age=1800, public"})
        entry = self.facts.entry(release, now)
        return error_page(404) if entry is None else announcement_page(entry)

    def _item(self, asked: Asked, now: datetime) -> Reply:
        path = asked.path.removeprefix(_API)
        if path in self._announced:
            return self._announcement_item(path, now)
        if path in self._children:
            release, part = self._children[path]
            return self._page_item(release, path, self.facts.part(release, part, now), now)
        if path not in self._pages:
            return error_page(404)
        release, url = self._pages[path]
        # The API is cached like the page: a query that no cache has seen gets the origin's answer.
        standing = self.facts.scripted(url, now, edge=not asked.query)
        reply = self._page_item(release, path, standing, now)
        return reply if standing.age is None else reply.having({"Age": str(standing.age), "X-Cache": "HIT"})

    def _announcement_item(self, path: str, now: datetime) -> Reply:
        release = self._announced[path]
        if self.facts.is_redirected(release, now):
            since = self.facts.page(release, now).first
            return as_json(redirect_item(path, path_of(release.url), since))
        entry = self.facts.entry(release, now)
        if entry is None:
            return error_page(404)
        return as_json(announcement_item(path, entry, self.facts.script.begins - _MONTH))

    def _page_item(self, release: ScriptRelease, path: str, standing: Standing, now: datetime) -> Reply:
        if standing.state is PageState.OTHER:
            other = release.model_copy(update={"title": standing.title})
            return as_json(publication_item(other, path, standing, [], None))
        if standing.is_out:
            slot = release.slot if isinstance(release.slot, datetime) else None
            parts = self._out(release, now) if path == path_of(release.url) else []
            return as_json(publication_item(release, path, standing, parts, slot))
        if standing.state is PageState.GONE:
            return as_json(gone_item(path, standing.since)) if _explains(standing) else error_page(410)
        answer = standing.answer
        if standing.state is PageState.REDIRECT and answer is not None:
            return as_json(redirect_item(path, path_of(answer.headers.get("Location", "/")), standing.since))
        if standing.state is PageState.ERROR and answer is not None:
            return error_page(answer.status if answer.status >= 400 else 503)
        return error_page(404)

    def _child(self, path: str, now: datetime) -> Reply:
        release, part = self._children[path]
        standing = self.facts.part(release, part, now)
        if standing.is_out:
            return publication_page(release, [], standing.since or now)
        if standing.state is PageState.GONE:
            return Reply(301, b"", {"Location": path_of(release.url)})
        return error_page(404)

    def _file(self, path: str, now: datetime) -> Reply | None:
        if path not in self._files:
            return None
        release, part = self._files[path]
        standing = self.facts.part(release, part, now)
        if standing.is_out:
            return file_reply(path, release.title)
        if standing.state is PageState.GONE:
            return Reply(302, b"", {"Location": release.url, "Cache-Control": "no-cache"})
        draft = f"https://draft-{ASSETS}{path}"
        return Reply(302, b"", {"Location": draft, "Cache-Control": "no-cache", "Fastly-Backend-Name": "awsorigin"})


def file_reply(path: str, title: str) -> Reply:
    """Return a file of a release: bytes that are its own and always the same, and begin as its kind does."""
    extension = path.rpartition(".")[2].lower()
    if extension in {"json", "geojson"}:
        body = json.dumps({"release": title, "file": path}).encode()
    else:
        rows = f"title,path\n{title},{path}\n".encode() * 8
        body = rows if extension in _TEXTS else _BEGINNINGS.get(extension, b"PK\x03\x04") + rows
    return Reply(200, body, {"Content-Type": media_type(path), "Fastly-Backend-Name": "awsorigin"})


def _explains(standing: Standing) -> bool:
    body = standing.answer.content if standing.answer else None
    return body is None or b"published in error" in body.lower()


def _parts(facts: Facts) -> Iterator[tuple[ScriptRelease, ScriptPart]]:
    for release in facts.releases:
        for part in release.part:
            yield release, part


def _pages(facts: Facts) -> Iterator[tuple[str, tuple[ScriptRelease, str]]]:
    """Yield the path of each page that the script answers for, with the release it belongs to, the nearest last."""
    for release in facts.releases:
        if is_listed(release) and facts.timelines.tells_of(announced_url(release)):
            yield path_of(announced_url(release)), (release, announced_url(release))
    for release, part in _parts(facts):
        if is_www(part.url) and not facts.follows_page(release, part):
            yield path_of(part.url), (release, part.url)
    for release in facts.releases:
        if is_www(release.url):
            yield path_of(release.url), (release, release.url)
