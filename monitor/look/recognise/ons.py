"""`ons`: an entry of the release calendar of the Office for National Statistics, as page or as
`/data`.

Field names are from the sources of dp-frontend-release-calendar and dp-release-calendar-api. The
phrases for a page without a status mark are from its locale files. A page with none of them is
unknown.
"""

from __future__ import annotations

import re

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import Page, is_json, parse_json_object, text_of
from monitor.look.recognise.result import Context, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import recognise_title
from schedules.announcement import Role
from schedules.patterns import quick
from schedules.sources.ons import SITE, named_parts

_NOT_YET = (
    "not yet released",
    "this release is not yet published",
    "release is provisional",
    "this release has been postponed",
    "nid yw'r datganiad hwn wedi'i gyhoeddi eto",
    "mae'r datganiad hwn wedi cael ei ohirio",
    "this release has been cancelled",
    "release cancelled",
    "mae'r datganiad hwn wedi cael ei ganslo",
)
_MARK = quick(
    rb"release-?_?status[\"']?\s{0,5}[:=]\s{0,5}[\"']?(upcoming|published|cancelled|provisional|confirmed|postponed)\b",
    re.IGNORECASE,
)
_PUBLISHED_HEADINGS = {"publications", "data", "this release includes", "cyhoeddiadau"}


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an entry proves: JSON by `published` and `cancelled`, a page by its status mark
    or phrases.
    """
    if not is_json(answer):
        return _read_page(answer, context)
    content = parse_json_object(answer.body)
    description = content.get("description")
    if not isinstance(description, dict):
        return unknown("JSON without an entry of the release calendar")
    is_published = description.get("published")
    if not isinstance(is_published, bool):
        return unknown("an entry that does not say whether it is published")
    # It may be both published and cancelled. Then the pages of ONS say that it is cancelled.
    if description.get("cancelled") is True:
        return withdrawn("cancelled") if is_published else absent("cancelled")
    if not is_published:
        return absent("not published")
    found = tuple(
        Found(part.url, "", "redirect" if part.role is Role.ALTERNATIVE else part.role)
        for part in named_parts(content, SITE, is_published=True)
    )
    title = str(description.get("title") or "")
    return recognise_title(context, title, found, text=str(description))


def _read_page(answer: Answer, context: Context) -> Recognised:
    """Return what a page proves by the status mark in its source. Without one, or if several
    differ, its banner or headings count.
    """
    # The mark is the same in Welsh. Headings prove nothing: an upcoming release may already have
    # those of documents.
    marks = {mark.lower() for mark in _MARK.findall(answer.body)}
    if len(marks) == 1 and marks != {b"published"}:
        return absent("cancelled" if marks == {b"cancelled"} else "not published")
    page = Page(answer)
    if marks != {b"published"}:
        # Only the banner of ONS's template counts, because any page may have a sentence like it.
        banners = page.find("//*[contains(@class, 'ons-panel__body')]")
        banner = " ".join(map(text_of, banners)).lower().replace("\u2019", "'")
        if banner.startswith(_NOT_YET):
            return absent("not published")
        headings = {text_of(heading).lower() for heading in page.find("//h2|//h3")}
        if headings.isdisjoint(_PUBLISHED_HEADINGS):
            return unknown("a page that does not say whether it is published")
    return recognise_title(context, page.heading or page.title, text=page.text)
