from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.by_hand import InvalidInput, bring_forward, cite_other_incidents
from alerts.decide import decide
from alerts.draft.fill import fill_form
from alerts.draft.form import load_forms
from alerts.draft.input import SeriesRecord
from alerts.draft.narrative import say_delays
from alerts.draft.report import Report, report_from_json, report_json
from alerts.incident import Entry, Incident, IncidentKind
from schedules.contract.verdict import (
    Readings,
    VerdictKind,
)
from schedules.times.interval import Bounds
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field, text_of_field
from tests.worlds.published import at

FORMS = [name for name in load_forms() if name != "period"]


NONE_RECORDED = (
    "The monitor has recorded no earlier incident of this release, producer or platform."
)


def note_of(incident: Incident, previous: list[Incident] | None = None) -> Report:
    now = incident.facts.at if incident.facts else incident.opened
    return draft_of(incident, "note", now=now, previous=previous or [])


def cites_no_earlier_incident(report: Report) -> bool:
    box = get_field(report, "N.previous")
    return not box.paragraphs and box.notes == (NONE_RECORDED,)


def with_facts(incident: Incident, **changes: object) -> Incident:
    return replace(incident, facts=replace(facts_of(incident), **changes))  # type: ignore[arg-type] # any of its fields


def with_page(incident: Incident, **changes: object) -> Incident:
    page, *others = facts_of(incident).parts
    return with_facts(incident, parts=(replace(page, **changes), *others))  # type: ignore[arg-type] # any of its fields


def with_only_page(
    incident: Incident, as_of: datetime | None = None, **changes: object
) -> Incident:
    page = facts_of(with_page(incident, **changes)).parts[0]
    return with_facts(incident, parts=(page,), at=as_of or facts_of(incident).at)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_configured", [True, False])
def test_every_box_has_text_or_asks_to_be_completed(
    incidents: Mapping[str, Incident],
    settings: Mapping[str, str],
    form: str,
    *,
    is_configured: bool,
) -> None:
    for incident in incidents.values():
        report = draft_of(incident, form, configured=settings if is_configured else {})
        for field in report.fields():
            assert field.paragraphs or field.placeholder.startswith("[to be completed: "), field.id
            assert all(text.strip() for text in field.paragraphs)


@pytest.mark.parametrize("form", FORMS)
def test_an_incident_logged_without_a_release_fills_every_form(form: str) -> None:
    """A person logged it without naming a release. So some boxes have a prompt for what is
    missing.
    """
    incident = Incident(
        id="hand-1",
        kind=IncidentKind.HAND,
        release="",
        producer="dcms",
        title="Sponsored museums and galleries indicators",
        opened=at("2021-01-28T10:00+00:00"),
        occurred=at("2021-01-27T08:50+00:00"),
        grade="report",
        words={"sort": "access", "what": "Sent 40 minutes too early.", "when": "2021-01-27T08:50"},
    )
    report = draft_of(incident, form)
    assert all(field.paragraphs or field.placeholder for field in report.fields())
    dates = [field.paragraphs for field in report.fields() if "incident.date" in field.facts]
    # Some forms have no box for the date of the incident.
    assert dates in ([], [("8.50am on Wednesday 27 January 2021",)])
    assert "[to be completed: link to the output" in str(report.sections)


@pytest.mark.parametrize("form", FORMS)
def test_a_report_is_read_back_unchanged_from_json(
    incidents: Mapping[str, Incident], form: str
) -> None:
    for incident in incidents.values():
        report = draft_of(incident, form, previous=list(incidents.values()))
        assert report_from_json(report_json(report)) == report


def test_draft_that_became_unproven_owes_nothing(ipcc_late: Incident) -> None:
    """The release counted as late, but its facts no longer prove that. `owes_report` says whether a
    report must still be signed.
    """
    assert ipcc_late.owes_report
    unproven = with_only_page(ipcc_late, verdict=VerdictKind.UNPROVEN, delay=Bounds(1, 241))
    unproven = with_facts(unproven, verdict=VerdictKind.UNPROVEN, findings=(), final=True)
    assert not unproven.owes_report


def test_no_draft_repeats_details_of_an_early_release(ofsted_early: Incident) -> None:
    """The details of its findings quote what was public too early."""
    secret = "57 per cent of schools"
    findings = tuple(replace(each, detail=secret) for each in facts_of(ofsted_early).findings)
    incident = with_facts(ofsted_early, findings=findings)
    for form in FORMS:
        report = draft_of(incident, form, previous=[incident])
        assert secret not in str(report_json(report))


def test_announced_time_other_than_9_30_raises_a_question(ipcc_late: Incident) -> None:
    """Since May 2022 such a time needs an alternative release time.

    Before that, it needed an exemption.
    """
    seven = at("2023-07-20T07:00+01:00")
    due_at_seven = with_facts(
        replace(ipcc_late, occurred=seven, opened=seven + timedelta(minutes=1)), slot=seven
    )
    notes = get_field(note_of(due_at_seven), "N.clause").notes
    assert "The announced time is 7am, not 9.30am: is an alternative release time on file?" in notes


@pytest.mark.parametrize(
    ("least_seconds_after_slot", "is_named"), [(1.0, True), (-1.0, False), (None, False)]
)
def test_alternative_address_is_named_only_if_used_after_slot(
    ofqual_late: Incident, least_seconds_after_slot: float | None, *, is_named: bool
) -> None:
    """An alternative address is another place where the release came out, by half an hour after the
    slot. With a least time of -1 s or None (not known), it may have been there before the slot.
    Then the text does not name it.
    """
    facts = facts_of(ofqual_late)
    page, *alternatives = facts.parts
    half_an_hour = 30 * 60.0
    delay = Bounds(min=least_seconds_after_slot, max=half_an_hour)
    parts = (page, *(replace(part, delay=delay) for part in alternatives))
    sentences = " ".join(say_delays(replace(facts, parts=parts)))
    assert ("was at another address" in sentences) is is_named


@pytest.mark.parametrize(
    "kind", [IncidentKind.LEAD, IncidentKind.UNPROVEN, IncidentKind.ALTERED, IncidentKind.CALENDAR]
)
def test_incident_without_breach_is_not_cited_as_earlier_incident(
    ipcc_late: Incident, kind: IncidentKind
) -> None:
    before = replace(ipcc_late, id="x", kind=kind, occurred=at("2015-07-20T09:30+01:00"))
    assert cites_no_earlier_incident(note_of(ipcc_late, [before]))


def test_an_incident_of_another_producer_and_platform_is_not_cited(
    ipcc_late: Incident, ofsted_early: Incident
) -> None:
    assert cites_no_earlier_incident(note_of(ipcc_late, [ofsted_early]))


def test_three_earlier_platform_incidents_are_cited_and_others_counted(
    ofqual_late_again: Incident,
) -> None:
    """Seven incidents of another producer on the same platform, from 1 to 7 February, before this
    one of 8 March.
    """
    other = replace(ofqual_late_again, producer="other")
    a_week_of_incidents = [
        replace(other, id=f"x{day}", release=f"r{day}", occurred=at(f"2018-02-0{day}T09:30Z"))
        for day in range(1, 8)
    ]
    # Incidents of other producers are cited only if a person asks for it.
    asked = replace(ofqual_late_again, words={"cite_others": "yes"})
    text = text_of_field(note_of(asked, a_week_of_incidents), "N.previous")
    assert text.count("An earlier incident on") == 3
    assert "On the same platform 4 further incidents before that." in text


def test_earlier_late_editions_of_the_series_are_cited_as_such(ofqual_late_again: Incident) -> None:
    """Two earlier editions were late, and no edition between them was on time."""
    earlier = [
        replace(
            ofqual_late_again, id=f"x{day}", release=f"r{day}", occurred=at(f"2018-02-{day}T09:30Z")
        )
        for day in (15, 22)
    ]
    series = SeriesRecord(frozenset({"x15", "x22"}), 3)
    now, note = ofqual_late_again.opened, load_forms()["note"]
    report = fill_form(ofqual_late_again, note, {}, earlier, now, series=series)
    text = text_of_field(report, "N.previous")
    assert text.count(" of the same series concerned") == 2
    assert "platform" not in text
    assert "This is the third late edition in a row of this series." in text


def annex_rows(incident: Incident, caption: str) -> tuple[tuple[str, ...], ...]:
    return next(table.rows for table in note_of(incident).annex if table.caption == caption)


def test_notes_made_during_an_incident_are_in_the_annex(ipcc_late: Incident) -> None:
    noted = replace(
        ipcc_late,
        timeline=(Entry(at("2015-07-23T09:43+01:00"), "web manager", "raised with support"),),
    )
    (note,) = annex_rows(noted, "What was noted during the incident")
    assert note == ("09:43 BST on 23 July 2015", "web manager", "raised with support")


def test_annex_lists_notices_of_the_monitor_without_title(ipcc_late: Incident) -> None:
    """The draft already has the title of the release.

    So the annex leaves it out of the subject of a notice.
    """
    facts = facts_of(ipcc_late)
    (opening,) = decide(facts, known=None, now=facts.at).notices
    # The subject contains the title, shortened.
    assert "Statistics for England and…" in opening.subject
    noted = replace(ipcc_late, timeline=(Entry(facts.at, "monitor", opening.subject),))
    ((_, _, text),) = annex_rows(noted, "What was noted during the incident")
    assert text == "LATE: first seen between 10:07:45 and 10:08:00 BST, 37 min 45 s to 38 min late"


def test_logged_day_is_in_annex_without_a_time(moj_leak: Incident) -> None:
    assert ("Occurred", "2016-09-30, logged without a time") in annex_rows(
        moj_leak, "This incident"
    )


@pytest.mark.parametrize(
    ("slot", "written"),
    [(at("2015-07-23T09:30+01:00"), "2015-07-23T08:30:00.000Z"), (None, "not an instant")],
)
def test_annex_has_the_announced_time_in_utc(
    ipcc_late: Incident, slot: datetime | None, written: str
) -> None:
    announced, *_ = annex_rows(with_facts(ipcc_late, slot=slot), "Times in UTC")
    assert announced == ("Announced time", written, "as announced")


def test_incident_logged_by_hand_is_dated_and_not_called_measured(moj_leak: Incident) -> None:
    logged = replace(moj_leak, facts=None, grade="note")
    report = note_of(logged)
    assert "On Saturday 1 October 2016, the article" in text_of_field(report, "N.what")
    assert dict(annex_rows(logged, "This incident"))["Grade"] == "note"
    assert "Measured as of" not in dict(annex_rows(logged, "This incident"))


def test_note_proposes_other_steps_for_early_late_and_leaked_release(
    ofsted_early: Incident, ipcc_late: Incident, moj_leak: Incident
) -> None:
    steps_if_early = [step.id for step in note_of(ofsted_early).steps]
    steps_if_late = [step.id for step in note_of(ipcc_late).steps]
    steps_if_leaked = [step.id for step in note_of(moj_leak).steps]
    assert steps_if_early[:2] == ["tell-head", "withdraw"]
    assert "withdraw" not in steps_if_late
    # A late release must be published by another route.
    assert "route" in steps_if_late
    assert "route" not in steps_if_leaked
    # The regulator must hear of a leak at once.
    assert "regulator" in steps_if_leaked
    assert "regulator" not in steps_if_early


def test_incidents_logged_without_release_do_not_cite_each_other(moj_leak: Incident) -> None:
    """Two leaks of different producers were logged nine days apart, both without a release."""
    logged = replace(moj_leak, release="", facts=None)  # the later leak
    nine_days_before = logged.occurred - timedelta(days=9)
    other = replace(
        logged, id="other", producer="other", title="Something else", occurred=nine_days_before
    )
    assert cites_no_earlier_incident(note_of(logged, [other]))


def test_another_producers_incident_is_cited_only_on_request(ofqual_late_again: Incident) -> None:
    """It is cited by the display name of its producer."""
    nine_days_before = ofqual_late_again.occurred - timedelta(days=9)
    of_dfe = replace(
        ofqual_late_again, id="other", release="other", producer="dfe", occurred=nine_days_before
    )
    assert cites_no_earlier_incident(note_of(ofqual_late_again, [of_dfe]))
    asked = cite_other_incidents(ofqual_late_again, "head of profession", ofqual_late_again.opened)
    report = draft_of(
        asked, "note", configured={"name of dfe": "Department for Education"}, previous=[of_dfe]
    )
    assert "(Department for Education)" in text_of_field(report, "N.previous")
    assert "dfe" not in text_of_field(report, "N.previous")


def decide_to_bring_forward(incident: Incident, when: str) -> Incident:
    return bring_forward(incident, "chief statistician", when=when, now=incident.opened)


def test_decision_to_bring_release_forward_is_in_its_draft(ofqual_late_again: Incident) -> None:
    decided = decide_to_bring_forward(ofqual_late_again, when="2018-03-08T09:00")
    text = " ".join(line for field in note_of(decided).fields() for line in field.paragraphs)
    assert (
        "The chief statistician decided to bring the release forward to 9am on Thursday 8 March"
        " 2018." in text
    )


def test_the_same_decision_to_bring_forward_twice_changes_nothing(
    ofqual_late_again: Incident,
) -> None:
    decided = decide_to_bring_forward(ofqual_late_again, when="2018-03-08T09:00")
    assert decide_to_bring_forward(decided, when="2018-03-08T09:00") == decided


def test_a_new_time_that_is_no_date_time_is_refused(ofqual_late_again: Incident) -> None:
    with pytest.raises(InvalidInput, match="not a date-time"):
        decide_to_bring_forward(ofqual_late_again, when="soon")


def test_account_says_what_a_text_could_mean_and_who_said_what_is_meant(
    ofqual_late: Incident,
) -> None:
    times = (at("2018-01-05T08:30+00:00"), at("2018-01-05T09:30+00:00"))
    asked = Readings("5 January 2018, 9:30am BST", times)
    answered = replace(asked, by="duty statistician", at=at("2018-01-04T11:05+00:00"))
    text = text_of_field(draft_of(with_facts(ofqual_late, readings=answered)), "B.2.account")
    assert "“5 January 2018, 9:30am BST”, could be read as 8.30am or 9.30am." in text
    assert "The duty statistician said at 11.05am on 4 January that 9.30am was meant." in text
    unanswered = text_of_field(draft_of(with_facts(ofqual_late, readings=asked)), "B.2.account")
    assert "could be read as 8.30am or 9.30am." in unanswered
    assert "was meant" not in unanswered
