"""Explore Education Statistics: what each publication says about its next release.

It promises a date without a time, often without a day. The time is promised on GOV.UK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from schedules.announcement import Announcement, Part, Role
from schedules.dates.read import assume_time
from schedules.dates.span import month_span, no_slot, on_days, slot_of_span
from schedules.slot import Precision, Slot
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.body import page_name, parse_json
from schedules.sources.entries import heed_title, make_reading
from schedules.sources.govuk_items import parse_instant
from schedules.sources.row import REASONS, Remark, clean_title
from schedules.sources.settings import CalendarSettings


def latest_release(publication: Mapping[str, Any]) -> str:
    """Return the slug of the latest release of `publications/{slug}`, "" without one."""
    latest = publication.get("latestRelease")
    if isinstance(latest, dict):
        return str(latest.get("slug") or "")
    return ""


def read_version(data: Mapping[str, Any]) -> tuple[datetime | None, int | None]:
    """Return when the version of a `version-summary` was really made, and its count of updates.

    None if not given.

    Amendments inherit the displayed date (`published`).
    """
    count = data.get("updateCount")
    return parse_instant(data.get("lastUpdated")), count if isinstance(count, int) else None


def partial_slot(partial: Mapping[str, Any], timezone: str) -> Slot:
    """Return the day, month or year of a partial date as a slot.

    Its members are integers or, in older data, strings.

    A missing member is absent, null, zero or "". A date that does not exist gives a slot of
    precision `NONE`.
    """
    raw = "-".join(
        str(partial[name])
        for name in ("year", "month", "day")
        if partial.get(name) not in (None, "")
    )
    try:
        year, month, day = (int(partial.get(name) or 0) for name in ("year", "month", "day"))
        if month and day:
            full_date = date(year, month, day)
            return on_days(full_date, full_date, raw, timezone)
        if month:
            span = month_span(Precision.MONTH, year, month, 1)
        else:
            span = month_span(Precision.YEAR, year, 1, 12)
    except (ValueError, TypeError, OverflowError):
        return no_slot(raw, "impossible", timezone)
    return slot_of_span(span, raw, timezone)


API = "https://content.explore-education-statistics.service.gov.uk/api/"
SITE = "https://explore-education-statistics.service.gov.uk"
PRODUCER = "department-for-education"
MOST = 400  # publications requested in one read

_SITEMAP = "publications/sitemap-items"
# separates the publication and its latest release in the uid of the next release
_AFTER = "/after/"


class EesSource:
    """The next releases of the publications that `filters.publications` names, or of all."""

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._api = f"{(settings.address or API).rstrip('/')}/"
        self._site = settings.options.get("site", SITE).rstrip("/")
        self.state: tuple[str, ...] = ()  # the publications that this read has requested

    def first(self, now: datetime) -> Sequence[PageRequest]:  # noqa: ARG002  # of CalendarSource
        """Return the requests for the named publications, or for the list of all."""
        self.state = tuple(self._settings.filters.get("publications", ()))
        if self.state:
            return [self._request_for(slug) for slug in self.state]
        return (PageRequest(f"{self._api}{_SITEMAP}", accept="application/json"),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:  # noqa: ARG002  # of CalendarSource
        """Return requests for all listed publications, once.

        There is no list if the settings name the publications.
        """
        # A publication that does not answer leaves no page, and must not be requested again and
        # again.
        has_requested_publications = bool(self.state)
        if has_requested_publications or not pages or not pages[0].url.endswith(_SITEMAP):
            return ()
        try:
            listed = parse_json(pages[0])
        except UnreadableCalendar:
            return ()  # `read` reports it
        entries = listed if isinstance(listed, list) else []
        self.state = tuple(
            each["slug"] for each in entries if isinstance(each, dict) and each.get("slug")
        )[:MOST]
        return [self._request_for(slug) for slug in self.state]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:  # noqa: ARG002  # of CalendarSource
        """Return the next releases of the publications as announcements.

        Raises `UnreadableCalendar`.
        """
        if not pages:
            raise UnreadableCalendar(f"{self._api}: no answer")
        remarks: list[Remark] = []
        publications: list[Mapping[str, Any]] = []
        for page in pages:
            publications += self._read_publications(page, remarks)
        coming = [each for each in publications if isinstance(each.get("nextReleaseDate"), dict)]
        made = [
            heed_title(self._make_announcement(each, remarks), self._settings.stands)
            for each in coming
            if not each.get("supersededByPublication")
        ]
        # A requested page that answers neither with JSON nor as deleted has failed. It says nothing
        # about its release.
        answered = {page.url for page in pages if page.status in {200, 404, 410}}
        failed = [slug for slug in self.state if self._request_for(slug).url not in answered]
        return replace(
            make_reading(made, remarks),
            unread=tuple(f"{slug}{_AFTER}" for slug in failed),
        )

    def _request_for(self, slug: str) -> PageRequest:
        return PageRequest(
            f"{self._api}publications/{slug}", accept="application/json", optional=True
        )

    def _read_publications(self, page: Page, remarks: list[Remark]) -> Iterator[Mapping[str, Any]]:
        """Yield a page's publication, if any.

        A failed page adds a remark. A failed sitemap or unknown JSON raises.
        """
        if page.status != 200 and not page.url.endswith(_SITEMAP):
            remarks.append(Remark(page_name(page), f"answers {page.status}"))
            return
        data = parse_json(page)  # raises for a failed sitemap, the list of publications
        if isinstance(data, dict) and "nextReleaseDate" in data and data.get("slug"):
            yield data
        # `releaseId` marks a version of a release, `results` a list. Neither names the next release
        # of a publication.
        elif isinstance(data, dict) and not {"releaseId", "results"} & set(data):
            raise UnreadableCalendar(f"{page_name(page)}: JSON without slug and nextReleaseDate")

    def _make_announcement(
        self, publication: Mapping[str, Any], remarks: list[Remark]
    ) -> Announcement:
        """Return the next release of a publication, which has no name yet, as an announcement."""
        slug = str(publication["slug"])
        latest = latest_release(publication)
        promised = partial_slot(publication["nextReleaseDate"], self._settings.zone)
        slot = assume_time(promised, self._settings.default_time)
        if slot.reason in REASONS:
            remarks.append(Remark(slug, REASONS[slot.reason], slot.raw))
        # The date is that of the release after the latest one, so the latest one is part of the
        # key.
        return Announcement(
            uid=f"{slug}{_AFTER}{latest}",
            title=clean_title(str(publication.get("title") or "")),
            producer=self._settings.producer or PRODUCER,
            url=f"{self._site}/find-statistics/{slug}",
            slot=slot,
            doubt=slot.doubt,
            # The landing page does not change on publication. So the release counts as out as soon
            # as the publication's latest release is no longer `latest`.
            parts=(
                Part(
                    "page", Role.PAGE, self._request_for(slug).url, f"ees-after:{latest or 'none'}"
                ),
            ),
        )
