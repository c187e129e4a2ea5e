from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from alerts.actions import add_action, complete_action, describe_action, is_overdue, list_actions
from alerts.by_hand import InvalidInput, log_by_hand
from alerts.draft.edits import list_open_fields, merge_words
from alerts.draft.report import Report
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of

NOW = datetime(2018, 1, 6, 12, tzinfo=UTC)
ROLE = "head of profession"
RENEW = {"text": "Renew the certificate.", "owner": "web team", "due": "2018-02-01"}
RENEW_IN_WORDS = "Renew the certificate: web team, by 1 February 2018."
LEAK = {"title": "Marriages", "producer": "ons", "what": "leaked", "when": "2018-01-05", "by": ROLE}


@pytest.fixture
def logged_leak() -> Incident:
    return log_by_hand(LEAK, facts=None, now=NOW)


@pytest.fixture
def with_action(logged_leak: Incident) -> Incident:
    return add_action(logged_leak, ROLE, RENEW, NOW)


def test_action_is_described_with_owner_and_day(with_action: Incident) -> None:
    (action,) = with_action.actions
    assert (
        describe_action(action, "Europe/London")
        == "Renew the certificate: web team, by 1 February 2018."
    )
    (done,) = complete_action(
        with_action, "press officer", number=1, now=NOW, at="2018-01-06T09:00"
    ).actions
    assert (
        describe_action(done, "Europe/London")
        == "Renew the certificate: web team, done on 6 January 2018."
    )
    assert (done.owner, done.done_by) == ("web team", "press officer")


def test_an_action_and_its_completion_are_in_the_timeline(with_action: Incident) -> None:
    assert [
        entry.text
        for entry in complete_action(with_action, "web team", number=1, now=NOW).timeline[-2:]
    ] == [
        "action no. 1: Renew the certificate. (web team, by 1 February 2018)",
        "action no. 1: done",
    ]


def test_adding_or_completing_the_same_action_twice_changes_nothing(with_action: Incident) -> None:
    assert add_action(with_action, ROLE, RENEW, NOW) == with_action
    done = complete_action(with_action, "web team", number=1, now=NOW)
    assert complete_action(done, "press officer", number=1, now=NOW) == done


@pytest.mark.parametrize(
    ("typed", "faults"),
    [
        (
            {"text": " ", "owner": "", "due": "soon"},
            ["due: not a date", "owner: give your role", "text: say what must be done"],
        ),
        ({"due": "2017-02-01"}, ["due: give a day after the incident"]),
        ({"owner": "x" * 81}, ["owner: give your role, not your name, in at most 80 characters"]),
    ],
)
def test_an_invalid_action_is_refused_with_every_fault(
    logged_leak: Incident, typed: dict[str, str], faults: list[str]
) -> None:
    """`RENEW` is a valid action. Each case replaces some of its fields by `typed`. For example, the
    due day 1 February 2017 is refused, because the incident was on 5 January 2018.
    """
    with pytest.raises(InvalidInput) as refused:
        add_action(logged_leak, ROLE, RENEW | typed, NOW)
    assert all(
        str(found).startswith(fault)
        for found, fault in zip(refused.value.faults, faults, strict=True)
    )


@pytest.mark.parametrize(
    ("number", "done_at"), [(0, ""), (2, ""), (1, "2018-01-07T09:00"), (1, "soon")]
)
def test_completing_unknown_action_or_at_invalid_time_is_refused(
    with_action: Incident, number: int, done_at: str
) -> None:
    """There is only action number 1. Now is noon on 6 January 2018, so 7 January is in the
    future.
    """
    with pytest.raises(InvalidInput):
        complete_action(with_action, ROLE, number=number, now=NOW, at=done_at)


def test_open_actions_come_in_the_order_of_their_due_days(logged_leak: Incident) -> None:
    later = add_action(
        replace(logged_leak, id="due later"), ROLE, RENEW | {"due": "2018-02-01"}, NOW
    )
    sooner = add_action(
        replace(logged_leak, id="due sooner"), ROLE, RENEW | {"due": "2018-01-08"}, NOW
    )
    assert [incident.id for incident, _, _ in list_actions([later, sooner])] == [
        "due sooner",
        "due later",
    ]


def test_a_completed_action_is_listed_only_on_request(with_action: Incident) -> None:
    done = complete_action(with_action, ROLE, number=1, now=NOW)
    assert list_actions([done]) == []
    assert len(list_actions([done], done=True)) == 1


def test_action_is_overdue_from_day_after_it_was_due(with_action: Incident) -> None:
    (due_on_1_february,) = with_action.actions
    assert not is_overdue(due_on_1_february, date(2018, 2, 1))
    assert is_overdue(due_on_1_february, date(2018, 2, 2))


@pytest.mark.parametrize("form", ["A", "B", "C", "D", "note"])
def test_action_answers_one_box_of_every_form_and_no_other(
    logged_leak: Incident, with_action: Incident, form: str
) -> None:
    def report_of(incident: Incident) -> Report:
        # Every shown draft is merged with what people typed, here nothing.
        return merge_words({}, draft_of(incident, form, now=NOW))

    report_without_action, report = report_of(logged_leak), report_of(with_action)
    # The action is “Renew the certificate: web team, by 1 February 2018.” Every form has one box
    # for corrective actions.
    (box,) = (field for field in report.fields() if "human.corrective" in field.facts)
    assert box.paragraphs == (RENEW_IN_WORDS,)
    boxes_answered_by_the_action = set(list_open_fields(report_without_action)) - set(
        list_open_fields(report)
    )
    assert boxes_answered_by_the_action == {box.id}
    paragraphs = [text for field in report.fields() for text in field.paragraphs]
    assert sum("Renew the certificate" in text for text in paragraphs) == 1
