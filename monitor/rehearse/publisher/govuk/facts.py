"""The one set of facts that every GOV.UK answer of a rehearsal is made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from html import unescape
from itertools import takewhile
from urllib.parse import urlsplit

from monitor.rehearse.publisher.calendar import Entry, announced_url, entry_at, is_listed
from monitor.rehearse.publisher.cdn import Timelines, at_edge, at_origin
from monitor.rehearse.script.script import Script, ScriptAnswer, ScriptPart, ScriptRelease

WWW = "www.gov.uk"
ASSETS = "assets.publishing.service.gov.uk"
REDIRECT_LAG = timedelta(seconds=2)
FILE_LAG = timedelta(seconds=2)
INDEX_LAG = timedelta(seconds=30)
"""Jobs of their own put the redirect, the files and the index right after the page (`facts/govuk.md` §1, §4, §2)."""
_NOT_OUT = (
    *("will be released", "will be published", "coming soon", "not yet published", "statistics announcement"),
    *("is due on", "available from", "embargoed until", "status: confirmed"),
)
_OUT_OF_ORDER = ("sorry", "unavailable", "maintenance", "error", "not found", "sign in", "cookie")
_HEADING = re.compile(r"<h1[^>]*>([^<]+)</h1>", re.IGNORECASE)
_TAKEN_DOWN = ("published in error", "no longer available")


class PageState(StrEnum):
    """What a page is, whatever its status says."""

    ABSENT = "absent"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    GONE = "gone"
    OTHER = "other"
    REDIRECT = "redirect"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one page: since when, when it was first published at all, and the answer that shows it.

    `title` is told of a page of something else.
    """

    state: PageState
    since: datetime | None = None
    first: datetime | None = None
    answer: ScriptAnswer | None = None
    age: int | None = None
    title: str | None = None

    @property
    def is_out(self) -> bool:
        """Tell whether users can read it."""
        return self.state in {PageState.PUBLISHED, PageState.WITHDRAWN}


def state_of(answer: ScriptAnswer | None, title: str = "") -> PageState:
    """Return what an answer makes of a page. A 200 with a placeholder, or without the `title`, is no publication."""
    if answer is None or answer.status == 404:
        return PageState.ABSENT
    if answer.status == 410:
        return PageState.GONE
    if answer.status >= 400:
        return PageState.ERROR
    if answer.status >= 300:
        return PageState.REDIRECT
    return PageState.PUBLISHED if answer.content is None else _state_of_body(answer.content, title)


# Every request asks for the state of a few bodies, again and again.
@lru_cache(maxsize=256)
def _state_of_body(content: bytes, title: str) -> PageState:
    body = _plain(content.decode(errors="replace"))
    if any(words in body for words in _TAKEN_DOWN):
        return PageState.GONE
    if any(words in body for words in _NOT_OUT):
        return PageState.ABSENT
    if _plain(title) not in body:
        return _state_of_heading(_heading(body)) if "<h1" in body or "<script" not in body else PageState.ERROR
    return PageState.WITHDRAWN if "[withdrawn]" in body else PageState.PUBLISHED


def _state_of_heading(heading: str | None) -> PageState:
    """Return what a page of another title is: a page about nothing, or a publication of its own."""
    if heading is None:
        return PageState.ABSENT
    return PageState.ERROR if any(words in heading for words in _OUT_OF_ORDER) else PageState.OTHER


def _heading(page: str) -> str | None:
    found = _HEADING.search(page)
    return found[1].strip() if found else None


def _plain(text: str) -> str:
    return " ".join(unescape(text).casefold().split())


class Facts:
    """What is announced and what is out, at any instant. Pure: the script says everything."""

    def __init__(self, script: Script, timelines: Timelines) -> None:
        self.script = script
        self.timelines = timelines
        self.releases = tuple(script.release)
        places = [(url, release) for release in script.release for url in (announced_url(release), release.url)]
        self._titles = {url: release.title for url, release in places}

    def entry(self, release: ScriptRelease, now: datetime) -> Entry | None:
        """Return what GOV.UK's listing announces of a release at `now`."""
        return entry_at(self.script, release, now) if is_listed(release) else None

    def page(self, release: ScriptRelease, now: datetime) -> Standing:
        """Return how the landing page of a release stands at the origin."""
        return self.scripted(release.url, now)

    def scripted(self, url: str, now: datetime, *, edge: bool = False) -> Standing:
        """Return how an address stands by its own scripted answers."""
        answers = self.timelines.answers(url)
        shown = (at_edge if edge else at_origin)(answers, now)
        past = [answer for answer in answers if answer.at <= shown.answer.at] if shown.answer else []
        title = self._titles.get(url, "")
        state = state_of(shown.answer, title)
        first = next((answer.at for answer in past if state_of(answer, title) is PageState.PUBLISHED), None)
        heading = _title_of(shown.answer) if state is PageState.OTHER else None
        return Standing(state, _since(past, state, title), first, shown.answer, shown.age, heading)

    def indexed(self, url: str, now: datetime) -> Standing:
        """Return how the index knows an address: what is out of order stays what it was."""
        standing = self.scripted(url, now)
        before = [answer.at for answer in self.timelines.answers(url) if standing.since and answer.at < standing.since]
        return self.scripted(url, before[-1]) if before and standing.state is PageState.ERROR else standing

    def part(self, release: ScriptRelease, part: ScriptPart, now: datetime) -> Standing:
        """Return how a part stands: by answers of its own, else it follows the landing page after a moment."""
        if self.timelines.tells_of(part.url):
            return self.scripted(part.url, now)
        if not self.follows_page(release, part):
            return Standing(PageState.ABSENT)
        lag = FILE_LAG if is_asset(part.url) else timedelta()
        return self.page(release, now - lag)

    def follows_page(self, release: ScriptRelease, part: ScriptPart) -> bool:
        """Tell whether GOV.UK itself would publish this part together with the page."""
        on_page = part.url.startswith(release.url.rstrip("/") + "/") and is_www(part.url)
        return (on_page or (is_asset(part.url) and is_www(release.url))) and not self.timelines.tells_of(part.url)

    def is_redirected(self, release: ScriptRelease, now: datetime) -> bool:
        """Tell whether the announcement leads to the publication; it goes on doing so after a take-down.

        What stood there before the slot when the rehearsal began leads nowhere: else nobody would know of the release.
        """
        if release.redirect_after == "never":
            return False
        slot = release.slot if isinstance(release.slot, datetime) else None
        then = now - (release.redirect_after or REDIRECT_LAG)
        return any(
            answer.at > self.script.begins or (slot is not None and answer.at >= slot)
            for answer in self.timelines.answers(release.url)
            if answer.at <= then and state_of(answer, release.title) is PageState.PUBLISHED
        )


def _title_of(answer: ScriptAnswer | None) -> str | None:
    body = None if answer is None else answer.content
    return None if body is None else _heading(unescape(body.decode(errors="replace")))


def is_www(url: str) -> bool:
    """Tell whether an address is one of GOV.UK's pages."""
    return urlsplit(url).hostname == WWW


def is_asset(url: str) -> bool:
    """Tell whether an address is one of GOV.UK's files."""
    return urlsplit(url).hostname == ASSETS


def path_of(url: str) -> str:
    """Return the path of an address."""
    return urlsplit(url).path or "/"


def _since(past: Sequence[ScriptAnswer], state: PageState, title: str) -> datetime | None:
    stretch = list(takewhile(lambda answer: state_of(answer, title) is state, reversed(past)))
    return stretch[-1].at if stretch else None
