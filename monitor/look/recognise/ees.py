"""`ees` and `ees-after`: a release of Explore Education Statistics, as page or as the JSON of its
content API.

Field names as in the source of dfe-analytical-services/explore-education-statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.content import require_content
from monitor.look.recognise.notices import notice_reason
from monitor.look.recognise.page import Page, is_json, parse_json
from monitor.look.recognise.result import (
    NAMELESS,
    NO_JSON,
    Context,
    Recognised,
    Recogniser,
    absent,
    present,
    unknown,
)
from monitor.look.recognise.title import recognise_title
from monitor.look.recognise.version import format_version
from schedules.sources.ees import latest_release, read_version

_FACTS = ("id", "releaseId", "published", "lastUpdated", "updateCount")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an answer proves: a page by its title, JSON by a version of the release or a list
    of releases.

    The service shows no version before it is published, so a version that is shown is out. Its
    dates are reported but prove nothing, because a later version keeps the display date of the
    first one.
    """
    if not is_json(answer) and answer.body.lstrip()[:1] != b"[":
        page = Page(answer)
        return require_content(_read_page(page, context), page, answer, context)
    if (content := parse_json(answer.body)) is None:
        return unknown(NO_JSON)
    if isinstance(content, dict) and content.get("releaseId") and content.get("published"):
        return _read_version(content, context)
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        return _read_entries(content["results"], context)
    return unknown("neither a release nor a list of them")


def find_newer_edition(edition: str) -> Recogniser:
    """Return a recogniser of any release newer than `edition`, the slug of the latest one (`none`
    if there is none).
    """
    # It compares `latestRelease` of the API, because the landing page has the same text before and
    # after.
    latest_before = edition.strip()

    def recognise(answer: Answer, context: Context) -> Recognised:
        """Return presence if the API's latest release is newer than `latest_before`, absence if it
        is still the same.

        `latest_before` is the slug of the release that was the latest one before, or "none" if
        there was no release.
        """
        if (content := parse_json(answer.body)) is None:
            return unknown(NO_JSON)
        if not isinstance(content, dict) or "latestRelease" not in content:
            return unknown("no publication with its latest release")
        slug = latest_release(content)
        if (slug or "none") == latest_before:
            return absent("the edition before is the latest")
        if not slug:
            return unknown("no latest release")
        year, year_before = slug[:4], latest_before[:4]
        if year.isdecimal() and year_before.isdecimal() and year < year_before:
            # It is another release, but of an earlier year: the newer one was withdrawn, or the
            # order changed.
            return unknown("an edition of an earlier year is the latest")
        found = Found(context.url, str(content.get("title") or ""), "item", {"slug": slug})
        return present((found,), specific=True)

    return recognise


def _read_version(content: Mapping[str, Any], context: Context) -> Recognised:
    publication = content.get("publication")
    series = str(publication.get("title") or "") if isinstance(publication, dict) else ""
    title = f"{series}: {content.get('title') or ''}"
    facts = {name: str(content[name]) for name in _FACTS if content.get(name) is not None}
    return recognise_title(
        context, title, (Found(context.url, title, "item", facts),), _version_of(content)
    )


def _read_entries(rows: list[Any], context: Context) -> Recognised:
    """Read the list of a publication's releases: presence if the release is among them, else
    absence.
    """
    listed = [
        row
        for row in rows
        if isinstance(row, dict) and row.get("releaseId") and row.get("published")
    ]
    found = tuple(
        Found(
            context.url, str(row.get("title") or ""), "listed", {"slug": str(row.get("slug") or "")}
        )
        for row in listed
    )
    if not context.title:
        return present(found, why="a listing")  # the list itself is the target
    series = context.title.partition(":")[0]  # the titles in the list contain only the period
    for row, entry in zip(listed, found, strict=True):
        seen = recognise_title(context, f"{series}: {entry.title}", (entry,), _version_of(row))
        if seen.specific:
            return seen
    return absent("not listed", found)


def _version_of(content: Mapping[str, Any]) -> str | None:
    updated, update_count = read_version(content)
    return format_version(lastUpdated=updated, updateCount=update_count)


def _read_page(page: Page, context: Context) -> Recognised:
    # The heading contains only the series. The title of the page also contains the period.
    title = f"{page.heading}: {page.title.partition(' - ')[0]}"
    seen = (
        unknown(NAMELESS) if not page.heading else recognise_title(context, title, text=page.text)
    )
    why = "" if seen.specific else notice_reason(page)
    return unknown(why) if why else seen
