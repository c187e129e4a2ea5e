"""Options that are made from the tables of calendars, slot times and nations."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from monitor.app.options import (
    make_calendar_checks,
    make_join_rules,
    make_policies,
    make_reporting_rules,
    make_usual_time_filler,
)
from monitor.config.settings import Settings
from monitor.judge.policy import UsualTime
from monitor.ledger.state import Checks
from schedules.announcement import Announcement
from schedules.dates.read import read_date
from schedules.dates.span import on_days
from schedules.join import Pin, Split
from schedules.slot import Slot
from schedules.workdays import Workdays
from tests.worlds.incidents import facts_of_a_release
from tests.worlds.instants import LONDON
from tests.worlds.releases import a_release

DAY = date(2026, 7, 23)
GDP_OF_ONS_AT_7 = {
    "match": {"producer": "ons", "title": "GDP*"},
    "time": "07:00",
    "reference": "granted 5 May 2022",
}


def settings(**tables: Any) -> Settings:  # noqa: ANN401  # any table
    return Settings.model_validate(tables)


def announced(slot: Slot, producer: str = "ons", title: str = "GDP: June 2026") -> Announcement:
    return Announcement("u", title, producer, "https://stats.example/gdp", slot)


def test_pins_and_splits_keep_the_order_of_the_file() -> None:
    """A pin gives a release an id.

    A split makes an entry a release of its own. Keys that are left out are empty.
    """
    rules = make_join_rules(
        settings(
            pin=[
                {"id": "x", "url": "https://stats.example/x"},
                {"id": "y", "title": "Births: 2026", "producer": "ons"},
            ],
            split=[{"calendar": "", "title": "Deaths: 2026"}],
        )
    )
    assert rules.pins == (
        Pin(id="x", url="https://stats.example/x"),
        Pin(id="y", title="Births: 2026", producer="ons"),
    )
    assert rules.splits == (Split(title="Deaths: 2026"),)


@pytest.mark.parametrize(
    ("kind", "may_be_empty"), [("govuk", True), ("csv", True), ("ics", False), ("json", False)]
)
def test_kind_of_calendar_decides_whether_it_may_be_empty(kind: str, *, may_be_empty: bool) -> None:
    """For example, a CSV file may have no entries, but an ICS file must have some. A configured
    value replaces the default of the kind.
    """
    table = {"name": "a", "kind": kind, "url": "https://stats.example/a"}
    configured = table | {"may_be_empty": not may_be_empty}
    by_kind = make_calendar_checks(settings(calendar=[table]))["a"]
    by_table = make_calendar_checks(settings(calendar=[configured]))["a"]
    assert (by_kind.may_be_empty, by_table.may_be_empty) == (may_be_empty, not may_be_empty)


def test_people_choose_the_ids_of_a_list_kept_by_hand() -> None:
    tables = [
        {"name": kind, "kind": kind, "url": f"https://stats.example/{kind}"}
        for kind in ("csv", "toml", "ics")
    ]
    checks = make_calendar_checks(settings(calendar=tables))
    assert {kind for kind, each in checks.items() if each.has_given_ids} == {"csv", "toml"}


def test_unusual_calendar_changes_are_accepted_only_on_the_configured_day() -> None:
    """The day is one in London. In July, 23:30 UTC is half past midnight of the next day there."""
    checks = Checks(accept=date(2026, 7, 23))
    assert checks.are_changes_accepted(datetime(2026, 7, 22, 23, 30, tzinfo=UTC))
    assert not checks.are_changes_accepted(datetime(2026, 7, 23, 23, 30, tzinfo=UTC))


def test_release_promised_without_time_gets_the_usual_time() -> None:
    """Releases of ons whose title begins with GDP are usually at 7:00.

    On 23 July 2026 (DAY) that is 6:00 UTC.
    """
    fill_usual_time = make_usual_time_filler(settings(slot_time=[GDP_OF_ONS_AT_7]))
    day_only = on_days(first=DAY, last=DAY, raw="", timezone=LONDON.key)
    slot = fill_usual_time(announced(day_only, title="GDP: June 2026")).slot
    assert slot.assumed == datetime(2026, 7, 23, 6, tzinfo=UTC)
    assert (slot.instant, slot.first) == (None, DAY)
    assert fill_usual_time(announced(day_only, title="Retail")).slot == day_only


def test_an_announced_time_is_never_replaced_by_the_usual_one() -> None:
    slot = read_date("23 July 2026 9:30am", DAY).slot
    assert (
        make_usual_time_filler(settings(slot_time=[GDP_OF_ONS_AT_7]))(announced(slot)).slot == slot
    )


def test_the_default_time_of_a_producer_is_its_usual_one() -> None:
    fill_usual_time = make_usual_time_filler(
        settings(policy={"producer": {"defra": {"default_time": "14:00"}}})
    )
    # The release is promised for DAY, 23 July 2026, without a time.
    slot = fill_usual_time(
        announced(on_days(first=DAY, last=DAY, raw="", timezone=LONDON.key), producer="defra")
    ).slot
    # In July, 14:00 in London is 13:00 UTC.
    assert slot.assumed == datetime(2026, 7, 23, 13, tzinfo=UTC)


def test_working_days_follow_the_producers_nation_and_configured_holidays() -> None:
    """In the nation SCT (Scotland), 23 July (DAY) is configured as a holiday, and the summer bank
    holiday as a working day. That counts for nrs, a producer of Scotland, but not for ons.
    """
    summer_bank_holiday = date(2026, 8, 3)
    policies = make_policies(
        settings(
            producer=[{"id": "nrs", "name": "National Records of Scotland", "nation": "SCT"}],
            nation={"SCT": {"extra_holidays": [DAY], "not_holidays": [summer_bank_holiday]}},
        )
    )
    scotland, england = (
        policies.of(a_release(producer="nrs")).workdays,
        policies.of(a_release(producer="ons")).workdays,
    )
    # Without the configuration, the bank holiday is a holiday.
    assert Workdays("SCT").holiday_name(summer_bank_holiday) is not None
    assert (scotland.holiday_name(DAY), scotland.holiday_name(summer_bank_holiday)) == (
        "extra holiday",
        None,
    )
    # `ons` is not configured, so its nation is England.
    assert (england.nation, england.holiday_name(DAY)) == ("ENG", None)


def test_granted_publication_time_reaches_reports_and_verdicts() -> None:
    """The regulator lets ons publish releases whose title begins with GDP at 7:00, not 9:30. This
    is configured as `slot_time`. Reports and verdicts both use it.
    """
    configured = settings(slot_time=[GDP_OF_ONS_AT_7])
    granted = UsualTime(time(7), reference="granted 5 May 2022", producer="ons", title="GDP*")
    granted_in_reports = make_reporting_rules(configured, channels=[]).agreed_times
    granted_in_policy = make_policies(configured).of(a_release(producer="ons")).on_file
    assert list(granted_in_reports) == list(granted_in_policy) == [granted]


@pytest.mark.parametrize(
    ("promised_time", "title", "is_covered"),
    [
        ("07:00", "GDP: June 2026", True),
        ("09:30", "GDP: June 2026", False),
        ("07:00", "Retail sales", False),
    ],
)
def test_grant_covers_only_releases_of_its_title_and_time(
    promised_time: str, title: str, *, is_covered: bool
) -> None:
    """The regulator lets ons publish releases whose title begins with GDP at 7:00, before the
    standard 9:30. A release “Retail sales” at 7:00 is not covered, nor is one of GDP at 9:30.
    """
    (grant,) = make_reporting_rules(settings(slot_time=[GDP_OF_ONS_AT_7]), channels=[]).agreed_times
    slot = datetime.fromisoformat(f"2026-07-23T{promised_time}").replace(tzinfo=LONDON)
    release = facts_of_a_release(title=title, producer="ons", slot=slot)
    assert grant.fits(release, release.slot, release.timezone) is is_covered
