"""GOV.UK's search API: announcements and publications, filtered, ordered and paged (`facts/govuk.md` §2)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from monitor.rehearse.publisher.calendar import Entry, announced_url, is_listed
from monitor.rehearse.publisher.govuk.dates import display_date, release_timestamp, stamp
from monitor.rehearse.publisher.govuk.facts import INDEX_LAG, Facts, Standing, is_www, path_of
from monitor.rehearse.publisher.govuk.items import content_id, organisation, schema_of
from monitor.rehearse.publisher.govuk.pages import error_page
from monitor.rehearse.publisher.reply import Reply
from monitor.rehearse.script.script import ScriptRelease

Document = dict[str, Any]
Filters = Mapping[str, Sequence[str]]
_FIELDS = {
    "title", "link", "display_date", "release_timestamp", "statistics_announcement_state", "organisations",
    "content_store_document_type", "content_id", "public_timestamp", "first_published_at", "updated_at", "description",
    "format", "slug", "display_type", "document_collections", "metadata",
}  # fmt: skip
_ORDERS = {"release_timestamp", "public_timestamp", "title", "popularity", "start_date", "end_date", "closing_date"}
_PLAIN = {"q", "count", "start", "order", "fields", "c", "debug"}
_MANNERS = ("filter_any_", "filter_all_", "filter_", "reject_")
_MOST = 1500


class Refused(Exception):
    """A search that the API answers with 422."""


def announcement_path(release: ScriptRelease) -> str:
    """Return the path of the announcement of a release in GOV.UK's listing."""
    return path_of(announced_url(release)).replace(
        "/government/statistics/", "/government/statistics/announcements/", 1
    )


def documents(facts: Facts, now: datetime) -> list[Document]:
    """Return everything in the index at `now`, as the world stood when the index was last refreshed."""
    return [*_announcements(facts, now), *_publications(facts, now), *_others(facts, now)]


def _indexed(release: ScriptRelease, now: datetime) -> datetime:
    """Return the instant as of which the index shows a release."""
    return now - (INDEX_LAG if release.listed_after is None else release.listed_after)


def _announcements(facts: Facts, now: datetime) -> Iterable[Document]:
    for release in facts.releases:
        # What is announced is asked for as it is now: the lag of the index is only told apart for publications.
        entry = facts.entry(release, now)
        if entry is not None and not facts.is_redirected(release, _indexed(release, now)):
            yield _announced(entry, facts.script.begins - timedelta(days=28))


def _announced(entry: Entry, began: datetime) -> Document:
    path = announcement_path(entry.release)
    return _document(
        path,
        entry.release,
        {
            "title": entry.release.announced_title,
            "display_date": display_date(entry.slot),
            "release_timestamp": release_timestamp(entry.slot),
            "statistics_announcement_state": entry.state,
            "format": "statistics_announcement",
            "content_store_document_type": "official_statistics_announcement",
            "public_timestamp": stamp(entry.since or began),
        },
    )


def _publications(facts: Facts, now: datetime) -> Iterable[Document]:
    for release in facts.releases:
        for url in [release.url, *(part.url for part in release.part if part.role == "alternative")]:
            standing = facts.indexed(url, _indexed(release, now))
            schema, _ = schema_of(path_of(url))
            if is_www(url) and standing.state == "published" and schema != "document_collection":
                yield _published(url, release, standing)


def _others(facts: Facts, now: datetime) -> Iterable[Document]:
    """Yield the publications of another title that stand where a release is awaited."""
    for release in facts.releases:
        for url in sorted({release.url, announced_url(release)}):
            standing = facts.indexed(url, _indexed(release, now))
            if is_listed(release) and standing.state == "other":
                yield _published(url, release, standing)


def _published(url: str, release: ScriptRelease, standing: Standing) -> Document:
    _, kind = schema_of(path_of(url))
    told = {"format": kind, "content_store_document_type": kind, "public_timestamp": stamp(standing.since)}
    return _document(path_of(url), release, {"title": standing.title or release.title, **told})


def _document(path: str, release: ScriptRelease, told: Document) -> Document:
    return {
        "title": release.title,
        "link": path,
        "content_id": content_id(path),
        "description": f"{told.get('title', release.title)}.",
        "organisations": [organisation(producer) for producer in release.producers],
        **{key: value for key, value in told.items() if value is not None},
    }


def search(facts: Facts, query: str, now: datetime) -> Reply:
    """Answer one search; whatever the API does not know is a 422."""
    asked = parse_qsl(query, keep_blank_values=True)
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in asked:
        values[name.removesuffix("[]")].append(value)
    try:
        return _found(facts, values, now)
    except Refused:
        # The outer proxy puts a page of its own in place of the API's words.
        return error_page(422)


def _found(facts: Facts, values: Mapping[str, Sequence[str]], now: datetime) -> Reply:
    filters = {name: given for name, given in values.items() if name not in _PLAIN}
    fields = _fields(values)
    count, start = _number(values, "count", 10, _MOST), _number(values, "start", 0, 900_000)
    _check(filters)
    kept = [document for document in documents(facts, now) if _passes(document, filters)]
    kept = _ordered(kept, values.get("order", [""])[-1])
    results = [_result(document, fields) for document in kept[start : start + count]]
    envelope = {"results": results, "total": len(kept), "start": start, "aggregates": {}, "suggested_queries": []}
    return Reply(200, json.dumps(envelope).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _fields(values: Mapping[str, Sequence[str]]) -> set[str]:
    named = {field for given in values.get("fields", []) for field in given.split(",") if field}
    if named - _FIELDS:
        raise Refused
    return named or {"title", "link", "description", "organisations", "format", "public_timestamp", "display_date"}


def _number(values: Mapping[str, Sequence[str]], name: str, otherwise: int, most: int) -> int:
    text = values.get(name, [str(otherwise)])[-1]
    if not text.isdecimal() or int(text) > most:
        raise Refused
    return int(text)


def _ordered(found: list[Document], order: str) -> list[Document]:
    key = order.removeprefix("-")
    if order and key not in _ORDERS:
        raise Refused
    return sorted(found, key=lambda document: str(document.get(key, "")), reverse=order.startswith("-"))


def _result(document: Document, fields: set[str]) -> Document:
    always = {"index": "govuk", "es_score": None, "_id": document["link"]}
    always |= {"elasticsearch_type": "edition", "document_type": "edition"}
    return {**{key: value for key, value in document.items() if key in fields}, **always}


def _check(filters: Filters) -> None:
    known = {f"{manner}{field}" for manner in _MANNERS for field in _FIELDS}
    if set(filters) - known:
        raise Refused


def _passes(document: Document, filters: Filters) -> bool:
    return all(_agrees(document, name, given) for name, given in filters.items())


def _agrees(document: Document, name: str, given: Sequence[str]) -> bool:
    manner, field = next((manner, name.removeprefix(manner)) for manner in _MANNERS if name.startswith(manner))
    if field in {"release_timestamp", "public_timestamp"}:
        return all(_in_span(document.get(field), text) for text in given)
    held = _values(document, field)
    if manner == "reject_":
        return not held & set(given)
    return set(given) <= held if manner == "filter_all_" else bool(held & set(given))


def _values(document: Document, field: str) -> set[str]:
    if field == "organisations":
        return {one["slug"] for one in document["organisations"]}
    return {str(document.get(field, "_MISSING"))}


def _in_span(value: str | None, text: str) -> bool:
    bounds = dict(part.split(":", 1) for part in text.split(",") if ":" in part)
    if not bounds or set(bounds) - {"from", "to"}:
        raise Refused
    if value is None:
        return False
    held = datetime.fromisoformat(value)
    return _bound(bounds.get("from"), "00:00:00", held) <= held <= _bound(bounds.get("to"), "23:59:59", held)


def _bound(text: str | None, time: str, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    try:
        return datetime.fromisoformat(text if len(text) > 10 else f"{text} {time}").replace(tzinfo=UTC)
    except ValueError as exc:
        raise Refused from exc
