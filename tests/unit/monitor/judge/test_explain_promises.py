"""Explanations of the announcement behind a verdict."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from monitor.judge.policy import Policy, UsualTime
from schedules.contract.verdict import VerdictKind
from schedules.workdays import NationSettings, Workdays
from tests.worlds.instants import after_slot, at, seconds_at
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import explained, judged


def explanation_text(now: float = 500, **case: object) -> str:
    """Explain the verdict on a release promised for Friday 5 January 2018 at 09:30.

    `case` replaces facts.
    """
    return "\n".join(fact.text for fact in explained(now, **case).facts)


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        pytest.param(
            {"promises": [a_promise(at("09:30"), confirmed_at=at("08:50"))]},
            "calendar govuk last read 40 min before the slot",
            id="calendar read long before the slot",
        ),
        pytest.param(
            {"promises": [a_promise(at("2018-01-07 10:30"))]},
            "an unlikely day: Sunday",
            id="Sunday",
        ),
        pytest.param(
            {
                "policy": Policy(
                    workdays=Workdays("SCT", NationSettings(extra_holidays=[date(2018, 1, 5)]))
                )
            },
            "an unlikely day: extra holiday",
            id="extra holiday of the nation on 5 January 2018",
        ),
        pytest.param(
            {"promises": [a_promise(at("2018-01-07 10:30"))]},
            "a doubtful hour: 10:30 is 09:30 an hour off",
            id="an hour off the usual 09:30: local time taken for UTC or the reverse",
        ),
        pytest.param(
            {
                "release": a_release(
                    calendars=("govuk", "own"), joined_by="link; ambiguous-join: own x-2"
                )
            },
            "govuk, own were taken for one release: link; ambiguous-join: own x-2",
            id="entries of two calendars",
        ),
    ],
)
def test_explanation_hints_at_what_is_unusual(case: dict[str, Any], hint: str) -> None:
    """Each `case` has one unusual thing about the announcement of a release, for example a slot on
    a Sunday. The explanation of the verdict hints at it: “an unlikely day: Sunday”.
    """
    assert hint in explanation_text(**case)


@pytest.mark.parametrize(
    ("approvals", "remark"),
    [
        ((UsualTime(time(7), "ART 12", producer="ofq*"),), "on file, ART 12"),
        ((), "is an alternative release time"),
        ((UsualTime(time(7), "ART 12", producer="ons"),), "is an alternative release time"),
    ],
    ids=["approved", "not approved", "approved for another producer"],
)
def test_explanation_names_approval_of_unusual_time(
    approvals: tuple[UsualTime, ...], remark: str
) -> None:
    """The usual time is 09:30, but the producer, “ofqual”, announced 07:00.

    Another time needs an approval.
    - If one is on file for this producer (ofq*) and 07:00, the explanation names it: “ART 12”.
    - If none is on file, or one for another producer (ons), it says only “is an alternative release
      time”.
    """
    text = explanation_text(promises=[a_promise(at("07:00"))], policy=Policy(on_file=approvals))
    assert f"announced for 07:00, not 09:30: {remark}" in text


@pytest.mark.parametrize(
    ("now", "confirmed_at"),
    [(500, after_slot(86_400)), (500, after_slot(300)), (-60, at("08:50"))],
    ids=["read a day later", "read 5 minutes later", "slot still to come"],
)
def test_explanation_gives_no_hint_if_all_is_usual(now: float, confirmed_at: datetime) -> None:
    """The slot is the usual 09:30, on a Friday. So the explanation hints at no unlikely day or
    unusual time. A calendar that was last read long before the slot would be another hint. But here
    it was read after the slot. Or it is 09:29 (`now` is -60), so the calendar, last read at 08:50,
    may yet be read again.
    """
    text = explanation_text(now, promises=[a_promise(confirmed_at=confirmed_at)])
    assert [hint for hint in ("last read", "unlikely", "not 09:30") if hint in text] == []


def test_promise_for_unusual_time_gives_no_finding() -> None:
    """The slot is 07:00, and `now` is 04:00. Another time than 09:30 needs an approval, and none is
    on file here. That is only a hint of the explanation, no finding. So the release is just
    pending.
    """
    verdict = judged(now=seconds_at("04:00"), promises=[a_promise(at("07:00"))])
    assert verdict.findings == ()
    assert verdict.verdict is VerdictKind.PENDING


def test_release_that_no_calendar_announced_has_one_fact_about_its_promise() -> None:
    facts = explained(500, promises=[]).facts
    assert [fact.text for fact in facts if fact.kind == "promise"] == [
        "no calendar announced a time for it"
    ]


def test_explanation_knows_no_later_read() -> None:
    """As of 09:00, it says nothing about the read at 09:29, which still showed the promise."""
    promise = a_promise(at("09:30"), confirmed_at=at("09:29"))
    text = explanation_text(now=-1800, promises=[promise])
    assert "still there as of Fri 5 Jan 2018 09:00:00 GMT" in text
    assert "09:29" not in text
    verdict = judged(-1800, promises=[promise])
    assert verdict.confirmed == at("09:00")
