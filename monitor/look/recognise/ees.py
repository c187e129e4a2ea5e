"""`ees` and `ees-after`: a release of Explore Education Statistics, as page or as the JSON of its
content API.

Field names as in the source of dfe-analytical-services/explore-education-statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.look.fetch import Answer
from monitor.look.recognise.content import read_page
from monitor.look.recognise.page import Page, is_json, parse_json_object
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent, present, unknown
from monitor.look.recognise.title import recognise_title
from monitor.look.version import format_version
from schedules.sources.ees import latest_release, read_version


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an answer proves: a page by its title, JSON by a version of the release or a list
    of releases.

    The service shows no version before it is published, so a version that is shown is out. Its
    dates prove nothing, because a later version keeps the display date of the first one.
    """
    if not is_json(answer):
        page = Page(answer)
        # The heading contains only the series. The title of the page also contains the period.
        title = f"{page.heading}: {page.title.partition(' - ')[0]}"
        return read_page(page, answer, context, [title] if page.heading else [])
    content = parse_json_object(answer.body)
    if _is_version(content):
        publication = content.get("publication")
        series = publication.get("title") if isinstance(publication, dict) else ""
        return _read_version(content, series, context)
    if isinstance(content.get("results"), list):
        return _read_entries(content["results"], context)
    return unknown("JSON of neither a release nor a list of releases")


def find_newer_edition(edition: str) -> Recogniser:
    """Return a recogniser of any release newer than `edition`, the slug of the latest one (`none`
    if there is none).
    """

    def recognise(answer: Answer, _context: Context) -> Recognised:
        # The landing page has the same text before and after.
        content = parse_json_object(answer.body)
        if "latestRelease" not in content:
            return unknown("JSON that names no latest release")
        slug = latest_release(content)
        if (slug or "none") == edition:
            return absent("the edition before is the latest")
        if not slug:
            return unknown("no latest release")
        year_before = edition[:4]
        if year_before.isdecimal() and slug[:4] < year_before:
            # It is another release, but of an earlier year: the newer one was withdrawn, or the
            # order changed.
            return unknown("an edition of an earlier year is the latest")
        return present(specific=True)

    return recognise


def _is_version(content: object) -> bool:
    return isinstance(content, dict) and all(map(content.get, ("releaseId", "published")))


def _read_version(content: Mapping[str, Any], series: object, context: Context) -> Recognised:
    updated, update_count = read_version(content)
    version = format_version(lastUpdated=updated, updateCount=update_count)
    title = f"{series or ''}: {content.get('title') or ''}"
    return recognise_title(context, title, version=version)


def _read_entries(rows: list[Any], context: Context) -> Recognised:
    """Read the list of a publication's releases: presence if the release is among them, else
    absence.
    """
    if not context.title:
        return present(why="a listing")  # the list itself is the target
    series = context.title.partition(":")[0]  # the titles in the list contain only the period
    for row in filter(_is_version, rows):
        seen = _read_version(row, series, context)
        if seen.specific:
            return seen
    return absent("not listed")
