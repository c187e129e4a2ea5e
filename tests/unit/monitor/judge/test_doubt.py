"""A promise that may no longer have been in force at its slot, and calendars that differ: nothing is claimed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.verdict import Verdict
from schedules.announcement import State as Standing
from schedules.contract.verdict import Kind, VerdictKind
from schedules.promise import Promise, Unlisted
from tests.worlds.instants import DAY, SLOT, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, Story
from tests.worlds.releases import SHEET, a_promise, a_release
from tests.worlds.verdicts import found, judged

IN_TIME = "09:30:01"
BOTH_CALENDARS = ("govuk", "own")


def page_that_came(came: str | None) -> Story:
    """Return a page that was absent from 07:30 until it came, looked at every five seconds."""
    turns = [(seconds_at("07:30"), ABSENT), *([] if came is None else [(seconds_at(came), PRESENT)])]
    return Story(turns, every=5, specific=True)


def verdict_on(
    promises: Sequence[Promise], came: str | None, now: str = "10:00", calendars: tuple[str, ...] = ("govuk",)
) -> Verdict:
    """Return the verdict at `now` on a release whose page came at an instant (None: never)."""
    release = a_release(calendars=calendars)
    return judged(seconds_at(now), {"page": page_that_came(came)}, promises=promises, release=release)


def promise_last_read(time: str, **fields: object) -> Promise:
    """Return a promise for 09:30 that its calendar showed for the last time at this read."""
    return a_promise(confirmed_at=at(time), **fields)


def changed_promise(slot: str | None = None, read: str = "09:36", before: str = "09:26", **fields: object) -> Promise:
    """Return a promise for `slot` that a calendar showed at `read`, but not yet at the read `before` it."""
    return a_promise(SLOT if slot is None else at(slot), learnt=at(read), unlearnt=at(before), **fields)


def doubt_details(verdict: Verdict) -> list[str]:
    """Return what each finding says that the promise is in doubt."""
    return [each.detail for each in found(verdict, Kind.PROMISE_IN_DOUBT)]


VERDICTS_WITHOUT_DOUBT = [
    (None, VerdictKind.OVERDUE),
    ("09:40", VerdictKind.LATE),
    (IN_TIME, VerdictKind.ON_TIME),
    ("09:10", VerdictKind.EARLY),
]


@pytest.mark.parametrize(("came", "word"), VERDICTS_WITHOUT_DOUBT)
def test_a_promise_read_after_its_slot_binds(came: str | None, word: VerdictKind) -> None:
    verdict = verdict_on([promise_last_read("09:35")], came)
    assert (verdict.verdict, doubt_details(verdict)) == (word, [])


@pytest.mark.parametrize(
    ("came", "before"), [(None, "1 h 1 min"), ("09:40", "1 h 1 min"), (IN_TIME, "1 h 1 min"), ("09:10", "41 min")]
)
def test_a_promise_last_read_long_before_its_slot_or_exposure_proves_nothing(came: str | None, before: str) -> None:
    verdict = verdict_on([promise_last_read("08:29")], came)
    assert (verdict.verdict, verdict.exposures) == (VerdictKind.UNPROVEN, ())
    assert doubt_details(verdict) == [verdict.unproven_because]
    assert verdict.unproven_because.endswith(
        f"last read Fri 5 Jan 2018 08:29:00 GMT, {before} before: whether it was still in force is not known"
    )


def test_a_promise_read_four_minutes_before_its_slot_binds_and_is_dated() -> None:
    verdict = verdict_on([promise_last_read("09:26")], IN_TIME)
    assert (verdict.verdict, verdict.confirmed, doubt_details(verdict)) == (VerdictKind.ON_TIME, at("09:26"), [])


@pytest.mark.parametrize(("read", "word"), [("09:00", VerdictKind.ON_TIME), ("08:59:54", VerdictKind.UNPROVEN)])
def test_a_promise_binds_if_it_was_read_at_most_half_an_hour_before(read: str, word: VerdictKind) -> None:
    assert verdict_on([promise_last_read(read)], IN_TIME).verdict is word


@pytest.mark.parametrize(("read", "count"), [("09:26", 1), ("09:30", 0)])
def test_a_late_release_whose_calendar_was_not_read_again_has_that_doubt(read: str, count: int) -> None:
    verdict = verdict_on([promise_last_read(read)], None)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert [doubt.endswith("not read, or not shown there, again since") for doubt in doubt_details(verdict)] == [
        True
    ] * count


@pytest.mark.parametrize(("read", "count"), [("09:26", 1), ("09:30", 0)])
def test_a_file_that_is_late_after_its_early_page_is_in_doubt_unless_the_calendar_was_read_at_the_slot(
    read: str, count: int
) -> None:
    seen = {"page": page_that_came("09:10"), "sheet": page_that_came(None)}
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[promise_last_read(read)], release=a_release(SHEET))
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.OVERDUE]
    assert len(doubt_details(verdict)) == count


@pytest.mark.parametrize(
    ("read", "word", "count"),
    [("08:39", VerdictKind.UNPROVEN, 1), ("08:41", VerdictKind.EARLY, 1), ("09:11", VerdictKind.EARLY, 0)],
)
def test_before_its_slot_a_promise_must_be_confirmed_when_the_first_exposure_began(
    read: str, word: VerdictKind, count: int
) -> None:
    verdict = verdict_on([promise_last_read(read)], "09:10", now="09:30")
    assert (verdict.verdict, len(doubt_details(verdict))) == (word, count)


def test_a_pending_part_keeps_its_verdict_if_the_promise_is_in_doubt() -> None:
    verdict = verdict_on([promise_last_read("08:29")], None, now="09:29")
    assert (verdict.verdict, verdict.unproven_because, doubt_details(verdict)) == (VerdictKind.PENDING, None, [])


# Changes between two reads


@pytest.mark.parametrize("change", [changed_promise("11:00"), changed_promise(state=Standing.CANCELLED)])
def test_a_change_that_may_have_come_before_the_slot_leaves_the_release_unproven(change: Promise) -> None:
    verdict = verdict_on([promise_last_read("09:26"), change], None)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT" in verdict.unproven_because


def test_a_change_that_came_after_the_slot_leaves_it_late() -> None:
    assert (
        verdict_on([promise_last_read("09:32"), changed_promise("11:00", before="09:32")], None).verdict
        is VerdictKind.OVERDUE
    )


CHANGES_AFTER_09_26 = {
    "the next edition, once it was out in time": (changed_promise("2018-04-05 10:30"), IN_TIME, VerdictKind.ON_TIME),
    "a later day, read when it may have been out": (
        changed_promise("2018-01-06 09:30", "09:30:05"),
        "09:30:44",
        VerdictKind.UNPROVEN,
    ),
    "a later day, read once it was out": (
        changed_promise("2018-01-06 09:30", "09:30:05"),
        "09:30:04.5",
        VerdictKind.ON_TIME,
    ),
    "a later day": (changed_promise("2018-01-06 09:30"), IN_TIME, VerdictKind.ON_TIME),
    "a later day, not out": (changed_promise("2018-01-06 09:30"), None, VerdictKind.UNPROVEN),
    "later on the same day": (changed_promise("09:31", "09:31:30"), IN_TIME, VerdictKind.UNPROVEN),
    "an hour and a half later": (changed_promise("11:00"), IN_TIME, VerdictKind.UNPROVEN),
    "an hour and a half later, not out": (changed_promise("11:00"), None, VerdictKind.UNPROVEN),
    "brought forward": (changed_promise("09:28"), IN_TIME, VerdictKind.UNPROVEN),
    "brought forward, not out": (changed_promise("09:28"), None, VerdictKind.UNPROVEN),
}


@pytest.mark.parametrize(("change", "came", "word"), CHANGES_AFTER_09_26.values(), ids=CHANGES_AFTER_09_26)
def test_a_changed_promise_casts_doubt_unless_it_names_a_later_day_after_a_release_in_time(
    change: Promise, came: str | None, word: VerdictKind
) -> None:
    verdict = verdict_on([promise_last_read("09:26"), change], came)
    assert verdict.verdict is word
    assert bool(doubt_details(verdict)) is (word is VerdictKind.UNPROVEN)


# Brought forward


def test_a_release_that_was_brought_forward_and_came_then_is_not_early() -> None:
    # At 08:55 the calendar is changed to 09:00. The release is out at 09:02, and the calendar is read at 09:05.
    verdict = verdict_on([promise_last_read("08:50"), changed_promise("09:00", "09:05", "08:50")], "09:02")
    assert (verdict.verdict, verdict.exposures) == (VerdictKind.UNPROVEN, ())
    (forward,) = found(verdict, Kind.BROUGHT_FORWARD)
    assert forward.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_a_time_that_no_read_showed_before_it_passed_excuses_no_exposure() -> None:
    assert (
        verdict_on([promise_last_read("09:03"), changed_promise("09:00", "09:05", "09:03")], "09:02").verdict
        is VerdictKind.EARLY
    )


def test_a_release_brought_forward_in_time_is_judged_by_its_new_slot() -> None:
    verdict = verdict_on([promise_last_read("08:30"), changed_promise("09:10", "08:50", "08:30")], "09:10:00.5")
    assert verdict.verdict is VerdictKind.ON_TIME
    assert found(verdict, Kind.BROUGHT_FORWARD)


THE_DAY_BEFORE = "2018-01-04 09:29"
TEN_DAYS_LATER = a_promise(SLOT + 10 * DAY, confirmed_at=at(THE_DAY_BEFORE))
BROUGHT_FORWARD = {
    "on its day": ([TEN_DAYS_LATER, changed_promise(read="08:30", before=THE_DAY_BEFORE)], 1),
    "the day before": ([TEN_DAYS_LATER, changed_promise(read="2018-01-04 09:30", before=THE_DAY_BEFORE)], 0),
    "put back on its day": (
        [a_promise(at("09:00"), confirmed_at=at("08:30")), changed_promise(None, "08:31", "08:30")],
        0,
    ),
}


@pytest.mark.parametrize(("promises", "count"), BROUGHT_FORWARD.values(), ids=BROUGHT_FORWARD)
def test_a_slot_that_was_brought_forward_on_its_own_day_is_a_finding(promises: list[Promise], count: int) -> None:
    assert len(found(verdict_on(promises, IN_TIME), Kind.BROUGHT_FORWARD)) == count


# Provisional times


@pytest.mark.parametrize(
    ("came", "word"),
    [("09:31:27", VerdictKind.UNPROVEN), (IN_TIME, VerdictKind.ON_TIME), ("09:28:30", VerdictKind.UNPROVEN)],
)
def test_a_release_with_a_provisional_time_is_proved_only_if_it_is_on_time_by_that_time(
    came: str, word: VerdictKind
) -> None:
    verdict = verdict_on([promise_last_read("09:26", state=Standing.PROVISIONAL)], came)
    assert (verdict.verdict, bool(doubt_details(verdict))) == (word, word is VerdictKind.UNPROVEN)


def test_a_time_still_provisional_after_its_instant_is_judged_by_its_day() -> None:
    assert (
        verdict_on([promise_last_read("09:31", state=Standing.PROVISIONAL)], "09:31:27").verdict is VerdictKind.ON_TIME
    )


def test_a_release_is_pending_while_its_provisional_time_may_be_confirmed() -> None:
    verdict = verdict_on([promise_last_read("09:26", state=Standing.PROVISIONAL)], "09:28:30", now="09:29")
    assert (verdict.verdict, verdict.final, verdict.revisit) == (VerdictKind.PENDING, False, SLOT)


@pytest.mark.parametrize("came", [None, "09:31:27"])
def test_a_confirmation_that_may_have_come_before_the_slot_leaves_the_release_unproven(came: str | None) -> None:
    verdict = verdict_on([promise_last_read("09:26", state=Standing.PROVISIONAL), changed_promise()], came)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "09:30:00 GMT, provisional, last so" in verdict.unproven_because


def test_a_time_confirmed_after_the_slot_is_judged_by_its_day() -> None:
    provisional = promise_last_read("09:31", state=Standing.PROVISIONAL)
    assert verdict_on([provisional, changed_promise(before="09:31")], "09:31:27").verdict is VerdictKind.ON_TIME


# Two calendars


def promises_of_two_calendars(own: str) -> list[Promise]:
    """Return the usual promise of `govuk` for 09:30, and that of the calendar `own` for this time."""
    return [a_promise(), a_promise(at(own), calendar="own")]


@pytest.mark.parametrize(
    ("own", "came", "word"),
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
    own: str, came: str | None, word: VerdictKind
) -> None:
    verdict = verdict_on(promises_of_two_calendars(own), came, calendars=BOTH_CALENDARS)
    assert verdict.verdict is word
    (differ,) = found(verdict, Kind.CALENDARS_DISAGREE)
    assert differ.detail.endswith("a person must say which binds")
    assert ("own says" in (verdict.unproven_because or "")) is (word is VerdictKind.UNPROVEN)


@pytest.mark.parametrize(("own", "is_late"), [("09:31", True), ("09:50", False), ("10:00", False), ("09:29", False)])
def test_an_exposed_release_that_came_back_late_is_late_only_by_both_calendars(own: str, *, is_late: bool) -> None:
    turns = [(-7200, ABSENT), (-90, PRESENT), (-30, ABSENT), (1200, PRESENT)]
    page_that_came = Story(turns, every=5, specific=True)
    verdict = judged(
        1800,
        {"page": page_that_came},
        promises=promises_of_two_calendars(own),
        release=a_release(calendars=BOTH_CALENDARS),
    )
    assert verdict.verdict is VerdictKind.EARLY
    assert bool(found(verdict, Kind.LATE)) is is_late


def test_a_release_becomes_late_when_it_is_late_by_the_second_calendar_too() -> None:
    early = verdict_on(promises_of_two_calendars("09:50"), None, now="09:40", calendars=BOTH_CALENDARS)
    assert (early.verdict, early.revisit) == (VerdictKind.UNPROVEN, at("09:50"))
    assert verdict_on(promises_of_two_calendars("09:50"), None, now="09:50:30", calendars=BOTH_CALENDARS).revisit == at(
        "09:51"
    )
    assert (
        verdict_on(promises_of_two_calendars("09:50"), None, now="09:52", calendars=BOTH_CALENDARS).verdict
        is VerdictKind.OVERDUE
    )


def test_a_release_with_one_calendar_is_not_judged_again_soon() -> None:
    assert verdict_on([a_promise()], None, now="09:40").revisit > at("10:30")


def test_a_release_that_one_calendar_cancels_is_not_late_by_the_other() -> None:
    promises = [a_promise(), a_promise(calendar="own", state=Standing.CANCELLED)]
    assert verdict_on(promises, None, calendars=BOTH_CALENDARS).verdict is VerdictKind.UNPROVEN


def test_a_release_on_time_by_the_first_calendar_is_not_disputed() -> None:
    (page_that_came,) = verdict_on(promises_of_two_calendars("10:30"), IN_TIME, calendars=BOTH_CALENDARS).parts
    assert (page_that_came.verdict, page_that_came.unproven_because, page_that_came.delay is None) == (
        VerdictKind.ON_TIME,
        None,
        False,
    )


def test_late_by_one_calendar_and_never_published_by_the_other_is_a_breach_by_both() -> None:
    long_ago = a_promise(SLOT - 20 * DAY, learnt=SLOT - 40 * DAY, calendar="own")
    assert verdict_on([a_promise(), long_ago], "09:40", calendars=BOTH_CALENDARS).verdict is VerdictKind.LATE


def unlisted_promise(since: str, reads: int = 4, *successors: str, last: str = "09:00") -> Promise:
    """Return a promise that its calendar showed until `last`. Reads from `since` on did not show it."""
    return promise_last_read(last, unlisted=Unlisted(at(since), reads, successors))


@pytest.mark.parametrize("came", [None, "09:40", IN_TIME])
def test_an_entry_that_left_its_calendar_before_its_slot_proves_nothing(came: str | None) -> None:
    verdict = verdict_on([unlisted_promise("09:05")], came)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.unproven_because is not None
    assert "last shown Fri 5 Jan 2018 09:00:00 GMT" in verdict.unproven_because
    assert "4 reads of the calendar since Fri 5 Jan 2018 09:05:00 GMT did not show it" in verdict.unproven_because
    assert doubt_details(verdict) == [verdict.unproven_because]


@pytest.mark.parametrize(
    ("promise", "word"),
    [
        (unlisted_promise("09:29:59"), VerdictKind.UNPROVEN),
        (unlisted_promise("09:30"), VerdictKind.OVERDUE),
        (promise_last_read("09:20"), VerdictKind.OVERDUE),
    ],
)
def test_only_reads_before_the_slot_withdraw_the_confirmation(promise: Promise, word: VerdictKind) -> None:
    assert verdict_on([promise], None).verdict is word


def test_the_doubt_names_likely_successors() -> None:
    verdict = verdict_on([unlisted_promise("09:05", 4, "Vital events: 2017", "Stillbirths: 2017")], None)
    assert verdict.unproven_because is not None
    assert verdict.unproven_because.endswith("A new entry may replace it: “Vital events: 2017” and “Stillbirths: 2017”")


@pytest.mark.parametrize(("since", "word"), [("09:11", VerdictKind.EARLY), ("09:05", VerdictKind.UNPROVEN)])
def test_an_entry_that_leaves_after_an_exposure_began_leaves_it_early(since: str, word: VerdictKind) -> None:
    assert verdict_on([unlisted_promise(since)], "09:10", now="09:20").verdict is word


def page_early_and_again(again: str | None) -> Story:
    """Return a page that was public from 09:10 to 09:20, and again from a time on."""
    turns = [(seconds_at("07:30"), ABSENT), (seconds_at("09:10"), PRESENT), (seconds_at("09:20"), ABSENT)]
    return Story([*turns, *([] if again is None else [(seconds_at(again), PRESENT)])], every=5, specific=True)


LATE_AGAIN = [(None, VerdictKind.OVERDUE), ("09:40", VerdictKind.EARLY)]


@pytest.mark.parametrize(("again", "word"), LATE_AGAIN)
def test_a_page_that_was_early_and_is_late_is_both_while_its_entry_is_listed(again: str | None, word: str) -> None:
    verdict = judged(seconds_at("10:00"), {"page": page_early_and_again(again)}, promises=[promise_last_read("09:35")])
    assert verdict.verdict is word
    assert len(found(verdict, Kind.LATE)) == 1


@pytest.mark.parametrize("again", [None, "09:40"])
@pytest.mark.parametrize(
    "promise", [unlisted_promise("09:12"), promise_last_read("08:55")], ids=["unlisted", "not read"]
)
def test_a_page_that_was_early_is_not_late_too_by_a_promise_in_doubt_at_its_slot(
    again: str | None, promise: Promise
) -> None:
    verdict = judged(seconds_at("10:00"), {"page": page_early_and_again(again)}, promises=[promise])
    assert verdict.verdict is VerdictKind.EARLY
    assert (found(verdict, Kind.LATE), len(doubt_details(verdict))) == ([], 1)
    assert verdict.parts[0].delay is not None
    assert verdict.parts[0].delay.max is not None
    assert verdict.parts[0].delay.max < 0


def test_a_file_proves_nothing_if_its_entry_left_the_calendar_after_its_page_was_early() -> None:
    seen = {"page": page_that_came("09:10"), "sheet": page_that_came(None)}
    verdict = judged(seconds_at("10:00"), seen, SHEET, promises=[unlisted_promise("09:12")], release=a_release(SHEET))
    assert [part.verdict for part in verdict.parts] == [VerdictKind.EARLY, VerdictKind.UNPROVEN]
    assert (found(verdict, Kind.LATE), len(doubt_details(verdict))) == ([], 1)


def test_an_entry_that_leaves_one_calendar_while_another_promises_the_same_still_binds() -> None:
    other = promise_last_read("09:26", calendar="own")
    assert verdict_on([unlisted_promise("09:05"), other], None, calendars=BOTH_CALENDARS).verdict is VerdictKind.OVERDUE
    both = [unlisted_promise("09:05"), replace(unlisted_promise("09:05"), calendar="own")]
    assert verdict_on(both, None, calendars=BOTH_CALENDARS).verdict is VerdictKind.UNPROVEN


def test_reads_after_now_are_not_known_yet() -> None:
    assert verdict_on([unlisted_promise("09:05")], "09:03", now="09:04").verdict is VerdictKind.EARLY
