"""No claim is based on a promise that may not be in force at its slot, or on calendars that differ."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.reasons import Reason
from monitor.judge.verdict import Verdict
from schedules.announcement import State as Standing
from schedules.contract.verdict import Kind, VerdictKind
from schedules.promise import Promise, Unlisted
from tests.worlds.instants import DAY, SLOT, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
from tests.worlds.releases import SHEET, a_promise, a_release
from tests.worlds.verdicts import found, judged

IN_TIME = "09:30:01"


def page_published_at(published_at: str | None) -> RegularLooks:
    """Return a page that was absent from 07:30 until it was published (None: never), looked at every five seconds."""
    turns = [(seconds_at("07:30"), ABSENT), *([] if published_at is None else [(seconds_at(published_at), PRESENT)])]
    return RegularLooks(turns, every=5, specific=True)


def verdict_on(promises: Sequence[Promise], *, published_at: str | None, now: str = "10:00") -> Verdict:
    """Return the verdict at `now` on a release whose page was published at an instant (None: never)."""
    release = a_release(calendars=tuple({promise.calendar: None for promise in promises}))
    return judged(seconds_at(now), {"page": page_published_at(published_at)}, promises=promises, release=release)


def promise_last_read(time: str, **fields: object) -> Promise:
    """Return a promise for 09:30 that its calendar showed for the last time at this read."""
    return a_promise(confirmed_at=at(time), **fields)


def changed_promise(
    slot: str = "09:30", *, shown_at: str = "09:36", not_yet_at: str = "09:26", **fields: object
) -> Promise:
    """Return a promise for `slot` that a calendar showed at one read, but not yet at the read before it."""
    return a_promise(at(slot), learnt=at(shown_at), unlearnt=at(not_yet_at), **fields)


def doubt_details(verdict: Verdict) -> list[str]:
    """Return what each finding says that the promise is in doubt."""
    return [each.detail for each in found(verdict, Kind.PROMISE_IN_DOUBT)]


@pytest.mark.parametrize(
    ("published_at", "expected"),
    [
        (None, VerdictKind.OVERDUE),
        ("09:40", VerdictKind.LATE),
        (IN_TIME, VerdictKind.ON_TIME),
        ("09:10", VerdictKind.EARLY),
    ],
)
def test_a_release_is_judged_by_a_promise_that_its_calendar_still_showed_after_its_slot(
    published_at: str | None, expected: VerdictKind
) -> None:
    # The slot is 09:30, and the calendar still showed it at 09:35.
    verdict = verdict_on([promise_last_read("09:35")], published_at=published_at)
    assert (verdict.verdict, doubt_details(verdict)) == (expected, [])


@pytest.mark.parametrize(
    ("published_at", "minutes_from_last_read"), [(None, 61), ("09:40", 61), (IN_TIME, 61), ("09:10", 41)], ids=str
)
def test_a_promise_last_read_long_before_its_slot_or_exposure_proves_nothing(
    published_at: str | None, minutes_from_last_read: int
) -> None:
    promise = promise_last_read("08:29")
    verdict = verdict_on([promise], published_at=published_at)
    assert (verdict.verdict, verdict.exposures) == (VerdictKind.UNPROVEN, ())
    assert doubt_details(verdict) == [verdict.unproven_because]
    # A calendar must show the promise at most 30 min before it is needed. It last did at 08:29: 61 min before the slot
    # at 09:30, and 41 min before the page that was out early at 09:10.
    reason = Reason.NOT_CONFIRMED.text(promise=promise, last=at("08:29"), before=60.0 * minutes_from_last_read)
    assert verdict.unproven_because == reason


def test_a_verdict_names_the_last_read_of_a_promise_that_was_read_four_minutes_before_its_slot() -> None:
    verdict = verdict_on([promise_last_read("09:26")], published_at=IN_TIME)
    assert (verdict.verdict, verdict.confirmed, doubt_details(verdict)) == (VerdictKind.ON_TIME, at("09:26"), [])


@pytest.mark.parametrize(("read", "expected"), [("09:00", VerdictKind.ON_TIME), ("08:59:54", VerdictKind.UNPROVEN)])
def test_a_promise_binds_if_it_was_read_at_most_half_an_hour_before(read: str, expected: VerdictKind) -> None:
    assert verdict_on([promise_last_read(read)], published_at=IN_TIME).verdict is expected


def test_a_late_release_is_in_doubt_unless_its_calendar_was_read_again_at_the_slot() -> None:
    read_again, not_read_again = (
        verdict_on([promise_last_read(read)], published_at=None) for read in ("09:30", "09:26")
    )
    assert (read_again.verdict, doubt_details(read_again)) == (VerdictKind.OVERDUE, [])
    assert not_read_again.verdict is VerdictKind.OVERDUE
    (doubt,) = doubt_details(not_read_again)
    assert doubt.endswith("not read, or not shown there, again since")


@pytest.mark.parametrize(("last_read", "doubt_count"), [("09:26", 1), ("09:30", 0)])
def test_a_file_that_is_late_after_its_early_page_is_in_doubt_unless_the_calendar_was_read_again_at_the_slot(
    last_read: str, doubt_count: int
) -> None:
    # The slot is 09:30. The file is late by it, so the calendar must still show it at 09:30.
    early_page, absent_file = page_published_at("09:10"), page_published_at(None)
    seen = {"page": early_page, "sheet": absent_file}
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[promise_last_read(last_read)])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.OVERDUE]
    assert len(doubt_details(verdict)) == doubt_count


@pytest.mark.parametrize(
    ("last_read", "expected", "doubt_count"),
    [("08:39", VerdictKind.UNPROVEN, 1), ("08:41", VerdictKind.EARLY, 1), ("09:11", VerdictKind.EARLY, 0)],
)
def test_an_early_page_needs_a_calendar_read_in_the_half_hour_before_it_and_is_in_doubt_without_one_after_it(
    last_read: str, expected: VerdictKind, doubt_count: int
) -> None:
    # The page was out at 09:10. A last read at 08:39 is 31 min before that, and one at 08:41 is 29 min before it.
    verdict = verdict_on([promise_last_read(last_read)], published_at="09:10", now="09:30")
    assert (verdict.verdict, len(doubt_details(verdict))) == (expected, doubt_count)


def test_a_pending_part_keeps_its_verdict_if_the_promise_is_in_doubt() -> None:
    verdict = verdict_on([promise_last_read("08:29")], published_at=None, now="09:29")
    assert (verdict.verdict, verdict.unproven_because, doubt_details(verdict)) == (VerdictKind.PENDING, None, [])


# Changes between two reads


@pytest.mark.parametrize("change", [changed_promise("11:00"), changed_promise(state=Standing.CANCELLED)])
def test_a_change_that_may_have_come_before_the_slot_leaves_the_release_unproven(change: Promise) -> None:
    verdict = verdict_on([promise_last_read("09:26"), change], published_at=None)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT" in verdict.unproven_because


def test_a_change_that_came_after_the_slot_leaves_it_late() -> None:
    promises = [promise_last_read("09:32"), changed_promise("11:00", not_yet_at="09:32")]
    assert verdict_on(promises, published_at=None).verdict is VerdictKind.OVERDUE


CHANGES_AFTER_09_26 = {
    "the next edition, once it was out in time": (changed_promise("2018-04-05 10:30"), IN_TIME, VerdictKind.ON_TIME),
    "a later day, read when it may have been out": (
        changed_promise("2018-01-06 09:30", shown_at="09:30:05"),
        "09:30:44",
        VerdictKind.UNPROVEN,
    ),
    "a later day, read once it was out": (
        changed_promise("2018-01-06 09:30", shown_at="09:30:05"),
        "09:30:04.5",
        VerdictKind.ON_TIME,
    ),
    "a later day": (changed_promise("2018-01-06 09:30"), IN_TIME, VerdictKind.ON_TIME),
    "a later day, not out": (changed_promise("2018-01-06 09:30"), None, VerdictKind.UNPROVEN),
    "later on the same day": (changed_promise("09:31", shown_at="09:31:30"), IN_TIME, VerdictKind.UNPROVEN),
    "an hour and a half later": (changed_promise("11:00"), IN_TIME, VerdictKind.UNPROVEN),
    "an hour and a half later, not out": (changed_promise("11:00"), None, VerdictKind.UNPROVEN),
    "brought forward": (changed_promise("09:28"), IN_TIME, VerdictKind.UNPROVEN),
    "brought forward, not out": (changed_promise("09:28"), None, VerdictKind.UNPROVEN),
}


@pytest.mark.parametrize(("change", "published_at", "expected"), CHANGES_AFTER_09_26.values(), ids=CHANGES_AFTER_09_26)
def test_a_changed_promise_casts_doubt_unless_it_names_a_later_day_and_is_first_read_once_the_release_was_out(
    change: Promise, published_at: str | None, expected: VerdictKind
) -> None:
    # At 09:26 the calendar showed 09:30. `change` is what it showed at its next read, 09:36 if not stated. It may have
    # changed before 09:30. For example, if it then showed 11:00, a page that is not out may not be late.
    verdict = verdict_on([promise_last_read("09:26"), change], published_at=published_at)
    assert verdict.verdict is expected
    assert bool(doubt_details(verdict)) is (expected is VerdictKind.UNPROVEN)


# Brought forward


def test_a_release_that_was_brought_forward_and_came_then_is_not_early() -> None:
    # At 08:55 the calendar is changed to 09:00. The release is out at 09:02, and the calendar is read at 09:05.
    promises = [promise_last_read("08:50"), changed_promise("09:00", shown_at="09:05", not_yet_at="08:50")]
    verdict = verdict_on(promises, published_at="09:02")
    assert (verdict.verdict, verdict.exposures) == (VerdictKind.UNPROVEN, ())
    (forward,) = found(verdict, Kind.BROUGHT_FORWARD)
    assert forward.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_an_earlier_slot_that_a_calendar_showed_only_after_it_had_passed_excuses_no_exposure() -> None:
    # The calendar still showed 09:30 at 09:03, when the page had been out since 09:02. It showed 09:00 only at 09:05.
    promises = [promise_last_read("09:03"), changed_promise("09:00", shown_at="09:05", not_yet_at="09:03")]
    assert verdict_on(promises, published_at="09:02").verdict is VerdictKind.EARLY


def test_a_release_brought_forward_in_time_is_judged_by_its_new_slot() -> None:
    # The calendar showed 09:30 at 08:30, and 09:10 from 08:50 on.
    promises = [promise_last_read("08:30"), changed_promise("09:10", shown_at="08:50", not_yet_at="08:30")]
    verdict = verdict_on(promises, published_at="09:10:00.5")
    assert verdict.verdict is VerdictKind.ON_TIME
    assert found(verdict, Kind.BROUGHT_FORWARD)


THE_DAY_BEFORE = "2018-01-04 09:29"
TEN_DAYS_LATER = a_promise(SLOT + 10 * DAY, confirmed_at=at(THE_DAY_BEFORE))
BROUGHT_FORWARD = {
    "on its day": ([TEN_DAYS_LATER, changed_promise(shown_at="08:30", not_yet_at=THE_DAY_BEFORE)], 1),
    "the day before": ([TEN_DAYS_LATER, changed_promise(shown_at="2018-01-04 09:30", not_yet_at=THE_DAY_BEFORE)], 0),
    "put back on its day": (
        [a_promise(at("09:00"), confirmed_at=at("08:30")), changed_promise(shown_at="08:31", not_yet_at="08:30")],
        0,
    ),
}


@pytest.mark.parametrize(("promises", "expected_findings"), BROUGHT_FORWARD.values(), ids=BROUGHT_FORWARD)
def test_only_a_slot_that_was_brought_forward_on_its_own_day_is_a_finding(
    promises: list[Promise], expected_findings: int
) -> None:
    # The slot is 09:30 on 5 January. For example, the calendar first showed a slot ten days later, and at 08:30 of that
    # very day it showed 09:30 instead. In the last case the earlier time, 09:00, was put back to 09:30: no finding.
    assert len(found(verdict_on(promises, published_at=IN_TIME), Kind.BROUGHT_FORWARD)) == expected_findings


# Provisional times


@pytest.mark.parametrize(
    ("published_at", "expected"),
    [("09:31:27", VerdictKind.UNPROVEN), (IN_TIME, VerdictKind.ON_TIME), ("09:28:30", VerdictKind.UNPROVEN)],
)
def test_a_release_with_a_provisional_time_is_proved_only_if_it_is_on_time_by_that_time(
    published_at: str, expected: VerdictKind
) -> None:
    # At 09:26 the calendar called 09:30 provisional. If it confirmed 09:30 after that, 09:31:27 is late and 09:28:30 is
    # early. If it did not, any minute of the day is on time.
    verdict = verdict_on([promise_last_read("09:26", state=Standing.PROVISIONAL)], published_at=published_at)
    assert (verdict.verdict, bool(doubt_details(verdict))) == (expected, expected is VerdictKind.UNPROVEN)


def test_a_slot_still_provisional_when_it_passed_allows_any_minute_of_its_day() -> None:
    # Of a slot to the minute, 09:31:27 is past the tolerance of 60 s.
    provisional = promise_last_read("09:31", state=Standing.PROVISIONAL)
    assert verdict_on([provisional], published_at="09:31:27").verdict is VerdictKind.ON_TIME


def test_a_release_is_pending_while_its_provisional_time_may_be_confirmed() -> None:
    # It came 90 s before its time, 09:30. That is early if the calendar confirms the time before 09:30.
    # It is on time if the calendar does not.
    verdict = verdict_on([promise_last_read("09:26", state=Standing.PROVISIONAL)], published_at="09:28:30", now="09:29")
    assert (verdict.verdict, verdict.final, verdict.revisit) == (VerdictKind.PENDING, False, SLOT)


@pytest.mark.parametrize("published_at", [None, "09:31:27"])
def test_a_time_that_was_perhaps_confirmed_before_its_slot_leaves_the_release_unproven(
    published_at: str | None,
) -> None:
    # If 09:30 was confirmed before it passed, 09:31:27 is over a minute late. If not, any minute of the day is on time.
    provisional = promise_last_read("09:26", state=Standing.PROVISIONAL)
    same_time_confirmed = changed_promise("09:30", shown_at="09:36", not_yet_at="09:26")
    verdict = verdict_on([provisional, same_time_confirmed], published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    changed = "its promise was changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT, provisional, last so"
    assert changed in verdict.unproven_because


def test_a_slot_that_was_confirmed_only_after_it_passed_allows_any_minute_of_its_day() -> None:
    # At 09:31 the slot, 09:30, was still provisional. The next read, at 09:36, showed it confirmed.
    provisional = promise_last_read("09:31", state=Standing.PROVISIONAL)
    same_time_confirmed = changed_promise("09:30", shown_at="09:36", not_yet_at="09:31")
    assert verdict_on([provisional, same_time_confirmed], published_at="09:31:27").verdict is VerdictKind.ON_TIME


# Two calendars


def promises_by(**times: str) -> list[Promise]:
    """Return a promise of each calendar that is named, for its London time."""
    return [a_promise(at(time), calendar=calendar) for calendar, time in times.items()]


@pytest.mark.parametrize(
    ("own_calendar_says", "published_at", "expected"),
    [
        ("10:30", None, VerdictKind.UNPROVEN),
        ("10:30", "09:40", VerdictKind.UNPROVEN),
        ("08:30", "09:00", VerdictKind.UNPROVEN),
        ("08:30", None, VerdictKind.OVERDUE),
        ("10:30", "09:00", VerdictKind.EARLY),
        ("10:30", IN_TIME, VerdictKind.ON_TIME),
    ],
    ids=[
        "late by one, not yet due by the other",
        "late by one, early by the other",
        "early by one, late by the other",
        "late by both",
        "early by both",
        "on time by the one that rules",
    ],
)
def test_no_breach_is_claimed_by_one_calendar_that_another_denies(
    own_calendar_says: str, published_at: str | None, expected: VerdictKind
) -> None:
    verdict = verdict_on(promises_by(govuk="09:30", own=own_calendar_says), published_at=published_at)
    assert verdict.verdict is expected
    (differ,) = found(verdict, Kind.CALENDARS_DISAGREE)
    assert differ.detail.endswith("a person must say which binds")
    is_other_calendar_the_reason = "own says" in (verdict.unproven_because or "")
    assert is_other_calendar_the_reason is (expected is VerdictKind.UNPROVEN)


@pytest.mark.parametrize(
    ("own_calendar_says", "is_late"), [("09:31", True), ("09:50", False), ("10:00", False), ("09:29", False)]
)
def test_an_exposed_release_that_came_back_late_is_late_only_by_both_calendars(
    own_calendar_says: str, *, is_late: bool
) -> None:
    # It was public from 09:28:30 to 09:29:30 and came back at 09:50. By a slot of 09:29 it was public at its slot, and
    # by one of 09:50 or 10:00 it came back in time.
    exposed_and_20_min_late = [(-7200, ABSENT), (-90, PRESENT), (-30, ABSENT), (1200, PRESENT)]
    page, release = RegularLooks(exposed_and_20_min_late, every=5, specific=True), a_release(calendars=("govuk", "own"))
    promises = promises_by(govuk="09:30", own=own_calendar_says)
    verdict = judged(1800, {"page": page}, promises=promises, release=release)
    assert verdict.verdict is VerdictKind.EARLY
    assert bool(found(verdict, Kind.LATE)) is is_late


def test_a_release_becomes_late_when_it_is_late_by_the_second_calendar_too() -> None:
    promises = promises_by(govuk="09:30", own="09:50")
    before, soon_after, later = (
        verdict_on(promises, published_at=None, now=now) for now in ("09:40", "09:50:30", "09:52")
    )
    assert (before.verdict, before.revisit) == (VerdictKind.UNPROVEN, at("09:50"))
    # A release may come until a minute after its slot, here 09:50.
    assert soon_after.revisit == at("09:51")
    assert later.verdict is VerdictKind.OVERDUE


def test_a_release_with_one_calendar_is_not_judged_again_soon() -> None:
    # It is overdue, and no slot of another calendar is to come. So its verdict stays the same
    # until its watch ends after 14 days.
    assert verdict_on([a_promise()], published_at=None, now="09:40").revisit > at("10:30")


def test_a_release_that_one_calendar_cancels_is_not_late_by_the_other() -> None:
    promises = [a_promise(), a_promise(calendar="own", state=Standing.CANCELLED)]
    assert verdict_on(promises, published_at=None).verdict is VerdictKind.UNPROVEN


def test_late_by_one_calendar_and_never_published_by_the_other_is_a_breach_by_both() -> None:
    # The watch for a release ends 14 days after its slot. By the slot of 20 days ago the release was never published.
    long_ago = a_promise(SLOT - 20 * DAY, learnt=SLOT - 40 * DAY, calendar="own")
    assert verdict_on([a_promise(), long_ago], published_at="09:40").verdict is VerdictKind.LATE


def unlisted_promise(*successors: str, since: str, calendar: str = "govuk") -> Promise:
    """Return a promise that its calendar last showed at 09:00. Its four reads from `since` on did not show it."""
    return promise_last_read("09:00", unlisted=Unlisted(at(since), 4, successors), calendar=calendar)


def no_longer_listed(*titles: str) -> str:
    """Return the reason that four reads since 09:05 did not show the entry, last shown at 09:00."""
    facts = {"last": at("09:00"), "since": at("09:05")}
    return Reason.NO_LONGER_LISTED.text(promise=a_promise(), reads=4, titles=titles, **facts)


@pytest.mark.parametrize("published_at", [None, "09:40", IN_TIME])
def test_an_entry_that_left_its_calendar_before_its_slot_proves_nothing(published_at: str | None) -> None:
    verdict = verdict_on([unlisted_promise(since="09:05")], published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.unproven_because == no_longer_listed()
    assert doubt_details(verdict) == [verdict.unproven_because]


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        (unlisted_promise(since="09:29:59"), VerdictKind.UNPROVEN),
        (unlisted_promise(since="09:30"), VerdictKind.OVERDUE),
        (promise_last_read("09:20"), VerdictKind.OVERDUE),
    ],
)
def test_a_promise_is_in_doubt_only_if_reads_before_its_slot_no_longer_showed_its_entry(
    promise: Promise, expected: VerdictKind
) -> None:
    # The slot is 09:30. In the first two cases reads no longer showed the entry from `since` on. In the third
    # case it stayed listed.
    assert verdict_on([promise], published_at=None).verdict is expected


def test_the_doubt_about_an_entry_that_left_its_calendar_names_the_entries_that_may_replace_it() -> None:
    # The calendar no longer shows the entry since 09:05, but shows two new ones with these titles.
    verdict = verdict_on(
        [unlisted_promise("Vital events: 2017", "Stillbirths: 2017", since="09:05")], published_at=None
    )
    assert verdict.unproven_because == no_longer_listed("Vital events: 2017", "Stillbirths: 2017")


@pytest.mark.parametrize(("since", "expected"), [("09:11", VerdictKind.EARLY), ("09:05", VerdictKind.UNPROVEN)])
def test_a_page_out_before_its_slot_is_early_only_if_its_entry_left_the_calendar_after_that(
    since: str, expected: VerdictKind
) -> None:
    # The page was out at 09:10, before its slot at 09:30. From `since` on, the calendar did not show the entry.
    assert verdict_on([unlisted_promise(since=since)], published_at="09:10", now="09:20").verdict is expected


def page_early_and_back_at(back_at: str | None) -> RegularLooks:
    """Return a page that was public from 09:10 to 09:20, and again from `back_at` on (None: never)."""
    turns = [(seconds_at("07:30"), ABSENT), (seconds_at("09:10"), PRESENT), (seconds_at("09:20"), ABSENT)]
    return RegularLooks(
        [*turns, *([] if back_at is None else [(seconds_at(back_at), PRESENT)])], every=5, specific=True
    )


@pytest.mark.parametrize(("back_at", "expected"), [(None, VerdictKind.OVERDUE), ("09:40", VerdictKind.EARLY)])
def test_a_page_that_was_early_and_is_not_back_at_its_slot_is_late_too_if_its_entry_is_listed(
    back_at: str | None, expected: VerdictKind
) -> None:
    verdict = judged(
        seconds_at("10:00"), {"page": page_early_and_back_at(back_at)}, promises=[promise_last_read("09:35")]
    )
    # While the page is not back, overdue is the worse verdict. Once it is back, early is.
    assert verdict.verdict is expected
    assert len(found(verdict, Kind.LATE)) == len(verdict.exposures) == 1


@pytest.mark.parametrize("back_at", [None, "09:40"])
@pytest.mark.parametrize(
    "promise", [unlisted_promise(since="09:12"), promise_last_read("08:55")], ids=["unlisted", "not read"]
)
def test_a_page_that_was_early_is_not_late_too_by_a_promise_in_doubt_at_its_slot(
    back_at: str | None, promise: Promise
) -> None:
    # The page was public from 09:10 to 09:20. Its entry was missing from 09:12 on, or it was last read at 08:55: that
    # is 15 min before the page came, but over 30 min before its slot at 09:30.
    verdict = judged(seconds_at("10:00"), {"page": page_early_and_back_at(back_at)}, promises=[promise])
    assert verdict.verdict is VerdictKind.EARLY
    assert (found(verdict, Kind.LATE), len(doubt_details(verdict))) == ([], 1)
    # The delay is that of the exposure, before the slot.
    assert verdict.page.delay.max is not None
    assert verdict.page.delay.max < 0


def test_an_early_page_stays_early_but_its_missing_file_is_not_late_if_the_entry_left_the_calendar() -> None:
    early_page, absent_file = page_published_at("09:10"), page_published_at(None)
    seen = {"page": early_page, "sheet": absent_file}
    # The slot is 9.30am. The calendar no longer showed the release at 9.12am.
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[unlisted_promise(since="09:12")])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.UNPROVEN]
    assert (found(verdict, Kind.LATE), len(doubt_details(verdict))) == ([], 1)


def test_a_promise_that_left_one_calendar_binds_while_another_calendar_still_shows_it() -> None:
    other = promise_last_read("09:26", calendar="own")
    assert verdict_on([unlisted_promise(since="09:05"), other], published_at=None).verdict is VerdictKind.OVERDUE
    both = [unlisted_promise(since="09:05"), unlisted_promise(since="09:05", calendar="own")]
    assert verdict_on(both, published_at=None).verdict is VerdictKind.UNPROVEN


def test_a_verdict_as_of_an_instant_ignores_later_reads_that_did_not_list_the_entry() -> None:
    # At 09:04 the page was out, before its slot at 09:30, and the calendar had always shown the entry.
    assert verdict_on([unlisted_promise(since="09:05")], published_at="09:03", now="09:04").verdict is VerdictKind.EARLY
