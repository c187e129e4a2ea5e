"""What an explanation says of the announcement behind a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy, UsualTime
from monitor.judge.verdict import Word
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.workdays import workdays
from tests.unit.monitor.judge.world import promise, release, second


def told(*promises: Promise, of: Release | None = None, policy: Policy | None = None, now: float = 500) -> str:
    mine, rules = of or release(), policy or Policy()
    verdict = judge(mine, promises, {}, [], rules, second(now))
    return "\n".join(fact.text for fact in explain(verdict, mine, promises, {}, [], rules).facts)


def test_a_calendar_last_read_well_before_the_slot_is_told() -> None:
    assert "calendar govuk last read 40 min before the slot" in told(promise(confirmed_at=second(-2400)))


def test_a_calendar_read_after_the_slot_tells_nothing() -> None:
    assert "last read" not in told(promise(confirmed_at=second(300)))
    assert "last read" not in told(promise(confirmed_at=second(-2400)), now=-60)


def test_a_slot_on_a_sunday_and_an_hour_off_are_hints() -> None:
    sunday = Slot(Precision.INSTANT, instant=datetime(2018, 1, 7, 10, 30, tzinfo=UTC))
    text = told(promise(sunday))
    assert "an unlikely day: Sunday" in text
    assert "a doubtful hour: 10:30 is 09:30 an hour off" in text


def test_a_holiday_of_the_producers_own_nation_is_a_hint() -> None:
    policy = Policy(workdays=workdays("SCT", [date(2018, 1, 5)]))
    assert "an unlikely day: extra holiday" in told(promise(), policy=policy)
    assert "unlikely" not in told(promise())


def test_why_calendars_were_taken_for_one_release_is_told() -> None:
    joined = replace(release(), calendars=("govuk", "own"), joined_by="link; ambiguous-join: own x-2")
    assert "govuk, own were taken for one release: link; ambiguous-join: own x-2" in told(promise(), of=joined)


SEVEN = Slot(Precision.INSTANT, instant=datetime(2018, 1, 5, 7, 0, tzinfo=UTC))


def test_a_time_other_than_half_past_nine_asks_a_person_for_its_approval() -> None:
    assert "announced for 07:00, not 09:30: is an alternative release time" in told(promise(SEVEN))
    assert "not 09:30" not in told(promise())


def test_an_approval_on_file_answers_what_would_be_asked() -> None:
    granted = UsualTime(time(7), "ART 12", producer="ofq*")
    assert "announced for 07:00, not 09:30: on file, ART 12" in told(promise(SEVEN), policy=Policy(on_file=(granted,)))
    elsewhere = replace(granted, producer="ons")
    assert "is an alternative release time" in told(promise(SEVEN), policy=Policy(on_file=(elsewhere,)))


def test_a_time_without_approval_is_no_finding_and_alters_no_verdict() -> None:
    verdict = judge(release(), [promise(SEVEN)], {}, [], Policy(), second(-20_000))
    assert (verdict.findings, verdict.word) == ((), Word.PENDING)
