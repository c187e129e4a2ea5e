"""What the configuration says of calendars, as the organs take it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from alerts.finding import ReleaseFacts
from monitor.app.options import make_calendar_checks, make_join_rules, make_policies, make_usual_time_filler
from monitor.app.reporting_options import make_reporting_rules
from monitor.config.settings import Settings
from monitor.judge.policy import UsualTime
from monitor.ledger.state import Checks
from schedules.announcement import Announcement
from schedules.contract.verdict import Grade, VerdictKind
from schedules.dates import on_days, read_date
from schedules.join import Pin, Split
from schedules.slot import Slot

DAY = date(2026, 7, 23)
SEVEN = {"match": {"producer": "ons", "title": "GDP*"}, "time": "07:00", "reference": "granted 5 May 2022"}


def settings(**tables: Any) -> Settings:  # noqa: ANN401  # any table
    return Settings.model_validate(tables)


def announced(slot: Slot, producer: str = "ons", title: str = "GDP: June 2026") -> Announcement:
    return Announcement("u", title, producer, "https://stats.example/gdp", slot)


def test_pins_and_splits_are_taken_in_the_order_of_the_file() -> None:
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
def test_a_page_without_entries_is_not_believed_where_filters_cannot_explain_it(
    kind: str, *, may_be_empty: bool
) -> None:
    table = {"name": "a", "kind": kind, "url": "https://stats.example/a"}
    assert make_calendar_checks(settings(calendar=[table])) == {"a": Checks(may_be_empty)}
    assert make_calendar_checks(settings(calendar=[table | {"may_be_empty": not may_be_empty}])) == {
        "a": Checks(not may_be_empty)
    }


def test_a_day_of_acceptance_is_that_of_the_clock_on_the_wall() -> None:
    checks = Checks(accept=DAY)
    assert checks.accepts(datetime(2026, 7, 22, 23, 30, tzinfo=UTC))
    assert not checks.accepts(datetime(2026, 7, 23, 23, 30, tzinfo=UTC))


def test_a_day_of_a_series_with_a_usual_time_is_looked_for_at_that_time_and_stays_a_day() -> None:
    adjust = make_usual_time_filler(settings(slot_time=[SEVEN]))
    slot = adjust(announced(on_days(DAY, DAY, ""))).slot
    assert (slot.instant, slot.first, slot.assumed) == (None, DAY, datetime(2026, 7, 23, 6, tzinfo=UTC))
    other = on_days(DAY, DAY, "")
    assert adjust(announced(other, title="Retail")).slot == other


def test_an_announced_time_is_never_replaced_by_the_usual_one() -> None:
    slot = read_date("23 July 2026 9:30am", DAY).slot
    assert make_usual_time_filler(settings(slot_time=[SEVEN]))(announced(slot)).slot == slot


def test_the_default_time_of_a_producer_is_its_usual_one() -> None:
    adjust = make_usual_time_filler(settings(policy={"producer": {"defra": {"default_time": "14:00"}}}))
    slot = adjust(announced(on_days(DAY, DAY, ""), producer="defra")).slot
    assert slot.assumed == datetime(2026, 7, 23, 13, tzinfo=UTC)


def test_each_producer_has_the_working_days_of_its_nation_with_its_one_off_days() -> None:
    made = make_policies(
        settings(
            producer=[{"id": "nrs", "name": "National Records of Scotland", "nation": "SCT"}],
            nation={"SCT": {"extra_holidays": [DAY], "not_holidays": [date(2026, 8, 3)]}},
        )
    )
    scotland, england = made.of("nrs").workdays, made.of("ons").workdays
    assert (scotland.holiday(DAY), scotland.holiday(date(2026, 8, 3))) == ("extra holiday", None)
    assert (england.nation, england.holiday(DAY)) == ("ENG", None)


def facts(slot: datetime, title: str = "GDP: June 2026") -> ReleaseFacts:
    return ReleaseFacts(
        release="gdp",
        title=title,
        producer="ons",
        url="https://x.example",
        timezone="Europe/London",
        slot=slot,
        slot_text="",
        slot_source=None,
        slot_learnt=None,
        verdict=VerdictKind.LATE,
        grade=Grade.REPORT,
        final=False,
        at=slot,
    )


def test_a_reference_goes_with_releases_promised_for_that_very_time() -> None:
    (usual,) = make_reporting_rules(settings(slot_time=[SEVEN]), []).usual
    assert usual == UsualTime(time(7), "granted 5 May 2022", "ons", "GDP*")
    assert make_policies(settings(slot_time=[SEVEN])).of("ons").on_file == (usual,)
    told = ((6, 0, "GDP: June 2026"), (8, 30, "GDP: June 2026"), (6, 0, "Retail sales"))
    cases = [facts(datetime(2026, 7, 23, hour, minute, tzinfo=UTC), title) for hour, minute, title in told]
    assert [usual.fits(each, each.slot, each.timezone) for each in cases] == [True, False, False]
