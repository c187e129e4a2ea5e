from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.by_hand import (
    InvalidInput,
    acknowledge_incident,
    add_note,
    bring_forward,
    close_incident,
    record_cause,
)
from alerts.draft.chronology import HEADING
from alerts.draft.fill import fill
from alerts.draft.form import form_named
from alerts.incident import Incident
from schedules.times.interval import Interval
from tests.unit.alerts.draft.conftest import at, stood

NOW = at("2018-01-05T13:00+00:00")
ROLE = "duty statistician"


def listed(incident: Incident, typed: dict[str, str] | None = None, now: datetime = NOW) -> list[str]:
    """Return the lines of the chronology in the account."""
    account = fill(incident, form_named("B"), {}, [], now, typed=typed).field("B.2.account")
    assert account is not None
    told = list(account.paragraphs)
    # What other questions of the box ask for stands behind it.
    return [line for line in told[told.index(HEADING) + 1 :] if " GMT: " in line] if HEADING in told else []


def test_calls_and_posts_stand_among_what_was_measured_in_the_order_of_time(ofqual_january: Incident) -> None:
    logged = add_note(
        acknowledge_incident(ofqual_january, ROLE, NOW), ROLE, "rang the web team.", NOW, "2018-01-05T09:41"
    )
    lines = listed(logged)
    assert lines[0] == "5 January 2018, 09:30 GMT: announced time"
    assert lines[1] == "09:41 GMT: rang the web team (duty statistician)"
    assert lines[-2:] == ["12:19 GMT: announced page first seen", "13:00 GMT: took this on (duty statistician)"]


def test_what_was_ticked_with_a_time_stands_there_too(ofqual_january: Incident) -> None:
    lines = listed(ofqual_january, {"step.tell-head": "09:34, by the press officer", "step.statement": "no time"})
    told = "09:34 GMT: Tell the Head of Profession and the press office that the release is late: done"
    assert [line for line in lines if "done" in line] == [f"{told}, 09:34, by the press officer"]


def test_a_step_ticked_after_midnight_was_done_the_day_after(ofqual_january: Incident) -> None:
    late = replace(ofqual_january, opened=at("2018-01-05T23:50+00:00"))
    assert any(line.startswith("6 January 2018, 00:10 GMT") for line in listed(late, {"step.tell-head": "00:10"}))


def test_without_a_person_nothing_measured_is_told_twice(ofqual_january: Incident) -> None:
    assert listed(ofqual_january) == []
    recorded = close_incident(record_cause(ofqual_january, ROLE, "expired certificate", NOW), ROLE, NOW)
    assert listed(recorded) == []


def test_an_exposure_is_told_from_its_first_sight_to_its_last(ofsted: Incident) -> None:
    lines = listed(add_note(ofsted, ROLE, "took the page down", NOW, "2017-03-20T17:20"))
    assert lines[:2] == [
        "20 March 2017, 17:00 GMT: announced page first seen, before its time",
        "17:00 GMT: HTML version first seen, before its time",
    ]
    assert lines[2:4] == ["17:20 GMT: took the page down (duty statistician)", "17:30 GMT: announced page seen gone"]
    assert lines[-1] == "22 March 2017, 09:30 GMT: announced time"


def test_what_stayed_public_until_its_slot_was_not_seen_gone(ofsted: Incident) -> None:
    noted = add_note(stood(ofsted), ROLE, "told the press office", NOW, "2017-03-20T17:20")
    assert listed(noted) == [
        "20 March 2017, 17:00 GMT: announced page first seen, before its time",
        "17:20 GMT: told the press office (duty statistician)",
        "22 March 2017, 09:30 GMT: announced time",
    ]


def test_what_was_seen_is_told_by_the_same_second_as_in_the_account(ofqual_january: Incident) -> None:
    facts = ofqual_january.facts
    assert facts is not None
    seen = Interval(at("2018-01-05T12:18:45.2+00:00"), at("2018-01-05T12:19:03.4+00:00"))
    page = replace(facts.parts[0], first_seen=seen, released=seen)
    measured = replace(ofqual_january, facts=replace(facts, parts=(page,)))
    assert "12:19:04 GMT: announced page first seen" in listed(
        add_note(measured, ROLE, "rang", NOW, "2018-01-05T09:41")
    )


def test_a_decision_stands_there_as_a_decision(ofsted: Incident) -> None:
    decided = bring_forward(ofsted, ROLE, "2017-03-20T18:00", at("2017-03-20T17:10+00:00"))
    told = "17:10 GMT: decided to bring the release forward to 18:00 GMT on 20 March 2017 (duty statistician)"
    assert told in listed(decided)


@pytest.mark.parametrize(
    ("when", "fault"), [("soon", 'at: not a date-time, write "2018-01-05T09:41"'), ("2018-01-06T09:00", "at: is in")]
)
def test_a_time_that_is_none_or_lies_ahead_is_refused(ofqual_january: Incident, when: str, fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        add_note(ofqual_january, ROLE, "rang", NOW, when)
