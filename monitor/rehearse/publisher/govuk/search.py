"""GOV.UK's search index, the search API and the Atom feeds made from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from monitor.rehearse.publisher.calendar import announced_url, is_on_gov_uk_calendar
from monitor.rehearse.publisher.govuk.dates import display_date, release_timestamp, stamp
from monitor.rehearse.publisher.govuk.facts import INDEX_LAG, Facts, PageStatus, is_www, path_of
from monitor.rehearse.publisher.govuk.items import (
    content_id,
    json_reply,
    organisation_summary,
    schema_and_type,
)
from monitor.rehearse.publisher.govuk.pages import error_page
from monitor.rehearse.publisher.reply import ReceivedRequest, Reply
from monitor.rehearse.script.script import ScriptRelease

Document = dict[str, Any]
_FIELDS = {
    "title",
    "link",
    "display_date",
    "release_timestamp",
    "statistics_announcement_state",
    "organisations",
    "content_store_document_type",
    "content_id",
    "public_timestamp",
    "first_published_at",
    "updated_at",
    "description",
    "format",
    "slug",
    "display_type",
    "document_collections",
    "metadata",
}
_USUAL_FIELDS = {
    "title",
    "link",
    "description",
    "organisations",
    "format",
    "public_timestamp",
    "display_date",
}
_ORDERS = {
    "release_timestamp",
    "public_timestamp",
    "title",
    "popularity",
    "start_date",
    "end_date",
    "closing_date",
}
_UNFILTERED_KEYS = {"q", "count", "start", "order", "fields", "c", "debug"}
_FILTERS = {f"filter_{field}" for field in _FIELDS}
_LARGEST_COUNT = 1500
_ANNOUNCEMENT_TYPE = "official_statistics_announcement"
_PUBLICATION_TYPES = {"official_statistics", "national_statistics", "statistical_data_set"}
_ANNOUNCED_STATES = {
    "upcoming_statistics": {"confirmed", "provisional"},
    "cancelled_statistics": {"cancelled"},
}
_ORGANISATION = "/government/organisations/"
_FEED_ENTRY = """  <entry>
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


class InvalidSearch(Exception):
    """The query has a parameter or value that the API does not know."""


def announcement_path(release: ScriptRelease) -> str:
    """Return the path of a release's announcement page on GOV.UK."""
    path = path_of(announced_url(release))
    return path.replace("/government/statistics/", "/government/statistics/announcements/", 1)


def index_documents(facts: Facts, now: datetime) -> list[Document]:
    """Return all documents that the search index contains at `now`."""
    kinds = (_announcement_documents, _publication_documents, _other_title_documents)
    return list(chain.from_iterable(documents(facts, now) for documents in kinds))


def _index_time(release: ScriptRelease, now: datetime) -> datetime:
    """Return the past time whose state of a release the index shows at `now`."""
    return now - (INDEX_LAG if release.listed_after is None else release.listed_after)


def _announcement_documents(facts: Facts, now: datetime) -> Iterable[Document]:
    """Yield a document for each release that is announced and that the index does not show as
    published yet.
    """
    for release in facts.releases:
        # the index shows changes of an announcement at once
        entry = facts.calendar_entry(release, now)
        # On publication, the address of the announcement redirects to the page. The index shows
        # this later.
        is_published_in_index = facts.is_redirected(release, _index_time(release, now))
        if entry is not None and not is_published_in_index:
            fields = {
                "title": release.announced_title,
                "display_date": display_date(entry.slot),
                "release_timestamp": release_timestamp(entry.slot),
                "statistics_announcement_state": entry.state,
                "format": "statistics_announcement",
                "content_store_document_type": _ANNOUNCEMENT_TYPE,
                # When the entry was last changed, or the announcement was made.
                "public_timestamp": stamp(entry.since or facts.default_announcement),
            }
            yield _fill_document(announcement_path(release), release, fields)


def _publication_documents(facts: Facts, now: datetime) -> Iterable[Document]:
    """Yield a document for each published page on GOV.UK that the index shows by `now`, but not for
    collections.
    """
    for release in facts.releases:
        for url in [
            release.url,
            *(part.url for part in release.part if part.role == "alternative"),
        ]:
            status = facts.status_in_index(url, _index_time(release, now))
            schema, _ = schema_and_type(path_of(url))
            if is_www(url) and status.state == "published" and schema != "document_collection":
                yield _publication_document(url, release, status)


def _other_title_documents(facts: Facts, now: datetime) -> Iterable[Document]:
    """Yield publications with another title at an address where a release is expected."""
    for release in facts.releases:
        for url in sorted({release.url, announced_url(release)}):
            status = facts.status_in_index(url, _index_time(release, now))
            if is_on_gov_uk_calendar(release) and status.state == "other":
                yield _publication_document(url, release, status)


def _publication_document(url: str, release: ScriptRelease, status: PageStatus) -> Document:
    """Return the document of a page, with the title that the page has, which can be another than
    the release's.
    """
    _, kind = schema_and_type(path_of(url))
    fields = {
        "format": kind,
        "content_store_document_type": kind,
        "public_timestamp": stamp(status.since),
    }
    return _fill_document(path_of(url), release, {"title": status.title or release.title, **fields})


def _fill_document(path: str, release: ScriptRelease, fields: Document) -> Document:
    """Return a document of the search index: the fields of every document, and those of `fields`
    that are not None.
    """
    return {
        "title": release.title,
        "link": path,
        "content_id": content_id(path),
        "description": f"{fields.get('title', release.title)}.",
        "organisations": [organisation_summary(producer) for producer in release.producers],
        **{key: value for key, value in fields.items() if value is not None},
    }


def search(facts: Facts, query: str, now: datetime) -> Reply:
    """Return the reply to a search; 422 if the API does not know a parameter or value."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(query, keep_blank_values=True):
        values[name.removesuffix("[]")].append(value)
    try:
        return _search_results(facts, values, now)
    except InvalidSearch:
        # GOV.UK's outer proxy replaces the API's error with its own page.
        return error_page(422)


def _search_results(facts: Facts, values: Mapping[str, Sequence[str]], now: datetime) -> Reply:
    """Return the matching documents from number `start` on, `count` at most, as JSON.

    Raises `InvalidSearch`.
    """
    filters = {name: given for name, given in values.items() if name not in _UNFILTERED_KEYS}
    fields = {field for given in values.get("fields", []) for field in given.split(",") if field}
    count = _parse_number(values, "count", default=10, maximum=_LARGEST_COUNT)
    start = _parse_number(values, "start", default=0, maximum=900_000)
    order = values.get("order", [""])[-1]
    key = order.removeprefix("-")
    if fields - _FIELDS or filters.keys() - _FILTERS or (order and key not in _ORDERS):
        raise InvalidSearch
    found = [
        document
        for document in index_documents(facts, now)
        if all(_matches_filter(document, name, given) for name, given in filters.items())
    ]
    # Without an order, all are equal and stay as they were found.
    found.sort(key=lambda document: str(document.get(key, "")), reverse=order.startswith("-"))
    results = []
    for document in found[start : start + count]:
        shown = {name: document[name] for name in document if name in (fields or _USUAL_FIELDS)}
        shown |= {"index": "govuk", "es_score": None, "_id": document["link"]}
        shown |= {"elasticsearch_type": "edition", "document_type": "edition"}
        results.append(shown)
    envelope = {
        "results": results,
        "total": len(found),
        "start": start,
        "aggregates": {},
        "suggested_queries": [],
    }
    return json_reply(envelope)


def _parse_number(
    values: Mapping[str, Sequence[str]], name: str, default: int, maximum: int
) -> int:
    """Return a numeric parameter. Raises `InvalidSearch` if it is not a number or above
    `maximum`.
    """
    text = values.get(name, [str(default)])[-1]
    if not text.isdecimal() or int(text) > maximum:
        raise InvalidSearch
    return int(text)


def _matches_filter(document: Document, name: str, given: Sequence[str]) -> bool:
    """Return whether a document passes one filter; `name` is the parameter, such as
    `filter_title`.
    """
    field = name.removeprefix("filter_")
    if field in {"release_timestamp", "public_timestamp"}:
        return all(_is_in_period(document.get(field), text) for text in given)
    return bool(_field_values(document, field) & set(given))


def _field_values(document: Document, field: str) -> set[str]:
    """Return the values of a field that filters compare: the slugs of organisations, or its
    text.
    """
    if field == "organisations":
        return {organisation["slug"] for organisation in document["organisations"]}
    return {str(document.get(field, "_MISSING"))}


def _is_in_period(value: str | None, text: str) -> bool:
    """Return whether a timestamp is in the period `text`, such as `from:2018-01-01,to:2018-01-31`;
    False for None.

    The days are in UTC. Raises `InvalidSearch` if `text` is not a period.
    """
    bounds = {}
    try:
        for part in text.split(","):
            name, bound = part.split(":")
            bounds[name] = date.fromisoformat(bound)
    except ValueError as exc:
        raise InvalidSearch from exc
    if bounds.keys() - {"from", "to"}:
        raise InvalidSearch
    if value is None:
        return False
    day = datetime.fromisoformat(value).astimezone(UTC).date()
    return bounds.get("from", day) <= day <= bounds.get("to", day)


def atom_feed(facts: Facts, request: ReceivedRequest, now: datetime) -> Reply | None:
    """Return the feed at the requested path: statistics finder, one organisation or all of GOV.UK.

    Else None.
    """
    newest = sorted(
        index_documents(facts, now),
        key=lambda document: str(document["public_timestamp"]),
        reverse=True,
    )
    if request.path == "/search/research-and-statistics.atom":
        found = _select_for_finder(newest, request.query)
        return _feed_reply(request.path, "Research and statistics", found, is_organisation=False)
    published = [
        document
        for document in newest
        if document["content_store_document_type"] != _ANNOUNCEMENT_TYPE
    ]
    if request.path == "/government/feed":
        return _feed_reply(request.path, "Activity on GOV.UK", published, is_organisation=True)
    if request.path.startswith(_ORGANISATION) and request.path.endswith(".atom"):
        slug = request.path.removeprefix(_ORGANISATION).removesuffix(".atom")
        return _feed_reply(
            request.path, slug, _select_by_organisation(published, [slug]), is_organisation=True
        )
    return None


def _select_for_finder(newest: Sequence[Document], query: str) -> list[Document]:
    """Return the 20 newest documents of the requested kind (published, upcoming or cancelled) and
    organisations.
    """
    values = parse_qs(query)
    kind = values.get("content_store_document_type", ["statistics_published"])[-1]
    states = _ANNOUNCED_STATES.get(kind)
    if states is None:  # publications are requested
        found = [
            document
            for document in newest
            if document.get("content_store_document_type") in _PUBLICATION_TYPES
        ]
    else:
        found = [
            document
            for document in newest
            if document.get("statistics_announcement_state") in states
        ]
    slugs = values.get("organisations[]", values.get("organisations", []))
    return _select_by_organisation(found, slugs)[:20]


def _select_by_organisation(found: Sequence[Document], slugs: Sequence[str]) -> list[Document]:
    """Return the documents of any of these organisations; all documents if no slugs are given."""
    if not slugs:
        return list(found)
    return [document for document in found if _field_values(document, "organisations") & set(slugs)]


def _feed_reply(
    path: str, title: str, found: Sequence[Document], *, is_organisation: bool
) -> Reply:
    entries = "".join(_feed_entry(document, is_organisation=is_organisation) for document in found)
    updated = f"  <updated>{found[0]['public_timestamp']}</updated>\n" if found else ""
    text = _FEED.format(path=path, title=escape(title), updated=updated, entries=entries)
    return Reply(200, text.encode(), {"Content-Type": "application/atom+xml; charset=utf-8"})


def _feed_entry(document: Document, *, is_organisation: bool) -> str:
    """Return a document's Atom entry for the finder's feed or, with a label in the title, an
    organisation's feed.
    """
    url = f"https://www.gov.uk{document['link']}"
    updated = document["public_timestamp"]
    # A republished item is a new entry of an organisation's feed, but the same entry of the
    # finder's feed.
    identity = f"{url}#{updated}" if is_organisation else f"tag:www.gov.uk,2005:{document['link']}"
    label = "Official Statistics: " if is_organisation else ""
    title = escape(f"{label}{document['title']}")
    summary = escape(document["description"])
    return _FEED_ENTRY.format(id=identity, updated=updated, url=url, title=title, summary=summary)
