"""`ees`: a release of Explore Education Statistics, as page or as the JSON of its content API.

Field names as in the source of dfe-analytical-services/explore-education-statistics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.notices import says_missing
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import NAMELESS, Context, Recognised, Recogniser, absent, unknown
from monitor.look.recognise.title import by_title
from monitor.look.recognise.version import written
from monitor.look.sighting import State
from schedules.sources.ees import read_publication, read_version
from schedules.times.zone import LONDON

_FACTS = ("id", "releaseId", "published", "lastUpdated", "updateCount")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Take a version of a release for presence: the service shows none before it is published.

    A version that is not the first keeps the display date of the one before, so its dates are told, not judged.
    """
    if "json" not in answer.headers.get("content-type", "") and answer.body.lstrip()[:1] not in (b"{", b"["):
        return _page(Page(answer), context)
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return unknown("no JSON that can be read")
    if isinstance(said, dict) and said.get("releaseId") and said.get("published"):
        return _version(said, context)
    if isinstance(said, dict) and isinstance(said.get("results"), list):
        return _entries(said["results"], context)
    return unknown("neither a release nor a list of them")


def find_newer_edition(edition: str) -> Recogniser:
    """Return a recogniser of a publication whose latest release is no longer `edition`, a slug; `none`: it has one.

    Its landing page reads the same before and after; what tells the editions apart is `latestRelease` of the API.
    """
    before = edition.strip()

    def recognise(answer: Answer, context: Context) -> Recognised:
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            return unknown("no JSON that can be read")
        if not isinstance(said, dict) or "latestRelease" not in said:
            return unknown("no publication with its latest release")
        slug = read_publication(said, LONDON).latest
        if (slug or "none") == before:
            return absent("the edition before is the latest")
        years = [one[:4] for one in (slug, before) if one[:4].isdecimal()]
        if len(years) > 1 and years[0] < years[1]:
            # What was out has been taken back, or put in another order.
            return unknown("an edition of an earlier year is the latest")
        if not slug:
            return unknown("no latest release")
        found = Found(context.url, str(said.get("title") or ""), "item", {"slug": slug})
        return Recognised(State.PRESENT, specific=True, found=(found,))

    return recognise


def _version(said: Mapping[str, Any], context: Context) -> Recognised:
    publication = said.get("publication")
    series = str(publication.get("title") or "") if isinstance(publication, dict) else ""
    title = f"{series}: {said.get('title') or ''}"
    facts = {name: str(said[name]) for name in _FACTS if said.get(name) is not None}
    return by_title(context, title, (Found(context.url, title, "item", facts),), _told(said))


def _entries(rows: list[Any], context: Context) -> Recognised:
    """Tell whether a release is among the entries of its publication; a title there names the period alone."""
    listed = [row for row in rows if isinstance(row, dict) and row.get("releaseId") and row.get("published")]
    found = tuple(_listed(row, context) for row in listed)
    if not context.title:
        return Recognised(State.PRESENT, found=found, why="a listing")
    series = context.title.partition(":")[0]
    periods = (
        by_title(context, f"{series}: {entry.title}", (entry,), _told(row))
        for row, entry in zip(listed, found, strict=True)
    )
    return next((seen for seen in periods if seen.specific), Recognised(State.ABSENT, found=found, why="not listed"))


def _listed(row: Mapping[str, Any], context: Context) -> Found:
    return Found(context.url, str(row.get("title") or ""), "listed", {"slug": str(row.get("slug") or "")})


def _told(said: Mapping[str, Any]) -> str | None:
    """Return what an amendment, which keeps the display date, alters: when it came and how many there are."""
    version = read_version(said)
    return written(lastUpdated=version.updated, updateCount=version.update_count)


def _page(page: Page, context: Context) -> Recognised:
    if says_missing(page):
        return absent("page not found")
    if not page.heading:
        return unknown(NAMELESS)
    # The heading names the series, the title of the page the period as well.
    return by_title(context, f"{page.heading}: {page.title.partition(' - ')[0]}", text=page.text)
