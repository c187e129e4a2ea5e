"""No claim is based on a promise that may not be in force at its slot, or on calendars that differ.

While a slot is provisional, any minute of its day is on time.
"""

from __future__ import annotations

import pytest

from monitor.judge.reasons import Reason
from monitor.judge.verdict import Verdict
from schedules.announcement import State as Standing
from schedules.contract.verdict import FindingKind, VerdictKind
from schedules.promise import Promise, Unlisted
from tests.worlds.instants import DAY, SLOT, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
from tests.worlds.releases import SHEET, a_promise, a_release, no_slot
from tests.worlds.verdicts import found, judged

IN_TIME = "09:30:01"
NEVER = None


def page_published_at(*instants: str | None) -> RegularLooks:
    """Return looks, five seconds apart, at a page published, removed and back at these instants, as
    far as given.
    """
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
    """Return the verdict at `now` on a release whose page was published, removed and back at these
    instants.
    """
    release = a_release(calendars=tuple({promise.calendar: None for promise in promises}))
    page = page_published_at(published_at, removed_at, back_at)
    return judged(now=seconds_at(now), seen={"page": page}, promises=promises, release=release)


def promise_for(slot: str, *, last_shown_at: str, **fields: object) -> Promise:
    """Return a promise for `slot` that its calendar showed for the last time at this read."""
    return a_promise(at(slot), confirmed_at=at(last_shown_at), **fields)


def changed_promise(
    slot: str = "09:30",
    *,
    not_yet_shown_at: str = "09:26",
    first_shown_at: str = "09:36",
    **fields: object,
) -> Promise:
    """Return a promise for `slot` that a calendar did not show at one read, but showed at the
    next.
    """
    return a_promise(at(slot), learnt=at(first_shown_at), unlearnt=at(not_yet_shown_at), **fields)


def test_release_postponed_without_a_new_date_is_pending_and_not_late() -> None:
    """At 09:16 the calendar showed the slot 09:30. At 09:26 it showed “Postponed” instead, without
    a new date. No page has come by 10:00. But without a date, nothing is due. So the release is
    pending.
    """
    shown = promise_for("09:30", last_shown_at="09:16")
    postponed = a_promise(
        no_slot(raw="Postponed", reason="not-a-date"), state=Standing.POSTPONED, learnt=at("09:26")
    )
    verdict = verdict_on(shown, postponed, published_at=NEVER, now="10:00")
    assert verdict.verdict is VerdictKind.PENDING


def test_release_is_unproven_if_an_unreadable_text_replaced_its_slot() -> None:
    """At 09:16 the calendar showed the slot 09:30. At 09:26 it showed the text “See note” instead.
    This may mean another slot, or still 09:30. No page has come by 10:00. So the release may be
    late or not: unproven.
    """
    shown = promise_for("09:30", last_shown_at="09:16")
    unreadable = a_promise(no_slot(raw="See note", reason="not-a-date"), learnt=at("09:26"))
    verdict = verdict_on(shown, unreadable, published_at=NEVER, now="10:00")
    assert verdict.verdict is VerdictKind.UNPROVEN
    # The reason: since 09:26, the calendar has not shown the slot 09:30.
    assert "1 read of the calendar since Fri 5 Jan 2018 09:26:00 GMT did not show it" in str(
        verdict.unproven_because
    )


def doubts(verdict: Verdict) -> list[str]:
    """Return what the verdict says that is in doubt about its promise."""
    return [each.detail for each in found(verdict, FindingKind.PROMISE_IN_DOUBT)]


@pytest.mark.parametrize(
    ("published_at", "expected"),
    [
        (NEVER, VerdictKind.OVERDUE),
        ("09:40", VerdictKind.LATE),
        (IN_TIME, VerdictKind.ON_TIME),
        ("09:10", VerdictKind.EARLY),
    ],
)
def test_slot_still_shown_after_it_passed_leaves_no_doubt(
    published_at: str | None, expected: VerdictKind
) -> None:
    """A read at 09:35 still showed the slot 09:30. So 09:30 was surely the slot when it passed. A
    page at 09:10 is early, at 09:30:01 on time, and at 09:40 late. If none has come by 10:00, it is
    overdue. No verdict is in doubt.
    """
    promise = promise_for("09:30", last_shown_at="09:35")
    verdict = verdict_on(promise, published_at=published_at, now="10:00")
    assert verdict.verdict is expected
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    ("published_at", "minutes_ago"),
    [(NEVER, 61), ("09:40", 61), (IN_TIME, 61), ("09:10", 41)],
    ids=str,
)
def test_verdict_is_unproven_if_slot_was_read_over_30_min_before(
    published_at: str | None, minutes_ago: int
) -> None:
    """The calendar last showed the slot, 09:30, at 08:29. A read counts for 30 minutes only. So the
    slot may have changed unseen. A page that came late, in time or never needs the slot at 09:30,
    61 minutes after the read. A page that came early needs it when it came: at 09:10, 41 minutes
    after the read. All of them are unproven.
    """
    promise = promise_for("09:30", last_shown_at="08:29")
    verdict = verdict_on(promise, published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    # The early page is no exposure, because its slot is not sure.
    assert verdict.exposures == ()
    # The reason names the last read, and how many minutes ago it was. It is also the one doubt.
    reason = Reason.NOT_CONFIRMED.text(promise=promise, last=at("08:29"), before=60.0 * minutes_ago)
    assert verdict.unproven_because == reason
    assert doubts(verdict) == [reason]


def test_verdict_says_when_calendar_last_showed_the_slot() -> None:
    """The calendar last showed the slot, 09:30, at 09:26. The page came in time: on time. The
    verdict gives the time of that read as `confirmed`. The read was only 4 minutes before the slot,
    so the slot is not in doubt.
    """
    verdict = verdict_on(promise_for("09:30", last_shown_at="09:26"), published_at=IN_TIME)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.confirmed == at("09:26")
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    ("last_shown_at", "expected"),
    [("09:00", VerdictKind.ON_TIME), ("08:59:54", VerdictKind.UNPROVEN)],
)
def test_slot_counts_if_calendar_showed_it_at_most_30_min_before(
    last_shown_at: str, expected: VerdictKind
) -> None:
    """The slot is 09:30, and the page came at 09:30:01. If the calendar last showed this slot at
    09:00, 30 minutes before, the page is on time. If it last showed it at 08:59:54, another slot
    may have replaced it: unproven.
    """
    verdict = verdict_on(promise_for("09:30", last_shown_at=last_shown_at), published_at=IN_TIME)
    assert verdict.verdict is expected


def test_overdue_release_is_in_doubt_unless_slot_was_shown_as_it_passed() -> None:
    """The slot is 09:30. No page has come by 10:00, so it is overdue. If a read at 09:30 still
    showed the slot, there is no doubt. If the last read was at 09:26, the slot may have changed
    before 09:30: overdue, but in doubt.
    """
    shown_at_slot = verdict_on(
        promise_for("09:30", last_shown_at="09:30"), published_at=NEVER, now="10:00"
    )
    assert shown_at_slot.verdict is VerdictKind.OVERDUE
    assert doubts(shown_at_slot) == []
    shown_only_before = verdict_on(
        promise_for("09:30", last_shown_at="09:26"), published_at=NEVER, now="10:00"
    )
    assert shown_only_before.verdict is VerdictKind.OVERDUE
    (doubt,) = doubts(shown_only_before)
    assert doubt.endswith("not read, or not shown there, again since")


@pytest.mark.parametrize(("last_shown_at", "expected_doubts"), [("09:26", 1), ("09:30", 0)])
def test_missing_sheet_is_in_doubt_unless_slot_was_shown_as_it_passed(
    last_shown_at: str, expected_doubts: int
) -> None:
    """The slot is 09:30. The page came early, at 09:10. Its spreadsheet has not come by 10:00:
    overdue. If a read at 09:30 still showed the slot, that is sure. If the last read was at 09:26,
    the slot may have changed: one doubt.
    """
    seen = {"page": page_published_at("09:10"), "sheet": page_published_at(NEVER)}
    promise = promise_for("09:30", last_shown_at=last_shown_at)
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[promise])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.OVERDUE]
    assert len(doubts(verdict)) == expected_doubts


@pytest.mark.parametrize(
    ("last_shown_at", "expected", "expected_doubts"),
    [
        ("08:39", VerdictKind.UNPROVEN, 1),
        ("08:41", VerdictKind.EARLY, 1),
        ("09:11", VerdictKind.EARLY, 0),
    ],
)
def test_page_is_early_only_if_slot_was_shown_at_most_30_min_before(
    last_shown_at: str, expected: VerdictKind, expected_doubts: int
) -> None:
    """The page came at 09:10, before its slot, 09:30. If the calendar last showed this slot at
    08:39, over 30 minutes before 09:10, the slot may have changed: unproven, with one doubt. If at
    08:41, the page is early. One doubt is left, as the slot was not shown since 09:10. If at 09:11,
    after the page came, it is early without doubt.
    """
    promise = promise_for("09:30", last_shown_at=last_shown_at)
    verdict = verdict_on(promise, published_at="09:10", now="09:30")
    assert verdict.verdict is expected
    assert len(doubts(verdict)) == expected_doubts


def test_old_read_of_calendar_is_no_doubt_until_the_slot() -> None:
    """At 09:29 no page has come. The calendar last showed the slot, 09:30, at 08:29. At 09:30 that
    would be too long ago, over 30 minutes. But the calendar may still be read by then. So the
    release is pending, without doubt.
    """
    verdict = verdict_on(
        promise_for("09:30", last_shown_at="08:29"), published_at=NEVER, now="09:29"
    )
    assert verdict.verdict is VerdictKind.PENDING
    assert verdict.unproven_because is None
    assert doubts(verdict) == []


# Changes between two reads


@pytest.mark.parametrize(
    "change",
    [changed_promise("11:00"), changed_promise(state=Standing.CANCELLED)],
    ids=["moved to 11:00", "cancelled"],
)
def test_release_is_unproven_if_its_calendar_perhaps_changed_before_the_slot(
    change: Promise,
) -> None:
    """The calendar showed the slot 09:30 at 09:26. At its next read, at 09:36, it showed a
    `change`: 11:00 instead, or “cancelled”. No page has come by 10:00. If the calendar changed
    after 09:30, the release is late. If it changed before 09:30, it is not. No one knows when it
    changed: unproven.
    """
    until_0926 = promise_for("09:30", last_shown_at="09:26")
    verdict = verdict_on(until_0926, change, published_at=NEVER, now="10:00")
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert (
        "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT"
        in verdict.unproven_because
    )


def test_release_is_overdue_if_its_calendar_changed_only_after_the_slot() -> None:
    """The calendar still showed the slot 09:30 at 09:32. At its next read, at 09:36, it showed
    11:00. So 09:30 was surely the slot when it passed. No page has come by 10:00: overdue.
    """
    until_0932 = promise_for("09:30", last_shown_at="09:32")
    changed = changed_promise("11:00", not_yet_shown_at="09:32", first_shown_at="09:36")
    assert (
        verdict_on(until_0932, changed, published_at=NEVER, now="10:00").verdict
        is VerdictKind.OVERDUE
    )


def verdict_after_change(
    new_slot: str, *, first_shown_at: str, published_at: str | None
) -> Verdict:
    """Return the verdict on a release whose calendar showed 09:30 until 09:26, and a new slot at
    its next read.
    """
    changed = changed_promise(new_slot, not_yet_shown_at="09:26", first_shown_at=first_shown_at)
    return verdict_on(
        promise_for("09:30", last_shown_at="09:26"), changed, published_at=published_at
    )


@pytest.mark.parametrize(
    ("new_slot", "shown_at", "came_at"),
    [
        ("2018-01-06 09:30", "09:36", "09:30:01"),
        ("2018-01-06 09:30", "09:30:05", "09:30:04.5"),
        ("2018-04-05 10:30", "09:36", "09:30:01"),
    ],
    ids=["next day", "next day, read just after it was out", "next quarter"],
)
def test_release_is_on_time_if_next_edition_is_shown_once_it_is_out(
    new_slot: str, shown_at: str, came_at: str
) -> None:
    """The calendar showed the slot 09:30 until its read at 09:26. The page came in time, a few
    seconds after 09:30. The next read, after that, showed a `new_slot`: tomorrow or in three
    months. Once an edition is out, calendars show the next edition instead. So the new slot belongs
    to that one. This release is on time, without doubt.
    """
    verdict = verdict_after_change(new_slot, first_shown_at=shown_at, published_at=came_at)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    ("new_slot", "shown_at", "came_at"),
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
    new_slot: str, shown_at: str, came_at: str | None
) -> None:
    """The calendar showed the slot 09:30 until its read at 09:26. Its next read, after 09:30,
    showed a `new_slot`: 09:28, 09:31, 11:00 or tomorrow. It may have changed before 09:30, so
    either slot may be the one that applied. The page came shortly after 09:30, or never: unproven.
    If the slot of tomorrow was that of the next edition, this page would have been out when the
    calendar showed it. But it came later, at 09:30:44, or never.
    """
    verdict = verdict_after_change(new_slot, first_shown_at=shown_at, published_at=came_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubts(verdict)) == 1


# Brought forward


def brought_forward(
    old: str, new: str, *, old_last_shown_at: str, new_first_shown_at: str
) -> list[Promise]:
    """Return the promises of a release whose calendar showed `old` as its slot at one read, and
    `new` at the next.
    """
    former = promise_for(old, last_shown_at=old_last_shown_at)
    return [
        former,
        changed_promise(new, not_yet_shown_at=old_last_shown_at, first_shown_at=new_first_shown_at),
    ]


def test_page_is_unproven_if_its_slot_was_perhaps_brought_forward_before_it_came() -> None:
    """The calendar showed the slot 09:30 at 08:50. At its next read, at 09:05, it showed 09:00. The
    page came between the two reads, at 09:02. If the calendar changed after that, the page was
    early. If it changed before, it was not. So it is unproven, and no exposure. That a slot was
    brought forward on its own day is a finding in any case.
    """
    promises = brought_forward(
        "09:30", "09:00", old_last_shown_at="08:50", new_first_shown_at="09:05"
    )
    verdict = verdict_on(*promises, published_at="09:02")
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.exposures == ()
    # Without a slot that is sure, it did not come out again at 09:30.
    assert verdict.page is not None
    assert verdict.page.released == verdict.page.first_seen
    assert verdict.shown_since is not None
    assert verdict.shown_since.slot == at("09:00")
    (finding,) = found(verdict, FindingKind.BROUGHT_FORWARD)
    assert finding.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_page_is_early_if_its_slot_was_brought_forward_only_after_it_came() -> None:
    """The page came at 09:02. At 09:03 the calendar still showed the slot 09:30. At its next read,
    at 09:05, it showed 09:00. So when the page came, its slot was still 09:30: early.
    """
    promises = brought_forward(
        "09:30", "09:00", old_last_shown_at="09:03", new_first_shown_at="09:05"
    )
    assert verdict_on(*promises, published_at="09:02").verdict is VerdictKind.EARLY


def test_release_is_on_time_by_a_slot_that_was_brought_forward_before_it_passed() -> None:
    """The calendar showed the slot 09:30 at 08:30, and 09:10 at 08:50. So it changed before 09:10,
    and 09:10 applies. The page came half a second after 09:10: on time. That the slot was brought
    forward on its own day is a finding.
    """
    promises = brought_forward(
        "09:30", "09:10", old_last_shown_at="08:30", new_first_shown_at="08:50"
    )
    verdict = verdict_on(*promises, published_at="09:10:00.5")
    assert verdict.verdict is VerdictKind.ON_TIME
    assert found(verdict, FindingKind.BROUGHT_FORWARD)


@pytest.mark.parametrize(
    ("old", "old_last_shown_at", "new_first_shown_at", "expected_findings"),
    [
        ("2018-01-15 09:30", "2018-01-04 09:29", "08:30", 1),
        ("2018-01-15 09:30", "2018-01-04 09:29", "2018-01-04 09:30", 0),
        ("09:00", "08:30", "08:31", 0),
    ],
    ids=["brought forward to today", "brought forward to tomorrow", "put back on its day"],
)
def test_slot_brought_forward_is_a_finding_only_if_that_happened_on_its_day(
    old: str, old_last_shown_at: str, new_first_shown_at: str, expected_findings: int
) -> None:
    """The new slot is 09:30 on 5 January. If the old one was 15 January, the slot was brought
    forward. That is one finding if the calendar first showed the new slot on 5 January itself, and
    none if it did so a day before. If the old slot was 09:00 on 5 January, the new one is later.
    Then nothing was brought forward: no finding.
    """
    new = "2018-01-05 09:30"
    promises = brought_forward(
        old, new, old_last_shown_at=old_last_shown_at, new_first_shown_at=new_first_shown_at
    )
    verdict = verdict_on(*promises, published_at=IN_TIME)
    assert len(found(verdict, FindingKind.BROUGHT_FORWARD)) == expected_findings


# Provisional times


def provisional_promise(*, last_shown_at: str) -> Promise:
    """Return a promise for 09:30 that allows any minute of its day unless its calendar confirms the
    time.
    """
    return promise_for("09:30", last_shown_at=last_shown_at, state=Standing.PROVISIONAL)


def test_release_that_keeps_its_provisional_time_is_on_time() -> None:
    """At 09:26 the calendar called 09:30 provisional. The page came at 09:30:01. That is on time
    even if the calendar has confirmed 09:30 since. So there is no doubt.
    """
    verdict = verdict_on(provisional_promise(last_shown_at="09:26"), published_at=IN_TIME)
    assert verdict.verdict is VerdictKind.ON_TIME
    assert doubts(verdict) == []


@pytest.mark.parametrize(
    "published_at", ["09:28:30", "09:31:27"], ids=["early if confirmed", "late if confirmed"]
)
def test_release_that_missed_its_provisional_time_is_unproven_if_that_was_perhaps_confirmed(
    published_at: str,
) -> None:
    """The calendar called 09:30 provisional at its last read, at 09:26. It may have confirmed 09:30
    before it passed. If it did, a page at 09:28:30 is early, and one at 09:31:27 late. If it did
    not, both are on time. So both are unproven, with one doubt.
    """
    verdict = verdict_on(provisional_promise(last_shown_at="09:26"), published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert len(doubts(verdict)) == 1


def test_slot_still_provisional_when_it_passed_allows_whole_day() -> None:
    """At 09:31 the calendar still called 09:30 provisional. So it did not confirm 09:30 before it
    passed. A page at 09:31:27 is on time.
    """
    provisional = provisional_promise(last_shown_at="09:31")
    assert verdict_on(provisional, published_at="09:31:27").verdict is VerdictKind.ON_TIME


def test_release_is_pending_while_its_provisional_time_may_still_be_confirmed() -> None:
    """At 09:26 the calendar called the slot 09:30 provisional. The page came at 09:28:30. Now it is
    09:29. If the calendar confirms 09:30 before it passes, the page was early. If not, any minute
    of the day is on time. So the release is pending until 09:30, when it is judged again
    (`revisit`).
    """
    verdict = verdict_on(
        provisional_promise(last_shown_at="09:26"), published_at="09:28:30", now="09:29"
    )
    assert verdict.verdict is VerdictKind.PENDING
    assert not verdict.final
    assert verdict.revisit == at("09:30")


@pytest.mark.parametrize("published_at", ["09:31:27", NEVER])
def test_release_after_its_provisional_time_is_unproven_if_that_was_perhaps_confirmed(
    published_at: str | None,
) -> None:
    """At 09:26 the calendar called the slot 09:30 provisional. At its next read, at 09:36, the slot
    was confirmed. If it was confirmed before 09:30, a page at 09:31:27 is late, and one that has
    not come by 10:00 is overdue. If it was confirmed later, any minute of the day is on time. No
    one knows which: unproven.
    """
    provisional = provisional_promise(last_shown_at="09:26")
    confirmed = changed_promise(
        "09:30", not_yet_shown_at="09:26", first_shown_at="09:36", state=Standing.CONFIRMED
    )
    verdict = verdict_on(provisional, confirmed, published_at=published_at, now="10:00")
    assert verdict.verdict is VerdictKind.UNPROVEN
    last_read = (
        "govuk says Fri 5 Jan 2018 09:30:00 GMT, provisional, last so Fri 5 Jan 2018 09:26:00 GMT"
    )
    assert f"changed between two reads: {last_read}" in verdict.unproven_because


def test_time_confirmed_after_it_passed_makes_no_release_late() -> None:
    """At 09:31 the calendar still called 09:30 provisional. It confirmed 09:30 only after that. So
    a page at 09:31:27 is on time.
    """
    provisional = provisional_promise(last_shown_at="09:31")
    confirmed = changed_promise(
        "09:30", not_yet_shown_at="09:31", first_shown_at="09:36", state=Standing.CONFIRMED
    )
    assert (
        verdict_on(provisional, confirmed, published_at="09:31:27").verdict is VerdictKind.ON_TIME
    )


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
    ids=[
        "late or not due",
        "late or early",
        "early or late",
        "late by both",
        "early by both",
        "on time by the first",
    ],
)
def test_release_is_late_or_early_only_if_both_calendars_make_it_so(
    own_calendar_says: str, published_at: str | None, expected: VerdictKind
) -> None:
    """Calendar govuk says 09:30. The producer's own calendar says another time. It is 10:00 now.

    - Own says 10:30, and the page came at 09:00. That is early by both calendars: early.
    - Own says 08:30, and the page has not come. That is late by both calendars: overdue.
    - Own says 10:30, and the page has not come. It is late by one calendar and not yet due by the
      other: unproven.
    - The page came at 09:30:01. That is on time by govuk, which is named first: on time.
    """
    both = promises_by(govuk="09:30", own=own_calendar_says)
    verdict = verdict_on(*both, published_at=published_at, now="10:00")
    assert verdict.verdict is expected
    # Whatever the verdict, it is a finding that the calendars differ.
    (differ,) = found(verdict, FindingKind.CALENDARS_DISAGREE)
    assert differ.detail.endswith("a person must say which binds")
    # Only an unproven verdict gives the other calendar as its reason.
    is_other_calendar_the_reason = "own says" in (verdict.unproven_because or "")
    assert is_other_calendar_the_reason is (expected is VerdictKind.UNPROVEN)


@pytest.mark.parametrize(
    ("other_slot", "is_late_too"),
    [("09:31", True), ("09:29", False), ("09:50", False), ("10:00", False)],
)
def test_early_release_is_also_late_only_if_both_calendars_make_it_late(
    other_slot: str, *, is_late_too: bool
) -> None:
    """The page was public early, from 09:28:30 to 09:29:30, and came back at 09:50. Calendar govuk
    says 09:30. By that slot, its return was late. This is a finding `late` only if it is late by
    the other calendar too. By 09:31 it is. By 09:29 the page was already public, by 09:50 it is
    back in time, and by 10:00 early: no such finding.
    """
    both = promises_by(govuk="09:30", own=other_slot)
    verdict = verdict_on(*both, published_at="09:28:30", removed_at="09:29:30", back_at="09:50")
    assert verdict.verdict is VerdictKind.EARLY
    assert bool(found(verdict, FindingKind.LATE)) is is_late_too


def test_absent_release_is_overdue_only_once_the_slots_of_both_calendars_have_passed() -> None:
    """One calendar says 09:30 and the other 09:50.

    No page comes. A page may come up to a minute after its slot.
    """
    both = promises_by(govuk="09:30", own="09:50")
    # At 09:40 the page is late by one calendar only. It is to be judged again (`revisit`) at 09:50,
    # the other slot.
    between_slots = verdict_on(*both, published_at=NEVER, now="09:40")
    assert between_slots.verdict is VerdictKind.UNPROVEN
    assert between_slots.revisit == at("09:50")
    # At 09:50:30 the other slot has passed, but not its minute: judge again at 09:51.
    in_that_minute = verdict_on(*both, published_at=NEVER, now="09:50:30")
    assert in_that_minute.revisit == at("09:51")
    # At 09:52 the page is late by both.
    after_that_minute = verdict_on(*both, published_at=NEVER, now="09:52")
    assert after_that_minute.verdict is VerdictKind.OVERDUE


def test_overdue_release_with_one_calendar_is_not_judged_again_soon() -> None:
    """The only calendar says 09:30. At 09:40 no page has come: overdue. No other slot is to come
    that could change that. So the verdict is not to be judged again (`revisit`) within the hour.
    """
    assert verdict_on(a_promise(at("09:30")), published_at=NEVER, now="09:40").revisit > at("10:30")


def test_release_that_one_of_two_calendars_cancels_is_not_late() -> None:
    """Calendar govuk says 09:30, and no page has come by 10:00: late by govuk. But calendar own
    says “cancelled”, so by that one no page is due. It is not known which is right: unproven.
    """
    planned = a_promise(at("09:30"), calendar="govuk")
    cancelled = a_promise(calendar="own", state=Standing.CANCELLED)
    assert (
        verdict_on(planned, cancelled, published_at=NEVER, now="10:00").verdict
        is VerdictKind.UNPROVEN
    )


TODAY = a_promise(SLOT, calendar="govuk")
TWENTY_DAYS_AGO = a_promise(SLOT - 20 * DAY, learnt=SLOT - 40 * DAY, calendar="own")


def test_release_minutes_late_by_one_calendar_and_days_late_by_another_is_late() -> None:
    """Calendar govuk says 09:30 today, and calendar own 20 days ago. The page came at 09:40 today.
    It is late by both calendars, though by ten minutes or by 20 days. So it is late.
    """
    assert verdict_on(TODAY, TWENTY_DAYS_AGO, published_at="09:40").verdict is VerdictKind.LATE


def test_release_is_overdue_until_its_watch_has_ended_by_all_its_calendars() -> None:
    """A page never came. Its watch ends 14 days after its slot. Until then, it is overdue. After
    that, it counts as not published. Calendar own says that it was due 20 days ago.
    """
    assert verdict_on(TWENTY_DAYS_AGO, published_at=NEVER).verdict is VerdictKind.NOT_PUBLISHED
    # If calendar govuk says that it is due today, the watch goes on for 14 days from today.
    assert verdict_on(TODAY, TWENTY_DAYS_AGO, published_at=NEVER).verdict is VerdictKind.OVERDUE


# Entries that left their calendar


def dropped_promise(*successors: str, since: str, calendar: str = "govuk") -> Promise:
    """Return a promise for 09:30 that its calendar showed at 09:00, but at none of its four reads
    from `since` on.
    """
    return promise_for(
        "09:30",
        last_shown_at="09:00",
        unlisted=Unlisted(at(since), 4, successors),
        calendar=calendar,
    )


@pytest.mark.parametrize("published_at", [NEVER, "09:40", IN_TIME])
@pytest.mark.parametrize(
    "new_entries", [(), ("Vital events: 2017", "Stillbirths: 2017")], ids=["none", "two"]
)
def test_release_is_unproven_if_dropped_before_its_slot(
    published_at: str | None, new_entries: tuple[str, ...]
) -> None:
    """The calendar showed the slot 09:30 at 09:00. At all four reads from 09:05 on, it no longer
    showed the release. So the slot may have changed. The release is unproven, whether the page came
    in time, at 09:40 or never. The reason, which is also the one doubt, names the entries that the
    calendar has instead, if any (`new_entries`).
    """
    verdict = verdict_on(dropped_promise(*new_entries, since="09:05"), published_at=published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN
    reason = Reason.NO_LONGER_LISTED.text(
        promise=a_promise(at("09:30")),
        last=at("09:00"),
        reads=4,
        since=at("09:05"),
        titles=new_entries,
    )
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
def test_absent_release_is_overdue_unless_dropped_before_its_slot(
    promise: Promise, expected: VerdictKind
) -> None:
    """The slot is 09:30. No page has come by 10:00. If the calendar no longer showed the release at
    09:29:59, its slot may have changed before it passed: unproven. If the calendar dropped it only
    at 09:30, or never, it is overdue.
    """
    assert verdict_on(promise, published_at=NEVER, now="10:00").verdict is expected


@pytest.mark.parametrize(
    ("since", "expected"), [("09:11", VerdictKind.EARLY), ("09:05", VerdictKind.UNPROVEN)]
)
def test_page_is_early_only_if_calendar_dropped_the_release_after_it_came(
    since: str, expected: VerdictKind
) -> None:
    """The page came at 09:10, before its slot at 09:30. Now it is 09:20. If the calendar dropped
    the release at 09:11, its slot was still 09:30 when the page came: early. If at 09:05, the slot
    may have changed before: unproven.
    """
    assert (
        verdict_on(dropped_promise(since=since), published_at="09:10", now="09:20").verdict
        is expected
    )


@pytest.mark.parametrize(
    ("back_at", "expected"), [(NEVER, VerdictKind.OVERDUE), ("09:40", VerdictKind.EARLY)]
)
def test_early_page_that_is_not_back_at_its_slot_is_also_late(
    back_at: str | None, expected: VerdictKind
) -> None:
    """The page was public too early, from 09:10 to 09:20. It was not back at its slot, 09:30. So
    there are two faults: an exposure, and a finding `late`. The verdict is the worse of them. If
    the page is never back, it is overdue, which is worse than early. If it is back at 09:40, it is
    early, which is worse than late.
    """
    promise = promise_for("09:30", last_shown_at="09:35")
    verdict = verdict_on(promise, published_at="09:10", removed_at="09:20", back_at=back_at)
    assert verdict.verdict is expected
    assert len(verdict.exposures) == 1
    assert len(found(verdict, FindingKind.LATE)) == 1


@pytest.mark.parametrize(
    "promise",
    [promise_for("09:30", last_shown_at="08:55"), dropped_promise(since="09:12")],
    ids=["last read too early", "dropped"],
)
@pytest.mark.parametrize("back_at", [NEVER, "09:40"], ids=["never back", "back late"])
def test_early_page_is_not_late_too_if_its_slot_perhaps_changed(
    promise: Promise, back_at: str | None
) -> None:
    """The page was public from 09:10 to 09:20. At 09:10 its slot was still 09:30, so it was early.
    It came back at 09:40 or never. That is late only if the slot was still 09:30 at 09:30. But it
    may have changed: the calendar last showed it at 08:55, over 30 minutes before 09:30, or dropped
    it at 09:12. So the page is early, but not late.
    """
    verdict = verdict_on(promise, published_at="09:10", removed_at="09:20", back_at=back_at)
    assert verdict.verdict is VerdictKind.EARLY
    assert found(verdict, FindingKind.LATE) == []
    assert len(doubts(verdict)) == 1
    # The delay is that of the exposure, so it is negative: before the slot.
    assert verdict.page.delay.max < 0


def test_missing_sheet_of_early_page_is_unproven_if_calendar_then_dropped_the_release() -> None:
    """The page came at 09:10, before its slot, 09:30: early. The calendar dropped the release at
    09:12. The spreadsheet has not come by 10:00. It is overdue if the slot is still 09:30. But this
    may have changed: unproven, not late.
    """
    seen = {"page": page_published_at("09:10"), "sheet": page_published_at(NEVER)}
    dropped = dropped_promise(since="09:12")
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[dropped])
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.UNPROVEN]
    assert found(verdict, FindingKind.LATE) == []
    assert len(doubts(verdict)) == 1


def test_slot_counts_while_one_of_two_calendars_shows_it() -> None:
    """Calendars govuk and own announced the slot 09:30. No page has come by 10:00. Govuk dropped
    the release at 09:05. If own still showed it at 09:26, it is overdue. If own dropped it too, its
    slot may have changed: unproven.
    """
    dropped_by_govuk = dropped_promise(since="09:05", calendar="govuk")
    shown_by_own = promise_for("09:30", last_shown_at="09:26", calendar="own")
    assert (
        verdict_on(dropped_by_govuk, shown_by_own, published_at=NEVER).verdict
        is VerdictKind.OVERDUE
    )
    dropped_by_own = dropped_promise(since="09:05", calendar="own")
    assert (
        verdict_on(dropped_by_govuk, dropped_by_own, published_at=NEVER).verdict
        is VerdictKind.UNPROVEN
    )


def test_verdict_as_of_earlier_instant_ignores_later_reads() -> None:
    """The page came at 09:03, before its slot at 09:30. The calendar dropped the release at 09:05,
    so its slot may have changed. But a verdict as of 09:04 cannot know that yet: early.
    """
    dropped = dropped_promise(since="09:05")
    assert verdict_on(dropped, published_at="09:03", now="09:04").verdict is VerdictKind.EARLY
