"""Incidents that a person logged: their account, subject and boxes, by the typed words alone."""

from __future__ import annotations

import pytest

from alerts.by_hand import log_by_hand
from alerts.draft.logged import write_badge
from alerts.draft.report import Report
from alerts.incident import Incident
from alerts.message import build_message, make_opening_by_hand
from monitor.deliver.incident_json import incident_json
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field
from tests.unit.alerts.draft.test_draft_cases import LOGGED_AT, WRONG_PERSON


def log(**words: str) -> Incident:
    typed = {name: text for name, text in {**WRONG_PERSON, **words}.items() if text}
    return log_by_hand(typed, None, LOGGED_AT)


def account_of(incident: Incident, form: str = "D") -> tuple[str, ...]:
    box = {"D": "D.2.account", "note": "N.what", "A": "A.2.nature"}[form]
    return get_field(draft_of(incident, form), box).paragraphs


@pytest.mark.parametrize(
    ("until", "badge"),
    [
        ("2021-10-18T19:21", "access before release, 8 min"),
        ("2021-10-18T20:18", "access before release, 1 h 5 min"),
        ("2021-10-18T19:13", "access before release"),
    ],
)
def test_badge_says_how_long_it_lasted_if_it_did(until: str, badge: str) -> None:
    assert write_badge(log(until=until), "Europe/London") == badge


def test_nothing_typed_stands_under_measured() -> None:
    report = draft_of(log(), "note")
    labels = [field.label or "" for field in report.fields()]
    assert not [label for label in labels if "easured" in label]
    assert get_field(report, "N.measure").label == "How long it lasted"


SUBJECTS: list[tuple[dict[str, str], str]] = [
    ({}, "Access before release, 8 min: Cancer staging 2018-2020 (phs), logged by hand"),
    ({"sort": "leak", "until": ""}, "Leak: Cancer staging 2018-2020 (phs), logged by hand"),
    (
        {"sort": "late", "when": "2021-10-26T09:35", "until": "2021-10-26T09:44"},
        "Late release, 14 min: Cancer staging 2018-2020 (phs), logged by hand",
    ),
]


@pytest.mark.parametrize(("words", "subject"), SUBJECTS)
def test_subject_has_the_sort_and_the_length_of_this_incident(
    words: dict[str, str], subject: str
) -> None:
    assert make_opening_by_hand(log(**words)).subject == subject


def test_mail_has_the_typed_sentence_and_no_link_to_open_by_accident() -> None:
    incident = log(url="https://social.example/post/1")
    message = build_message(make_opening_by_hand(incident), incident)
    assert (
        "At 7.13pm on Monday 18 October 2021, a draft was sent to a wrong person." in message.text
    )
    assert "Address: https://phs.example/cancer-staging" in message.text
    assert 'href="https://' not in (message.html or "")


def test_measurement_of_the_release_is_not_one_of_a_logged_incident(ofqual_late: Incident) -> None:
    """The release was also late by hours: that is another incident."""
    typed = {"what": "A file was sent", "when": "2018-01-04T16:20", "until": "2018-01-04T16:26"}
    incident = log_by_hand(typed | {"sort": "access"}, ofqual_late.facts, ofqual_late.opened)
    body = incident_json(incident)
    assert (body["verdict"], body["delay"], body["findings"]) == (None, None, [])
    notice = make_opening_by_hand(incident)
    message = build_message(notice, incident)
    assert message.data["measured"] is None
    assert message.brief.startswith("Access before release, 6 min: ")
    assert_nothing_measured(draft_of(incident))


def assert_nothing_measured(report: Report) -> None:
    assert (report.measured, report.timeline) == ((), None)


def test_what_a_person_reported_stands_beside_a_contrary_measurement(ipcc_late: Incident) -> None:
    """A person says that it was out early. It was watched, and came late."""
    facts = facts_of(ipcc_late)
    typed = {"what": "It was read on a bus", "when": "2015-07-22T17:00", "by": "press officer"}
    early = account_of(log_by_hand(typed | {"sort": "early_exposure"}, facts, LOGGED_AT), "note")
    assert early[0].startswith("At 5pm on Wednesday 22 July 2015, it was read on a bus.")
    measured = (
        "The measurement of the release differs. The release was not available until 10.08am."
    )
    assert measured in early
    late = account_of(log_by_hand(typed | {"sort": "late"}, facts, LOGGED_AT), "note")
    assert not any("measurement" in paragraph for paragraph in late)
