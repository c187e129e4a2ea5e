"""Which windows apply to a target, and how likely it is to change in each.

A window is a time in which a target is looked at with one spacing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.addresses import INDEX
from monitor.plan.phases import ExposedPhase, SlotPhase, WatchSettings, Window, next_due, window_at
from monitor.plan.targets import Target, View
from monitor.plan.windows import (
    TRIPWIRE_CHANCE,
    UNSEEN,
    Progress,
    Stage,
    chance_of,
    windows_for,
    windows_in_force,
)
from schedules.announcement import State
from schedules.in_force import InForce
from schedules.promise import Promise
from schedules.slot import Precision, Slot

SLOT_TIME = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
SLOT = Slot(Precision.INSTANT, instant=SLOT_TIME)
PROMISED_DAY = Slot(Precision.DAY, first=date(2026, 7, 23), last=date(2026, 7, 23))
PROMISED_MONTH = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
SECOND, MINUTE, HOUR, DAYS = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)

PAGE_AT_EDGE = Target(
    "w/page/edge", "w", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "govuk"
)
PAGE_AT_ORIGIN = replace(PAGE_AT_EDGE, id="w/page/origin", view=View.ORIGIN)
PAGE_IN_API = replace(PAGE_AT_EDGE, id="w/page/content", view=View.CONTENT)
SHEET = replace(PAGE_AT_EDGE, id="w/sheet/edge", part="sheet")
TRIPWIRE = replace(PAGE_AT_EDGE, id="~tripwire/x", release="", part="", view=View.TRIPWIRE)


def spacing(windows: tuple[Window, ...], after_slot: timedelta) -> timedelta | None:
    """Return how far apart looks are, this long after the slot. None if there are none."""
    window = window_at(windows, SLOT_TIME + after_slot)
    return None if window is None else window.every


@pytest.mark.parametrize(
    ("after_slot", "every"),
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
def test_looks_at_unseen_page_are_closer_near_its_slot(
    after_slot: timedelta, every: timedelta | None
) -> None:
    assert spacing(windows_for(PAGE_AT_EDGE, SLOT), after_slot) == every


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
def test_index_is_looked_at_from_30_s_after_slot(
    after_slot: timedelta, every: timedelta | None
) -> None:
    index = replace(PAGE_AT_ORIGIN, id="w/index/origin", part=INDEX)
    assert spacing(windows_for(index, SLOT), after_slot) == every


def test_release_public_early_is_watched_after_its_cancellation() -> None:
    """The release was cancelled. If its page was public an hour before the slot, half an hour later
    there are still looks, every 5 s. If its page was never seen, there are none.
    """
    planned = Promise("w", "govuk", SLOT, State.CONFIRMED, SLOT_TIME - DAYS)
    cancelled = InForce(replace(planned, state=State.CANCELLED), cancelled=True, planned=planned)
    windows_after = partial(
        windows_in_force, PAGE_AT_EDGE, cancelled, exact=False, watch=WatchSettings()
    )
    exposed = Progress(Stage.EXPOSED, SLOT_TIME - HOUR)
    assert spacing(windows_after(exposed), after_slot=-30 * MINUTE) == 5 * SECOND
    assert windows_after(UNSEEN) == ()


@pytest.mark.parametrize("target", [PAGE_AT_EDGE, PAGE_AT_ORIGIN, PAGE_IN_API])
def test_one_look_falls_due_exactly_at_the_slot(target: Target) -> None:
    assert (
        next_due(windows_for(target, SLOT), SLOT_TIME - SECOND / 10, shift=0.3 * SECOND)
        == SLOT_TIME
    )


def test_origin_view_is_used_from_an_hour_before_slot() -> None:
    """It is used until 14 days after the slot.

    Three hours after the slot, for example, there is a look each minute.
    """
    windows = windows_for(PAGE_AT_ORIGIN, SLOT)
    assert (windows[0].begins, windows[-1].ends) == (SLOT_TIME - HOUR, SLOT_TIME + 14 * DAYS)
    assert spacing(windows, after_slot=3 * HOUR) == MINUTE  # one instant between the two


@pytest.mark.parametrize(
    ("after_slot", "every_at_edge"),
    [(-10 * DAYS, 5 * MINUTE), (-HOUR, 15 * SECOND), (0 * SECOND, SECOND), (HOUR, 5 * SECOND)],
)
def test_content_api_is_looked_at_a_fifth_as_often(
    after_slot: timedelta, every_at_edge: timedelta
) -> None:
    assert spacing(windows_for(PAGE_AT_EDGE, SLOT), after_slot) == every_at_edge
    assert spacing(windows_for(PAGE_IN_API, SLOT), after_slot) == 5 * every_at_edge


@pytest.mark.parametrize(
    ("after_slot", "every"),
    [(-3 * DAYS, MINUTE), (-DAYS, 5 * SECOND), (-MINUTE, SECOND), (HOUR, 5 * SECOND)],
    ids=["before the exposure", "exposed", "around its slot", "later"],
)
def test_exposed_page_is_looked_at_every_5_s(after_slot: timedelta, every: timedelta) -> None:
    """The page was exposed two days before its slot. A day before the slot, for example, it is
    looked at every 5 s. Around the slot it is looked at each second.
    """
    exposed_two_days_early = Progress(Stage.EXPOSED, since=SLOT_TIME - 2 * DAYS)
    assert spacing(windows_for(PAGE_AT_EDGE, SLOT, exposed_two_days_early), after_slot) == every


def test_exposed_phase_begins_at_the_exposure_however_wide_its_spacing() -> None:
    """Looks at the spacing of the phase before, and then a wider gap, would be a break in the
    exposure.
    """
    watch = WatchSettings(exposed=ExposedPhase.model_validate({"every": "60s"}))
    since = SLOT_TIME - HOUR + 5 * SECOND
    windows = windows_for(PAGE_AT_EDGE, SLOT, Progress(Stage.EXPOSED, since), watch=watch)
    assert spacing(windows, since - SLOT_TIME) == MINUTE


def test_origin_view_of_exposed_page_is_used_days_before_slot() -> None:
    exposed_two_days_early = Progress(Stage.EXPOSED, since=SLOT_TIME - 2 * DAYS)
    assert spacing(windows_for(PAGE_AT_ORIGIN, SLOT, exposed_two_days_early), -DAYS) == 5 * SECOND


@pytest.mark.parametrize(
    ("after_slot", "every"),
    [(MINUTE, MINUTE), (2 * HOUR, HOUR), (6 * DAYS, HOUR), (8 * DAYS, None)],
)
def test_seen_page_is_looked_at_each_minute_and_then_hourly(
    after_slot: timedelta, every: timedelta | None
) -> None:
    """The page is looked at each minute for an hour, hourly for a week, and then no longer."""
    seen = Progress(Stage.SEEN, since=SLOT_TIME + SECOND)
    assert spacing(windows_for(PAGE_AT_EDGE, SLOT, seen), after_slot) == every


@pytest.mark.parametrize(
    ("after_slot", "every"), [(3.5 * HOUR, 5 * SECOND), (5 * HOUR, MINUTE), (15 * DAYS, None)]
)
def test_part_missing_from_seen_page_is_looked_at_closely(
    after_slot: timedelta, every: timedelta | None
) -> None:
    """The page was seen 3 hours after its slot, without its sheet. The sheet is looked at every 5 s
    for an hour, and then each minute until 14 days after the slot. The origin is looked at as often
    as the edge.
    """
    sheet_missing = Progress(Stage.SEEN, since=SLOT_TIME + 3 * HOUR, is_complete=False)
    at_edge = windows_for(SHEET, SLOT, sheet_missing)
    at_origin = windows_for(replace(SHEET, view=View.ORIGIN), SLOT, sheet_missing)
    assert at_origin == at_edge
    assert spacing(at_edge, after_slot) == every


def test_origin_view_ends_once_the_page_is_seen() -> None:
    assert windows_for(PAGE_AT_ORIGIN, SLOT, Progress(Stage.SEEN, SLOT_TIME)) == ()


ORIGIN_OF_COPY = replace(
    SHEET, id="w/other/origin", part="other", view=View.ORIGIN, is_optional=True
)


def test_copy_counts_as_a_quarter_as_likely_to_change_as_its_page() -> None:
    """A copy is the same release at another address. It has the same times of looks (windows) as
    the page. But its `chance`, how likely it is to change at the slot, counts as a quarter of that
    of the page. And while its host is idle, it gets no looks in addition (`every_if_idle`).
    """
    of_page, of_copy = windows_for(PAGE_AT_ORIGIN, SLOT), windows_for(ORIGIN_OF_COPY, SLOT)
    assert of_copy == tuple(
        replace(window, chance=window.chance / 4, every_if_idle=None) for window in of_page
    )


def test_origin_view_of_copy_ends_once_page_is_out() -> None:
    page_out_copy_missing = Progress(Stage.SEEN, since=SLOT_TIME, is_complete=False)
    assert windows_for(ORIGIN_OF_COPY, SLOT, page_out_copy_missing) == ()


def test_closed_target_has_no_windows() -> None:
    assert windows_for(PAGE_AT_EDGE, SLOT, Progress(Stage.CLOSED)) == ()


def test_windows_that_have_ended_are_left_out() -> None:
    assert windows_for(PAGE_AT_EDGE, SLOT, now=SLOT_TIME)[0].name == "slot"


@pytest.mark.parametrize(
    ("after_usual_time", "every"),
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
def test_day_is_watched_most_closely_around_usual_time(
    after_usual_time: timedelta, every: timedelta
) -> None:
    """The promise is a day without a time, 23 July. The usual time is 9:30."""
    assert spacing(windows_for(PAGE_AT_EDGE, PROMISED_DAY), after_usual_time) == every


def test_day_with_a_configured_time_is_watched_like_an_instant() -> None:
    assert windows_for(PAGE_AT_EDGE, replace(PROMISED_DAY, assumed=SLOT_TIME)) == windows_for(
        PAGE_AT_EDGE, SLOT
    )


@pytest.mark.parametrize(
    ("day", "utc_hour"), [(date(2026, 12, 3), 9), (date(2026, 7, 23), 8)], ids=["winter", "summer"]
)
def test_close_looks_of_a_day_begin_at_9_20_locally(day: date, utc_hour: int) -> None:
    """The release is promised for a day, without a time. In summer, 09:20 in London is 08:20
    UTC.
    """
    windows = windows_for(PAGE_AT_EDGE, Slot(Precision.DAY, first=day, last=day))
    near = next(window for window in windows if window.name == "near")
    assert near.begins == datetime(day.year, day.month, day.day, utc_hour, 20, tzinfo=UTC)


def test_day_is_overdue_from_local_midnight() -> None:
    midnight_in_london = datetime(2026, 7, 23, 23, tzinfo=UTC)
    assert windows_for(PAGE_AT_EDGE, PROMISED_DAY)[-1].begins == midnight_in_london


def test_month_is_watched_each_minute_once_it_has_passed() -> None:
    """Until then, it is watched every five minutes."""
    windows = windows_for(PAGE_AT_EDGE, PROMISED_MONTH)
    inside_july, in_august = timedelta(), 10 * DAYS  # from 23 July
    assert spacing(windows, inside_july) == 5 * MINUTE
    assert spacing(windows, in_august) == MINUTE


def test_release_without_readable_time_is_looked_at_hourly() -> None:
    windows = windows_for(PAGE_AT_EDGE, Slot(Precision.NONE, reason="tbc"), now=SLOT_TIME)
    assert [window.every for window in windows] == [HOUR]
    assert windows[0].begins <= SLOT_TIME < windows[0].ends


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
def test_page_removed_again_is_watched_closely_for_two_minutes(
    after_slot: timedelta, spacing_at_edge: timedelta | None, spacing_at_origin: timedelta | None
) -> None:
    """The page was seen at its slot and found absent 3 hours after it. For two minutes,
    edge and origin are looked at every 5 s. Then the edge is looked at each minute and later
    hourly, and the origin never (None).
    """
    lost_again = Progress(Stage.SEEN, since=SLOT_TIME, lost_at=SLOT_TIME + 3 * HOUR)
    assert spacing(windows_for(PAGE_AT_EDGE, SLOT, lost_again), after_slot) == spacing_at_edge
    assert spacing(windows_for(PAGE_AT_ORIGIN, SLOT, lost_again), after_slot) == spacing_at_origin


SEEN = Progress(Stage.SEEN, SLOT_TIME)
PART_MISSING = Progress(Stage.SEEN, SLOT_TIME, is_complete=False)
OPTIONAL_SHEET = replace(SHEET, is_optional=True)


def chance_at(windows: tuple[Window, ...], offset: timedelta) -> float:
    """Return the chance of the window in which a look falls, this long after the slot."""
    return window_at(windows, SLOT_TIME + offset).chance


@pytest.mark.parametrize(
    ("target", "progress", "after_slot", "chance"),
    [
        (PAGE_AT_EDGE, UNSEEN, timedelta(), 1.0),
        (PAGE_AT_ORIGIN, UNSEEN, timedelta(), 1.0),
        (SHEET, UNSEEN, timedelta(), 1.0),
        (PAGE_IN_API, UNSEEN, timedelta(), 0.25),
        (OPTIONAL_SHEET, UNSEEN, timedelta(), 0.25),
        (PAGE_AT_EDGE, UNSEEN, 30 * MINUTE, 4.0),
        (PAGE_AT_EDGE, UNSEEN, 5 * HOUR, 4.0),
        (PAGE_IN_API, UNSEEN, 30 * MINUTE, 1.0),
        (PAGE_AT_EDGE, Progress(Stage.EXPOSED, SLOT_TIME - HOUR), -30 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * MINUTE, 4.0),
        (OPTIONAL_SHEET, PART_MISSING, 5 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * HOUR, 4.0),
        (PAGE_AT_EDGE, SEEN, 5 * MINUTE, 0.25),
        (PAGE_AT_EDGE, SEEN, 5 * HOUR, 0.25),
        (PAGE_IN_API, SEEN, 5 * HOUR, 0.0625),
    ],
)
def test_chance_of_change_depends_on_target_and_progress(
    target: Target, progress: Progress, after_slot: timedelta, chance: float
) -> None:
    """The more likely a change, the more looks a target gets. A required part has the chance 1.0 at
    its slot, and 4.0 while it is overdue or missing. Each of these divides it by four: the part was
    seen already, it is optional, or the look is at the content API.
    """
    assert chance_at(windows_for(target, SLOT, progress), after_slot) == chance


@pytest.mark.parametrize("slot", [PROMISED_DAY, SLOT])
def test_release_not_judged_to_minute_has_quarter_of_chance(slot: Slot) -> None:
    assert chance_at(windows_for(PAGE_AT_EDGE, slot, exact=False), timedelta()) == 0.25


def test_listing_of_newest_pages_has_a_constant_chance() -> None:
    """It shows all pages of a producer, so it may change at any time."""
    listing = replace(PAGE_AT_EDGE, view=View.TRIPWIRE, is_optional=True)
    assert {window.chance for window in windows_for(listing, SLOT)} == {TRIPWIRE_CHANCE}
    assert chance_of(listing, is_overdue=False, is_out=True, exact=True) == TRIPWIRE_CHANCE


def test_phases_before_the_slot_have_the_same_chance() -> None:
    until_slot = [
        window
        for window in windows_for(PAGE_AT_EDGE, SLOT)
        if window.begins < SLOT_TIME + 10 * MINUTE
    ]
    assert {window.chance for window in until_slot} == {1.0}


_instants = st.integers(-20 * 86_400, 20 * 86_400).map(lambda count: SLOT_TIME + count * SECOND)
_progresses = st.builds(
    Progress, st.sampled_from(list(Stage)), _instants, st.booleans(), st.none() | _instants
)
_targets = st.sampled_from([PAGE_AT_EDGE, PAGE_AT_ORIGIN, PAGE_IN_API, SHEET, TRIPWIRE])
_slots = st.sampled_from([SLOT, PROMISED_DAY, PROMISED_MONTH])
_seconds = st.integers(1, 60).map(lambda count: f"{count}s")
_slot_phases = st.builds(
    lambda begins, every: SlotPhase.model_validate({"from": f"{begins}s", "every": every}),
    st.integers(1, 300),
    _seconds,
)
_watches = st.builds(
    lambda slot, every: WatchSettings(
        slot=slot, exposed=ExposedPhase.model_validate({"every": every})
    ),
    _slot_phases,
    _seconds,
)


@given(_targets, _slots, _progresses, _watches)
def test_windows_are_in_time_order_and_do_not_overlap(
    target: Target, slot: Slot, progress: Progress, watch: WatchSettings
) -> None:
    windows = windows_for(target, slot, progress, watch)
    assert all(window.ends <= following.begins for window, following in pairwise(windows))


def test_slow_spacing_on_idle_host_leaves_the_usual_looks() -> None:
    """`free_every = "60s"` was accepted, and no look was made from ten minutes to twelve hours
    after the slot.
    """
    watch = WatchSettings.model_validate({"overdue": {"free_every": "60s"}})
    windows = windows_for(PAGE_AT_EDGE, SLOT, watch=watch)
    assert spacing(windows, after_slot=HOUR) == 5 * SECOND
    assert spacing(windows, after_slot=3 * HOUR) == MINUTE


@given(_targets, _slots, _progresses, _instants)
def test_later_now_only_removes_windows_that_ended(
    target: Target, slot: Slot, progress: Progress, now: datetime
) -> None:
    """Windows that ended by `now` are left out."""
    all_windows = windows_for(target, slot, progress)
    assert windows_for(target, slot, progress, now=now) == tuple(
        each for each in all_windows if each.ends > now
    )


@given(_watches, st.integers(1, 10**9), st.integers(0, 59))
def test_look_is_due_at_slot_for_any_spacing_and_shift(
    watch: WatchSettings, microseconds_before_slot: int, shift_seconds: int
) -> None:
    """A shift spreads the looks at many targets over some seconds.

    It does not apply to the window with the slot.
    """
    slot_instant, shift = SLOT.instant, shift_seconds * SECOND
    assert slot_instant is not None
    windows = windows_for(PAGE_AT_EDGE, SLOT, watch=watch)
    due = next_due(
        windows, slot_instant - timedelta(microseconds=microseconds_before_slot), shift=shift
    )
    # Windows before that of the slot may have millions of looks: skip these.
    window_of_slot_begins = slot_instant - watch.slot.begins
    while due is not None and due < slot_instant:
        due = next_due(windows, max(due, window_of_slot_begins), shift=shift)
    assert due == slot_instant
