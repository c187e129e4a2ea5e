"""No claim is based on a promise that may not be in force at its slot, or on calendars that differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

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


def promise_for(slot: str, *, last_shown_at: str, **fields: object) -> Promise:
    """Return a promise for `slot` that its calendar showed for the last time at this read."""
    return a_promise(at(slot), confirmed_at=at(last_shown_at), **fields)


def changed_promise(
    slot: str = "09:30", *, not_yet_shown_at: str = "09:26", first_shown_at: str = "09:36", **fields: object
) -> Promise:
    """Return a promise for `slot` that a calendar did not show at one read, but showed at the next."""
    return a_promise(at(slot), learnt=at(first_shown_at), unlearnt=at(not_yet_shown_at), **fields)


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
    verdict = verdict_on([promise_for("09:30", last_shown_at="09:35")], published_at=published_at)
    assert (verdict.verdict, doubt_details(verdict)) == (expected, [])


@pytest.mark.parametrize(
    ("published_at", "minutes_from_last_read"), [(None, 61), ("09:40", 61), (IN_TIME, 61), ("09:10", 41)], ids=str
)
def test_a_promise_last_read_long_before_its_slot_or_exposure_proves_nothing(
    published_at: str | None, minutes_from_last_read: int
) -> None:
    promise = promise_for("09:30", last_shown_at="08:29")
    verdict = verdict_on([promise], published_at=published_at)
    assert (verdict.verdict, verdict.exposures) == (VerdictKind.UNPROVEN, ())
    assert doubt_details(verdict) == [verdict.unproven_because]
    # A calendar must show the promise at most 30 min before it is needed. It last did at 08:29: 61 min before the slot
    # at 09:30, and 41 min before the page that was out early at 09:10.
    reason = Reason.NOT_CONFIRMED.text(promise=promise, last=at("08:29"), before=60.0 * minutes_from_last_read)
    assert verdict.unproven_because == reason


def test_a_verdict_names_the_last_read_of_a_promise_that_was_read_four_minutes_before_its_slot() -> None:
    verdict = verdict_on([promise_for("09:30", last_shown_at="09:26")], published_at=IN_TIME)
    assert (verdict.verdict, verdict.confirmed, doubt_details(verdict)) == (VerdictKind.ON_TIME, at("09:26"), [])


@pytest.mark.parametrize(("read", "expected"), [("09:00", VerdictKind.ON_TIME), ("08:59:54", VerdictKind.UNPROVEN)])
def test_a_promise_binds_if_it_was_read_at_most_half_an_hour_before(read: str, expected: VerdictKind) -> None:
    assert verdict_on([promise_for("09:30", last_shown_at=read)], published_at=IN_TIME).verdict is expected


def test_a_late_release_is_in_doubt_unless_its_calendar_was_read_again_at_the_slot() -> None:
    read_again, not_read_again = (
        verdict_on([promise_for("09:30", last_shown_at=read)], published_at=None) for read in ("09:30", "09:26")
    )
    assert (read_again.verdict, doubt_details(read_again)) == (VerdictKind.OVERDUE, [])
    assert not_read_again.verdict is VerdictKind.OVERDUE
    (doubt,) = doubt_details(not_read_again)
    assert doubt.endswith("not read, or not shown there, again since")


@pytest.mark.parametrize(
    ("promise_last_shown_at", "expected_doubts"), [("09:26", 1), ("09:30", 0)], ids=["before the slot", "at the slot"]
)
def test_the_promise_of_a_missing_file_is_in_doubt_unless_its_calendar_showed_it_again_at_the_slot(
    promise_last_shown_at: str, expected_doubts: int
) -> None:
    # The page came early, at 09:10. Its file was due at 09:30 and never came. It is surely late only if the calendar
    # still showed 09:30 at that time.
    seen = {"page": page_published_at("09:10"), "sheet": page_published_at(None)}
    promise = promise_for("09:30", last_shown_at=promise_last_shown_at)
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[promise])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.OVERDUE]
    assert len(doubt_details(verdict)) == expected_doubts


def verdict_on_page_out_at_09_10(*, promise_last_shown_at: str) -> Verdict:
    """Return the verdict on a page with a promise for 09:30 that its calendar showed for the last time at a read."""
    promise = promise_for("09:30", last_shown_at=promise_last_shown_at)
    return verdict_on([promise], published_at="09:10", now="09:30")


def test_a_page_is_early_only_if_its_calendar_showed_its_slot_in_the_half_hour_before_it_came() -> None:
    read_31_min_before = verdict_on_page_out_at_09_10(promise_last_shown_at="08:39")
    read_29_min_before = verdict_on_page_out_at_09_10(promise_last_shown_at="08:41")
    read_after_it_came = verdict_on_page_out_at_09_10(promise_last_shown_at="09:11")
    assert read_31_min_before.verdict is VerdictKind.UNPROVEN
    assert read_29_min_before.verdict is VerdictKind.EARLY
    assert read_after_it_came.verdict is VerdictKind.EARLY


def test_the_promise_of_an_early_page_is_in_doubt_unless_a_read_after_it_came_still_showed_it() -> None:
    assert len(doubt_details(verdict_on_page_out_at_09_10(promise_last_shown_at="08:39"))) == 1
    assert len(doubt_details(verdict_on_page_out_at_09_10(promise_last_shown_at="08:41"))) == 1
    assert len(doubt_details(verdict_on_page_out_at_09_10(promise_last_shown_at="09:11"))) == 0


def test_a_pending_part_keeps_its_verdict_if_the_promise_is_in_doubt() -> None:
    verdict = verdict_on([promise_for("09:30", last_shown_at="08:29")], published_at=None, now="09:29")
    assert (verdict.verdict, verdict.unproven_because, doubt_details(verdict)) == (VerdictKind.PENDING, None, [])


# Changes between two reads


@pytest.mark.parametrize("change", [changed_promise("11:00"), changed_promise(state=Standing.CANCELLED)])
def test_a_change_that_may_have_come_before_the_slot_leaves_the_release_unproven(change: Promise) -> None:
    verdict = verdict_on([promise_for("09:30", last_shown_at="09:26"), change], published_at=None)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT" in verdict.unproven_because


def test_a_change_that_came_after_the_slot_leaves_it_late() -> None:
    promises = [promise_for("09:30", last_shown_at="09:32"), changed_promise("11:00", not_yet_shown_at="09:32")]
    assert verdict_on(promises, published_at=None).verdict is VerdictKind.OVERDUE


def verdict_after_change(new_slot: str, *, first_shown_at: str, published_at: str | None) -> Verdict:
    """Return the verdict on a release whose calendar showed 09:30 until 09:26, and a new slot at its next read."""
    changed = changed_promise(new_slot, not_yet_shown_at="09:26", first_shown_at=first_shown_at)
    return verdict_on([promise_for("09:30", last_shown_at="09:26"), changed], published_at=published_at)


@pytest.mark.parametrize(
    ("new_slot", "first_shown_at", "published_at"),
    [
        ("2018-01-06 09:30", "09:36", "09:30:01"),
        ("2018-01-06 09:30", "09:30:05", "09:30:04.5"),
        ("2018-04-05 10:30", "09:36", "09:30:01"),
    ],
    ids=["next day", "next day, read just after it was out", "next quarter"],
)
def test_a_release_stays_on_time_if_its_calendar_shows_a_later_day_only_once_it_is_out(
    new_slot: str, first_shown_at: str, published_at: str
) -> None:
    # The calendar still showed 09:30 at 09:26. Once a release is out, its calendar may go on to the next edition.
    verdict = verdict_after_change(new_slot, first_shown_at=first_shown_at, published_at=published_at)
    assert (verdict.verdict, doubt_details(verdict)) == (VerdictKind.ON_TIME, [])


@pytest.mark.parametrize(("first_shown_at", "published_at"), [("09:30:05", "09:30:44"), ("09:36", None)])
def test_a_release_is_unproven_if_its_calendar_showed_the_next_day_before_it_was_out(
    first_shown_at: str, published_at: str | None
) -> None:
    # The calendar still showed 09:30 today at 09:26. It may have changed before 09:30. Then nothing was due today.
    verdict = verdict_after_change("2018-01-06 09:30", first_shown_at=first_shown_at, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubt_details(verdict)) == 1


@pytest.mark.parametrize(
    ("new_time", "first_shown_at", "published_at"),
    [
        ("09:31", "09:31:30", "09:30:01"),
        ("11:00", "09:36", "09:30:01"),
        ("11:00", "09:36", None),
        ("09:28", "09:36", "09:30:01"),
        ("09:28", "09:36", None),
    ],
)
def test_a_release_is_unproven_if_its_calendar_may_have_shown_another_time_of_the_day_before_its_slot(
    new_time: str, first_shown_at: str, published_at: str | None
) -> None:
    # The calendar still showed 09:30 at 09:26. It may have changed before 09:30. Then `new_time` was the slot.
    verdict = verdict_after_change(new_time, first_shown_at=first_shown_at, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubt_details(verdict)) == 1


# Brought forward


def test_a_release_is_not_early_if_its_calendar_may_have_brought_it_forward_before_it_came() -> None:
    # 08:50: the calendar still shows 09:30. 09:02: the page comes. 09:05: the calendar shows 09:00.
    # The calendar may have changed before 09:02. Then the page was not early.
    former = promise_for("09:30", last_shown_at="08:50")
    brought_forward = changed_promise("09:00", not_yet_shown_at="08:50", first_shown_at="09:05")
    verdict = verdict_on([former, brought_forward], published_at="09:02")
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.exposures == ()
    (finding,) = found(verdict, Kind.BROUGHT_FORWARD)
    assert finding.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_an_earlier_slot_that_a_calendar_showed_only_after_it_had_passed_excuses_no_exposure() -> None:
    # The calendar still showed 09:30 at 09:03, when the page had been out since 09:02. It showed 09:00 only at 09:05.
    promises = [
        promise_for("09:30", last_shown_at="09:03"),
        changed_promise("09:00", first_shown_at="09:05", not_yet_shown_at="09:03"),
    ]
    assert verdict_on(promises, published_at="09:02").verdict is VerdictKind.EARLY


def test_a_release_brought_forward_in_time_is_judged_by_its_new_slot() -> None:
    # The calendar showed 09:30 at 08:30, and 09:10 from 08:50 on.
    promises = [
        promise_for("09:30", last_shown_at="08:30"),
        changed_promise("09:10", first_shown_at="08:50", not_yet_shown_at="08:30"),
    ]
    verdict = verdict_on(promises, published_at="09:10:00.5")
    assert verdict.verdict is VerdictKind.ON_TIME
    assert found(verdict, Kind.BROUGHT_FORWARD)


def test_a_slot_brought_forward_to_today_is_a_finding() -> None:
    # The day before, the calendar showed 15 January. At 08:30 on 5 January it showed 09:30 on that day instead.
    former = promise_for("2018-01-15 09:30", last_shown_at="2018-01-04 09:29")
    brought_forward = changed_promise("09:30", not_yet_shown_at="2018-01-04 09:29", first_shown_at="08:30")
    verdict = verdict_on([former, brought_forward], published_at=IN_TIME)
    assert len(found(verdict, Kind.BROUGHT_FORWARD)) == 1


def test_a_slot_brought_forward_to_tomorrow_is_no_finding() -> None:
    # On 4 January the calendar showed 15 January, and a minute later 09:30 on 5 January.
    former = promise_for("2018-01-15 09:30", last_shown_at="2018-01-04 09:29")
    brought_forward = changed_promise(
        "2018-01-05 09:30", not_yet_shown_at="2018-01-04 09:29", first_shown_at="2018-01-04 09:30"
    )
    verdict = verdict_on([former, brought_forward], published_at=IN_TIME)
    assert found(verdict, Kind.BROUGHT_FORWARD) == []


def test_a_slot_put_back_on_its_day_is_not_brought_forward() -> None:
    # The calendar moved the release from 09:00 to a later time, 09:30.
    former = promise_for("09:00", last_shown_at="08:30")
    put_back = changed_promise("09:30", not_yet_shown_at="08:30", first_shown_at="08:31")
    verdict = verdict_on([former, put_back], published_at=IN_TIME)
    assert found(verdict, Kind.BROUGHT_FORWARD) == []


# Provisional times


def test_a_release_that_keeps_its_provisional_time_is_on_time() -> None:
    provisional = promise_for("09:30", last_shown_at="09:26", state=Standing.PROVISIONAL)
    verdict = verdict_on([provisional], published_at="09:30:01")
    assert (verdict.verdict, doubt_details(verdict)) == (VerdictKind.ON_TIME, [])


@pytest.mark.parametrize("published_at", ["09:28:30", "09:31:27"])
def test_a_release_that_misses_its_provisional_time_is_unproven_if_it_may_have_been_confirmed(
    published_at: str,
) -> None:
    # A provisional time allows any minute of its day, so the release would be on time. A confirmed one allows a minute,
    # so it would be early or late. The calendar may have confirmed 09:30 after its last read, at 09:26.
    provisional = promise_for("09:30", last_shown_at="09:26", state=Standing.PROVISIONAL)
    verdict = verdict_on([provisional], published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubt_details(verdict)) == 1


def test_a_slot_still_provisional_when_it_passed_allows_any_minute_of_its_day() -> None:
    # Of a slot to the minute, 09:31:27 is past the tolerance of 60 s.
    provisional = promise_for("09:30", last_shown_at="09:31", state=Standing.PROVISIONAL)
    assert verdict_on([provisional], published_at="09:31:27").verdict is VerdictKind.ON_TIME


def test_a_release_is_pending_while_its_provisional_time_may_be_confirmed() -> None:
    # It came 90 s before its time, 09:30. That is early if the calendar confirms the time before 09:30.
    # It is on time if the calendar does not.
    verdict = verdict_on(
        [promise_for("09:30", last_shown_at="09:26", state=Standing.PROVISIONAL)], published_at="09:28:30", now="09:29"
    )
    assert (verdict.verdict, verdict.final, verdict.revisit) == (VerdictKind.PENDING, False, SLOT)


def test_a_late_release_is_unproven_if_its_provisional_time_was_perhaps_confirmed_before_it() -> None:
    # A provisional time allows any minute of its day. A time that was confirmed before it passed allows one minute.
    # 09:26: the calendar shows 09:30 as provisional. 09:36: it shows 09:30 as confirmed, since when is not known.
    provisional = promise_for("09:30", last_shown_at="09:26", state=Standing.PROVISIONAL)
    confirmed = changed_promise("09:30", not_yet_shown_at="09:26", first_shown_at="09:36", state=Standing.CONFIRMED)
    came_87_s_later = verdict_on([provisional, confirmed], published_at="09:31:27")
    never_came = verdict_on([provisional, confirmed], published_at=None)
    for verdict in (came_87_s_later, never_came):
        assert verdict.verdict is VerdictKind.UNPROVEN
        assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT, provisional, last so" in (
            verdict.unproven_because
        )


def test_a_late_release_is_on_time_if_its_time_was_still_provisional_when_it_passed() -> None:
    # A provisional time allows any minute of its day. Only a confirmation before it passed would change that.
    # 09:31: the calendar shows 09:30 as provisional. 09:31:27: the page comes. 09:36: 09:30 is confirmed.
    provisional = promise_for("09:30", last_shown_at="09:31", state=Standing.PROVISIONAL)
    confirmed = changed_promise("09:30", not_yet_shown_at="09:31", first_shown_at="09:36", state=Standing.CONFIRMED)
    verdict = verdict_on([provisional, confirmed], published_at="09:31:27")
    assert verdict.verdict is VerdictKind.ON_TIME


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


def verdict_on_exposed_release_back_at_09_50(**slots_by_calendar: str) -> Verdict:
    """Return the verdict on a page that was public from 09:28:30 to 09:29:30, and again from 09:50 on."""
    states = [("07:30", ABSENT), ("09:28:30", PRESENT), ("09:29:30", ABSENT), ("09:50", PRESENT)]
    page = RegularLooks([(seconds_at(time), state) for time, state in states], every=5, specific=True)
    release = a_release(calendars=tuple(slots_by_calendar))
    return judged(seconds_at("10:00"), {"page": page}, promises=promises_by(**slots_by_calendar), release=release)


def test_an_exposed_release_that_came_back_late_by_both_calendars_is_a_late_finding_too() -> None:
    # The page was public from 09:28:30 to 09:29:30, and again from 09:50 on: after both slots.
    verdict = verdict_on_exposed_release_back_at_09_50(govuk="09:30", own="09:31")
    assert verdict.verdict is VerdictKind.EARLY
    assert found(verdict, Kind.LATE)


def test_an_exposed_release_is_no_late_finding_if_it_was_public_at_the_slot_of_one_calendar() -> None:
    # The page was public from 09:28:30 to 09:29:30, and again from 09:50 on.
    for slot_at_which_it_was_public in ("09:29", "09:50", "10:00"):
        verdict = verdict_on_exposed_release_back_at_09_50(govuk="09:30", own=slot_at_which_it_was_public)
        assert verdict.verdict is VerdictKind.EARLY
        assert found(verdict, Kind.LATE) == []


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


def slots_today_and_20_days_ago() -> list[Promise]:
    today = a_promise(SLOT, calendar="govuk")
    return [today, a_promise(SLOT - 20 * DAY, learnt=SLOT - 40 * DAY, calendar="own")]


def test_a_release_late_by_minutes_by_one_calendar_and_by_days_by_the_other_is_late() -> None:
    # The slots are 09:30 today and 09:30 of 20 days ago.
    assert verdict_on(slots_today_and_20_days_ago(), published_at="09:40").verdict is VerdictKind.LATE


def test_an_absent_release_is_overdue_if_its_watch_is_over_by_only_one_of_two_calendars() -> None:
    # The watch ends 14 days after a slot. Then the verdict is “not published”, which does not contradict “overdue”.
    today, twenty_days_ago = slots_today_and_20_days_ago()
    assert verdict_on([twenty_days_ago], published_at=None).verdict is VerdictKind.NOT_PUBLISHED
    assert verdict_on([today, twenty_days_ago], published_at=None).verdict is VerdictKind.OVERDUE


def unlisted_promise(*successors: str, since: str, calendar: str = "govuk") -> Promise:
    """Return a promise that its calendar last showed at 09:00. Its four reads from `since` on did not show it."""
    return promise_for("09:30", last_shown_at="09:00", unlisted=Unlisted(at(since), 4, successors), calendar=calendar)


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


def test_an_absent_release_is_overdue_unless_its_entry_left_the_calendar_before_its_slot() -> None:
    # The slot is 09:30.
    left_a_second_before = verdict_on([unlisted_promise(since="09:29:59")], published_at=None)
    left_at_the_slot = verdict_on([unlisted_promise(since="09:30")], published_at=None)
    never_left = verdict_on([promise_for("09:30", last_shown_at="09:20")], published_at=None)
    assert left_a_second_before.verdict is VerdictKind.UNPROVEN
    assert left_at_the_slot.verdict is VerdictKind.OVERDUE
    assert never_left.verdict is VerdictKind.OVERDUE


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


def verdict_on_page_public_from_09_10_to_09_20(promise: Promise, *, back_at: str | None) -> Verdict:
    """Return the verdict at 10:00 on a page that was also public from `back_at` on (None: never)."""
    turns = [(seconds_at("07:30"), ABSENT), (seconds_at("09:10"), PRESENT), (seconds_at("09:20"), ABSENT)]
    if back_at is not None:
        turns.append((seconds_at(back_at), PRESENT))
    page = RegularLooks(turns, every=5, specific=True)
    return judged(seconds_at("10:00"), {"page": page}, promises=[promise])


def test_a_page_that_was_exposed_and_is_not_back_at_its_slot_is_a_late_finding_too() -> None:
    # The calendar still showed the promise at 09:35, so it was in force at its slot.
    promise = promise_for("09:30", last_shown_at="09:35")
    never_back = verdict_on_page_public_from_09_10_to_09_20(promise, back_at=None)
    back_late = verdict_on_page_public_from_09_10_to_09_20(promise, back_at="09:40")
    for verdict in (never_back, back_late):
        assert len(verdict.exposures) == 1
        assert len(found(verdict, Kind.LATE)) == 1
    # A release has the worst verdict that applies. Overdue is worse than early, and late is not.
    assert never_back.verdict is VerdictKind.OVERDUE
    assert back_late.verdict is VerdictKind.EARLY


def test_an_exposed_page_that_comes_back_late_is_only_early_if_its_promise_is_in_doubt() -> None:
    # A promise is in doubt if the calendar did not show it in the half hour before its slot, or dropped it.
    last_shown_too_early = promise_for("09:30", last_shown_at="08:55")
    dropped = unlisted_promise(since="09:12")
    for promise, back_at in product((last_shown_too_early, dropped), (None, "09:40")):
        verdict = verdict_on_page_public_from_09_10_to_09_20(promise, back_at=back_at)
        assert verdict.verdict is VerdictKind.EARLY
        assert found(verdict, Kind.LATE) == []
        assert len(doubt_details(verdict)) == 1
        # The delay is that of the exposure, which began before the slot.
        assert verdict.page.delay.max < 0


def test_an_early_page_stays_early_but_its_missing_file_is_not_late_if_the_entry_left_the_calendar() -> None:
    early_page, absent_file = page_published_at("09:10"), page_published_at(None)
    seen = {"page": early_page, "sheet": absent_file}
    # The slot is 9.30am. The calendar no longer showed the release at 9.12am.
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[unlisted_promise(since="09:12")])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.UNPROVEN]
    assert (found(verdict, Kind.LATE), len(doubt_details(verdict))) == ([], 1)


def test_a_promise_that_left_one_calendar_binds_while_another_calendar_still_shows_it() -> None:
    other = promise_for("09:30", last_shown_at="09:26", calendar="own")
    assert verdict_on([unlisted_promise(since="09:05"), other], published_at=None).verdict is VerdictKind.OVERDUE
    both = [unlisted_promise(since="09:05"), unlisted_promise(since="09:05", calendar="own")]
    assert verdict_on(both, published_at=None).verdict is VerdictKind.UNPROVEN


def test_a_verdict_as_of_an_instant_ignores_later_reads_that_did_not_list_the_entry() -> None:
    # At 09:04 the page was out, before its slot at 09:30, and the calendar had always shown the entry.
    assert verdict_on([unlisted_promise(since="09:05")], published_at="09:03", now="09:04").verdict is VerdictKind.EARLY
