"""`govuk` and `titled`: a page, a content item or a search listing of GOV.UK.

`announcement` and `unlisted` show that a release is not out, even if the address of its page is unknown. The phrases
are from alphagov/frontend's templates and locale file. `docs/decides.md` lists them.
"""

from __future__ import annotations

import re

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.govuk_item import find_part, recognise_json
from monitor.look.recognise.notices import blank_page_reason, says_missing, says_removed, site_notice_reason
from monitor.look.recognise.page import Page, is_json, parse_json
from monitor.look.recognise.placeholder import ANNOUNCED, read_placeholder
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, present, unknown, withdrawn
from monitor.look.recognise.title import NOT_ITS_TITLE, Likeness, compare_titles, recognise_title
from monitor.look.recognise.version import format_version
from monitor.look.sighting import State
from schedules.address import canonical_address
from schedules.patterns import quick
from schedules.sources.govuk_items import parse_instant
from schedules.titles import title_matches

_ANNOUNCEMENT = quick(r"statistics announcement\s*$", re.IGNORECASE)
_ANNOUNCES = quick(
    r"these statistics will be released (on|in|between)|statistics release cancelled|^coming soon\b", re.IGNORECASE
)
_ERROR_TITLE = quick(r"^(error|sorry, there is a problem|page unavailable)\b", re.IGNORECASE)
_WITHDRAWN = quick(r"^\[withdrawn\]", re.IGNORECASE)


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an answer proves: for a page by its title and heading, for JSON by its `schema_name`."""
    if is_json(answer):
        return recognise_json(answer, context)
    page = Page(answer)
    if not page.title and not page.heading:
        return unknown(NAMELESS)
    seen = _read_notice(page) or _read_content(page, answer, context)
    if seen.state is State.PRESENT and not seen.specific and (why := site_notice_reason(page)):
        return unknown(why)
    return seen


def recognise_titled(answer: Answer, context: Context) -> Recognised:
    """Return the same as `recognise`, but presence only if the page has the release's whole title."""
    # This is for addresses that were not announced, but guessed.
    seen = recognise(answer, context)
    if seen.state is not State.PRESENT or seen.specific:
        return seen
    page = Page(answer)
    return seen if title_matches(context.title, page.heading or page.title) else unknown(NOT_ITS_TITLE)


def recognise_announcement(answer: Answer, context: Context) -> Recognised:
    """Return absence if an announcement (a page or content item) still announces its release, else unknown."""
    seen = recognise(answer, context)
    return seen if seen.state is State.ABSENT and seen.why == ANNOUNCED else unknown("no announcement any more")


def recognise_index(answer: Answer, context: Context) -> Recognised:
    """Return presence if a listing of publications has an entry with the release's title, else absence.

    The result is unknown if an entry has the title without its period, or if the listing was not read to its end.
    Announcements are ignored. So are entries at alternative addresses, which do not show that the page is out.
    """
    content = parse_json(answer.body) if answer.whole else None
    if not isinstance(content, dict) or not isinstance(content.get("results"), list):
        return unknown("no listing that can be read")
    seen = recognise_json(answer, context)
    ignored = {canonical_address(url) for url in context.alternatives}
    published = (entry for entry in seen.found if "/announcements/" not in entry.url)
    entries = [entry for entry in published if canonical_address(entry.url) not in ignored]
    likeness = [compare_titles(context.title, entry.title) for entry in entries]
    if Likeness.SAME in likeness:
        return present(tuple(entry for entry, like in zip(entries, likeness, strict=True) if like is Likeness.SAME))
    return unknown("a title like it is listed") if Likeness.UNDATED in likeness else absent("not listed")


def _read_notice(page: Page) -> Recognised | None:
    """Return what a page proves that is an error, an announcement or a removal. None for any other page."""
    title = _without_site_name(page.title)
    if _ERROR_TITLE.match(title):
        return unknown("an error page")
    why = "page not found" if says_missing(page) else blank_page_reason(page)
    if why:
        return absent(why)
    if _ANNOUNCEMENT.search(title) or _ANNOUNCES.search(title) or _ANNOUNCES.search(_notice_titles(page)):
        return absent(ANNOUNCED)
    if _WITHDRAWN.match(title):
        return withdrawn("marked as withdrawn")
    if says_removed(page):
        return withdrawn("no longer available")
    return None


def _read_content(page: Page, answer: Answer, context: Context) -> Recognised:
    """Return what a page proves by its title, with its linked parts as found. A placeholder is not presence."""
    parts: dict[str, Found] = {}
    for link in page.links():
        part = find_part(context.url, link.url, link.text)
        # A file is often linked twice: by a picture without text, and by its title.
        if part and (part.url not in parts or not parts[part.url].title):
            parts[part.url] = part
    version = format_version(first_published_at=parse_instant(page.meta_content("govuk:first-published-at")))
    title = page.heading or _without_site_name(page.title)
    seen = recognise_title(context, title, tuple(parts.values()), version, page.text)
    if seen.state is not State.PRESENT:
        return seen
    return read_placeholder(page, answer, context, has_files=bool(parts)) or seen


def _notice_titles(page: Page) -> str:
    """Return the text of the page's notices and headings, at most fifty."""
    if page.root is None:
        return ""
    titles = page.root.xpath("//*[contains(@class, 'notice__title')]|//h1|//h2")
    return " ".join(" ".join(title.itertext()).replace("\xa0", " ") for title in titles[:50])


def _without_site_name(title: str) -> str:
    """Return a title without "- GOV.UK" at its end."""
    rest, _, site = title.rpartition("-")
    return rest.rstrip() if site.strip().upper() == "GOV.UK" else title
