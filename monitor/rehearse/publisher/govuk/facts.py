"""The announcements and page states from which all simulated GOV.UK responses are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from html import unescape
from itertools import takewhile
from urllib.parse import urlsplit

from monitor.rehearse.publisher.calendar import (
    CalendarEntry,
    announced_url,
    entry_at,
    is_on_gov_uk_calendar,
)
from monitor.rehearse.publisher.cdn import Timelines, answer_at_edge, answer_at_origin
from monitor.rehearse.script.script import Script, ScriptAnswer, ScriptPart, ScriptRelease

WWW = "www.gov.uk"
ASSETS = "assets.publishing.service.gov.uk"
REDIRECT_LAG = timedelta(seconds=2)
FILE_LAG = timedelta(seconds=2)
INDEX_LAG = timedelta(seconds=30)
"""Separate jobs update the redirect, the files and the index after the page."""
_PLACEHOLDER_WORDS = (
    "will be released",
    "will be published",
    "coming soon",
    "not yet published",
    "is due on",
    "available from",
    "embargoed until",
    "release date:",
    "status: confirmed",
)
_ANNOUNCEMENT_TITLE = "statistics announcement"
_TITLES = re.compile(r"<(title|h1)\b.*?</\1>", re.DOTALL)
_INLINE_TAG = re.compile(r"</?(?:a|b|dt|dd|em|span|strong|time)\b[^<>]*>")
_SENTENCE_END = re.compile(r"<[^<>]*>|[.!?](?=\s|<|$)")
_ERROR_WORDS = (
    "sorry",
    "unavailable",
    "maintenance",
    "error",
    "not found",
    "sign in",
    "cookie",
    "your browser",
)
_HEADING = re.compile(r"<h1[^>]*>([^<]+)</h1>", re.IGNORECASE)
_REMOVED_WORDS = ("published in error", "no longer available")


class PageState(StrEnum):
    """What a page contains. Its HTTP status does not always show it."""

    ABSENT = "absent"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    GONE = "gone"
    OTHER = "other"
    REDIRECT = "redirect"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PageStatus:
    """What one page contains at one time: its `answer`, and the `state` that this has.

    The state began at `since`. `first` is when the page was first published, None if never. `age`
    is the `Age` header, None without a cache. `title` is that of another page (OTHER), else None.
    """

    state: PageState
    since: datetime | None = None
    first: datetime | None = None
    answer: ScriptAnswer | None = None
    age: int | None = None
    title: str | None = None

    @property
    def is_public(self) -> bool:
        """Return whether users can read the page."""
        return self.state in {PageState.PUBLISHED, PageState.WITHDRAWN}


def page_state(answer: ScriptAnswer | None, title: str) -> PageState:
    """Return the state of a page from its answer.

    With status 200, the body decides: a published one has the title.
    """
    if answer is None or answer.status == 404:
        return PageState.ABSENT
    if answer.status == 410:
        return PageState.GONE
    if answer.status >= 400:
        return PageState.ERROR
    if answer.status >= 300:
        return PageState.REDIRECT
    # Without a scripted body, the publisher serves a page that shows the release as published.
    return PageState.PUBLISHED if answer.content is None else _body_state(answer.content, title)


# Cached because every request needs the states of the same few bodies.
@lru_cache(maxsize=256)
def _body_state(content: bytes, title: str) -> PageState:
    """Return what the text of an answer shows.

    Without the title it is another page, an error or a placeholder. A withdrawn page is still
    shown, marked with "[withdrawn]".
    """
    body = _normalise_text(content.decode(errors="replace"))
    titles = " ".join(found[0] for found in _TITLES.finditer(body))
    if any(words in titles for words in _REMOVED_WORDS):
        return PageState.GONE
    if _ANNOUNCEMENT_TITLE in titles or _only_announces(body):
        return PageState.ABSENT
    # The title of an unknown release is empty, and any text contains it. So such a page counts as
    # published.
    if _normalise_text(title) in body:
        return PageState.WITHDRAWN if "[withdrawn]" in body else PageState.PUBLISHED
    heading = _find_heading(body)
    if heading is None:
        # A page of scripts without a heading shows nothing to read.
        return PageState.ERROR if "<script" in body and "<h1" not in body else PageState.ABSENT
    return PageState.ERROR if any(words in heading for words in _ERROR_WORDS) else PageState.OTHER


def _only_announces(body: str) -> bool:
    """Return whether each sentence of a page, apart from its titles, announces the release."""
    text = _INLINE_TAG.sub(" ", _TITLES.sub("", body))
    sentences = [_normalise_text(part) for part in _SENTENCE_END.split(text)]
    return any(sentences) and all(
        any(words in sentence for words in _PLACEHOLDER_WORDS) for sentence in sentences if sentence
    )


def _find_heading(page: str) -> str | None:
    found = _HEADING.search(page)
    return found[1].strip() if found else None


def _normalise_text(text: str) -> str:
    return " ".join(unescape(text).casefold().split())


class Facts:
    """Announcements and page states at any time, computed from the script only."""

    def __init__(self, script: Script, timelines: Timelines) -> None:
        """Take the script, and its scripted answers by address."""
        self.script = script
        # When an announcement was made if the script does not say.
        self.default_announcement = script.begins - timedelta(days=28)
        self.timelines = timelines
        self.releases = tuple(script.release)
        # Each release has a title at the address that calendars announce and at its own.
        self._titles: dict[str, str] = {}
        for one in script.release:
            self._titles |= {announced_url(one): one.title, one.url: one.title}

    def calendar_entry(self, release: ScriptRelease, now: datetime) -> CalendarEntry | None:
        """Return the entry of a release in GOV.UK's calendar at `now`; None if it has no entry."""
        return entry_at(self.script, release, now) if is_on_gov_uk_calendar(release) else None

    def status_of_url(self, url: str, now: datetime, *, edge: bool = False) -> PageStatus:
        """Return the status of an address from its own scripted answers, at the origin or, if
        `edge`, in the cache.
        """
        answers = self.timelines.answers(url)
        served = (answer_at_edge if edge else answer_at_origin)(answers, now)
        own_title = self._titles.get(url, "")  # the title of the release at this address
        state = page_state(served.answer, own_title)
        if served.answer is None:
            return PageStatus(state, age=served.age)
        until_served = [answer for answer in answers if answer.at <= served.answer.at]
        published = (
            answer.at
            for answer in until_served
            if page_state(answer, own_title) is PageState.PUBLISHED
        )
        # The newest answers that all have the present state. The oldest of them began it.
        in_state = list(
            takewhile(lambda answer: page_state(answer, own_title) is state, reversed(until_served))
        )
        other_title = None
        if state is PageState.OTHER and served.answer.content is not None:
            other_title = _find_heading(unescape(served.answer.content.decode(errors="replace")))
        return PageStatus(
            state,
            since=in_state[-1].at if in_state else None,
            first=next(published, None),
            answer=served.answer,
            age=served.age,
            title=other_title,
        )

    def status_in_index(self, url: str, now: datetime) -> PageStatus:
        """Return the status of an address in the search index.

        During an error, the index keeps the status before it, if there was one.
        """
        status = self.status_of_url(url, now)
        if status.state is not PageState.ERROR or status.since is None:
            return status
        before = [answer.at for answer in self.timelines.answers(url) if answer.at < status.since]
        return self.status_of_url(url, before[-1]) if before else status

    def part_status(self, release: ScriptRelease, part: ScriptPart, now: datetime) -> PageStatus:
        """Return the status of a part at `now`, as the simulated GOV.UK shows it."""
        if self.timelines.answers(part.url):  # the script has answers for its address
            return self.status_of_url(part.url, now)
        if not self.is_published_with_page(release, part):
            return PageStatus(PageState.ABSENT)
        # GOV.UK publishes it with the landing page, so it has the status of that page. A file
        # appears slightly later.
        lag = FILE_LAG if is_asset(part.url) else timedelta()
        return self.status_of_url(release.url, now - lag)

    def is_published_with_page(self, release: ScriptRelease, part: ScriptPart) -> bool:
        """Return whether GOV.UK publishes this part together with the page, because the script has
        no answer for it.
        """
        if self.timelines.answers(part.url):
            return False
        is_below_page = part.url.startswith(release.url.rstrip("/") + "/") and is_www(part.url)
        return is_below_page or (is_asset(part.url) and is_www(release.url))

    def is_redirected(self, release: ScriptRelease, now: datetime) -> bool:
        """Return whether the announcement redirects to the publication at `now`, even if that was
        removed again.

        Only a publication after the rehearsal began, or from the slot on, causes a redirect. An
        announcement that redirects is in no calendar, so after an earlier publication the release
        would never be announced.
        """
        if release.redirect_after == "never":
            return False
        slot = release.slot if isinstance(release.slot, datetime) else None
        published_by = now - (
            REDIRECT_LAG if release.redirect_after is None else release.redirect_after
        )
        published_at = [
            answer.at
            for answer in self.timelines.answers(release.url)
            if answer.at <= published_by
            and page_state(answer, release.title) is PageState.PUBLISHED
        ]
        return any(
            at > self.script.begins or (slot is not None and at >= slot) for at in published_at
        )


def is_www(url: str) -> bool:
    """Return whether an address is on www.gov.uk."""
    return urlsplit(url).hostname == WWW


def is_asset(url: str) -> bool:
    """Return whether an address is on GOV.UK's host for files."""
    return urlsplit(url).hostname == ASSETS


def path_of(url: str) -> str:
    """Return the path of an address, "/" if it has none."""
    return urlsplit(url).path or "/"
