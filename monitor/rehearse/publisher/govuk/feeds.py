"""GOV.UK's Atom feeds, made from the search index (`facts/govuk.md` §2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from urllib.parse import parse_qs

from monitor.rehearse.publisher.govuk.facts import Facts
from monitor.rehearse.publisher.govuk.search import Document, index_documents
from monitor.rehearse.publisher.reply import Asked, Reply

_ANNOUNCED = "official_statistics_announcement"
_PUBLISHED = {"official_statistics", "national_statistics", "statistical_data_set"}
_ORGANISATION = "/government/organisations/"
_ENTRY = """  <entry>
    <id>{id}</id>
    <updated>{updated}</updated>
    <link rel="alternate" type="text/html" href="{url}"/>
    <title>{title}</title>
    <summary type="html">{summary}</summary>
  </entry>
"""
_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xml:lang="en-GB" xmlns="http://www.w3.org/2005/Atom">
  <id>tag:www.gov.uk,2005:{path}</id>
  <link rel="self" type="application/atom+xml" href="https://www.gov.uk{path}"/>
  <title>{title}</title>
{updated}  <author>
    <name>HM Government</name>
  </author>
{entries}</feed>
"""


def atom_feed(facts: Facts, request: Asked, now: datetime) -> Reply | None:
    """Return the feed at the requested path: statistics finder, one organisation or all of GOV.UK. Else None."""
    newest = sorted(index_documents(facts, now), key=lambda document: str(document["public_timestamp"]), reverse=True)
    if request.path == "/search/research-and-statistics.atom":
        return _atom(
            request.path, "Research and statistics", _select_for_finder(newest, request.query), is_organisation=False
        )
    if request.path == "/government/feed":
        return _atom(request.path, "Activity on GOV.UK", _without_announcements(newest), is_organisation=True)
    if request.path.startswith(_ORGANISATION) and request.path.endswith(".atom"):
        slug = request.path.removeprefix(_ORGANISATION).removesuffix(".atom")
        return _atom(
            request.path, slug, _by_organisations(_without_announcements(newest), [slug]), is_organisation=True
        )
    return None


def _select_for_finder(newest: Sequence[Document], query: str) -> list[Document]:
    values = parse_qs(query)
    kind = values.get("content_store_document_type", ["statistics_published"])[-1]
    wanted = {"upcoming_statistics": "confirmed provisional", "cancelled_statistics": "cancelled"}.get(kind, "")
    if wanted:
        found = [document for document in newest if document.get("statistics_announcement_state", "-") in wanted]
    else:
        found = [document for document in newest if document["content_store_document_type"] in _PUBLISHED]
    slugs = values.get("organisations[]", values.get("organisations", []))
    return _by_organisations(found, slugs)[:20]


def _without_announcements(newest: Sequence[Document]) -> list[Document]:
    return [document for document in newest if document["content_store_document_type"] != _ANNOUNCED]


def _by_organisations(found: Sequence[Document], slugs: Sequence[str]) -> list[Document]:
    return [document for document in found if not slugs or _is_of(document, slugs)]


def _is_of(document: Document, slugs: Sequence[str]) -> bool:
    return any(organisation["slug"] in slugs for organisation in document["organisations"])


def _atom(path: str, title: str, found: Sequence[Document], *, is_organisation: bool) -> Reply:
    entries = "".join(_entry(document, is_organisation=is_organisation) for document in found)
    updated = f"  <updated>{found[0]['public_timestamp']}</updated>\n" if found else ""
    text = _FEED.format(path=path, title=escape(title), updated=updated, entries=entries)
    return Reply(200, text.encode(), {"Content-Type": "application/atom+xml; charset=utf-8"})


def _entry(document: Document, *, is_organisation: bool) -> str:
    url = f"https://www.gov.uk{document['link']}"
    updated = document["public_timestamp"]
    # A republished item is a new entry of an organisation's feed, but the same one of the finder's.
    identity = f"{url}#{updated}" if is_organisation else f"tag:www.gov.uk,2005:{document['link']}"
    label = "Official Statistics: " if is_organisation else ""
    title = escape(f"{label}{document['title']}")
    summary = escape(document["description"])
    return _ENTRY.format(id=identity, updated=updated, url=url, title=title, summary=summary)
