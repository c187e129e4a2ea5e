"""Options that are made from the tables of calendars, slot times and nations."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from monitor.app.options import make_calendar_checks, make_join_rules, make_policies, make_usual_time_filler
from monitor.app.reporting_options import make_reporting_rules
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

DAY = date(2026, 7, 23)
GDP_OF_ONS_AT_7 = {"match": {"producer": "ons", "title": "GDP*"}, "time": "07:00", "reference": "granted 5 May 2022"}


def settings(**tables: Any) -> Settings:  # noqa: ANN401  # any table
    return Settings.model_validate(tables)


def announced(slot: Slot, producer: str = "ons", title: str = "GDP: June 2026") -> Announcement:
    return Announcement("u", title, producer, "https://stats.example/gdp", slot)


def test_pins_and_splits_are_taken_in_the_order_of_the_file() -> None:
    # A pin gives a release an id. A split makes a calendar's entry a release of its own. Each needs only some keys.
    rules = make_join_rules(
        settings(
            pin=[
                {"id": "x", "url": "https://stats.example/x"},
                {"id": "y", "title": "Births: 2026", "producer": "ons"},
            ],
            split=[{"calendar": "", "title": "Deaths: 2026"}],
        )
    )
    assert rules.pins == (Pin(id="x", url="https://stats.example/x"), Pin(id="y", title="Births: 2026", producer="ons"))
    assert rules.splits == (Split(title="Deaths: 2026"),)


@pytest.mark.parametrize(("kind", "may_be_empty"), [("govuk", True), ("csv", True), ("ics", False), ("json", False)])
def test_whether_a_calendar_may_be_empty_is_a_default_of_its_kind_and_can_be_configured(
    kind: str, *, may_be_empty: bool
) -> None:
    table = {"name": "a", "kind": kind, "url": "https://stats.example/a"}
    assert make_calendar_checks(settings(calendar=[table])) == {"a": Checks(may_be_empty=may_be_empty)}
    assert make_calendar_checks(settings(calendar=[table | {"may_be_empty": not may_be_empty}])) == {
        "a": Checks(may_be_empty=not may_be_empty)
    }


def test_unusual_changes_of_a_calendar_are_accepted_only_on_the_configured_local_day() -> None:
    checks = Checks(accept=date(2026, 7, 23))
    # In July, 23:30 UTC is half past midnight of the next day in London.
    assert checks.are_changes_accepted(datetime(2026, 7, 22, 23, 30, tzinfo=UTC))
    assert not checks.are_changes_accepted(datetime(2026, 7, 23, 23, 30, tzinfo=UTC))


def test_a_release_promised_for_a_day_is_assumed_at_the_usual_time_of_its_series() -> None:
    # The series "GDP*" of ons has the usual time 7:00. DAY is 23 July 2026.
    fill_usual_time = make_usual_time_filler(settings(slot_time=[GDP_OF_ONS_AT_7]))
    day_only = on_days(first=DAY, last=DAY, raw="")
    slot = fill_usual_time(announced(day_only, title="GDP: June 2026")).slot
    # In July, 7:00 in London is 6:00 UTC.
    assert slot.assumed == datetime(2026, 7, 23, 6, tzinfo=UTC)
    assert (slot.instant, slot.first) == (None, DAY)
    assert fill_usual_time(announced(day_only, title="Retail")).slot == day_only


def test_an_announced_time_is_never_replaced_by_the_usual_one() -> None:
    slot = read_date("23 July 2026 9:30am", DAY).slot
    assert make_usual_time_filler(settings(slot_time=[GDP_OF_ONS_AT_7]))(announced(slot)).slot == slot


def test_the_default_time_of_a_producer_is_its_usual_one() -> None:
    fill_usual_time = make_usual_time_filler(settings(policy={"producer": {"defra": {"default_time": "14:00"}}}))
    # The release is promised for DAY, 23 July 2026, without a time.
    slot = fill_usual_time(announced(on_days(first=DAY, last=DAY, raw=""), producer="defra")).slot
    # In July, 14:00 in London is 13:00 UTC.
    assert slot.assumed == datetime(2026, 7, 23, 13, tzinfo=UTC)


def test_each_producer_has_the_working_days_of_its_nation_with_its_one_off_days() -> None:
    summer_bank_holiday = date(2026, 8, 3)  # in Scotland
    policies = make_policies(
        settings(
            producer=[{"id": "nrs", "name": "National Records of Scotland", "nation": "SCT"}],
            nation={"SCT": {"extra_holidays": [DAY], "not_holidays": [summer_bank_holiday]}},
        )
    )
    scotland, england = policies.of("nrs").workdays, policies.of("ons").workdays
    assert Workdays("SCT").holiday_name(summer_bank_holiday) is not None
    assert (scotland.holiday_name(DAY), scotland.holiday_name(summer_bank_holiday)) == ("extra holiday", None)
    # The nation of a producer that is not configured, here `ons`, is England.
    assert (england.nation, england.holiday_name(DAY)) == ("ENG", None)


def test_a_time_other_than_9_30_granted_to_a_series_is_known_to_reports_and_to_the_verdict() -> None:
    # The regulator granted 7:00 to the releases of ons whose title begins with GDP. `slot_time` configures this.
    configured = settings(slot_time=[GDP_OF_ONS_AT_7])
    granted = UsualTime(time(7), reference="granted 5 May 2022", producer="ons", title="GDP*")
    granted_in_reports = make_reporting_rules(configured, channels=[]).agreed_times
    granted_in_policy = make_policies(configured).of("ons").on_file
    assert list(granted_in_reports) == list(granted_in_policy) == [granted]


@pytest.mark.parametrize(
    ("promised_time", "title", "is_covered"),
    [("07:00", "GDP: June 2026", True), ("09:30", "GDP: June 2026", False), ("07:00", "Retail sales", False)],
)
def test_a_grant_covers_a_release_only_if_its_title_and_its_promised_time_are_those_of_the_grant(
    promised_time: str, title: str, *, is_covered: bool
) -> None:
    # The regulator lets ons publish releases whose title begins with GDP at 7:00, before the standard 9:30.
    (grant,) = make_reporting_rules(settings(slot_time=[GDP_OF_ONS_AT_7]), channels=[]).agreed_times
    slot = datetime.fromisoformat(f"2026-07-23T{promised_time}").replace(tzinfo=LONDON)
    release = facts_of_a_release(title=title, producer="ons", slot=slot)
    assert grant.fits(release, release.slot, release.timezone) is is_covered
