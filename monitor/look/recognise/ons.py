"""`ons`: an entry of the release calendar of the Office for National Statistics, as page or as
`/data`.

Field names, in both spellings, are from the sources of dp-frontend-release-calendar and
dp-release-calendar-api. The phrases for a page without a status mark are from its locale files. A
page with none of them is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import Page, absolute_url, is_json, parse_json, text_of
from monitor.look.recognise.result import NO_JSON, Context, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import recognise_title
from schedules.patterns import quick

_SITE = "https://www.ons.gov.uk"
_RELATED = {
    **dict.fromkeys(("related_documents", "relatedDocuments"), "html"),
    **dict.fromkeys(
        ("related_datasets", "relatedDatasets", "related_api_datasets", "relatedAPIDatasets"),
        "data",
    ),
}
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
_PUBLISHED_HEADINGS = ("publications", "data", "this release includes", "cyhoeddiadau")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an entry proves: JSON by `published` and `cancelled`, a page by its status mark
    or phrases.
    """
    if not is_json(answer):
        return _read_mark(answer, context) or _read_words(Page(answer), context)
    if (content := parse_json(answer.body)) is None:
        return unknown(NO_JSON)
    description = content.get("description") if isinstance(content, dict) else None
    if not isinstance(description, dict) or "published" not in description:
        return unknown("no entry of the release calendar")
    return _read_entry(content, description, context)


def _read_entry(
    content: Mapping[str, Any], description: Mapping[str, Any], context: Context
) -> Recognised:
    """Return what an entry of the release calendar proves: by its state, and if it is published, by
    its title.
    """
    is_published = description.get("published") is True
    # It may be both published and cancelled. Then the pages of ONS say that it is cancelled.
    if description.get("cancelled") is True:
        return withdrawn("cancelled") if is_published else absent("cancelled")
    if not is_published:
        return absent("not published")
    found = tuple(_find_related(content))
    moved_to = description.get("migration_link") or description.get("migrationLink")
    if isinstance(moved_to, str) and moved_to and (destination := absolute_url(_SITE, moved_to)):
        found = (*found, Found(destination, "", "redirect"))
    return recognise_title(
        context, str(description.get("title") or ""), found, text=str(description)
    )


def _find_related(content: Mapping[str, Any]) -> Iterator[Found]:
    for name, role in _RELATED.items():
        rows = content.get(name)
        for row in rows if isinstance(rows, list) else ():
            if (
                isinstance(row, dict)
                and row.get("uri")
                and (url := absolute_url(_SITE, row["uri"]))
            ):
                yield Found(url, str(row.get("title") or ""), role)


def _read_mark(answer: Answer, context: Context) -> Recognised | None:
    """Return what the status mark in a page's source proves.

    None if it has no mark, or several that differ.
    """
    # The mark is the same in Welsh. Headings prove nothing: an upcoming release may already have
    # those of documents.
    marks = {mark.lower() for mark in _MARK.findall(answer.body)}
    if len(marks) != 1:
        return None
    if marks == {b"published"}:
        page = Page(answer)
        return recognise_title(context, page.heading or page.title, text=page.text)
    return absent("cancelled" if marks == {b"cancelled"} else "not published")


def _read_words(page: Page, context: Context) -> Recognised:
    """Return what phrases and headings of an ONS page prove, if it has no mark like `releaseStatus:
    "published"`.
    """
    # Only the banner of ONS's template counts, because any page may have a sentence like it.
    banners = page.find("//*[contains(@class, 'ons-panel__body')]")
    banner = " ".join(map(text_of, banners)).lower().replace("\u2019", "'")
    if banner.startswith(_NOT_YET):
        return absent("not published")
    titles = {text_of(heading).lower() for heading in page.find("//h2|//h3")}
    if not titles & set(_PUBLISHED_HEADINGS):
        return unknown("a page that says neither")
    return recognise_title(context, page.heading or page.title, text=page.text)
