"""Promises that are not known to stand, and calendars that differ: nothing is claimed, and both readings are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Finding, Kind, Verdict, Word
from monitor.look.sighting import State
from schedules.announcement import State as Standing
from schedules.promise import Promise
from tests.unit.monitor.judge.world import Story, promise, release, second, watched

MINUTE = 60.0
EDGE = "r/page/edge"


def judged(
    promises: Sequence[Promise], came: float | None, now: float = 30 * MINUTE, calendars: tuple[str, ...] = ("govuk",)
) -> Verdict:
    """Judge a page that was absent from two hours before the slot until it came, looked at every second."""
    states = [(-120 * MINUTE, State.ABSENT), *([] if came is None else [(came, State.PRESENT)])]
    runs = {EDGE: watched(EDGE, Story(states, specific=True), 5, now)}
    whole = release()
    announced = type(whole)(whole.id, whole.title, whole.producer, whole.url, whole.parts, calendars)
    return judge(announced, promises, runs, [], Policy(), second(now))


def found(verdict: Verdict, kind: Kind) -> Finding | None:
    return next((one for one in verdict.findings if one.kind is kind), None)


@pytest.mark.parametrize(
    ("came", "sure"), [(None, Word.OVERDUE), (10 * MINUTE, Word.LATE), (0.5, Word.ON_TIME), (-20 * MINUTE, Word.EARLY)]
)
def test_a_promise_last_read_an_hour_before_its_slot_proves_nothing(came: float | None, sure: Word) -> None:
    old, fresh = (judged([promise(confirmed_at=second(at))], came) for at in (-61 * MINUTE, 5 * MINUTE))
    assert (fresh.word, found(fresh, Kind.PROMISE_IN_DOUBT)) == (sure, None)
    assert (old.word, old.exposures) == (Word.UNPROVEN, ())
    told = found(old, Kind.PROMISE_IN_DOUBT)
    assert told is not None
    assert "whether it still stood is not known" in told.detail
    assert old.unproven_because == told.detail


def test_a_promise_read_four_minutes_before_its_slot_binds_and_is_dated() -> None:
    verdict = judged([promise(confirmed_at=second(-4 * MINUTE))], 0.5)
    assert (verdict.word, verdict.confirmed) == (Word.ON_TIME, second(-4 * MINUTE))


def test_a_lateness_whose_calendar_could_not_be_read_again_is_told_with_that_doubt() -> None:
    verdict = judged([promise(confirmed_at=second(-4 * MINUTE))], None)
    told = found(verdict, Kind.PROMISE_IN_DOUBT)
    assert verdict.word is Word.OVERDUE
    assert told is not None
    assert told.detail.endswith("not read, or not shown there, again since")


@pytest.mark.parametrize("other", [{"slot": second(90 * MINUTE)}, {"state": Standing.CANCELLED}])
def test_a_change_that_may_have_come_before_the_slot_leaves_both_readings(other: dict[str, object]) -> None:
    first = promise(confirmed_at=second(-4 * MINUTE))
    change = promise(learnt=6 * MINUTE, unlearnt=second(-4 * MINUTE), **other)
    verdict = judged([first, change], None)
    assert verdict.word is Word.UNPROVEN
    assert verdict.unproven_because is not None
    assert "changed between two reads: govuk says Fri 5 Jan 2018 09:30:00 GMT" in verdict.unproven_because


PROVISIONAL = {"state": Standing.PROVISIONAL, "confirmed_at": second(-4 * MINUTE)}


@pytest.mark.parametrize(("came", "word"), [(87.0, Word.UNPROVEN), (0.5, Word.ON_TIME), (-90.0, Word.UNPROVEN)])
def test_what_was_provisional_when_last_read_is_on_time_only_by_its_minute_too(came: float, word: Word) -> None:
    verdict = judged([promise(**PROVISIONAL)], came)
    assert (verdict.word, found(verdict, Kind.PROMISE_IN_DOUBT) is None) == (word, word is Word.ON_TIME)


def test_what_is_still_provisional_after_its_instant_is_judged_by_its_day() -> None:
    still = promise(**(PROVISIONAL | {"confirmed_at": second(MINUTE)}))
    assert judged([still], 87.0).word is Word.ON_TIME


def test_nothing_is_said_before_its_instant_of_what_may_yet_be_confirmed() -> None:
    verdict = judged([promise(**PROVISIONAL)], -90.0, now=-MINUTE)
    assert (verdict.word, verdict.final, verdict.revisit) == (Word.PENDING, False, second(0))


@pytest.mark.parametrize("came", [None, 87.0])
def test_a_confirmation_that_may_have_come_before_the_slot_leaves_both_readings(came: float | None) -> None:
    confirmed = promise(learnt=6 * MINUTE, unlearnt=second(-4 * MINUTE))
    verdict = judged([promise(**PROVISIONAL), confirmed], came)
    assert verdict.word is Word.UNPROVEN
    assert "09:30:00 GMT, provisional, last so" in (verdict.unproven_because or "")


def test_a_confirmation_that_came_after_the_slot_binds_nobody_to_the_minute() -> None:
    first = promise(**(PROVISIONAL | {"confirmed_at": second(MINUTE)}))
    confirmed = promise(learnt=6 * MINUTE, unlearnt=second(MINUTE))
    assert judged([first, confirmed], 87.0).word is Word.ON_TIME


def test_a_change_known_to_have_come_after_the_slot_takes_no_lateness_away() -> None:
    first = promise(confirmed_at=second(2 * MINUTE))
    change = promise(second(90 * MINUTE), learnt=6 * MINUTE, unlearnt=second(2 * MINUTE))
    assert judged([first, change], None).word is Word.OVERDUE


def test_a_later_time_read_once_it_was_out_in_time_takes_nothing_back() -> None:
    first = promise(confirmed_at=second(-4 * MINUTE))
    following = promise(second(90 * 86400), learnt=6 * MINUTE, unlearnt=second(-4 * MINUTE))
    verdict = judged([first, following], 0.5)
    assert (verdict.word, found(verdict, Kind.PROMISE_IN_DOUBT)) == (Word.ON_TIME, None)


def test_a_later_time_read_before_it_was_out_may_have_made_it_early() -> None:
    first = promise(confirmed_at=second(-4 * MINUTE))
    following = promise(second(86400), learnt=5, unlearnt=second(-4 * MINUTE))
    verdict = judged([first, following], 43.6)
    assert verdict.word is Word.UNPROVEN
    assert found(verdict, Kind.PROMISE_IN_DOUBT) is not None
    assert judged([first, following], 4.5).word is Word.ON_TIME


def test_a_later_time_of_the_same_day_is_no_next_edition_whenever_it_is_read() -> None:
    first = promise(confirmed_at=second(-4 * MINUTE))
    put_back = promise(second(MINUTE), learnt=90, unlearnt=second(-4 * MINUTE))
    verdict = judged([first, put_back], 0.5)
    assert verdict.word is Word.UNPROVEN
    assert found(verdict, Kind.PROMISE_IN_DOUBT) is not None


def test_what_was_brought_forward_and_came_then_is_not_early() -> None:
    first = promise(confirmed_at=second(-40 * MINUTE))
    # At 08:55 the calendar is changed to 09:00; it is out at 09:02, and the calendar is read at 09:05.
    forward = promise(second(-30 * MINUTE), learnt=-25 * MINUTE, unlearnt=second(-40 * MINUTE))
    verdict = judged([first, forward], -28 * MINUTE)
    assert (verdict.word, verdict.exposures) == (Word.UNPROVEN, ())
    told = found(verdict, Kind.BROUGHT_FORWARD)
    assert told is not None
    assert told.detail.startswith("govuk says Fri 5 Jan 2018 09:00:00 GMT: brought forward")


def test_a_time_given_only_after_it_had_passed_excuses_no_exposure() -> None:
    first = promise(confirmed_at=second(-27 * MINUTE))
    back_dated = promise(second(-30 * MINUTE), learnt=-25 * MINUTE, unlearnt=second(-27 * MINUTE))
    verdict = judged([first, back_dated], -28 * MINUTE)
    assert verdict.word is Word.EARLY


def test_what_was_brought_forward_in_time_is_judged_by_its_new_slot_and_told() -> None:
    first = promise(confirmed_at=second(-60 * MINUTE))
    forward = promise(second(-20 * MINUTE), learnt=-40 * MINUTE, unlearnt=second(-60 * MINUTE))
    verdict = judged([first, forward], -20 * MINUTE + 0.5)
    assert verdict.word is Word.ON_TIME
    assert found(verdict, Kind.BROUGHT_FORWARD) is not None


BOTH = ("govuk", "own")


def two(minutes: float) -> list[Promise]:
    return [promise(), promise(second(minutes * MINUTE), calendar="own")]


@pytest.mark.parametrize(
    ("own", "came", "word"),
    [
        (60.0, None, Word.UNPROVEN),  # late by one, not yet due by the other
        (60.0, 10 * MINUTE, Word.UNPROVEN),  # late by one, early by the other
        (-60.0, -30 * MINUTE, Word.UNPROVEN),  # early by one, late by the other
        (-60.0, None, Word.OVERDUE),  # late by both
        (60.0, -30 * MINUTE, Word.EARLY),  # early by both
        (60.0, 0.5, Word.ON_TIME),  # on time by the one that rules
    ],
)
def test_no_breach_is_claimed_by_one_calendar_that_another_denies(own: float, came: float | None, word: Word) -> None:
    verdict = judged(two(own), came, calendars=BOTH)
    assert verdict.word is word
    told = found(verdict, Kind.CALENDARS_DISAGREE)
    assert told is not None
    assert told.detail.endswith("a person must say which binds")
    if word is Word.UNPROVEN:
        assert "own says" in (verdict.unproven_because or "")


@pytest.mark.parametrize(("own", "told"), [(1.0, True), (20.0, False), (30.0, False), (-1.0, False)])
def test_what_was_exposed_and_came_back_is_late_as_well_only_by_both_calendars(own: float, *, told: bool) -> None:
    states = [(-7200, State.ABSENT), (-90, State.PRESENT), (-30, State.ABSENT), (20 * MINUTE, State.PRESENT)]
    runs = {EDGE: watched(EDGE, Story(states, specific=True), 5, 30 * MINUTE)}
    announced = replace(release(), calendars=BOTH)
    verdict = judge(announced, two(own), runs, [], Policy(), second(30 * MINUTE))
    assert verdict.word is Word.EARLY
    assert (found(verdict, Kind.LATE) is not None) is told


def test_what_both_calendars_come_to_show_is_a_breach_as_soon_as_the_second_does() -> None:
    promises = two(20)
    early = judged(promises, None, now=10 * MINUTE, calendars=BOTH)
    assert (early.word, early.revisit) == (Word.UNPROVEN, second(20 * MINUTE))
    assert judged(promises, None, now=22 * MINUTE, calendars=BOTH).word is Word.OVERDUE


def test_a_release_that_one_calendar_calls_off_is_not_late_by_the_other() -> None:
    promises = [promise(), promise(calendar="own", state=Standing.CANCELLED)]
    assert judged(promises, None, calendars=BOTH).word is Word.UNPROVEN


def test_which_promise_was_confirmed_how_long_before_is_told() -> None:
    told = found(judged([promise(confirmed_at=second(-61 * MINUTE))], None), Kind.PROMISE_IN_DOUBT)
    assert told is not None
    assert "last read Fri 5 Jan 2018 08:29:00 GMT, 1 h 1 min before" in told.detail


@pytest.mark.parametrize(("minutes", "word"), [(-30, Word.ON_TIME), (-30.1, Word.UNPROVEN)])
def test_a_promise_binds_that_was_read_at_most_half_an_hour_before(minutes: float, word: Word) -> None:
    assert judged([promise(confirmed_at=second(minutes * MINUTE))], 0.5).word is word


def test_what_is_out_in_time_while_its_calendar_was_not_read_again_is_told_of_without_a_doubt() -> None:
    verdict = judged([promise(confirmed_at=second(-4 * MINUTE))], 0.5)
    assert found(verdict, Kind.PROMISE_IN_DOUBT) is None
    assert found(judged([promise(confirmed_at=second(0))], None), Kind.PROMISE_IN_DOUBT) is None


def test_before_its_slot_a_promise_is_held_to_stand_when_the_first_exposure_began() -> None:
    fresh, old = (judged([promise(confirmed_at=second(at * MINUTE))], -20 * MINUTE, 0) for at in (-49, -51))
    assert (fresh.word, old.word) == (Word.EARLY, Word.UNPROVEN)
    told = found(fresh, Kind.PROMISE_IN_DOUBT)
    assert told is not None
    assert told.detail.endswith("again since")
    read_since = judged([promise(confirmed_at=second(-19 * MINUTE))], -20 * MINUTE, 0)
    assert found(read_since, Kind.PROMISE_IN_DOUBT) is None


def test_a_time_brought_forward_takes_every_claim_and_one_put_back_breaches_alone() -> None:
    first = promise(confirmed_at=second(-4 * MINUTE))
    words = {}
    for minutes in (-2, 90, 1440):
        change = promise(second(minutes * MINUTE), learnt=6 * MINUTE, unlearnt=second(-4 * MINUTE))
        words[minutes] = [judged([first, change], came).word for came in (0.5, None)]
    neither = [Word.UNPROVEN, Word.UNPROVEN]
    assert words == {-2: neither, 90: neither, 1440: [Word.ON_TIME, Word.UNPROVEN]}


def test_a_part_that_claims_nothing_keeps_its_own_reason() -> None:
    old = judged([promise(confirmed_at=second(-61 * MINUTE))], None, -MINUTE)
    assert (old.word, old.unproven_because, found(old, Kind.PROMISE_IN_DOUBT)) == (Word.PENDING, None, None)


def test_a_time_that_was_put_back_or_brought_forward_on_another_day_is_no_news_of_its_day() -> None:
    first = promise(second(10 * 86400), confirmed_at=second(-86400 - MINUTE))
    the_day_before = promise(learnt=-86400, unlearnt=second(-86400 - MINUTE))
    assert found(judged([first, the_day_before], 0.5), Kind.BROUGHT_FORWARD) is None
    on_its_day = promise(learnt=-60 * MINUTE, unlearnt=second(-86400 - MINUTE))
    assert found(judged([first, on_its_day], 0.5), Kind.BROUGHT_FORWARD) is not None
    earlier = promise(second(-30 * MINUTE), confirmed_at=second(-60 * MINUTE))
    put_back = promise(learnt=-59 * MINUTE, unlearnt=second(-60 * MINUTE))
    assert found(judged([earlier, put_back], 0.5), Kind.BROUGHT_FORWARD) is None


def test_it_is_judged_again_when_the_word_by_another_calendar_may_change() -> None:
    promises = two(20)
    revisits = [judged(promises, None, now=minutes * MINUTE, calendars=BOTH).revisit for minutes in (10, 20.5)]
    assert revisits == [second(20 * MINUTE), second(21 * MINUTE)]
    alone = judged(promises[:1], None, now=10 * MINUTE).revisit
    assert alone is not None
    assert alone > second(60 * MINUTE)


def test_nothing_is_disputed_that_is_no_breach_by_the_calendar_that_rules() -> None:
    verdict = judged(two(60), 0.5, calendars=BOTH)
    (page,) = verdict.parts
    assert (page.word, page.unproven_because, page.delay is None) == (Word.ON_TIME, None, False)


def test_what_is_late_by_one_and_never_came_by_the_other_is_a_breach_by_both() -> None:
    promises = [promise(), promise(second(-20 * 86400), learnt=-40 * 86400, calendar="own")]
    verdict = judged(promises, 10 * MINUTE, calendars=BOTH)
    assert verdict.word is Word.LATE
