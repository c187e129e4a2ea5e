"""Incidents that a person logged: their account, subject and boxes, by the typed words alone."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from alerts.by_hand import log_by_hand
from alerts.draft.logged import write_badge
from alerts.draft.report import Report
from alerts.incident import Incident
from alerts.message import build_message, make_opening_by_hand
from monitor.deliver.incident_json import incident_json
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field

NOW = datetime(2021, 12, 1, 9, tzinfo=UTC)
WRONG_PERSON = MappingProxyType(
    {
        "title": "Cancer staging 2018-2020",
        "producer": "phs",
        "what": "A draft was sent to a wrong person",
        "when": "2021-10-18T19:13",
        "until": "2021-10-18T19:21",
        "due": "2021-10-26T09:30",
        "sort": "access",
        "page": "https://phs.example/cancer-staging",
        "by": "head of profession",
    }
)


def log(**words: str) -> Incident:
    typed = {name: text for name, text in {**WRONG_PERSON, **words}.items() if text}
    return log_by_hand(typed, None, NOW)


def account_of(incident: Incident, form: str = "D") -> tuple[str, ...]:
    box = {"D": "D.2.account", "note": "N.what", "A": "A.2.nature"}[form]
    return get_field(draft_of(incident, form), box).paragraphs


@pytest.mark.parametrize("form", ["D", "note", "A"])
def test_account_says_in_one_paragraph_what_when_until_when_and_when_due(form: str) -> None:
    assert account_of(log(), form)[0] == (
        "At 7.13pm on Monday 18 October 2021, a draft was sent to a wrong person."
        " Those who received it had it for about 8 minutes, until 7.21pm."
        " The release was due at 9.30am on Tuesday 26 October 2021."
    )


ACCOUNTS: list[tuple[dict[str, str], str]] = [
    *(
        (
            {"what": f"The e-mail went out {typed}, too early", "until": "", "due": ""},
            f"On Monday 18 October 2021, the e-mail went out {typed}, too early.",
        )
        for typed in ("at about 7.13pm", "at 7:13 p.m.", "at 19:13", "by 7.13 PM")
    ),
    *(
        (
            {"what": f"The e-mail went out {typed}", "until": "", "due": ""},
            f"At 7.13pm on Monday 18 October 2021, the e-mail went out {typed}.",
        )
        for typed in ("at about 7.13am", "at 17.13", "at 7pm")
    ),
    (
        {"what": "At 7.13pm an e-mail went out", "until": "", "due": ""},
        "At 7.13pm an e-mail went out. This happened on Monday 18 October 2021.",
    ),
    (
        {"what": "The e-mail went out at 9am", "when": "2021-10-18T09:00"}
        | {"until": "", "due": ""},
        "On Monday 18 October 2021, the e-mail went out at 9am.",
    ),
    (
        {"what": "NHS staff saw the figures", "until": "", "due": "2021-10-26"},
        (
            "At 7.13pm on Monday 18 October 2021: NHS staff saw the figures."
            " The release was due on Tuesday 26 October 2021."
        ),
    ),
    (
        {"what": "On Monday a paper printed it.", "when": "2021-10-18", "until": "", "due": ""},
        "On Monday a paper printed it. This happened on Monday 18 October 2021.",
    ),
    (
        {"what": "provisional figures were in a journal", "when": "2021-10-15, 2021-10-18"}
        | {"sort": "leak", "until": "", "due": ""},
        (
            "provisional figures were in a journal. The dates concerned are 15 October 2021 and"
            " 18 October 2021."
        ),
    ),
    (
        {"what": "Two papers printed it\nA firm saw provisional figures"}
        | {"when": "2021-10-18, 2021-10-15T10:00", "sort": "leak", "until": "", "due": ""},
        (
            "At 10am on Friday 15 October 2021, a firm saw provisional figures. On Monday 18"
            " October 2021, two papers printed it."
        ),
    ),
    (
        {"what": "The bulletin failed to publish", "sort": "late", "when": "2021-10-26T09:30"}
        | {"until": "2021-10-26T09:44", "due": "2021-10-26T09:30"},
        (
            "At 9.30am on Tuesday 26 October 2021, the bulletin failed to publish. It became available"
            " at 9.44am. The release was due at 9.30am on Tuesday 26 October 2021."
        ),
    ),
    (
        {"what": "A post showed an infographic", "sort": "early_exposure", "due": ""},
        (
            "At 7.13pm on Monday 18 October 2021, a post showed an infographic. It could be seen for"
            " about 8 minutes, until 7.21pm."
        ),
    ),
]


@pytest.mark.parametrize(("words", "paragraph"), ACCOUNTS)
def test_account_follows_the_sort_and_the_typed_words(
    words: dict[str, str], paragraph: str
) -> None:
    assert account_of(log(**words))[0] == paragraph


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


def test_place_where_it_was_seen_is_never_the_link_to_the_output() -> None:
    seen = "https://social.example/post/1"
    for page in ("", "https://phs.example/cancer-staging"):
        report = draft_of(log(sort="early_exposure", url=seen, page=page), "D")
        assert seen not in get_field(report, "D.1.output").paragraphs
        assert (page in get_field(report, "D.1.output").paragraphs) == bool(page)
        assert f"It could be seen at {seen}." in get_field(report, "D.2.account").paragraphs


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
    early = account_of(log_by_hand(typed | {"sort": "early_exposure"}, facts, NOW), "note")
    assert early[0].startswith("At 5pm on Wednesday 22 July 2015, it was read on a bus.")
    measured = (
        "The measurement of the release differs. The release was not available until 10.08am."
    )
    assert measured in early
    late = account_of(log_by_hand(typed | {"sort": "late"}, facts, NOW), "note")
    assert not any("measurement" in paragraph for paragraph in late)


@pytest.mark.parametrize(("day", "is_asked"), [("2021-10-31", False), ("2021-10-30", True)])
def test_a_date_over_31_days_before_the_report_is_asked_about(day: str, *, is_asked: bool) -> None:
    """The report is of 1 December. 31 October is 31 days before."""
    incident = log(when=day, until="", due="")
    date = get_field(draft_of(incident, "A"), "A.2.date")
    is_questioned = any("more than a month before" in question for question in date.guidance)
    assert is_questioned is is_asked


@pytest.mark.parametrize(
    ("what", "is_asked"),
    [("Figures were in a journal", True), ("A firm saw figures\nA journal printed them", False)],
)
def test_dates_without_a_text_of_their_own_are_asked_about(what: str, *, is_asked: bool) -> None:
    """Two dates are one incident: nothing says that it happened twice."""
    incident = log(what=what, when="2021-10-15, 2021-10-18", until="", due="")
    account = get_field(draft_of(incident, "D"), "D.2.account")
    assert ("What happened on each of the dates?" in account.guidance) is is_asked
    assert "This happened" not in account.paragraphs[0]
