"""`ons`: an entry of the release calendar of the Office for National Statistics, as page or as `/data`.

Field names as in the sources of dp-frontend-release-calendar and dp-release-calendar-api, in both spellings. The
words of a page without a mark are those of its locale files: a page that has none of them proves nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import Page, absolute
from monitor.look.recognise.result import Context, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import by_title
from schedules.patterns import quick

_SITE = "https://www.ons.gov.uk"
_RELATED = {
    "related_documents": "html",
    "relatedDocuments": "html",
    "related_datasets": "data",
    "relatedDatasets": "data",
    "related_api_datasets": "data",
    "relatedAPIDatasets": "data",
}
_NOT_YET = (
    "not yet released",
    "this release is not yet published",
    "release is provisional",
    "this release has been postponed",
    "nid yw'r datganiad hwn wedi'i gyhoeddi eto",
    "mae'r datganiad hwn wedi cael ei ohirio",
)
_CANCELLED = ("this release has been cancelled", "release cancelled", "mae'r datganiad hwn wedi cael ei ganslo")
_MARK = quick(
    rb"release-?_?status[\"']?\s{0,5}[:=]\s{0,5}[\"']?(upcoming|published|cancelled|provisional|confirmed|postponed)\b",
    re.IGNORECASE,
)
_OUT = ("publications", "data", "this release includes", "cyhoeddiadau")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Read the JSON by its `published` and `cancelled`; a page by its own mark, or else by its status words."""
    if "json" not in answer.headers.get("content-type", "") and answer.body.lstrip()[:1] != b"{":
        return _marked(answer, context) or _page(Page(answer), context)
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return unknown("no JSON that can be read")
    description = said.get("description") if isinstance(said, dict) else None
    if not isinstance(description, dict) or "published" not in description:
        return unknown("no entry of the release calendar")
    return _entry(said, description, context)


def _entry(said: Mapping[str, Any], description: Mapping[str, Any], context: Context) -> Recognised:
    # Both can be true at once: their own pages then call it cancelled.
    if description.get("cancelled") is True:
        return withdrawn("cancelled") if description.get("published") is True else absent("cancelled")
    if description.get("published") is not True:
        return absent("not published")
    moved = description.get("migration_link") or description.get("migrationLink")
    found = tuple(_related(said))
    if isinstance(moved, str) and moved and (there := absolute(_SITE, moved)):
        found = (*found, Found(there, "", "redirect"))
    return by_title(context, str(description.get("title") or ""), found, text=str(description))


def _related(said: Mapping[str, Any]) -> list[Found]:
    lists = [(said.get(name), role) for name, role in _RELATED.items()]
    rows = [(row, role) for rows, role in lists if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    named = [(row, absolute(_SITE, row["uri"]), role) for row, role in rows if row.get("uri")]
    return [Found(url, str(row.get("title") or ""), role) for row, url, role in named if url]


def _marked(answer: Answer, context: Context) -> Recognised | None:
    """Read the state that a page marks itself with, in English and Welsh alike; None where it has no mark, or several.

    What is published may have no documents, and what is upcoming or postponed headings for them.
    """
    marks = {mark.lower() for mark in _MARK.findall(answer.body)}
    if len(marks) != 1:
        return None
    if marks == {b"published"}:
        page = Page(answer)
        return by_title(context, page.heading or page.title, text=page.text)
    return absent("cancelled" if marks == {b"cancelled"} else "not published")


def _page(page: Page, context: Context) -> Recognised:
    text = page.text.lower().replace("\u2019", "'")
    if any(words in text for words in _CANCELLED):
        return absent("cancelled")
    if any(words in text for words in _NOT_YET):
        return absent("not published")
    headings = [] if page.root is None else page.root.xpath("//h2|//h3")
    titles = {" ".join("".join(heading.itertext()).split()).lower() for heading in headings}
    if not titles & set(_OUT):
        return unknown("a page that says neither")
    return by_title(context, page.heading or page.title, text=page.text)
