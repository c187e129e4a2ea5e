"""A simulated GOV.UK: what its website, content API and files answer about a script's releases.

Everything is derived from the same `Facts`, so the answers agree with each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from monitor.rehearse.publisher.calendar import announced_url, is_on_gov_uk_calendar
from monitor.rehearse.publisher.govuk.facts import (
    ASSETS,
    WWW,
    Facts,
    PageState,
    PageStatus,
    is_asset,
    is_www,
    path_of,
)
from monitor.rehearse.publisher.govuk.items import (
    announcement_item,
    gone_item,
    json_reply,
    media_type,
    publication_item,
    redirect_item,
)
from monitor.rehearse.publisher.govuk.pages import announcement_page, error_page, publication_page
from monitor.rehearse.publisher.govuk.search import announcement_path, atom_feed, search
from monitor.rehearse.publisher.reply import ReceivedRequest, Reply
from monitor.rehearse.script.script import ScriptPart, ScriptRelease

_API_PATH = "/api/content"
_TEXT_EXTENSIONS = {"csv", "tsv", "txt"}
_OLD_OFFICE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_FIRST_BYTES = {
    "pdf": b"%PDF-1.7\n",
    "xml": b"<figures>",
    **dict.fromkeys(("xls", "doc", "ppt"), _OLD_OFFICE),
}


class GovUk:
    """Answers requests to GOV.UK's hosts for which the script has no answer."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._release_by_announcement = {
            announcement_path(release): release
            for release in facts.releases
            if is_on_gov_uk_calendar(release)
        }
        self._page_by_path = dict(_find_pages(facts))
        self._file_part_by_path = {
            path_of(part.url): (release, part)
            for release, part in _all_parts(facts)
            if is_asset(part.url)
        }
        self._html_part_by_path = {
            path_of(part.url): (release, part)
            for release, part in _all_parts(facts)
            if is_www(part.url) and facts.is_published_with_page(release, part)
        }

    def reply(self, request: ReceivedRequest, now: datetime) -> Reply | None:
        """Return GOV.UK's reply, or None if GOV.UK has nothing at the address."""
        if request.host == ASSETS:
            return self._file_reply(request.path, now)
        if request.host == WWW:
            return self._www_reply(request, now)
        return None

    def _www_reply(self, request: ReceivedRequest, now: datetime) -> Reply | None:
        """Return the reply of search, content API, announcement, HTML part or feed, else None."""
        if request.path == "/api/search.json":
            return search(self.facts, request.query, now)
        if request.path.startswith(f"{_API_PATH}/"):
            return self._item_reply(request, now)
        if request.path in self._release_by_announcement:
            return self._announcement_reply(request.path, now)
        if request.path in self._html_part_by_path:
            return self._html_part_reply(request.path, now)
        return atom_feed(self.facts, request, now)

    def page(self, url: str, now: datetime) -> Reply | None:
        """Return the page of a release or part at this address, or None if it has none."""
        if not is_www(url) or path_of(url) not in self._page_by_path:
            return None
        release, _ = self._page_by_path[path_of(url)]
        status = self.facts.status_of_url(url, now)
        # Only a release's own page links to its parts. `status.first` is the time of its first
        # publication.
        parts = self._public_parts(release, now) if url == release.url else []
        return publication_page(release, parts, status.since or now, status.first)

    def _public_parts(self, release: ScriptRelease, now: datetime) -> list[ScriptPart]:
        """Return the parts that the release's page links to at `now`.

        It never links to alternatives.
        """
        parts = [part for part in release.part if part.role != "alternative"]
        return [part for part in parts if self.facts.part_status(release, part, now).is_public]

    def _announcement_reply(self, path: str, now: datetime) -> Reply:
        """Return an announcement's page: after the publication a redirect to the release, 404
        without an entry in the calendar.
        """
        release = self._release_by_announcement[path]
        if self.facts.is_redirected(release, now):
            return Reply(
                301,
                b"",
                {"Location": path_of(release.url), "Cache-Control": "max-age=1800, public"},
            )
        entry = self.facts.calendar_entry(release, now)
        return error_page(404) if entry is None else announcement_page(entry)

    def _item_reply(self, request: ReceivedRequest, now: datetime) -> Reply:
        """Return the content API's reply on an announcement, an HTML part or a page, else 404."""
        path = request.path.removeprefix(_API_PATH)
        if path in self._release_by_announcement:
            return self._announcement_item_reply(path, now)
        if path in self._html_part_by_path:
            release, part = self._html_part_by_path[path]
            return self._page_item_reply(
                release, path, self.facts.part_status(release, part, now), now
            )
        if path not in self._page_by_path:
            return error_page(404)
        release, url = self._page_by_path[path]
        # The API is cached like the page. A request with a query passes the cache, because no cache
        # has a copy.
        status = self.facts.status_of_url(url, now, edge=not request.query)
        reply = self._page_item_reply(release, path, status, now)
        if status.age is None:
            return reply
        return reply.with_default_headers({"Age": str(status.age), "X-Cache": "HIT"})

    def _announcement_item_reply(self, path: str, now: datetime) -> Reply:
        """Return the content item that belongs to an announcement's page."""
        release = self._release_by_announcement[path]
        if self.facts.is_redirected(release, now):
            since = self.facts.status_of_url(release.url, now).first
            return json_reply(redirect_item(path, path_of(release.url), since))
        entry = self.facts.calendar_entry(release, now)
        if entry is None:
            return error_page(404)
        return json_reply(announcement_item(path, entry, self.facts.default_announcement))

    def _page_item_reply(
        self, release: ScriptRelease, path: str, status: PageStatus, now: datetime
    ) -> Reply:
        """Return the reply for a page: an item (publication, gone, redirect) or an error page."""
        if status.state is PageState.OTHER:  # the address shows a publication with another title
            other = release.model_copy(update={"title": status.title})
            return json_reply(publication_item(other, path, status, parts=[], slot=None))
        if status.is_public:
            slot = release.slot if isinstance(release.slot, datetime) else None
            parts = self._public_parts(release, now) if path == path_of(release.url) else []
            return json_reply(publication_item(release, path, status, parts, slot))
        if status.state is PageState.GONE:
            # Only a page that says why it was removed has an item. The publisher's default page
            # does.
            body = status.answer.content if status.answer else None
            is_explained = body is None or b"published in error" in body.lower()
            return json_reply(gone_item(path, status.since)) if is_explained else error_page(410)
        answer = status.answer
        if status.state is PageState.REDIRECT and answer is not None:
            return json_reply(
                redirect_item(path, path_of(answer.headers.get("Location", "/")), status.since)
            )
        if status.state is PageState.ERROR and answer is not None:
            # The website can show an error with status 200. The API then fails with 503.
            return error_page(answer.status if answer.status >= 400 else 503)
        return error_page(404)

    def _html_part_reply(self, path: str, now: datetime) -> Reply:
        """Return the page of an HTML part: a redirect to the release if removed, 404 if not out."""
        release, part = self._html_part_by_path[path]
        status = self.facts.part_status(release, part, now)
        if status.is_public:
            return publication_page(release, [], status.since or now)
        if status.state is PageState.GONE:
            return Reply(301, b"", {"Location": path_of(release.url)})
        return error_page(404)

    def _file_reply(self, path: str, now: datetime) -> Reply | None:
        """Return a file, a redirect if it was removed or is not out, or None if it is unknown."""
        if path not in self._file_part_by_path:
            return None
        release, part = self._file_part_by_path[path]
        status = self.facts.part_status(release, part, now)
        if status.is_public:
            return file_reply(path, release.title)
        if status.state is PageState.GONE:
            return Reply(302, b"", {"Location": release.url, "Cache-Control": "no-cache"})
        # As on the real GOV.UK, a file that is not out is on the host of drafts. The header names
        # the server behind the cache.
        draft = f"https://draft-{ASSETS}{path}"
        return Reply(
            302,
            b"",
            {"Location": draft, "Cache-Control": "no-cache", "Fastly-Backend-Name": "awsorigin"},
        )


def file_reply(path: str, title: str) -> Reply:
    """Return a file made of path and title.

    Its first bytes fit its extension, by default those of a zip (.xlsx).
    """
    extension = path.rpartition(".")[2].lower()
    if extension in {"json", "geojson"}:
        body = json.dumps({"release": title, "file": path}).encode()
    else:
        rows = f"title,path\n{title},{path}\n".encode() * 8
        body = rows if extension in _TEXT_EXTENSIONS else _FIRST_BYTES.get(extension, _ZIP) + rows
    return Reply(200, body, {"Content-Type": media_type(path), "Fastly-Backend-Name": "awsorigin"})


def _all_parts(facts: Facts) -> Iterator[tuple[ScriptRelease, ScriptPart]]:
    for release in facts.releases:
        for part in release.part:
            yield release, part


def _find_pages(facts: Facts) -> Iterator[tuple[str, tuple[ScriptRelease, str]]]:
    """Yield (path, (release, address)) of each page of the script on www.gov.uk: of a release or of
    a part.

    If several have the same path, the last one counts.
    """
    # A release can also be published at the address that its announcement's slug suggests, if the
    # script answers there.
    for release in facts.releases:
        if is_on_gov_uk_calendar(release) and facts.timelines.answers(announced_url(release)):
            yield path_of(announced_url(release)), (release, announced_url(release))
    for release, part in _all_parts(facts):
        # `_html_part_reply` serves the parts that are published with their page.
        if is_www(part.url) and not facts.is_published_with_page(release, part):
            yield path_of(part.url), (release, part.url)
    for release in facts.releases:
        if is_www(release.url):
            yield path_of(release.url), (release, release.url)
