"""Decides by its content whether a page under the release's title is the release.

No sentence proves absence: a release may mention other figures that are "not yet published".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from monitor.look.cache_age import answer_time_bounds
from monitor.look.fetch import Answer, Found
from monitor.look.recognise.notices import (
    NOTICE_ONLY,
    find_mark,
    find_sign_against,
    has_dummy_text,
    is_marked_withdrawn,
    is_queue,
    notice_reason,
)
from monitor.look.recognise.page import Page, name_in, text_of
from monitor.look.recognise.result import (
    NAMELESS,
    Context,
    Recognised,
    absent,
    unknown,
    withdrawn,
)
from monitor.look.recognise.title import NOT_ITS_TITLE, names_release, recognise_title
from monitor.look.sighting import State
from monitor.look.version import format_version
from monitor.plan.targets import GOVUK, is_file
from schedules.dates.sentences import (
    denies_release,
    has_date_of_publication,
    is_about_document,
    is_figure,
    is_label,
    names_as_next,
    names_day_of,
    tells_nothing,
    tells_results,
)
from schedules.patterns import quick
from schedules.slot import Slot
from schedules.sources.govuk_items import parse_instant
from schedules.titles import names_other_period, read_title

ANNOUNCED = "announced, not released"
WITHDRAWN = "marked as withdrawn"
CUT = "a part is missing, which may have what is searched for"
PLACEHOLDER = "a page under its title without content"
_TABLE = ".//table[not(.//table)]"  # not one for layout
# The address of a file may have no extension.
_FILE_NAME = quick(r"\b(xlsx?|xlsm|ods|csv|pdf|docx?|odt|zip)\b", re.IGNORECASE)
# These may be linked before the release.
_ABOUT_RELEASE = quick(
    r"methodology|quality|pre-?release|guidance|guide|privacy|polic(?:y|ies)|terms|statement|glossary"
    r"|calendar|archive|previous|last (?:release|edition|publication)|code of practice|background"
    r"|questionnaire|survey form|consultation|definitions|timetable|leaflet|accessibility"
    r"|technical|reader|how to|dictionary|metadata|\bmethods?\b|schedule|user engagement"
    r"|confidential|request a|print (?:this|as|to|page)\b|this page",
    re.IGNORECASE,
)
_REPORT = quick(
    r"\b(bulletin|report|release|publication|statistics|tables?|data|dashboard)\b", re.IGNORECASE
)
_NOT_ZERO = quick(r"[1-9]")
_CLOCK_UNCERTAINTY = timedelta(seconds=1)


def read_page(
    page: Page,
    answer: Answer,
    context: Context,
    titles: Iterable[str],
    found: tuple[Found, ...] = (),
) -> Recognised:
    """Return what a page proves by its titles and its content.

    The release's own title counts first, then another edition's, then one that may be ours, because
    the other title may be the site's name. Only a published page has linked parts, which are
    `found`, or GOV.UK's time of first publication.
    """
    stamps = page.find("//head/meta[@name='govuk:first-published-at']/@content")
    version = None
    if stamps:
        version = format_version(first_published_at=parse_instant(stamps[0]))
    results = [recognise_title(context, title, found, version, page.text) for title in titles]
    seen = min(results, key=_rank_proof, default=unknown(NAMELESS))
    # The release's own title may contain words such as "sign in".
    if not seen.specific and (why := notice_reason(page, context.title)):
        return unknown(why)
    if seen.state is State.PRESENT and is_marked_withdrawn(page, context.title):
        return withdrawn(WITHDRAWN)
    # "DRAFT - " before the title makes another title.
    is_near = seen.why == NOT_ITS_TITLE and names_release(context.title, " ".join(page.names))
    if is_near and (why := find_mark(page, context.title)):
        return unknown(why)
    return require_content(seen, page, answer, context)


def _rank_proof(seen: Recognised) -> tuple[bool, int]:
    strongest_first = (State.ABSENT, State.PRESENT, State.UNKNOWN)
    return not seen.specific, strongest_first.index(seen.state)


def require_content(seen: Recognised, page: Page, answer: Answer, context: Context) -> Recognised:
    """Return the presence `seen`, or that a page proves less.

    A mark in its title or a password form counts unless the page has parts, a version or a file.
    Other signs against it count only without content. Before the slot, dummy text under another
    title is absence.
    """
    is_before = is_before_slot(answer, context)
    if seen.state is State.UNKNOWN and has_dummy_text(page) and is_before:
        return absent("a test page")
    is_published = bool(seen.found or seen.version) or links_file(page, context)
    if seen.state is not State.PRESENT or is_published:
        return seen
    if why := find_mark(page, context.title):
        return unknown(why)
    known = context.known
    # Numbers do not count as new words, because those of a countdown change.
    words = "".join(character for character in page.text if not character.isdecimal())
    digest = sha256(words.encode("utf-8", "replace")).hexdigest()
    # The digest is "" after a restart, so the words before are not known.
    is_old = is_before or known.placeholder in ("", digest)
    if _has_content(page, context, is_old=is_old):
        return seen
    if why := find_sign_against(page, context.title):
        return unknown(why)
    if known.slot is not None and context.title:
        seen = _read_thin_page(seen, page, context, known.slot, digest, is_old=is_old)
    return seen


def _read_thin_page(  # what such a page is compared with
    seen: Recognised, page: Page, context: Context, slot: Slot, digest: str, *, is_old: bool
) -> Recognised:
    """Return what a page under the title, but without content, proves.

    GOV.UK's notice of the announcement is absence. Any other page is unknown if it `is_old`: before
    the slot, or while it may be the placeholder from before, and if it only says that something is
    not out. Otherwise it is `seen`. `digest` is that of its words.
    """
    # With many words, it may be the release, with the notice of its announcement left in.
    if _is_announcement_on_govuk(page, context, slot) and not tells_results(page.prose, None):
        return absent(ANNOUNCED)
    # After a 404, or a placeholder with other words, the page is new.
    is_new = context.known.was_missing or context.known.placeholder is not None
    if is_old or (not is_new and names_day_of(page.prose, slot)):
        return Recognised(State.UNKNOWN, why=PLACEHOLDER, placeholder=digest)
    if not page.is_closed:
        return unknown(CUT)
    is_notice = tells_nothing(page.prose, slot, context.title, has_report=_links_report(page))
    return unknown(NOTICE_ONLY) if is_notice else seen


def _links_report(page: Page) -> bool:
    titles = (link.title for link in page.links(content_only=True))
    return any(_REPORT.search(each) and not _ABOUT_RELEASE.search(each) for each in titles)


def is_before_slot(answer: Answer, context: Context) -> bool:
    """Return whether an answer is certainly from before the slot, whatever our clock's error."""
    begins = None if context.known.slot is None else context.known.slot.begins()
    behind = max(_CLOCK_UNCERTAINTY, timedelta(seconds=context.behind))
    return begins is not None and answer_time_bounds(answer)[1] < begins - behind


def _has_content(page: Page, context: Context, *, is_old: bool) -> bool:
    """Return whether a page has a date of publication, a table of figures or enough words about
    results, and is not of the edition before.

    If it `is_old`, being dated with the slot's own day does not count.
    """
    slot = context.known.slot
    text = page.prose
    if names_as_next(text, slot):
        return False
    if any(_has_figures(table, context) for table in page.find_content(_TABLE)):
        return True
    if has_date_of_publication(text, slot, is_before=is_old):
        return not denies_release(text, slot, context.title)
    return tells_results(text, slot) and not is_queue(page)


def _has_figures(table: Any, context: Context) -> bool:  # noqa: ANN401  # as in `text_of`
    """Return whether a table has labels and figures, and is neither a timetable, nor of another
    edition, nor about the document.
    """
    text, slot = " ".join(table.xpath(".//text()")), context.known.slot
    if is_about_document(text, slot) or names_other_period(context.title, text):
        return False
    texts = [text_of(cell) for cell in table.xpath(".//td")]
    figures = [each for each in texts if is_figure(each, slot)]
    if not _NOT_ZERO.search(" ".join(figures)):
        return False  # a template
    labels = list(filter(is_label, (text_of(cell) for cell in table.xpath(".//th|.//td"))))
    if len(figures) == 1 and figures[0].isdecimal():
        # A page about something else may have a lone number, such as "Items: 0".
        words = set(read_title(context.title).words)
        labels = [each for each in labels if not words.isdisjoint(each.lower().split())]
    return bool(figures and labels)


def _is_announcement_on_govuk(page: Page, context: Context, slot: Slot) -> bool:
    """Return whether a page of GOV.UK has a notice with the slot's own day."""
    return urlsplit(context.url).hostname == GOVUK and any(
        names_day_of(text_of(notice), slot)
        for notice in page.find_content(".//*[contains(@class, 'notice')]")
    )


def links_file(page: Page, context: Context) -> bool:
    """Return whether a page's content links to a file, such as a spreadsheet or PDF, that is not
    about the release or of another edition.
    """
    for link in page.links(content_only=True):
        words = f"{link.title} {name_in(link.url)}"
        is_download = is_file(link.url) or _FILE_NAME.search(link.title)
        title = context.title.lower()
        is_about = any(about[0].lower() not in title for about in _ABOUT_RELEASE.finditer(words))
        if is_download and not is_about and not names_other_period(context.title, words):
            return True
    return False
