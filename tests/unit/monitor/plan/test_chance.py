"""How likely a target is to change, compared with others of the same spacing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.plan.phases import Window, window_at
from monitor.plan.targets import Target, View, targets_of
from monitor.plan.windows import TRIPWIRE_CHANCE, UNSEEN, Progress, Stage, chance_of, windows_for
from schedules.announcement import Part, Role
from schedules.release import Release
from schedules.slot import Precision, Slot

AT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
SLOT = Slot(Precision.INSTANT, instant=AT)
DAY = Slot(Precision.DAY, first=date(2026, 7, 23), last=date(2026, 7, 23))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SEEN = Progress(Stage.SEEN, AT)
PART_MISSING = Progress(Stage.SEEN, AT, is_complete=False)

EDGE = Target("w/page/edge", "w", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "govuk")
ORIGIN = replace(EDGE, id="w/page/origin", view=View.ORIGIN)
TWIN = replace(EDGE, id="w/page/content", view=View.CONTENT)
SHEET = replace(EDGE, id="w/sheet/edge", part="sheet")
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
        (TWIN, UNSEEN, timedelta(), 0.25),
        (OPTIONAL_SHEET, UNSEEN, timedelta(), 0.25),
        (EDGE, UNSEEN, 30 * MINUTE, 4.0),
        (EDGE, UNSEEN, 5 * HOUR, 4.0),
        (TWIN, UNSEEN, 30 * MINUTE, 1.0),
        (EDGE, Progress(Stage.EXPOSED, AT - HOUR), -30 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * MINUTE, 4.0),
        (OPTIONAL_SHEET, PART_MISSING, 5 * MINUTE, 1.0),
        (SHEET, PART_MISSING, 5 * HOUR, 4.0),
        (EDGE, SEEN, 5 * MINUTE, 0.25),
        (EDGE, SEEN, 5 * HOUR, 0.25),
        (TWIN, SEEN, 5 * HOUR, 0.0625),
    ],
)
def test_chance_depends_on_the_kind_of_target_and_its_progress(
    target: Target, progress: Progress, after_slot: timedelta, chance: float
) -> None:
    assert chance_at(windows_for(target, SLOT, progress), after_slot) == chance


@pytest.mark.parametrize("slot", [DAY, SLOT])
def test_release_not_judged_to_the_minute_has_a_quarter_of_the_chance(slot: Slot) -> None:
    assert chance_at(windows_for(EDGE, slot, exact=False), timedelta()) == 0.25


def test_a_listing_of_the_newest_pages_has_the_same_chance_in_all_its_windows() -> None:
    listing = replace(EDGE, view=View.TRIPWIRE, is_optional=True)
    assert chance_of(listing, out=True) == TRIPWIRE_CHANCE
    assert {window.chance for window in windows_for(listing, SLOT)} == {TRIPWIRE_CHANCE}


def test_optional_parts_and_alternatives_are_optional_targets() -> None:
    url = "https://stats.example/x"
    parts = (
        Part("page", Role.PAGE, url, "status"),
        Part("annex", Role.HTML, f"{url}/annex"),
        Part("found-1", Role.DATA, f"{url}.csv", required=False),
        Part("other", Role.ALTERNATIVE, f"{url}/old"),
    )
    targets = targets_of(Release("w", "Widgets", "example", url, parts, ()))
    assert {target.part for target in targets if target.is_optional} == {"found-1", "other"}


def test_phases_before_the_slot_differ_only_in_spacing() -> None:
    assert {window.chance for window in windows_for(EDGE, SLOT) if window.begins < AT + 10 * MINUTE} == {1.0}
