"""No claim is based on a promise that may not be in force at its slot, or on calendars that differ."""

from __future__ import annotations

import pytest

from monitor.judge.reasons import Reason
from monitor.judge.verdict import Verdict
from schedules.announcement import State as Standing
from schedules.contract.verdict import Kind, VerdictKind
from schedules.promise import Promise, Unlisted
from tests.worlds.instants import DAY, SLOT, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
from tests.worlds.releases import SHEET, a_promise, a_release, no_slot
from tests.worlds.verdicts import found, judged

IN_TIME = "09:30:01"
NEVER = None


def page_published_at(*instants: str | None) -> RegularLooks:
    """Return looks, five seconds apart, at a page published, removed and back at these instants, as far as given."""
    states = zip(("07:30", *instants), (ABSENT, PRESENT, ABSENT, PRESENT), strict=False)
    turns = [(seconds_at(time), state) for time, state in states if time is not None]
    return RegularLooks(turns, every=5, specific=True)


def verdict_on(
    *promises: Promise,
    published_at: str | None,
    removed_at: str | None = NEVER,
    back_at: str | None = NEVER,
    now: str = "10:00",
) -> Verdict:
    """Return the verdict at `now` on a release whose page was published, removed and back at these instants."""
    release = a_release(calendars=tuple({promise.calendar: None for promise in promises}))
    page = page_published_at(published_at, removed_at, back_at)
    return judged(now=seconds_at(now), seen={"page": page}, promises=promises, release=release)


def promise_for(slot: str, *, last_shown_at: str, **fields: object) -> Promise:
    """Return a promise for `slot` that its calendar showed for the last time at this read."""
    return a_promise(at(slot), confirmed_at=at(last_shown_at), **fields)


def changed_promise(
    slot: str = "09:30", *, not_yet_shown_at: str = "09:26", first_shown_at: str = "09:36", **fields: object
) -> Promise:
    """Return a promise for `slot` that a calendar did not show at one read, but showed at the next."""
    return a_promise(at(slot), learnt=at(first_shown_at), unlearnt=at(not_yet_shown_at), **fields)


def test_a_date_postponed_without_a_new_one_is_never_late() -> None:
    """The calendar showed 09:30 at 09:16, and “Postponed” at 09:26. So a page not out at 10:00 is pending, not late."""
    shown = promise_for("09:30", last_shown_at="09:16")
    postponed = a_promise(no_slot(raw="Postponed", reason="not-a-date"), state=Standing.POSTPONED, learnt=at("09:26"))
    verdict = verdict_on(shown, postponed, published_at=NEVER)
    assert verdict.verdict is VerdictKind.PENDING


def test_a_date_replaced_by_an_unreadable_text_is_unproven() -> None:
    """At 09:16 the calendar showed the slot 09:30, and at 09:26 the text “See note” instead. This may mean another slot
    or the same. So a page that is not out at 10:00 may be late or not: unproven."""
    shown = promise_for("09:30", last_shown_at="09:16")
    unreadable = a_promise(no_slot(raw="See note", reason="not-a-date"), learnt=at("09:26"))
    verdict = verdict_on(shown, unreadable, published_at=NEVER)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "1 read of the calendar since Fri 5 Jan 2018 09:26:00 GMT did not show it" in str(verdict.unproven_because)


def doubts(verdict: Verdict) -> list[str]:
    """Return what the verdict says that is in doubt about its promise."""
    return [each.detail for each in found(verdict, Kind.PROMISE_IN_DOUBT)]


@pytest.mark.parametrize(
    ("published_at", "expected"),
    [
        (NEVER, VerdictKind.OVERDUE),
        ("09:40", VerdictKind.LATE),
        (IN_TIME, VerdictKind.ON_TIME),
        ("09:10", VerdictKind.EARLY),
    ],
)
def test_promise_still_shown_after_its_slot_decides_verdict(published_at: str | None, expected: VerdictKind) -> None:
    """The calendar still showed 09:30 at 09:35. So a page at 09:40 is late, and one at 09:10 early, without doubt."""
    verdict = verdict_on(promise_for("09:30", last_shown_at="09:35"), published_at=published_at)
    assert verdict.verdict is expected
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    ("published_at", "minutes_from_last_read"), [(NEVER, 61), ("09:40", 61), (IN_TIME, 61), ("09:10", 41)], ids=str
)
def test_promise_last_read_too_long_ago_proves_nothing(published_at: str | None, minutes_from_last_read: int) -> None:
    """The calendar last showed 09:30 at 08:29. That counts for 30 min. But it is 61 min before the slot, 09:30, and 41
    min before a page that came early, at 09:10 (`minutes_from_last_read`). So the slot may have changed unseen."""
    promise = promise_for("09:30", last_shown_at="08:29")
    verdict = verdict_on(promise, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.exposures == ()
    assert doubts(verdict) == [verdict.unproven_because]
    reason = Reason.NOT_CONFIRMED.text(promise=promise, last=at("08:29"), before=60.0 * minutes_from_last_read)
    assert verdict.unproven_because == reason


def test_verdict_names_last_read_of_its_promise() -> None:
    """A read at 09:26 last showed the slot, 09:30. The page came in time. `confirmed` is the time of that read."""
    verdict = verdict_on(promise_for("09:30", last_shown_at="09:26"), published_at=IN_TIME)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.confirmed == at("09:26")
    assert doubts(verdict) == []


@pytest.mark.parametrize(("read", "expected"), [("09:00", VerdictKind.ON_TIME), ("08:59:54", VerdictKind.UNPROVEN)])
def test_promise_read_at_most_30_min_before_slot_counts(read: str, expected: VerdictKind) -> None:
    """The page came at 09:30:01. If the calendar last showed the slot, 09:30, at 09:00, it is on time. If it last did
    so at 08:59:54, over 30 min before the slot, another slot may have replaced it: unproven."""
    assert verdict_on(promise_for("09:30", last_shown_at=read), published_at=IN_TIME).verdict is expected


def test_late_release_is_in_doubt_unless_calendar_was_reread() -> None:
    """No page has come by 10:00. If a read at 09:30 still showed the slot 09:30, it is surely overdue. If the last read
    was at 09:26, the slot may have changed before 09:30: overdue, but in doubt."""
    reread = verdict_on(promise_for("09:30", last_shown_at="09:30"), published_at=NEVER)
    not_reread = verdict_on(promise_for("09:30", last_shown_at="09:26"), published_at=NEVER)
    assert reread.verdict is VerdictKind.OVERDUE
    assert doubts(reread) == []
    assert not_reread.verdict is VerdictKind.OVERDUE
    (doubt,) = doubts(not_reread)
    assert doubt.endswith("not read, or not shown there, again since")


@pytest.mark.parametrize(
    ("promise_last_shown_at", "expected_doubts"), [("09:26", 1), ("09:30", 0)], ids=["before the slot", "at the slot"]
)
def test_missing_file_is_in_doubt_unless_calendar_was_reread(promise_last_shown_at: str, expected_doubts: int) -> None:
    """The page came early, at 09:10, and its file never. If a read at 09:30 still showed the slot 09:30, the file is
    surely overdue. If the last read was at 09:26, the slot may have changed before 09:30: one doubt."""
    seen = {"page": page_published_at("09:10"), "sheet": page_published_at(NEVER)}
    promise = promise_for("09:30", last_shown_at=promise_last_shown_at)
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[promise])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.OVERDUE]
    assert len(doubts(verdict)) == expected_doubts


@pytest.mark.parametrize(
    ("promise_last_shown_at", "expected", "expected_doubts"),
    [("08:39", VerdictKind.UNPROVEN, 1), ("08:41", VerdictKind.EARLY, 1), ("09:11", VerdictKind.EARLY, 0)],
    ids=["31 min before it came", "29 min before it came", "after it came"],
)
def test_page_is_early_only_if_calendar_was_read_shortly_before(
    promise_last_shown_at: str, expected: VerdictKind, expected_doubts: int
) -> None:
    """The page came at 09:10, before its slot at 09:30. If that slot was last shown at 08:39, over 30 min earlier, it
    may have changed: unproven. If at 08:41, the page is early, but in doubt. If at 09:11, it is surely early."""
    promise = promise_for("09:30", last_shown_at=promise_last_shown_at)
    verdict = verdict_on(promise, published_at="09:10", now="09:30")
    assert verdict.verdict is expected
    assert len(doubts(verdict)) == expected_doubts


def test_pending_release_ignores_doubt_about_its_promise() -> None:
    """At 09:29 no page has come. The calendar last showed the slot, 09:30, at 08:29, over 30 min before. But it may be
    read again by 09:30, so the release is pending and not yet unproven."""
    verdict = verdict_on(promise_for("09:30", last_shown_at="08:29"), published_at=NEVER, now="09:29")
    assert verdict.verdict is VerdictKind.PENDING
    assert verdict.unproven_because is None
    assert doubts(verdict) == []


# Changes between two reads


@pytest.mark.parametrize(
    "change", [changed_promise("11:00"), changed_promise(state=Standing.CANCELLED)], ids=["moved to 11:00", "cancelled"]
)
def test_change_perhaps_before_slot_leaves_release_unproven(change: Promise) -> None:
    """The calendar showed 09:30 at 09:26. At its next read, at 09:36, it showed 11:00 instead, or “cancelled”. No page
    came. It is late if the calendar changed after 09:30, but not if it changed before: unproven."""
    verdict = verdict_on(promise_for("09:30", last_shown_at="09:26"), change, published_at=NEVER)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT" in verdict.unproven_because


def test_change_after_slot_leaves_release_late() -> None:
    """The calendar still showed 09:30 at 09:32, and 11:00 at its next read, at 09:36. So 09:30 was the slot when it
    passed, and a page that never came is overdue."""
    still_shown_after_slot = promise_for("09:30", last_shown_at="09:32")
    changed = changed_promise("11:00", not_yet_shown_at="09:32")
    assert verdict_on(still_shown_after_slot, changed, published_at=NEVER).verdict is VerdictKind.OVERDUE


def verdict_after_change(new_slot: str, *, first_shown_at: str, published_at: str | None) -> Verdict:
    """Return the verdict on a release whose calendar showed 09:30 until 09:26, and a new slot at its next read."""
    changed = changed_promise(new_slot, not_yet_shown_at="09:26", first_shown_at=first_shown_at)
    return verdict_on(promise_for("09:30", last_shown_at="09:26"), changed, published_at=published_at)


@pytest.mark.parametrize(
    ("new_slot", "first_shown_at", "published_at"),
    [
        ("2018-01-06 09:30", "09:36", "09:30:01"),
        ("2018-01-06 09:30", "09:30:05", "09:30:04.5"),
        ("2018-04-05 10:30", "09:36", "09:30:01"),
    ],
    ids=["next day", "next day, read just after it was out", "next quarter"],
)
def test_release_in_time_stays_so_if_calendar_then_shows_next_edition(
    new_slot: str, first_shown_at: str, published_at: str
) -> None:
    """The calendar showed 09:30 at 09:26, and the page came in time, at 09:30:01. At the next read, at 09:36, the
    calendar showed 09:30 of the next day. That is the slot of the next edition, so it puts this release in no doubt."""
    verdict = verdict_after_change(new_slot, first_shown_at=first_shown_at, published_at=published_at)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    ("new_slot", "first_shown_at", "published_at"),
    [
        ("2018-01-06 09:30", "09:30:05", "09:30:44"),
        ("2018-01-06 09:30", "09:36", NEVER),
        ("09:31", "09:31:30", IN_TIME),
        ("11:00", "09:36", IN_TIME),
        ("11:00", "09:36", NEVER),
        ("09:28", "09:36", IN_TIME),
        ("09:28", "09:36", NEVER),
    ],
)
def test_release_is_unproven_if_another_slot_perhaps_applied(
    new_slot: str, first_shown_at: str, published_at: str | None
) -> None:
    """The calendar showed 09:30 at 09:26, and another slot at its next read, say 11:00 at 09:36. It may have changed
    before 09:30 or after it. So a page at 09:30:01 was in time for 09:30 or early for 11:00: unproven."""
    verdict = verdict_after_change(new_slot, first_shown_at=first_shown_at, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubts(verdict)) == 1


# Brought forward


def brought_forward(old: str, new: str, *, old_last_shown_at: str, new_first_shown_at: str) -> list[Promise]:
    """Return the promises of a release whose calendar showed `old` as its slot at one read, and `new` at the next."""
    former = promise_for(old, last_shown_at=old_last_shown_at)
    return [former, changed_promise(new, not_yet_shown_at=old_last_shown_at, first_shown_at=new_first_shown_at)]


def test_page_perhaps_brought_forward_before_it_came_is_not_early() -> None:
    """The calendar showed 09:30 at 08:50, and 09:00 at 09:05. The page came at 09:02. It was early if the calendar
    changed after that, but not if it changed before: unproven, so it has no exposure."""
    promises = brought_forward("09:30", "09:00", old_last_shown_at="08:50", new_first_shown_at="09:05")
    verdict = verdict_on(*promises, published_at="09:02")
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.exposures == ()
    (finding,) = found(verdict, Kind.BROUGHT_FORWARD)  # because it changed on its day
    assert finding.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_slot_brought_forward_once_page_was_out_excuses_no_exposure() -> None:
    """The page came at 09:02. The calendar still showed 09:30 at 09:03, and 09:00 only at 09:05. So it was early."""
    promises = brought_forward("09:30", "09:00", old_last_shown_at="09:03", new_first_shown_at="09:05")
    assert verdict_on(*promises, published_at="09:02").verdict is VerdictKind.EARLY


def test_release_brought_forward_in_time_has_new_slot() -> None:
    """The calendar showed 09:30 at 08:30, and 09:10 at 08:50. The page came at 09:10:00.5, half a second after the new
    slot: on time. That its slot was brought forward on the same day is a finding."""
    promises = brought_forward("09:30", "09:10", old_last_shown_at="08:30", new_first_shown_at="08:50")
    verdict = verdict_on(*promises, published_at="09:10:00.5")
    assert verdict.verdict is VerdictKind.ON_TIME
    assert found(verdict, Kind.BROUGHT_FORWARD)


@pytest.mark.parametrize(
    ("old", "old_last_shown_at", "new_first_shown_at", "expected_findings"),
    [
        ("2018-01-15 09:30", "2018-01-04 09:29", "08:30", 1),
        ("2018-01-15 09:30", "2018-01-04 09:29", "2018-01-04 09:30", 0),
        ("09:00", "08:30", "08:31", 0),
    ],
    ids=["brought forward to today", "brought forward to tomorrow", "put back on its day"],
)
def test_only_slot_brought_forward_to_today_is_a_finding(
    old: str, old_last_shown_at: str, new_first_shown_at: str, expected_findings: int
) -> None:
    """The slot was 15 January, and is now 09:30 on 5 January. If this was first shown on 5 January itself, it is a
    finding. If it was shown a day before, it is none. Nor is it if 09:00 became 09:30, which is later."""
    promises = brought_forward(
        old, "2018-01-05 09:30", old_last_shown_at=old_last_shown_at, new_first_shown_at=new_first_shown_at
    )
    verdict = verdict_on(*promises, published_at=IN_TIME)
    assert len(found(verdict, Kind.BROUGHT_FORWARD)) == expected_findings


# Provisional times


def provisional_promise(*, last_shown_at: str) -> Promise:
    """Return a promise for 09:30 that allows any minute of its day unless its calendar confirms the time."""
    return promise_for("09:30", last_shown_at=last_shown_at, state=Standing.PROVISIONAL)


def test_release_that_keeps_its_provisional_time_is_on_time() -> None:
    """The calendar called 09:30 provisional at 09:26. A page at 09:30:01 is on time, even if it was confirmed since."""
    verdict = verdict_on(provisional_promise(last_shown_at="09:26"), published_at=IN_TIME)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert doubts(verdict) == []


@pytest.mark.parametrize("published_at", ["09:28:30", "09:31:27"], ids=["early if confirmed", "late if confirmed"])
def test_missed_provisional_time_is_unproven_if_perhaps_confirmed(published_at: str) -> None:
    """At its last read, 09:26, the calendar called 09:30 provisional, so any minute of the day was on time. If it has
    confirmed 09:30 since then, a page at 09:28:30 is early, and one at 09:31:27 late. So both are unproven."""
    verdict = verdict_on(provisional_promise(last_shown_at="09:26"), published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubts(verdict)) == 1


def test_slot_still_provisional_when_it_passed_allows_whole_day() -> None:
    """The slot, 09:30, was still provisional at 09:31. So any minute of its day is on time, such as 09:31:27."""
    provisional = provisional_promise(last_shown_at="09:31")
    assert verdict_on(provisional, published_at="09:31:27").verdict is VerdictKind.ON_TIME


def test_release_is_pending_while_provisional_time_may_be_confirmed() -> None:
    """The calendar called 09:30 provisional, and the page came at 09:28:30. That is early if the calendar confirms
    09:30 before it passes, and else on time. So at 09:29 it is pending, and judged again (`revisit`) at 09:30."""
    verdict = verdict_on(provisional_promise(last_shown_at="09:26"), published_at="09:28:30", now="09:29")
    assert verdict.verdict is VerdictKind.PENDING
    assert not verdict.final
    assert verdict.revisit == SLOT


@pytest.mark.parametrize("published_at", ["09:31:27", NEVER])
def test_late_release_is_unproven_if_time_was_perhaps_confirmed(published_at: str | None) -> None:
    """The calendar called 09:30 provisional at 09:26, and confirmed at 09:36. If it confirmed it before 09:30, a page
    at 09:31:27, or none, is late. If it did so later, any minute of the day is on time. So it is unproven."""
    provisional = provisional_promise(last_shown_at="09:26")
    confirmed = changed_promise("09:30", not_yet_shown_at="09:26", first_shown_at="09:36", state=Standing.CONFIRMED)
    verdict = verdict_on(provisional, confirmed, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    last_read = "govuk says Fri 5 Jan 2018 09:30:00 GMT, provisional, last so Fri 5 Jan 2018 09:26:00 GMT"
    assert f"changed between two reads: {last_read}" in verdict.unproven_because


def test_time_confirmed_after_it_passed_makes_no_release_late() -> None:
    """At 09:31 the calendar still called 09:30 provisional, which allows any minute of the day. It confirmed 09:30 only
    after that. So a page at 09:31:27 is on time."""
    provisional = provisional_promise(last_shown_at="09:31")
    confirmed = changed_promise("09:30", not_yet_shown_at="09:31", first_shown_at="09:36", state=Standing.CONFIRMED)
    assert verdict_on(provisional, confirmed, published_at="09:31:27").verdict is VerdictKind.ON_TIME


# Two calendars


def promises_by(**times: str) -> list[Promise]:
    """Return a promise of each calendar that is named, for its London time."""
    return [a_promise(at(time), calendar=calendar) for calendar, time in times.items()]


@pytest.mark.parametrize(
    ("own_calendar_says", "published_at", "expected"),
    [
        ("10:30", NEVER, VerdictKind.UNPROVEN),
        ("10:30", "09:40", VerdictKind.UNPROVEN),
        ("08:30", "09:00", VerdictKind.UNPROVEN),
        ("08:30", NEVER, VerdictKind.OVERDUE),
        ("10:30", "09:00", VerdictKind.EARLY),
        ("10:30", IN_TIME, VerdictKind.ON_TIME),
    ],
    ids=["late or not due", "late or early", "early or late", "late by both", "early by both", "on time by the first"],
)
def test_release_is_late_or_early_only_by_both_calendars(
    own_calendar_says: str, published_at: str | None, expected: VerdictKind
) -> None:
    """Calendar govuk says 09:30, the producer's own 10:30. A page at 09:00 is early by both: early. At 09:40 it is late
    by one and early by the other: unproven. At 09:30:01 it is on time, as govuk, named first, rules."""
    verdict = verdict_on(*promises_by(govuk="09:30", own=own_calendar_says), published_at=published_at)
    assert verdict.verdict is expected
    (differ,) = found(verdict, Kind.CALENDARS_DISAGREE)  # a finding in every case
    assert differ.detail.endswith("a person must say which binds")
    is_other_calendar_the_reason = "own says" in (verdict.unproven_because or "")
    assert is_other_calendar_the_reason is (expected is VerdictKind.UNPROVEN)


@pytest.mark.parametrize(
    ("other_slot", "is_late_too"), [("09:31", True), ("09:29", False), ("09:50", False), ("10:00", False)]
)
def test_exposed_release_is_also_late_only_by_both_calendars(other_slot: str, *, is_late_too: bool) -> None:
    """The page was public early, from 09:28:30 to 09:29:30, and again from 09:50 on. By the slot 09:30 of one calendar
    it is also late. If the other calendar says 09:31, it is late by both: a finding. If that says 10:00, it is not."""
    promises = promises_by(govuk="09:30", own=other_slot)
    verdict = verdict_on(*promises, published_at="09:28:30", removed_at="09:29:30", back_at="09:50")
    assert verdict.verdict is VerdictKind.EARLY
    assert bool(found(verdict, Kind.LATE)) is is_late_too


def test_absent_release_is_overdue_only_once_both_slots_have_passed() -> None:
    """One calendar says 09:30 and the other 09:50. No page comes. At 09:40 that is late by only one of them: unproven,
    and to be judged again (`revisit`) at the other slot, 09:50."""
    promises = promises_by(govuk="09:30", own="09:50")
    between_slots = verdict_on(*promises, published_at=NEVER, now="09:40")
    assert between_slots.verdict is VerdictKind.UNPROVEN
    assert between_slots.revisit == at("09:50")
    # A release may come until a minute after its slot.
    soon_after_both = verdict_on(*promises, published_at=NEVER, now="09:50:30")
    assert soon_after_both.revisit == at("09:51")
    after_that_minute = verdict_on(*promises, published_at=NEVER, now="09:52")
    assert after_that_minute.verdict is VerdictKind.OVERDUE


def test_release_with_one_calendar_is_not_judged_again_soon() -> None:
    """At 09:40 the page, due at 09:30, is overdue. No other slot is to come, so `revisit` is not within the hour."""
    assert verdict_on(a_promise(), published_at=NEVER, now="09:40").revisit > at("10:30")


def test_release_that_one_calendar_cancels_is_not_late() -> None:
    """No page came. Calendar govuk says 09:30, so it is late. Calendar own says “cancelled”, so it is not: unproven."""
    cancelled_by_own_calendar = a_promise(calendar="own", state=Standing.CANCELLED)
    assert verdict_on(a_promise(), cancelled_by_own_calendar, published_at=NEVER).verdict is VerdictKind.UNPROVEN


TODAY = a_promise(SLOT, calendar="govuk")
TWENTY_DAYS_AGO = a_promise(SLOT - 20 * DAY, learnt=SLOT - 40 * DAY, calendar="own")


def test_release_late_by_minutes_or_by_days_is_late() -> None:
    """One calendar says 09:30 today, the other 20 days ago. A page at 09:40 is late by 10 minutes or 20 days: late."""
    assert verdict_on(TODAY, TWENTY_DAYS_AGO, published_at="09:40").verdict is VerdictKind.LATE


def test_release_is_overdue_until_watch_ends_by_both_calendars() -> None:
    """A page due 20 days ago never came. Its watch ended after 14 days, so it is not published. If a second calendar
    says that it is due today, the watch goes on, and it is only overdue."""
    assert verdict_on(TWENTY_DAYS_AGO, published_at=NEVER).verdict is VerdictKind.NOT_PUBLISHED
    assert verdict_on(TODAY, TWENTY_DAYS_AGO, published_at=NEVER).verdict is VerdictKind.OVERDUE


# Entries that left their calendar


def dropped_promise(*successors: str, since: str, calendar: str = "govuk") -> Promise:
    """Return a promise for 09:30 that its calendar showed at 09:00, but at none of its four reads from `since` on."""
    return promise_for("09:30", last_shown_at="09:00", unlisted=Unlisted(at(since), 4, successors), calendar=calendar)


@pytest.mark.parametrize("published_at", [NEVER, "09:40", IN_TIME])
@pytest.mark.parametrize("successors", [(), ("Vital events: 2017", "Stillbirths: 2017")], ids=["none", "two"])
def test_promise_dropped_before_its_slot_proves_nothing(published_at: str | None, successors: tuple[str, ...]) -> None:
    """The calendar showed 09:30 at 09:00, but dropped the release at 09:05. Its slot may have changed, so a page in
    time, at 09:40 or never is unproven. The reason names new entries instead of it, such as “Stillbirths: 2017”."""
    verdict = verdict_on(dropped_promise(*successors, since="09:05"), published_at=published_at)
    reason = Reason.NO_LONGER_LISTED.text(
        promise=a_promise(), reads=4, titles=successors, last=at("09:00"), since=at("09:05")
    )
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.unproven_because == reason
    assert doubts(verdict) == [reason]


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        (dropped_promise(since="09:29:59"), VerdictKind.UNPROVEN),
        (dropped_promise(since="09:30"), VerdictKind.OVERDUE),
        (promise_for("09:30", last_shown_at="09:20"), VerdictKind.OVERDUE),
    ],
    ids=["a second before its slot", "at its slot", "never"],
)
def test_absent_release_is_overdue_unless_dropped_before_its_slot(promise: Promise, expected: VerdictKind) -> None:
    """No page came at 09:30. If the calendar no longer had the release at 09:29:59, it may have another slot: unproven.
    If the calendar dropped it only at 09:30, or never, 09:30 was its slot: overdue."""
    assert verdict_on(promise, published_at=NEVER).verdict is expected


@pytest.mark.parametrize(("since", "expected"), [("09:11", VerdictKind.EARLY), ("09:05", VerdictKind.UNPROVEN)])
def test_page_is_early_only_if_dropped_after_it_came(since: str, expected: VerdictKind) -> None:
    """The page came at 09:10, before its slot at 09:30. If the calendar dropped the release after that, at 09:11, it is
    early. If it did so before, at 09:05, 09:30 was perhaps no longer its slot: unproven."""
    assert verdict_on(dropped_promise(since=since), published_at="09:10", now="09:20").verdict is expected


@pytest.mark.parametrize(
    ("back_at", "expected"), [(NEVER, VerdictKind.OVERDUE), ("09:40", VerdictKind.EARLY)], ids=["never", "late"]
)
def test_exposed_page_not_back_at_its_slot_is_also_late(back_at: str | None, expected: VerdictKind) -> None:
    """The page was public from 09:10 to 09:20. If it is never back, the release is overdue, which is worse than early.
    If it is back at 09:40, it counts as early, which is worse than late."""
    promise = promise_for("09:30", last_shown_at="09:35")
    verdict = verdict_on(promise, published_at="09:10", removed_at="09:20", back_at=back_at)
    assert verdict.verdict is expected
    assert len(verdict.exposures) == 1
    assert len(found(verdict, Kind.LATE)) == 1


LAST_READ_TOO_EARLY = promise_for("09:30", last_shown_at="08:55")
DROPPED_BEFORE_SLOT = dropped_promise(since="09:12")


@pytest.mark.parametrize("promise", [LAST_READ_TOO_EARLY, DROPPED_BEFORE_SLOT], ids=["last read too early", "dropped"])
@pytest.mark.parametrize("back_at", [NEVER, "09:40"], ids=["never back", "back late"])
def test_exposed_page_is_not_late_if_its_promise_is_doubtful(promise: Promise, back_at: str | None) -> None:
    """The page was public from 09:10 to 09:20, and back late or never. But its slot, 09:30, may have changed: last
    shown at 08:55, over 30 min before it, or dropped at 09:12. So the page is early, but not late."""
    verdict = verdict_on(promise, published_at="09:10", removed_at="09:20", back_at=back_at)
    assert verdict.verdict is VerdictKind.EARLY
    assert found(verdict, Kind.LATE) == []
    assert len(doubts(verdict)) == 1
    # The delay is that of the exposure, which began before the slot.
    assert verdict.page.delay.max < 0


def test_missing_file_of_early_page_is_not_late_if_dropped() -> None:
    """The page came early, at 09:10. Its file was due at 09:30 and never came. But the calendar dropped the release at
    09:12, so its slot may have changed: the file is unproven and not late."""
    seen = {"page": page_published_at("09:10"), "sheet": page_published_at(NEVER)}
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[DROPPED_BEFORE_SLOT])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.UNPROVEN]
    assert found(verdict, Kind.LATE) == []
    assert len(doubts(verdict)) == 1


def test_promise_counts_while_one_of_two_calendars_shows_it() -> None:
    """Two calendars announced 09:30, and no page came. One of them dropped the release at 09:05. It is overdue if the
    other still showed it at 09:26, and unproven if that dropped it too."""
    dropped = dropped_promise(since="09:05")
    still_shown_by_other = promise_for("09:30", last_shown_at="09:26", calendar="own")
    dropped_by_other = dropped_promise(since="09:05", calendar="own")
    assert verdict_on(dropped, still_shown_by_other, published_at=NEVER).verdict is VerdictKind.OVERDUE
    assert verdict_on(dropped, dropped_by_other, published_at=NEVER).verdict is VerdictKind.UNPROVEN


def test_verdict_as_of_earlier_instant_ignores_later_reads() -> None:
    """The page came early, at 09:03. A verdict as of 09:04 cannot know that the calendar dropped 09:30 at 09:05."""
    promise = dropped_promise(since="09:05")
    assert verdict_on(promise, published_at="09:03", now="09:04").verdict is VerdictKind.EARLY
