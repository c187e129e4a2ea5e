from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.by_hand import (
    InvalidInput,
    acknowledge_incident,
    add_note,
    assign_role,
    close_incident,
    grade_incident,
    has_time_of_day,
    log_by_hand,
    logged_end,
    record_cause,
)
from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, IncidentKind, find_known_incident
from alerts.message import make_opening_by_hand
from alerts.notice import thread_id
from schedules.contract.verdict import Grade

Make = Callable[..., ReleaseFacts]
NOW = datetime(2016, 10, 3, 9, tzinfo=UTC)
LEAK = {
    "title": "Safety in Custody Quarterly Statistics bulletin",
    "producer": "moj",
    "what": "Figures of an internal system were printed in the press",
    "when": "2016-10-01, 2016-09-30",
    "by": "lead statistician",
}


@pytest.fixture
def logged_leak() -> Incident:
    return log_by_hand(LEAK, facts=None, now=NOW)


def test_leak_occurred_on_first_local_date_typed(logged_leak: Incident) -> None:
    """A person typed two dates, "2016-10-01, 2016-09-30". The first is when the leak occurred."""
    assert LEAK["when"].startswith("2016-10-01")
    assert logged_leak.id.startswith("moj-hand-2016-10-01-")
    midnight_in_london = datetime(2016, 9, 30, 23, tzinfo=UTC)
    assert logged_leak.occurred == midnight_in_london


def test_logged_leak_needs_a_report_and_names_who_logged(logged_leak: Incident) -> None:
    assert (logged_leak.kind, logged_leak.producer, logged_leak.grade) == (
        IncidentKind.HAND,
        "moj",
        "report",
    )
    assert logged_leak.has_draft
    assert logged_leak.timeline[0].by == "lead statistician"


def test_logged_weekend_date_has_remark_to_check_it(logged_leak: Incident) -> None:
    assert "check date: 1 October 2016 is a Saturday" in [
        entry.text for entry in logged_leak.timeline
    ]


WEDNESDAY_10_JANUARY_2018 = datetime(2018, 1, 10, 9, tzinfo=UTC)
"""When people write about a leak of Thursday 4 January 2018."""


def test_further_date_in_another_year_has_remark_to_check_it() -> None:
    """A person typed two dates, and the second one is of the year before."""
    logged = log_by_hand(
        {**LEAK, "when": "2018-01-04T16:20, 2017-01-05"}, facts=None, now=WEDNESDAY_10_JANUARY_2018
    )
    _what_leaked, remark = logged.timeline
    assert remark.text == "check date: 5 January 2017 is 364 days before the incident"


@pytest.mark.parametrize(
    ("noted_at", "remarks"),
    [
        ("2018-01-05T09:00", []),
        ("2018-01-10T08:00", []),
        ("2017-01-05T09:00", ["check date: 5 January 2017 is 364 days before the incident"]),
    ],
    ids=["next day", "today", "another year"],
)
def test_note_dated_in_another_year_has_remark_to_check_it(
    noted_at: str, remarks: list[str]
) -> None:
    """The incident was on 4 January 2018. A note dated 5 January 2017 gets the remark, and one
    dated 5 January 2018 does not.
    """
    logged = log_by_hand(
        {**LEAK, "when": "2018-01-04T16:20"}, facts=None, now=WEDNESDAY_10_JANUARY_2018
    )
    noted = add_note(
        logged, "duty officer", "Rang them", now=WEDNESDAY_10_JANUARY_2018, at=noted_at
    )
    assert [
        entry.text for entry in noted.timeline if entry.text.startswith("check date")
    ] == remarks


@pytest.mark.parametrize(
    ("typed", "expected_end"),
    [({"until": "2016-10-02T16:00"}, datetime(2016, 10, 2, 15, tzinfo=UTC)), ({}, None)],
)
def test_typed_end_of_logged_incident_is_read_in_local_time(
    typed: dict[str, str], expected_end: datetime | None
) -> None:
    """For example, the end (`until`) typed as 16:00 in summer is 15:00 in UTC.

    If no end is typed, it is None.
    """
    assert logged_end(log_by_hand({**LEAK, **typed}, facts=None, now=NOW)) == expected_end


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        (
            {"until": "2016-09-30T17:00"},
            "until: must be one date-time, not before the first of `when`",
        ),
        ({"until": "2016-10-02, 2016-10-03"}, "until: must be one date-time"),
        ({"until": "later"}, "until: not a date-time"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until: not a date-time"),
        ({"due": "9999-12-31"}, "due: not a date-time"),
        ({"until": "2016-10-09"}, "until: is in the future"),
        (
            {"url": "https://x.example/a\nx.example"},
            'url: not a web address, it begins with https:// or http:// (got "x',
        ),
    ],
)
def test_an_impossible_end_or_address_is_refused(typed: dict[str, str], fault: str) -> None:
    """The leak began on 1 October 2016, the first date of `when`. It is logged on 3 October. For
    example, an end (`until`) on 30 September or 9 October is refused.
    """
    with pytest.raises(InvalidInput, match=re.escape(fault)):
        log_by_hand({**LEAK, **typed}, facts=None, now=NOW)


@pytest.mark.parametrize(
    ("when", "has_time"),
    [("2017-03-20", False), ("2017-03-20T17:00, 2017-03-21", True), ("2017-03-20 17:00", True)],
)
def test_time_of_day_is_known_if_it_was_typed(when: str, *, has_time: bool) -> None:
    logged = log_by_hand({**LEAK, "when": when}, facts=None, now=datetime(2017, 3, 22, tzinfo=UTC))
    assert has_time_of_day(logged) is has_time


def test_date_over_31_days_ago_has_remark_to_check_it() -> None:
    december = datetime(2016, 12, 1, tzinfo=UTC)
    old = log_by_hand({**LEAK, "when": "2016-10-01"}, facts=None, now=december)
    assert "check date: it is more than 31 days ago" in [entry.text for entry in old.timeline]


def test_incident_id_depends_on_typed_words_not_their_order(logged_leak: Incident) -> None:
    assert log_by_hand(dict(reversed(LEAK.items())), facts=None, now=NOW).id == logged_leak.id
    assert log_by_hand({**LEAK, "what": "Another leak"}, facts=None, now=NOW).id != logged_leak.id


def test_incident_logged_for_release_has_its_producer_and_typed_time(make_facts: Make) -> None:
    facts = make_facts()
    logged = log_by_hand(
        {"what": "An e-mail to the wrong list", "when": "2018-01-04T17:00"}, facts, facts.at
    )
    assert (logged.release, logged.producer) == (facts.release, facts.producer)
    assert logged.occurred == datetime(2018, 1, 4, 17, tzinfo=UTC)


def test_every_missing_or_invalid_field_is_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as fault:
        log_by_hand({"grade": "grave"}, facts=None, now=NOW)
    assert [one.box for one in fault.value.faults] == [
        "title",
        "producer",
        "what",
        "when",
        "grade",
    ]


@pytest.mark.parametrize("when", ["last Tuesday", "2016-13-01", "2016-10-01,", "2016-10-04"])
def test_a_date_that_cannot_be_is_refused(when: str) -> None:
    """Today is 3 October 2016.

    In order: no date, no such month, no date after the comma, a date in the future.
    """
    with pytest.raises(InvalidInput, match="when: "):
        log_by_hand({**LEAK, "when": when}, facts=None, now=NOW)


def test_measured_breach_opens_incident_beside_one_logged_by_hand(
    make_facts: Make, overdue_by_seconds: Make
) -> None:
    """The breach is an overdue page. What a person logged stays an incident of its own."""
    watched, overdue = make_facts(), overdue_by_seconds(61)
    logged = log_by_hand({"what": "A leak", "when": "2018-01-04"}, watched, watched.at)
    decision = decide(overdue, logged, overdue.at)
    assert decision.incident is not None
    assert decision.incident.kind is IncidentKind.LATE
    assert decision.incident.id != logged.id
    # A superseded incident would be closed. The logged one stays open.
    assert decision.superseded is None


def test_new_facts_do_not_update_incident_logged_by_hand(make_facts: Make) -> None:
    """`find_known_incident` returns the incident that new facts of a release would update, or None
    if there is none.
    """
    watched = make_facts()
    logged = log_by_hand({"what": "A leak", "when": "2018-01-04"}, watched, watched.at)
    assert logged.release == watched.release
    assert find_known_incident([logged], watched.release) is None


def test_the_notice_of_a_logged_leak_opens_its_thread(logged_leak: Incident) -> None:
    notice = make_opening_by_hand(logged_leak)
    assert (notice.id, notice.kind, notice.follows, notice.at) == (
        thread_id(logged_leak.id),
        "opened",
        "",
        NOW,
    )


def test_notice_of_incident_logged_for_release_has_its_address(make_facts: Make) -> None:
    watched = make_facts()
    logged = log_by_hand({"what": "A leak", "when": "2018-01-04"}, watched, watched.at)
    assert f"Address: {watched.url}" in make_opening_by_hand(logged).text


def test_acknowledging_an_incident_twice_changes_nothing(logged_leak: Incident) -> None:
    once = acknowledge_incident(logged_leak, "duty officer", NOW)
    assert once.acknowledged is not None
    assert acknowledge_incident(once, "duty officer", NOW + timedelta(minutes=1)) == once


def test_a_note_enters_the_timeline_with_its_role(logged_leak: Incident) -> None:
    noted = add_note(logged_leak, "duty officer", " Rang the press office. ", NOW)
    assert (noted.timeline[-1].by, noted.timeline[-1].text) == (
        "duty officer",
        "Rang the press office.",
    )


def test_cause_can_be_corrected_and_same_or_blank_changes_nothing(logged_leak: Incident) -> None:
    recorded = record_cause(logged_leak, "duty officer", " Wrong\nlist ", NOW)
    assert (recorded.words["cause"], recorded.timeline[-1].text) == (
        "Wrong list",
        "cause: Wrong list",
    )
    for same_or_blank in ("Wrong list", " "):
        assert record_cause(recorded, "duty officer", same_or_blank, NOW) == recorded
    corrected = record_cause(recorded, "head of profession", "Old list", NOW)
    assert corrected.words["cause"] == "Old list"


def test_assigning_a_role_does_not_change_who_acknowledged(logged_leak: Incident) -> None:
    assigned = assign_role(logged_leak, "duty officer", " press\noffice ", NOW)
    assert (assigned.words["assigned"], assigned.timeline[-1].text) == (
        "press office",
        "given to: press office",
    )
    assert assigned.acknowledged is not None
    assert assigned.acknowledged.by == LEAK["by"]


@pytest.mark.parametrize("role", ["press office", " "])
def test_assigning_same_or_blank_role_changes_nothing(logged_leak: Incident, role: str) -> None:
    assigned = assign_role(logged_leak, "duty officer", "press office", NOW)
    assert assign_role(assigned, "duty officer", role, NOW) == assigned


def test_assigning_role_of_over_80_characters_is_refused(logged_leak: Incident) -> None:
    with pytest.raises(InvalidInput, match="role"):
        assign_role(logged_leak, "duty officer", "x" * 81, NOW)


@pytest.mark.parametrize("role", ["", " ", "x" * 81])
def test_acknowledging_with_a_blank_or_too_long_role_is_refused(
    logged_leak: Incident, role: str
) -> None:
    with pytest.raises(InvalidInput, match="role"):
        acknowledge_incident(logged_leak, role, NOW)


def test_a_blank_note_is_refused(logged_leak: Incident) -> None:
    with pytest.raises(InvalidInput):
        add_note(logged_leak, "duty officer", " ", NOW)


def test_closing_a_closed_incident_changes_nothing(logged_leak: Incident) -> None:
    closed = close_incident(logged_leak, "duty officer", NOW, "dealt with")
    assert (closed.closed, closed.timeline[-1].text) == (NOW, "closed: dealt with")
    assert close_incident(closed, "someone else", NOW + timedelta(days=1)) == closed


def test_an_undecodable_character_is_stored_as_a_question_mark() -> None:
    """Python reads the byte E9, which is not valid UTF-8, as this character.

    It cannot be stored as UTF-8.
    """
    undecodable = "caf\udce9"
    logged = log_by_hand({**LEAK, "what": undecodable, "title": undecodable}, facts=None, now=NOW)
    assert (logged.title, logged.words["what"], logged.timeline[0].text) == ("caf?",) * 3
    note = add_note(logged, undecodable, undecodable, NOW).timeline[-1]
    assert (note.by, note.text) == ("caf?", "caf?")
    caused = record_cause(logged, undecodable, undecodable, NOW)
    assert (caused.words["cause"], caused.timeline[-1].by) == ("caf?", "caf?")


def test_grade_that_a_person_gave_stays_until_a_graver_one_is_measured(
    overdue_by_seconds: Callable[[float], ReleaseFacts],
) -> None:
    """Three minutes are a note by the policy. A person raises it, or lowers it, with a reason."""
    note = overdue_by_seconds(180)
    incident = decide(note, None, note.at).incident
    assert incident is not None
    raised = grade_incident(incident, "head", "report", "market sensitive", note.at, "D")
    assert raised.timeline[-1].text == "graded report on form D, was note: market sensitive"
    lowered = grade_incident(incident, "head", "none", "agreed with the regulator", note.at)
    for graded, expected in ((raised, "report"), (lowered, "none")):
        measured_again = decide(note, graded, note.at + timedelta(minutes=5))
        assert measured_again.incident is not None
        assert measured_again.incident.grade == expected
        assert measured_again.notices == ()
    graver = decide(replace(note, grade=Grade.REPORT), lowered, note.at).incident
    assert graver is not None
    assert graver.grade == "report"


@pytest.mark.parametrize(
    ("grade", "form", "reason"), [("grave", "", "why"), ("note", "E", "why"), ("note", "D", " ")]
)
def test_grade_needs_a_reason_a_known_grade_and_a_known_form(
    logged_leak: Incident, grade: str, form: str, reason: str
) -> None:
    with pytest.raises(InvalidInput):
        grade_incident(logged_leak, "head", grade, reason, NOW, form)
