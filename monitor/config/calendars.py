"""The tables about calendars: where they are, how their entries are joined, and which days and times are usual."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from schedules.values import Address, Name, Network, Spacing, Table, TimeOfDay, Zone

Nation = Literal["ENG", "WLS", "SCT", "NIR"]


class CalendarSettings(Table):
    """One calendar: what kind it is, where it is and how often it is read.

    `accept` is the day on which a person believes it whatever it says: on that local day a mass re-dating,
    cancellation or disappearance raises no alarm. It lapses by itself when the day is over. What cannot be read is
    never accepted. `secret` says that the path of its address is not to be told.
    `may_be_empty` says whether a first read without entries is believed; unless it is set, one of
    kind ics, html or json is not.
    """

    name: Name
    kind: Literal["govuk", "ons", "ees", "ics", "csv", "toml", "html", "json", "feed"]
    url: Address | None = None
    file: str | None = None
    every: Spacing = timedelta(minutes=10)
    producer: str = ""
    timezone: Zone | None = None
    date_order: Literal["dmy", "mdy", "ymd"] = "dmy"
    default_time: TimeOfDay | None = None
    accept: date | None = None
    may_be_empty: bool | None = None
    secret: bool = False
    allow: list[Network] = []
    filters: dict[str, list[str]] = {}
    options: dict[str, str] = {}


class PinSettings(Table):
    """A person's word on a join: whatever is announced at this address, or under this title, is this release."""

    id: Name
    url: Address | None = None
    title: str = ""
    producer: str = ""


class SplitSettings(Table):
    """A person's word against a join: an entry that every key given fits is a release of its own."""

    calendar: str = ""
    url: Address | None = None
    title: str = ""
    producer: str = ""


class ReleaseMatch(Table):
    """Which releases are meant; every key given must match (`*` stands for any text)."""

    producer: str | None = None
    title: str | None = None
    url: str | None = None


class SlotTimeSettings(Table):
    """The time at which a series comes out, where its calendars give the day alone, and who granted it.

    Entries without a time are looked for at this one; as before, they are never judged to the minute. A draft quotes
    `reference` where else it would ask whether a time other than 09:30 is on file.
    """

    match: ReleaseMatch
    time: TimeOfDay
    reference: str = ""


class ImportanceSettings(Table):
    """How much releases matter, beside 0 for all others: what matters more is proved first where not all can be."""

    match: ReleaseMatch
    level: int


class NationSettings(Table):
    """One-off days: bank holidays that no list has yet, and days that a list wrongly takes for one."""

    extra_holidays: list[date] = []
    not_holidays: list[date] = []
