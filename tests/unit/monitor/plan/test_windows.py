"""Which windows apply to a target, and how likely it is to change in each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.addresses import INDEX
from monitor.plan.phases import ExposedPhase, SlotPhase, WatchSettings, Window, next_due, window_at
from monitor.plan.targets import Target, View
from monitor.plan.windows import TRIPWIRE_CHANCE, UNSEEN, Progress, Stage, chance_of, windows_for, windows_in_force
from schedules.announcement import State
from schedules.in_force import InForce
from schedules.promise import Promise
from schedules.slot import Precision, Slot

AT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
SLOT = Slot(Precision.INSTANT, instant=AT)
DAY = Slot(Precision.DAY, first=date(2026, 7, 23), last=date(2026, 7, 23))
JULY = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
SECOND, MINUTE, HOUR, DAYS = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

EDGE = Target("w/page/edge", "w", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "govuk")
ORIGIN = replace(EDGE, id="w/page/origin", view=View.ORIGIN)
CONTENT = replace(EDGE, id="w/page/content", view=View.CONTENT)
SHEET = replace(EDGE, id="w/sheet/edge", part="sheet")
TRIPWIRE = replace(EDGE, id="~tripwire/x", release="", part="", view=View.TRIPWIRE)


def spacing(windows: tuple[Window, ...], after_slot: timedelta) -> timedelta | None:
    """Return how far apart looks are, this long after the slot. None if there are none."""
    window = window_at(windows, AT + after_slot)
    return None if window is None else window.every


@pytest.mark.parametrize(
    ("offset", "every"),
    [
        (-15 * DAYS, None),
        (-14 * DAYS, 5 * MINUTE),
        (-7 * DAYS, MINUTE),
        (-HOUR, 15 * SECOND),
        (-2 * MINUTE, SECOND),
        (timedelta(), SECOND),
        (9 * MINUTE, SECOND),
        (10 * MINUTE, 5 * SECOND),
        (119 * MINUTE, 5 * SECOND),
        (120 * MINUTE, MINUTE),
        (13 * DAYS, MINUTE),
        (14 * DAYS, None),
    ],
)
def test_spacing_of_an_unseen_page_by_distance_from_its_slot(offset: timedelta, every: timedelta | None) -> None:
    # The nearer the slot, the closer the looks. For example, they are 15 s apart from an hour before it (`offset`).
    # Where `every` is None, there are none.
    assert spacing(windows_for(EDGE, SLOT), offset) == every


@pytest.mark.parametrize(
    ("after_slot", "every"),
    [
        (0 * SECOND, None),
        (29 * SECOND, None),
        (30 * SECOND, 15 * SECOND),
        (599 * SECOND, 15 * SECOND),
        (2 * HOUR + SECOND, MINUTE),
    ],
)
def test_index_is_looked_at_from_30_seconds_after_the_slot(after_slot: timedelta, every: timedelta | None) -> None:
    index = replace(ORIGIN, id="w/index/origin", part=INDEX)
    assert spacing(windows_for(index, SLOT), after_slot) == every


def test_what_is_public_early_is_watched_after_its_cancellation() -> None:
    planned = Promise("w", "govuk", SLOT, State.CONFIRMED, AT - DAYS)
    cancelled = InForce(replace(planned, state=State.CANCELLED), cancelled=True, planned=planned)
    exposed = windows_in_force(EDGE, cancelled, Progress(Stage.EXPOSED, AT - HOUR), exact=False, watch=WatchSettings())
    assert spacing(exposed, -30 * MINUTE) == 5 * SECOND
    assert windows_in_force(EDGE, cancelled, UNSEEN, exact=False, watch=WatchSettings()) == ()


def test_one_look_falls_due_exactly_at_the_slot() -> None:
    for target in (EDGE, ORIGIN, CONTENT):
        assert next_due(windows_for(target, SLOT), AT - SECOND / 10, shift=0.3 * SECOND) == AT


def test_origin_view_is_used_from_an_hour_before_the_slot_until_14_days_after_it() -> None:
    windows = windows_for(ORIGIN, SLOT)
    assert (windows[0].begins, windows[-1].ends) == (AT - HOUR, AT + 14 * DAYS)
    assert spacing(windows, after_slot=3 * HOUR) == MINUTE  # one instant between the two


def test_page_in_the_content_api_is_looked_at_a_fifth_as_often_as_at_the_edge() -> None:
    page_at_edge, page_in_content_api = windows_for(EDGE, SLOT), windows_for(CONTENT, SLOT)
    for after_slot, every_at_edge in (
        (-10 * DAYS, 5 * MINUTE),
        (-HOUR, 15 * SECOND),
        (0 * SECOND, SECOND),
        (HOUR, 5 * SECOND),
    ):
        assert spacing(page_at_edge, after_slot) == every_at_edge
        assert spacing(page_in_content_api, after_slot) == 5 * every_at_edge


def test_page_exposed_two_days_early_is_looked_at_every_5_s_and_each_second_around_its_slot() -> None:
    windows = windows_for(EDGE, SLOT, Progress(Stage.EXPOSED, since=AT - 2 * DAYS))
    before_exposure, exposed, at_slot, after_slot = -3 * DAYS, -DAYS, -MINUTE, HOUR
    found = [spacing(windows, offset) for offset in (before_exposure, exposed, at_slot, after_slot)]
    assert found == [MINUTE, 5 * SECOND, SECOND, 5 * SECOND]


def test_origin_view_of_an_exposed_page_is_used_days_before_the_slot() -> None:
    windows = windows_for(ORIGIN, SLOT, Progress(Stage.EXPOSED, AT - 2 * DAYS))
    assert spacing(windows, -DAYS) == 5 * SECOND


def test_seen_page_is_looked_at_each_minute_for_an_hour_then_hourly_for_a_week() -> None:
    windows = windows_for(EDGE, SLOT, Progress(Stage.SEEN, since=AT + SECOND))
    found = [spacing(windows, offset) for offset in (MINUTE, 2 * HOUR, 6 * DAYS, 8 * DAYS)]
    assert found == [MINUTE, HOUR, HOUR, None]


def test_missing_part_is_looked_at_closely_after_the_page_was_seen() -> None:
    # Closely is every 5 s for an hour after the page was seen, and then each minute until 14 days after the slot.
    sheet_missing = Progress(Stage.SEEN, since=AT + 3 * HOUR, is_complete=False)
    windows = windows_for(SHEET, SLOT, sheet_missing)
    assert [spacing(windows, offset) for offset in (3.5 * HOUR, 5 * HOUR, 15 * DAYS)] == [5 * SECOND, MINUTE, None]


def test_origin_view_ends_once_the_page_is_seen() -> None:
    assert windows_for(ORIGIN, SLOT, Progress(Stage.SEEN, AT)) == ()


def test_origin_view_of_a_missing_part_is_used_as_often_as_its_edge_view() -> None:
    sheet_missing = Progress(Stage.SEEN, since=AT + 3 * HOUR, is_complete=False)
    windows = windows_for(replace(SHEET, view=View.ORIGIN), SLOT, sheet_missing)
    assert windows == windows_for(SHEET, SLOT, sheet_missing)
    # Looks are closer in the first hour after the page was seen.
    assert [spacing(windows, offset) for offset in (3.5 * HOUR, 5 * HOUR)] == [5 * SECOND, MINUTE]


ORIGIN_OF_COPY = replace(SHEET, id="w/other/origin", part="other", view=View.ORIGIN, is_optional=True)


def test_origin_view_of_a_copy_has_the_windows_of_its_page_with_a_quarter_of_the_chance_of_a_change() -> None:
    # A copy is the same release at another address, which is less likely to change at the slot. It gets no extra looks
    # while its host is idle (`every_if_idle`).
    of_page, of_copy = windows_for(ORIGIN, SLOT), windows_for(ORIGIN_OF_COPY, SLOT)
    assert of_copy == tuple(replace(window, chance=window.chance / 4, every_if_idle=None) for window in of_page)


def test_origin_view_of_a_copy_elsewhere_ends_once_the_page_is_out() -> None:
    page_out_copy_missing = Progress(Stage.SEEN, since=AT, is_complete=False)
    assert windows_for(ORIGIN_OF_COPY, SLOT, page_out_copy_missing) == ()


def test_closed_target_has_no_windows() -> None:
    assert windows_for(EDGE, SLOT, Progress(Stage.CLOSED)) == ()


def test_windows_that_have_ended_are_left_out() -> None:
    assert windows_for(EDGE, SLOT, now=AT)[0].name == "slot"


@pytest.mark.parametrize(
    ("offset", "every"),
    [
        (-10 * DAYS, 5 * MINUTE),
        (-2 * DAYS, MINUTE),
        (-HOUR, MINUTE),
        (-10 * MINUTE, 15 * SECOND),
        (9 * MINUTE, 15 * SECOND),
        (10 * MINUTE, MINUTE),
        (20 * HOUR, MINUTE),
    ],
)
def test_day_is_watched_each_minute_and_more_closely_around_the_usual_time(offset: timedelta, every: timedelta) -> None:
    # DAY is 23 July without a time. `offset` counts from 9:30 on that day, which is the usual time.
    assert spacing(windows_for(EDGE, DAY), offset) == every


def test_day_with_a_configured_time_is_watched_like_an_instant() -> None:
    assert windows_for(EDGE, replace(DAY, assumed=AT)) == windows_for(EDGE, SLOT)


@pytest.mark.parametrize(
    ("day", "utc_hour"), [(date(2026, 12, 3), 9), (date(2026, 7, 23), 8)], ids=["winter", "summer"]
)
def test_close_looks_of_a_promised_day_begin_at_twenty_past_nine_in_local_time(day: date, utc_hour: int) -> None:
    windows = windows_for(EDGE, Slot(Precision.DAY, first=day, last=day))
    near = next(window for window in windows if window.name == "near")
    assert near.begins == datetime(day.year, day.month, day.day, utc_hour, 20, tzinfo=UTC)


def test_day_is_overdue_from_local_midnight() -> None:
    midnight_in_london = datetime(2026, 7, 23, 23, tzinfo=UTC)
    assert windows_for(EDGE, DAY)[-1].begins == midnight_in_london


def test_a_promised_month_is_watched_every_five_minutes_and_each_minute_once_it_has_passed() -> None:
    windows = windows_for(EDGE, JULY)
    inside_july, in_august = timedelta(), 10 * DAYS  # from 23 July
    assert spacing(windows, inside_july) == 5 * MINUTE
    assert spacing(windows, in_august) == MINUTE


def test_release_without_a_readable_time_is_looked_at_hourly() -> None:
    windows = windows_for(EDGE, Slot(Precision.NONE, reason="tbc"), now=AT)
    assert [window.every for window in windows] == [HOUR]
    assert windows[0].begins <= AT < windows[0].ends


@pytest.mark.parametrize(
    ("after_slot", "spacing_at_edge", "spacing_at_origin"),
    [
        (3 * HOUR - SECOND, HOUR, None),
        (3 * HOUR, 5 * SECOND, 5 * SECOND),
        (3 * HOUR + 2 * MINUTE, MINUTE, None),
        (4 * HOUR, HOUR, None),
        (6 * DAYS, HOUR, None),
        (8 * DAYS, None, None),
    ],
)
def test_page_removed_after_its_release_is_looked_at_every_5_s_for_two_minutes_and_then_less_often(
    after_slot: timedelta, spacing_at_edge: timedelta | None, spacing_at_origin: timedelta | None
) -> None:
    # The page was seen a second after its slot and found absent 3 hours after it. By then it was looked at each hour.
    # The spacing is None where there are no looks, such as at the origin of a page that is out.
    lost_again = Progress(Stage.SEEN, since=AT + SECOND, lost_at=AT + 3 * HOUR)
    assert spacing(windows_for(EDGE, SLOT, lost_again), after_slot) == spacing_at_edge
    assert spacing(windows_for(ORIGIN, SLOT, lost_again), after_slot) == spacing_at_origin


SEEN = Progress(Stage.SEEN, AT)
PART_MISSING = Progress(Stage.SEEN, AT, is_complete=False)
OPTIONAL_SHEET = replace(SHEET, is_optional=True)


def chance_at(windows: tuple[Window, ...], offset: timedelta) -> float:
    """Return the chance of the window in which a look falls, this long after the slot."""
    return window_at(windows, AT + offset).chance


@pytest.mark.parametrize(
    ("target", "progress", "after_slot", "chance"),
    [
        (EDGE, UNSEEN, timedelta(), 1.0),
        (ORIGIN, UNSEEN, timedelta(), 1.0),
        (SHEET, UNSEEN, timedelta(), 1.0),
        (CONTENT, UNSEEN, timedelta(), 0.25),
        (OPTIONAL_SHEET, UNSEEN, timedelta(), 0.25),
        (EDGE, UNSEEN, 30 * MINUTE, 4.0),
        (EDGE, UNSEEN, 5 * HOUR, 4.0),
        (CONTENT, UNSEEN, 30 * MINUTE, 1.0),
        (EDGE, Progress(Stage.EXPOSED, AT - HOUR), -30 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * MINUTE, 4.0),
        (OPTIONAL_SHEET, PART_MISSING, 5 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * HOUR, 4.0),
        (EDGE, SEEN, 5 * MINUTE, 0.25),
        (EDGE, SEEN, 5 * HOUR, 0.25),
        (CONTENT, SEEN, 5 * HOUR, 0.0625),
    ],
)
def test_chance_depends_on_the_kind_of_target_and_its_progress(
    target: Target, progress: Progress, after_slot: timedelta, chance: float
) -> None:
    # A required part has the chance 1.0 at its slot. It is four times as likely to change while it is overdue or
    # missing. Each of these divides the chance by four: it was seen already, it is optional, or the look is at the
    # content API.
    assert chance_at(windows_for(target, SLOT, progress), after_slot) == chance


@pytest.mark.parametrize("slot", [DAY, SLOT])
def test_release_not_judged_to_the_minute_has_a_quarter_of_the_chance(slot: Slot) -> None:
    assert chance_at(windows_for(EDGE, slot, exact=False), timedelta()) == 0.25


def test_listing_of_newest_pages_is_as_likely_to_change_before_a_slot_as_after_its_release() -> None:
    # The listing shows all pages of a producer, so it may change at any time. Its `chance` is a constant.
    listing = replace(EDGE, view=View.TRIPWIRE, is_optional=True)
    assert {window.chance for window in windows_for(listing, SLOT)} == {TRIPWIRE_CHANCE}
    is_published = True
    assert chance_of(listing, is_overdue=False, is_out=is_published) == TRIPWIRE_CHANCE


def test_phases_before_the_slot_differ_only_in_spacing() -> None:
    assert {window.chance for window in windows_for(EDGE, SLOT) if window.begins < AT + 10 * MINUTE} == {1.0}


_instants = st.integers(-20 * 86_400, 20 * 86_400).map(lambda count: AT + count * SECOND)
_progresses = st.builds(Progress, st.sampled_from(list(Stage)), _instants, st.booleans(), st.none() | _instants)
_targets = st.sampled_from([EDGE, ORIGIN, CONTENT, SHEET, TRIPWIRE])
_slots = st.sampled_from([SLOT, DAY, JULY])
_seconds = st.integers(1, 60).map(lambda count: f"{count}s")
_slot_phases = st.builds(
    lambda begins, every: SlotPhase.model_validate({"from": f"{begins}s", "every": every}),
    st.integers(1, 300),
    _seconds,
)
_watches = st.builds(
    lambda slot, every: WatchSettings(slot=slot, exposed=ExposedPhase.model_validate({"every": every})),
    _slot_phases,
    _seconds,
)


@given(_targets, _slots, _progresses, _watches)
def test_windows_are_in_time_order_and_do_not_overlap(
    target: Target, slot: Slot, progress: Progress, watch: WatchSettings
) -> None:
    windows = windows_for(target, slot, progress, watch)
    assert all(window.ends <= following.begins for window, following in pairwise(windows))


@given(_targets, _slots, _progresses, _instants)
def test_later_now_only_removes_windows_that_ended(
    target: Target, slot: Slot, progress: Progress, now: datetime
) -> None:
    all_windows = windows_for(target, slot, progress)
    assert windows_for(target, slot, progress, now=now) == tuple(each for each in all_windows if each.ends > now)


@given(_watches, st.integers(1, 10**9), st.integers(0, 59))
def test_a_look_is_due_exactly_at_the_slot_for_any_wanted_spacing_and_shift(
    watch: WatchSettings, microseconds_before_slot: int, shift_seconds: int
) -> None:
    slot_instant, shift = SLOT.instant, shift_seconds * SECOND
    assert slot_instant is not None
    windows = windows_for(EDGE, SLOT, watch=watch)
    due = next_due(windows, slot_instant - timedelta(microseconds=microseconds_before_slot), shift=shift)
    # The shift does not apply to the window of the slot. Windows before it may have millions of looks: skip these.
    window_of_slot_begins = slot_instant - watch.slot.begins
    while due is not None and due < slot_instant:
        due = next_due(windows, max(due, window_of_slot_begins), shift=shift)
    assert due == slot_instant
