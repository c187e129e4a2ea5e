"""Builds releases, parts, slots, promises and announcements."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from schedules.announcement import Announcement, Part, Role, State
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from tests.worlds.instants import DAY, SLOT

PAGE_URL = "https://www.gov.uk/government/statistics/malpractice"
SHEET = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
NEWS = Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False)


def a_release(*parts: Part, **fields: object) -> Release:
    """Return a release with a landing page at its `url`, and these further parts."""
    url = str(fields.get("url", PAGE_URL))
    page = Part("page", Role.PAGE, url)
    return replace(Release("r", "Malpractice", "ofqual", url, (page, *parts), ("govuk",)), **fields)


def a_slot(when: datetime | date = SLOT, last: date | None = None, **fields: object) -> Slot:
    """Return a slot at an instant, on a day, or on the days from one to another (a month, unless
    said otherwise).
    """
    if isinstance(when, datetime):
        return replace(Slot(Precision.INSTANT, when), **fields)
    precision = Precision.DAY if last is None else Precision.MONTH
    return replace(Slot(precision, first=when, last=last or when), **fields)


def no_slot(**fields: object) -> Slot:
    """Return the slot of an announcement without a time that can be read."""
    return replace(Slot(Precision.NONE, raw="tbc", reason="tbc"), **fields)


def a_promise(slot: Slot | datetime | date = SLOT, **fields: object) -> Promise:
    """Return a promise, announced 40 days before the slot and still shown at every read up to a day
    after it.
    """
    announced = slot if isinstance(slot, Slot) else a_slot(slot)
    usual = Promise(
        "r", "govuk", announced, State.CONFIRMED, SLOT - 40 * DAY, confirmed_at=SLOT + DAY
    )
    return replace(usual, **fields)


def an_announcement(**fields: object) -> Announcement:
    """Return the announcement of the usual release."""
    return replace(
        Announcement("r", "Malpractice", "ofqual", PAGE_URL, a_slot(), State.CONFIRMED), **fields
    )
