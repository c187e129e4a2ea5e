from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from alerts.actions import add_action, complete_action, describe_action, is_overdue, list_actions
from alerts.by_hand import InvalidInput, log_by_hand
from alerts.draft.edits import list_open_fields, merge_words
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form
from alerts.draft.take_back import find_file_changes
from alerts.draft.versions import append_edit, append_measurement
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import edit_docx, find_paragraph, retype

NOW = datetime(2018, 1, 6, 12, tzinfo=UTC)
ROLE = "head of profession"
RENEW = {"text": "Renew the certificate.", "owner": "web team", "due": "2018-02-01"}
LEAK = {"title": "Marriages", "producer": "ons", "what": "leaked", "when": "2018-01-05", "by": ROLE}


@pytest.fixture
def logged_leak() -> Incident:
    return log_by_hand(LEAK, None, NOW)


def test_an_action_has_a_role_and_a_day_and_is_done_once(logged_leak: Incident) -> None:
    known = add_action(logged_leak, ROLE, RENEW, NOW)
    assert add_action(known, ROLE, RENEW, NOW) == known
    [action] = known.actions
    assert describe_action(action, "Europe/London") == "Renew the certificate: web team, by 1 February 2018."
    done = complete_action(known, "web team", 1, NOW, "2018-01-06T09:00")
    assert (
        describe_action(done.actions[0], "Europe/London") == "Renew the certificate: web team, done on 6 January 2018."
    )
    assert done.actions[0].done_by == "web team"
    assert complete_action(done, "press officer", 1, NOW) == done
    assert [entry.text for entry in done.timeline[-2:]] == [
        "action no. 1: Renew the certificate. (web team, by 1 February 2018)",
        "action no. 1: done",
    ]


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
    with pytest.raises(InvalidInput) as refused:
        add_action(logged_leak, ROLE, RENEW | typed, NOW)
    assert all(message.startswith(fault) for message, fault in zip(refused.value.faults, faults, strict=True))


@pytest.mark.parametrize(("number", "at"), [(0, ""), (2, ""), (1, "2018-01-07T09:00"), (1, "soon")])
def test_an_unknown_action_or_a_future_time_of_completion_is_refused(
    logged_leak: Incident, number: int, at: str
) -> None:
    with pytest.raises(InvalidInput):
        complete_action(add_action(logged_leak, ROLE, RENEW, NOW), ROLE, number, NOW, at)


def test_open_actions_come_in_the_order_of_their_due_days(logged_leak: Incident) -> None:
    later = add_action(logged_leak, ROLE, RENEW, NOW)
    sooner = add_action(replace(logged_leak, id="another"), ROLE, RENEW | {"due": "2018-01-08"}, NOW)
    assert [one.id for one, _, _ in list_actions([later, sooner])] == ["another", logged_leak.id]
    assert not list_actions([complete_action(later, ROLE, 1, NOW)])
    assert len(list_actions([complete_action(later, ROLE, 1, NOW)], done=True)) == 1
    [action] = sooner.actions
    assert not is_overdue(action, date(2018, 1, 8))
    assert is_overdue(action, date(2018, 1, 9))


@pytest.mark.parametrize("name", ["A", "B", "C", "D", "note"])
def test_actions_answer_the_box_for_corrective_actions_of_every_form(logged_leak: Incident, name: str) -> None:
    empty, full = (
        merge_words({}, fill_form(one, get_form(name), {}, [], NOW))
        for one in (logged_leak, add_action(logged_leak, ROLE, RENEW, NOW))
    )
    [box] = [each for each in full.fields() if "human.corrective" in each.facts]
    assert box.paragraphs == ("Renew the certificate: web team, by 1 February 2018.",)
    assert set(list_open_fields(empty)) - set(list_open_fields(full)) == {box.id}
    assert sum("Renew the certificate" in text for each in full.fields() for text in each.paragraphs) == 1


def test_actions_reworded_or_added_in_the_docx_are_read_back(logged_leak: Incident) -> None:
    versions = append_measurement((), fill_form(add_action(logged_leak, ROLE, RENEW, NOW), get_form("B"), {}, [], NOW))
    file = WRITERS["docx"](versions[-1].report)
    ours = "Renew the certificate: web team, by 1 February 2018."
    reworded = find_file_changes(versions, retype(file, f"^{ours}$", "A new certificate comes in time."), ROLE)
    assert reworded.words == {"B.4.corrective": "A new certificate comes in time.", "instead.B.4.corrective": "yes"}
    added = find_file_changes(
        versions, edit_docx(file, lambda one: find_paragraph(one, ours).insert_paragraph_before("A watch.")), ROLE
    )
    assert added.words == {"B.4.corrective": "A watch."}
    field = append_edit(versions, reworded.words, ROLE, NOW)[-1].report.find_field("B.4.corrective")
    assert field is not None
    assert (field.is_replaced, field.is_contested) == (True, False)
