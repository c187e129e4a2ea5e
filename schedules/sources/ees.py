"""Explore Education Statistics: what each publication says of its next release.

Its promise is a partial date without a time; the time is promised on GOV.UK. Source: `facts/calendars.md` §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from schedules.announcement import Announcement, Part, Role
from schedules.dates import assume_time
from schedules.source import Ask, Page, Reading, UnreadableCalendar
from schedules.sources.body import json_of, place
from schedules.sources.ees_items import Publication, publication_item
from schedules.sources.options import SourceOptions
from schedules.sources.row import REASONS, Remark, clean_title, reading

API = "https://content.explore-education-statistics.service.gov.uk/api/"
SITE = "https://explore-education-statistics.service.gov.uk"
PRODUCER = "department-for-education"
MOST = 400  # publications asked for in one read

_SITEMAP = "publications/sitemap-items"


class EesSource:
    """The next releases of the publications that `filters.publications` names, or of all."""

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._api = f"{(options.url or API).rstrip('/')}/"
        self._asked = False
        self._site = options.options.get("site", SITE).rstrip("/")

    def kept(self) -> object:
        """Return whether this read has asked for releases already."""
        return self._asked

    def keep(self, kept: bool) -> None:  # noqa: FBT001  # what `kept` returned
        """Remember what `kept` returned, in another process perhaps."""
        self._asked = kept

    def first(self, now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """Ask for the named publications, or for the list of all."""
        self._asked = False
        named = self._options.filters.get("publications", ())
        if named:
            return [self._ask(slug) for slug in named]
        return (Ask(f"{self._api}{_SITEMAP}", accept="application/json"),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """Ask for every publication of the list."""
        # Publications that do not answer leave no page behind, and must not be asked for again without end.
        if self._asked or not pages or not pages[0].url.endswith(_SITEMAP):
            return ()
        self._asked = True
        try:
            listed = json_of(pages[0])
        except UnreadableCalendar:
            return ()  # `read` will say so
        entries = listed if isinstance(listed, list) else []
        slugs = [each["slug"] for each in entries if isinstance(each, dict) and each.get("slug")]
        return [self._ask(slug) for slug in slugs[:MOST]]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:  # noqa: ARG002  # of the seam
        """Turn the publications into announcements. Raises `UnreadableCalendar`."""
        if not pages:
            raise UnreadableCalendar(f"{self._api}: no answer")
        remarks: list[Remark] = []
        made = [self._announce(item, remarks) for page in pages for item in self._publications(page, remarks)]
        return reading([each for each in made if each is not None], remarks)

    def _ask(self, slug: str) -> Ask:
        return Ask(f"{self._api}publications/{slug}", accept="application/json", optional=True)

    def _publications(self, page: Page, remarks: list[Remark]) -> Iterator[Publication]:
        if page.status != 200 and not page.url.endswith(_SITEMAP):
            remarks.append(Remark(place(page), f"answers {page.status}"))
            return
        data = json_of(page)
        if isinstance(data, dict) and "nextReleaseDate" in data and data.get("slug"):
            yield publication_item(data, self._options.timezone)
        elif isinstance(data, dict) and not {"releaseId", "results"} & set(data):
            raise UnreadableCalendar(f"{place(page)}: JSON without slug and nextReleaseDate")

    def _announce(self, item: Publication, remarks: list[Remark]) -> Announcement | None:
        if item.next_slot is None or item.superseded:
            return None
        slot = assume_time(item.next_slot, self._options.default_time)
        if slot.reason in REASONS:
            remarks.append(Remark(item.slug, REASONS[slot.reason], slot.raw))
        # The date is that of whatever follows the latest release, so the latest one is part of the key.
        return Announcement(
            uid=f"{item.slug}/after/{item.latest}",
            title=clean_title(item.title),
            producer=self._options.producer or PRODUCER,
            url=f"{self._site}/find-statistics/{item.slug}",
            slot=slot,
            doubt=slot.doubt,
            # The landing page reads the same before and after: what tells is which release is the latest.
            parts=(Part("page", Role.PAGE, self._ask(item.slug).url, f"ees-after:{item.latest or 'none'}"),),
        )
