"""An alteration is a page that was removed, or a file that was replaced, after its release. The
facts of `sequence` are random, one for each minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.fact_rules import list_parts_found_elsewhere
from alerts.finding import ReleaseFacts
from alerts.incident import (
    Decision,
    Entry,
    Incident,
    IncidentKind,
    find_known_incident,
    steps_for_incident,
)
from alerts.message import build_message
from alerts.notice import Notice, thread_id
from alerts.notice_text import write_notice_subject
from alerts.platform import make_reminder
from alerts.status import describe_status
from schedules.contract.verdict import (
    LEAD,
    Due,
    Elsewhere,
    Exposure,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.conftest import page_part
from tests.worlds.incidents import facts_of_a_release

Make = Callable[..., ReleaseFacts]
SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
AFTER_SLOT = SLOT + timedelta(minutes=1, seconds=1)


def notice_kinds(decision: Decision) -> list[str]:
    return [notice.kind for notice in decision.notices]


def incident_of(decision: Decision) -> Incident:
    assert decision.incident is not None
    return decision.incident


def incident_opened_by(facts: ReleaseFacts) -> Incident:
    return incident_of(decide(facts, known=None, now=facts.at))


@pytest.mark.parametrize("came", [None, AFTER_SLOT])
def test_wrong_file_is_asked_about_until_right_one_is_out(
    make_facts: Make, came: datetime | None
) -> None:
    page = page_part(VerdictKind.ON_TIME, released=Interval(SLOT, SLOT))
    sheet = PartVerdict(
        "sheet",
        "data",
        "https://x.example/a.ods",
        required=True,
        verdict=VerdictKind.OVERDUE if came is None else VerdictKind.LATE,
        released=Interval(SLOT, came),
        delay=Bounds(60, None if came is None else 61),
    )
    found = (
        Finding(FindingKind.LATE, "sheet"),
        Finding(FindingKind.PARTIAL),
        Finding(FindingKind.WRONG_CONTENT, "sheet", at=SLOT),
    )
    facts = make_facts(AFTER_SLOT, verdict=sheet.verdict, parts=(page, sheet), findings=found)
    incident = incident_opened_by(facts)
    is_asked = came is None
    status = describe_status(incident.kind, facts, AFTER_SLOT)
    subject = write_notice_subject("opened", incident.kind, facts, AFTER_SLOT)
    assert ("another file is at its address" in status) is is_asked
    assert ("LATE, WRONG FILE?: " in subject) is is_asked
    steps = [step.id for step in steps_for_incident(incident)]
    assert ("open-file" in steps) is is_asked


def test_file_that_may_be_that_of_another_release_is_asked_about(make_facts: Make) -> None:
    page = page_part(VerdictKind.ON_TIME, released=Interval(SLOT, SLOT))
    sheet = PartVerdict(
        "sheet", "data", "https://x.example/a.ods", required=True, verdict=VerdictKind.UNPROVEN
    )
    found = (Finding(FindingKind.WRONG_CONTENT, "sheet", at=SLOT),)
    facts = make_facts(AFTER_SLOT, verdict=sheet.verdict, parts=(page, sheet), findings=found)
    subject = write_notice_subject("opened", "unproven", facts, AFTER_SLOT)
    assert subject.startswith("NOT PROVEN, WRONG FILE?: ")


@pytest.mark.parametrize("verdict", ["pending", "on_time", "cancelled", "moved"])
def test_a_release_without_a_breach_opens_no_incident(make_facts: Make, verdict: str) -> None:
    without_breach = make_facts(AFTER_SLOT, verdict=verdict, final=True)
    assert decide(without_breach, known=None, now=AFTER_SLOT) == Decision()


@pytest.mark.parametrize(
    ("released_by", "verdict", "expected_end_of_line"),
    [
        (SLOT + timedelta(seconds=50), VerdictKind.ON_TIME, "found"),
        (None, VerdictKind.PENDING, "it is not certain any more that it was due at that time"),
    ],
)
def test_final_notice_says_what_became_of_page_not_found_yet(
    make_facts: Make, released_by: datetime | None, verdict: VerdictKind, expected_end_of_line: str
) -> None:
    """61 s after its slot the page is not found, but more looks must confirm that: the incident has
    the kind DUE. For example, if a look then proves that it was there 50 s after the slot, the line
    ends with “found”.
    """
    not_found_yet = Due("page", seconds=61, got="404", looks=61, is_confirming=True)
    incident = incident_opened_by(make_facts(AFTER_SLOT, due=not_found_yet))
    assert incident.kind is IncidentKind.DUE
    # Then the page is found, or its slot is no longer certain (`released_by` is None).
    page = page_part(verdict, released=Interval(after=None, by=released_by))
    (final,) = decide(
        make_facts(AFTER_SLOT, verdict=verdict, parts=(page,)), incident, AFTER_SLOT
    ).notices
    assert final.kind == "final"
    (what_changed,) = [
        line for line in final.text.splitlines() if line.startswith("What changed: ")
    ]
    assert what_changed.removesuffix(".").endswith(expected_end_of_line)


@pytest.mark.parametrize(
    "finding", ["elsewhere_first", "corrected", "blind", "clock_fault", "stale_edge"]
)
def test_a_finding_without_a_breach_opens_no_incident(make_facts: Make, finding: str) -> None:
    on_time = make_facts(AFTER_SLOT, verdict=VerdictKind.ON_TIME, findings=(Finding(finding),))
    assert decide(on_time, known=None, now=AFTER_SLOT) == Decision()


def test_overdue_release_opens_one_incident_with_a_draft(overdue_by_seconds: Make) -> None:
    """The page is still absent 61 s after its slot.

    A delay of up to five minutes has the grade `note`.
    """
    decision = decide(overdue_by_seconds(61), known=None, now=AFTER_SLOT)
    assert decision.incident is not None
    assert decision.incident.id == "malpractice-2017-2018-01-05"
    assert (decision.incident.kind, decision.incident.grade, decision.draft) == (
        IncidentKind.LATE,
        "note",
        True,
    )
    assert decision.incident.occurred == SLOT
    (notice,) = decision.notices
    assert (notice.kind, notice.follows) == ("opened", "")


def test_the_same_facts_twice_change_nothing(overdue_by_seconds: Make) -> None:
    incident = incident_opened_by(overdue_by_seconds(61))
    again = decide(overdue_by_seconds(61), incident, AFTER_SLOT + timedelta(seconds=5))
    assert again == Decision(incident, (), draft=False)


def test_a_growing_delay_is_recorded_without_a_notice(overdue_by_seconds: Make) -> None:
    incident, grown = incident_opened_by(overdue_by_seconds(61)), overdue_by_seconds(90)
    decision = decide(grown, incident, AFTER_SLOT)
    assert incident_of(decision).facts == grown
    assert (decision.notices, decision.draft) == ((), False)


def test_note_that_becomes_a_report_gets_notice_in_its_thread(overdue_by_seconds: Make) -> None:
    """A delay of 61 s has the grade `note`. One of more than 300 s has the grade `report`."""
    note, graver = incident_opened_by(overdue_by_seconds(61)), overdue_by_seconds(301)
    decision = decide(graver, note, graver.at)
    assert notice_kinds(decision) == ["grade_changed"]
    assert decision.notices[0].follows == thread_id(incident_of(decision).id)
    assert (incident_of(decision).grade, decision.draft) == ("report", True)


def test_incident_keeps_highest_grade_and_timeline_has_lower_one(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """Absent for 301 s needs a report.

    Then other looks show that it was only 100 s late, which needs a note.
    """
    incident = incident_opened_by(overdue_by_seconds(301))
    assert incident.grade == "report"
    decision = decide(late_by_seconds(100), incident, SLOT + timedelta(hours=1))
    assert incident_of(decision).grade == "report"
    assert "grade_changed" not in notice_kinds(decision)
    assert any(
        "measured grade is now note" in entry.text for entry in incident_of(decision).timeline
    )


def test_people_are_notified_once_when_the_page_is_out(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """The page is still absent 400 s after its slot, and public 700 s after it."""
    out = late_by_seconds(700)
    decision = decide(out, incident_opened_by(overdue_by_seconds(400)), out.at)
    assert notice_kinds(decision) == ["appeared"]
    assert decide(out, decision.incident, out.at).notices == ()


def test_final_facts_close_the_incident_with_one_notice(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    incident, final = incident_opened_by(overdue_by_seconds(400)), late_by_seconds(700, final=True)
    decision = decide(final, incident, final.at)
    assert notice_kinds(decision) == ["final"]
    assert incident_of(decision).closed == final.at
    assert decide(final, decision.incident, final.at).notices == ()


def test_an_unproven_release_that_is_proved_late_gets_one_notice(
    make_facts: Make, late_by_seconds: Make
) -> None:
    """First no look shows when it came out.

    Then looks prove that it was still absent 700 s after its slot.
    """
    after_6_minutes, after_12_minutes = SLOT + timedelta(minutes=6), SLOT + timedelta(minutes=12)
    unproven = decide(
        make_facts(after_6_minutes, verdict=VerdictKind.UNPROVEN), known=None, now=after_6_minutes
    )
    proved_late = decide(late_by_seconds(700, final=True), unproven.incident, after_12_minutes)
    (notice,) = proved_late.notices
    assert (notice.kind, notice.grade) == ("opened", "report")
    assert notice.subject.startswith("LATE: ")
    assert proved_late.draft


SHORT_NOTICE = Finding(FindingKind.SHORT_NOTICE, detail="moved to another time 1 day ahead")
PRESS_ITEM = Finding(LEAD, detail="https://press.example/item")


FACTS_WITHOUT_BREACH: dict[str, dict[str, object]] = {
    "calendar": {"findings": (SHORT_NOTICE,)},
    "unproven": {"verdict": "unproven", "final": False},
    "lead": {"verdict": LEAD, "findings": (PRESS_ITEM,)},
    "altered": {
        "findings": (
            Finding(FindingKind.WITHDRAWN, "page", "taken away", Bounds(70, None), AFTER_SLOT),
        )
    },
}
"""By kind of incident, the facts that open it."""


def incident_without_breach(make_facts: Make, kind: str) -> Incident:
    """Return an incident that opened six minutes after the slot for another reason than a
    breach.
    """
    facts = make_facts(AFTER_SLOT, **FACTS_WITHOUT_BREACH[kind])
    return incident_of(decide(facts, known=None, now=SLOT + timedelta(minutes=6)))


@pytest.mark.parametrize("kind", ["calendar", "unproven"])
def test_first_breach_takes_over_calendar_or_unproven_incident(
    make_facts: Make, overdue_by_seconds: Make, kind: str
) -> None:
    """An overdue release is a breach.

    A calendar fault, or a release with no proof of when it came out, is none.
    """
    now = SLOT + timedelta(minutes=7)
    before = incident_without_breach(make_facts, kind)
    assert before.is_open
    decision = decide(overdue_by_seconds(400), before, now)
    assert decision.superseded is not None
    assert (decision.superseded.id, decision.superseded.closed) == (before.id, now)
    assert decision.superseded.timeline[-1].text == f"taken over by {incident_of(decision).id}"


@pytest.mark.parametrize(
    "kind", ["lead", "altered"], ids=["press item to judge", "page removed after its release"]
)
def test_first_breach_leaves_incident_open_that_a_person_must_close(
    make_facts: Make, overdue_by_seconds: Make, kind: str
) -> None:
    """An incident is about a press item, or about a page that was removed after its release. Only a
    person may close it. Then the release is 400 s overdue (a breach), which opens an incident of
    its own.
    """
    incident_for_a_person = incident_without_breach(make_facts, kind)
    decision = decide(
        overdue_by_seconds(400), incident_for_a_person, now=SLOT + timedelta(minutes=7)
    )
    assert incident_of(decision).kind is IncidentKind.LATE
    # `superseded` would be the first incident, closed by this decision.
    assert decision.superseded is None


@pytest.mark.parametrize("kind_before", FACTS_WITHOUT_BREACH)
@pytest.mark.parametrize("breach", ["late", "early"])
def test_breach_after_incident_without_one_opens_its_own_incident(
    make_facts: Make, overdue_by_seconds: Make, public_early: Make, kind_before: str, breach: str
) -> None:
    """For example, a slot moved at short notice opened an incident, although that is no breach.
    Then the page is 400 s overdue, which is a breach. It opens a second incident with its own
    thread and draft.
    """
    earlier_incident = incident_without_breach(make_facts, kind_before)
    now = SLOT + timedelta(minutes=7)
    # The breach is a page that is 400 s overdue, or one that is public early.
    facts = (
        overdue_by_seconds(400)
        if breach == "late"
        else public_early("page", is_open=True, begins=now)
    )
    decision = decide(replace(facts, findings=(*facts.findings, PRESS_ITEM)), earlier_incident, now)
    new_incident = incident_of(decision)
    assert (new_incident.opened, new_incident.acknowledged) == (now, None)
    assert decision.draft
    (opening,) = decision.notices
    assert (opening.kind, opening.follows) == ("opened", "")
    # A notice in the thread of the earlier incident would be called "graver now".
    assert opening.subject.startswith(f"{breach.upper()}: ")
    assert "graver" not in opening.subject
    # From now on, facts of the release update the new incident.
    assert (
        find_known_incident([earlier_incident, new_incident], release="malpractice-2017")
        == new_incident
    )


def test_three_incidents_of_one_release_have_different_ids(
    make_facts: Make, overdue_by_seconds: Make
) -> None:
    """An id is release and day.

    If an incident has this id already (`earlier_ids`), the kind is added.
    """
    calendar = incident_opened_by(make_facts(SLOT, findings=(SHORT_NOTICE,)))
    unproven_facts = make_facts(AFTER_SLOT, verdict=VerdictKind.UNPROVEN, findings=(SHORT_NOTICE,))
    unproven = incident_of(
        decide(unproven_facts, calendar, SLOT + timedelta(minutes=6), earlier_ids=[calendar.id])
    )
    late = incident_of(
        decide(
            overdue_by_seconds(500),
            unproven,
            SLOT + timedelta(minutes=9),
            earlier_ids=[calendar.id, unproven.id],
        )
    )
    assert [one.kind for one in (calendar, unproven, late)] == [
        IncidentKind.CALENDAR,
        IncidentKind.UNPROVEN,
        IncidentKind.LATE,
    ]
    assert len({calendar.id, unproven.id, late.id}) == 3


def test_an_unproven_release_after_a_calendar_incident_gets_a_notice(make_facts: Make) -> None:
    """The calendar incident is about a slot moved at short notice.

    Then no look shows when the release came out.
    """
    calendar = incident_opened_by(make_facts(SLOT, findings=(SHORT_NOTICE,)))
    unproven = make_facts(AFTER_SLOT, verdict=VerdictKind.UNPROVEN, findings=(SHORT_NOTICE,))
    decision = decide(unproven, calendar, now=SLOT + timedelta(minutes=6))
    assert notice_kinds(decision) == ["unproven"]


def test_no_notice_of_exposure_states_length_of_0_seconds(public_early: Make) -> None:
    """An exposure (a page is public too early) was found just now, so it has lasted at least 0 s.
    Later it is over, after less than a second. No notice of its begin or end says “0 s”.
    """
    begun = public_early("page", is_open=True)
    decision = decide(begun, known=None, now=begun.at)
    opening = build_message(decision.notices[0], decision.incident)
    assert opening.brief.startswith("EARLY: ")
    # Then it is over, after 0.2 to 0.9 s.
    over = public_early("page", is_open=False)
    (page,) = over.parts
    less_than_a_second = replace(page.exposures[0], seconds=Bounds(0.2, 0.9))
    over = replace(over, parts=(replace(page, exposures=(less_than_a_second,)),))
    (closed,) = decide(over, decision.incident, over.at).notices
    assert "was public for at most 1 s from" in closed.subject
    for text in (
        opening.brief,
        opening.text,
        build_message(closed, decision.incident).brief,
        closed.text,
    ):
        # "0 s" by itself, not the end of "10 s" or of a time of day.
        assert re.search(r"(?<![\d:])0 s\b", text) is None


def test_early_page_that_is_then_late_gets_notice_of_absence(public_early: Make) -> None:
    """The page was public early and was removed. Now it is still absent 400 s after its slot."""
    early = public_early("page", is_open=False)
    still_absent_after_400_seconds = Finding(FindingKind.LATE, "page", seconds=Bounds(400, None))
    early_and_late = replace(early, findings=(*early.findings, still_absent_after_400_seconds))
    decision = decide(early_and_late, incident_opened_by(early), AFTER_SLOT)
    assert notice_kinds(decision) == ["new_finding"]
    # 400 s after the slot at 09:30 is 09:36:40.
    assert "still absent at 09:36:40 GMT" in decision.notices[0].subject


def test_incident_known_only_after_final_verdict_is_closed_at_once(late_by_seconds: Make) -> None:
    """The first facts that show the delay of 700 s are already those of the final verdict."""
    decision = decide(late_by_seconds(700, final=True), known=None, now=AFTER_SLOT)
    assert notice_kinds(decision) == ["opened"]
    assert incident_of(decision).closed == AFTER_SLOT


def test_exposure_gets_one_notice_at_begin_and_one_at_end(public_early: Make) -> None:
    """An exposure is a time in which the release was public before its slot."""
    begins = SLOT - timedelta(hours=40, minutes=30)
    begun = decide(public_early("html", is_open=True, begins=begins), known=None, now=AFTER_SLOT)
    assert (incident_of(begun).kind, notice_kinds(begun)) == (IncidentKind.EARLY, ["opened"])
    assert incident_of(begun).occurred == begins
    removed = public_early("html", is_open=False, begins=begins)
    over = decide(removed, begun.incident, AFTER_SLOT)
    assert notice_kinds(over) == ["exposure_closed"]
    assert over.draft
    assert decide(removed, over.incident, AFTER_SLOT).notices == ()


def test_file_exposed_after_its_page_gets_no_own_notice(public_early: Make) -> None:
    """Only the draft is written again, with the file."""
    page = public_early("page", is_open=True)
    file = public_early("html", is_open=True, begins=page.at + timedelta(hours=1))
    both = replace(
        file, parts=(*page.parts, *file.parts), findings=(*page.findings, *file.findings)
    )
    decision = decide(both, incident_opened_by(page), file.at)
    assert decision.notices == ()
    assert decision.draft


def test_late_page_is_new_finding_in_incident_of_early_file(
    public_early: Make, overdue_by_seconds: Make
) -> None:
    """A file was public early, which opened the incident.

    Now the page is still absent 400 s after its slot.
    """
    early_file = public_early("html", is_open=False)
    incident = incident_opened_by(early_file)
    late_page = overdue_by_seconds(400)
    parts, findings = (
        (*late_page.parts, *early_file.parts),
        (*late_page.findings, *early_file.findings),
    )
    both = replace(late_page, parts=parts, findings=findings)
    decision = decide(both, incident, AFTER_SLOT)
    assert notice_kinds(decision) == ["new_finding"]
    assert decision.notices[0].subject.startswith("LATE, new finding: ")
    # `early` is graver than `late`, so the kind does not change.
    assert (incident_of(decision).id, incident_of(decision).kind) == (
        incident.id,
        IncidentKind.EARLY,
    )


def test_late_page_reopens_closed_incident_of_its_early_file(
    public_early: Make, late_by_seconds: Make
) -> None:
    """A file was public early, and the incident about that is closed.

    Now the page comes out 700 s late.
    """
    early_file, late_page = public_early("html", is_open=False), late_by_seconds(700)
    closed = replace(incident_opened_by(early_file), closed=AFTER_SLOT)
    both = replace(late_page, parts=(*late_page.parts, *early_file.parts))
    decision = decide(both, closed, AFTER_SLOT + timedelta(hours=1))
    assert notice_kinds(decision) == ["reopened"]
    assert incident_of(decision).closed is None


def test_unproven_release_gets_notice_without_draft_after_5_minutes(make_facts: Make) -> None:
    """A release is unproven if no look shows whether it came out on time."""
    blind = make_facts(
        AFTER_SLOT,
        verdict=VerdictKind.UNPROVEN,
        unproven_because="no usable look from 09:29 to 09:36",
    )
    assert decide(blind, known=None, now=SLOT + timedelta(minutes=4)) == Decision()
    after_5_minutes = decide(blind, known=None, now=SLOT + timedelta(minutes=5))
    unproven = incident_of(after_5_minutes)
    assert (unproven.kind, unproven.grade) == ("unproven", "none")
    assert (notice_kinds(after_5_minutes), after_5_minutes.draft) == (["unproven"], False)


def test_a_final_unproven_verdict_gets_a_notice_at_once(make_facts: Make) -> None:
    unproven = make_facts(AFTER_SLOT, verdict=VerdictKind.UNPROVEN, final=True)
    assert notice_kinds(decide(unproven, known=None, now=AFTER_SLOT)) == ["unproven"]


def test_unproven_release_proved_on_time_gets_final_notice(make_facts: Make) -> None:
    """At first, no look shows whether it came out on time."""
    unproven = incident_without_breach(make_facts, "unproven")
    on_time = make_facts(AFTER_SLOT, verdict=VerdictKind.ON_TIME, final=True)
    (notice,) = decide(on_time, unproven, now=SLOT + timedelta(hours=1)).notices
    assert notice.kind == "final"
    assert "came out on time" in notice.subject


@pytest.mark.parametrize("finding", ["calendars_disagree", "short_notice"])
def test_a_finding_about_calendars_gives_a_notice_without_a_draft(
    make_facts: Make, finding: str
) -> None:
    """The finding is that calendars disagree, or that a slot was announced or changed at short
    notice.
    """
    three_days_before = SLOT - timedelta(days=3)
    facts = make_facts(three_days_before, findings=(Finding(finding),))
    decision = decide(facts, known=None, now=three_days_before)
    assert (notice_kinds(decision), decision.draft) == (["calendar"], False)


def test_calendar_incident_closes_silently_if_release_is_on_time(make_facts: Make) -> None:
    """The incident is about a slot that was moved at short notice."""
    incident = incident_opened_by(make_facts(SLOT, findings=(SHORT_NOTICE,)))
    on_time = decide(
        make_facts(AFTER_SLOT, verdict=VerdictKind.ON_TIME, final=True), incident, AFTER_SLOT
    )
    assert on_time.notices == ()
    assert incident_of(on_time).closed == AFTER_SLOT


def test_press_item_opens_incident_without_draft(make_facts: Make) -> None:
    """The press may have had the release before its slot (LEAD). A person must judge that."""
    found_at = datetime(2018, 1, 1, 22, tzinfo=UTC)
    decision = decide(
        make_facts(found_at, verdict=LEAD, findings=(PRESS_ITEM,)), known=None, now=found_at
    )
    assert incident_of(decision).id == "malpractice-2017-lead-2018-01-01"
    assert notice_kinds(decision) == ["lead"]
    assert not decision.draft


def test_on_time_verdict_does_not_close_incident_about_press_item(make_facts: Make) -> None:
    """Only a person can judge whether the press had the release before its slot."""
    incident = incident_opened_by(make_facts(verdict=LEAD, findings=(PRESS_ITEM,)))
    on_time = make_facts(AFTER_SLOT, verdict=VerdictKind.ON_TIME, final=True)
    no_change = Decision()
    assert decide(on_time, incident, AFTER_SLOT) == no_change


def test_second_press_item_is_new_finding_of_same_incident(make_facts: Make) -> None:
    """A press item may show that the press had the release before its slot."""
    incident = incident_opened_by(make_facts(verdict=LEAD, findings=(PRESS_ITEM,)))
    second_item = Finding(LEAD, detail="https://press.example/another-item")
    with_both_items = make_facts(verdict=LEAD, findings=(PRESS_ITEM, second_item))
    decision = decide(with_both_items, incident, AFTER_SLOT)
    assert notice_kinds(decision) == ["new_finding"]


def released_with(make_facts: Make, *findings: Finding) -> ReleaseFacts:
    roles = {"page": "page", "sheet": "data", "news": "alternative"}
    parts = tuple(
        PartVerdict(
            name, role, f"https://a.example/{name}", required=True, verdict=VerdictKind.ON_TIME
        )
        for name, role in roles.items()
    )
    return make_facts(
        AFTER_SLOT, verdict=VerdictKind.ON_TIME, final=True, parts=parts, findings=findings
    )


def removal_of(
    part: str = "page", removed_at_minute: float = 60, back_within_seconds: float | None = None
) -> Finding:
    """Return the finding that a part was removed so many minutes after the slot.

    Without a length it is not back.
    """
    removed = SLOT + timedelta(minutes=removed_at_minute)
    return Finding(
        FindingKind.WITHDRAWN, part, "taken away", Bounds(70, back_within_seconds), removed
    )


SWAPPED = Finding(FindingKind.SWAPPED, "sheet", "its bytes changed")


@pytest.mark.parametrize(
    "alteration", [removal_of("page"), SWAPPED], ids=["page removed", "file replaced"]
)
def test_alteration_after_release_opens_incident_without_grade_and_draft(
    make_facts: Make, alteration: Finding
) -> None:
    decision = decide(released_with(make_facts, alteration), known=None, now=AFTER_SLOT)
    assert incident_of(decision).grade == "none"
    assert incident_of(decision).closed is None
    assert not decision.draft


@pytest.mark.parametrize(
    "alteration", [removal_of("page"), SWAPPED], ids=["page removed", "file replaced"]
)
def test_alteration_after_release_gets_one_notice_with_its_detail(
    make_facts: Make, alteration: Finding
) -> None:
    facts = released_with(make_facts, alteration)
    decision = decide(facts, known=None, now=AFTER_SLOT)
    (notice,) = decision.notices
    assert notice.kind == "altered"
    # So a route may be for all alterations or for this kind of them.
    assert notice.findings == ("altered", alteration.kind)
    assert alteration.detail in notice.text
    assert decide(facts, known=decision.incident, now=AFTER_SLOT).notices == ()


def test_a_notice_says_that_removed_content_is_back(make_facts: Make) -> None:
    incident = incident_opened_by(released_with(make_facts, removal_of("page")))
    page_back = released_with(make_facts, removal_of("page", back_within_seconds=200))
    (notice,) = decide(page_back, incident, AFTER_SLOT).notices
    assert (notice.kind, notice.follows) == ("back", thread_id(incident.id))
    assert "is back (announced page)" in notice.subject


def test_file_removed_soon_after_its_page_gets_no_notice(make_facts: Make) -> None:
    """The file is removed 119 minutes after the page.

    Within two hours it gets no notice of its own.
    """
    page, sheet = (
        removal_of("page", removed_at_minute=60),
        removal_of("sheet", removed_at_minute=179),
    )
    incident = incident_opened_by(released_with(make_facts, page))
    assert decide(released_with(make_facts, page, sheet), incident, AFTER_SLOT).notices == ()


def test_page_returned_and_removed_again_gets_a_notice_of_each(make_facts: Make) -> None:
    """The page was removed at minute 60, was back 300 s later, and was removed again at minute
    130.
    """
    first_removal = removal_of("page", removed_at_minute=60)
    incident = incident_opened_by(released_with(make_facts, first_removal))
    page_back = removal_of("page", removed_at_minute=60, back_within_seconds=300)
    second_removal = removal_of("page", removed_at_minute=130)
    decision = decide(released_with(make_facts, page_back, second_removal), incident, AFTER_SLOT)
    assert notice_kinds(decision) == ["back", "new_finding"]


def test_removal_at_alternative_or_guessed_address_gets_no_notice(make_facts: Make) -> None:
    alternative, guessed = removal_of("news"), removal_of("expected-1")
    assert (
        decide(released_with(make_facts, alternative, guessed), known=None, now=AFTER_SLOT)
        == Decision()
    )


def test_a_second_swap_of_a_release_gets_no_notice(make_facts: Make) -> None:
    """A swap is a file that was replaced by another one after its release."""
    incident = incident_opened_by(released_with(make_facts, SWAPPED))
    assert decide(released_with(make_facts, SWAPPED, SWAPPED), incident, AFTER_SLOT).notices == ()


def test_notice_of_removal_follows_in_thread_of_closed_late_incident(late_by_seconds: Make) -> None:
    """The page came out 400 s late, which closed the incident. Then the page was removed."""
    late = late_by_seconds(400, final=True)
    closed = incident_of(decide(late, known=None, now=AFTER_SLOT))
    assert closed.closed is not None
    removed_since = replace(late, findings=(*late.findings, removal_of("page")))
    (notice,) = decide(removed_since, known=closed, now=AFTER_SLOT).notices
    assert notice.kind == "reopened"
    assert notice.follows == thread_id(closed.id)
    # It is about the removal only, so a route for `late` does not match it.
    assert notice.findings == ("altered", "withdrawn")


def test_removal_after_final_verdict_reopens_late_incident_only_for_its_notice(
    late_by_seconds: Make,
) -> None:
    """The page came out 400 s late, and its incident was closed. Then the page is removed. The
    incident is reopened for the notice of the removal, and closed again at once. It stays an
    incident of a late release.
    """
    late = late_by_seconds(400, final=True)
    closed = incident_of(decide(late, known=None, now=AFTER_SLOT))
    removed_since = replace(late, findings=(*late.findings, removal_of("page")))
    incident = incident_of(decide(removed_since, known=closed, now=AFTER_SLOT))
    assert (incident.kind, incident.closed) == (IncidentKind.LATE, AFTER_SLOT)


def test_late_notice_does_not_name_an_earlier_withdrawal(
    make_facts: Make, overdue_by_seconds: Make
) -> None:
    """A page was removed after its release (a withdrawal), which opened an incident. Then the
    release is 400 s overdue, its first breach. The notice is about the delay only.
    """
    incident_of_withdrawal = incident_opened_by(released_with(make_facts, removal_of("page")))
    overdue = overdue_by_seconds(400)
    late_too = replace(overdue, findings=(*overdue.findings, removal_of("page")))
    decision = decide(late_too, incident_of_withdrawal, AFTER_SLOT)
    (notice,) = decision.notices
    # A first breach has the kind `opened`, even if an incident is open already.
    assert (notice.kind, notice.findings) == ("opened", ("late",))
    assert decision.draft


def test_a_page_in_time_with_a_late_file_is_partial(make_facts: Make) -> None:
    page = page_part(VerdictKind.ON_TIME)
    sheet = page_part(VerdictKind.OVERDUE, id="sheet", role="data", delay=Bounds(61, None))
    facts = make_facts(
        AFTER_SLOT, verdict=VerdictKind.OVERDUE, grade=Grade.NOTE, parts=(page, sheet)
    )
    decision = decide(facts, known=None, now=AFTER_SLOT)
    assert incident_of(decision).kind == IncidentKind.PARTIAL
    assert "1 of 2 parts late, still absent at 09:31:01 GMT (sheet)" in decision.notices[0].subject


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_part_that_comes_out_has_its_own_notice_where_no_reminder_follows(
    make_facts: Make, *, is_acknowledged: bool
) -> None:
    page = page_part(VerdictKind.LATE, released=Interval(SLOT, AFTER_SLOT), delay=Bounds(60, 61))
    absent = page_part(VerdictKind.OVERDUE, id="sheet", role="data", delay=Bounds(61, None))
    later = AFTER_SLOT + timedelta(minutes=1)
    out = replace(
        absent,
        verdict=VerdictKind.LATE,
        released=Interval(AFTER_SLOT, later),
        delay=Bounds(61, 121),
    )
    late = {"verdict": VerdictKind.LATE, "grade": Grade.NOTE}
    incident = incident_opened_by(make_facts(AFTER_SLOT, parts=(page, absent), **late))
    if is_acknowledged:
        incident = incident.with_entries(Entry(AFTER_SLOT, "on call", "acknowledged"))
    decision = decide(make_facts(later, parts=(page, out), **late), incident, later)
    assert notice_kinds(decision) == (["new_finding"] if is_acknowledged else [])


def test_part_found_missing_after_an_acknowledgement_has_a_notice(make_facts: Make) -> None:
    page = page_part(VerdictKind.LATE, released=Interval(SLOT, AFTER_SLOT), delay=Bounds(60, 61))
    absent = page_part(VerdictKind.OVERDUE, id="sheet", role="data", delay=Bounds(61, None))
    late = {"verdict": VerdictKind.LATE, "grade": Grade.NOTE}
    incident = incident_opened_by(make_facts(AFTER_SLOT, parts=(page,), **late))
    incident = incident.with_entries(Entry(AFTER_SLOT, "on call", "acknowledged"))
    decision = decide(make_facts(AFTER_SLOT, parts=(page, absent), **late), incident, AFTER_SLOT)
    assert notice_kinds(decision) == ["new_finding"]


def test_alternative_is_named_while_the_page_is_awaited(make_facts: Make) -> None:
    page = page_part(VerdictKind.OVERDUE, delay=Bounds(61, None))
    seen = Interval(SLOT, AFTER_SLOT)
    copy = page_part(VerdictKind.LATE, id="copy", required=False, first_seen=seen)
    elsewhere = (Elsewhere("copy", "https://x.example/copy", seen),)
    facts = make_facts(
        AFTER_SLOT, verdict=VerdictKind.OVERDUE, parts=(page, copy), elsewhere=elsewhere
    )
    assert list_parts_found_elsewhere(facts) == ["copy"]


def test_page_that_was_awaited_is_told_once(make_facts: Make) -> None:
    due = Due("page", seconds=61, got="404", looks=61, is_confirming=True)
    incident = incident_opened_by(make_facts(AFTER_SLOT, due=due))
    page = page_part(VerdictKind.UNPROVEN, released=Interval(None, AFTER_SLOT))
    found = make_facts(AFTER_SLOT, verdict=VerdictKind.UNPROVEN, parts=(page,))
    first = decide(found, incident, AFTER_SLOT)
    assert notice_kinds(first) == ["appeared"]
    later = AFTER_SLOT + timedelta(minutes=1)
    assert notice_kinds(decide(replace(found, at=later), incident_of(first), later)) == []


def test_notice_lists_first_the_finding_that_opened_its_incident(overdue_by_seconds: Make) -> None:
    """A release is late, was first at another address, and its calendars disagree.

    `late` opened the incident.
    """
    late = Finding(FindingKind.LATE, "page", seconds=Bounds(61, None))
    disagree, elsewhere = (
        Finding(FindingKind.CALENDARS_DISAGREE),
        Finding(FindingKind.ELSEWHERE_FIRST),
    )
    overdue = replace(overdue_by_seconds(61), findings=(disagree, elsewhere, late))
    (notice,) = decide(overdue, known=None, now=overdue.at).notices
    assert notice.findings == ("late", "calendars_disagree", "elsewhere_first")


def test_cache_that_kept_release_from_users_opens_late_incident(make_facts: Make) -> None:
    stale_edge = Finding(FindingKind.STALE_EDGE, "page")
    # The page at the origin was on time. The grade says how long users waited for it.
    cached = make_facts(
        AFTER_SLOT, verdict=VerdictKind.ON_TIME, grade=Grade.REPORT, findings=(stale_edge,)
    )
    decision = decide(cached, known=None, now=AFTER_SLOT)
    assert incident_of(decision).kind == IncidentKind.LATE
    (notice,) = decision.notices
    # The kind of the incident is added to the findings, so a route for `late` takes this notice.
    assert notice.findings == ("stale_edge", "late")


def test_incident_without_announced_time_occurs_when_found(make_facts: Make) -> None:
    """Only the month of the release was announced."""
    monthly = {"slot": None, "slot_text": "December 2017"}
    late = make_facts(
        AFTER_SLOT, verdict="late", grade="report", parts=(page_part(VerdictKind.LATE),), **monthly
    )
    assert incident_opened_by(late).occurred == AFTER_SLOT


def test_reminders_are_repeated_until_the_incident_is_acknowledged(
    overdue_by_seconds: Make,
) -> None:
    """Reminders come from minute 20 on (`grace`), one in ten minutes (`spacing`), until someone
    acknowledges.
    """
    incident = incident_opened_by(overdue_by_seconds(400))

    def reminder_after(incident: Incident, minutes: int) -> Notice | None:
        at = incident.opened + timedelta(minutes=minutes)
        return make_reminder(
            incident, at, grace=timedelta(minutes=20), spacing=timedelta(minutes=10)
        )

    assert reminder_after(incident, minutes=19) is None
    reminders = [reminder_after(incident, minutes) for minutes in range(20, 90, 5)]
    # At minutes 20, 30, … 80, so seven, although the monitor asks every five minutes.
    assert len({reminder.id for reminder in reminders if reminder is not None}) == 7
    # Any entry of a person acknowledges, unless it assigns the incident.
    acknowledged = incident.with_entries(Entry(incident.opened, "on call", "acknowledged"))
    assert reminder_after(acknowledged, minutes=60) is None


def test_an_incident_of_grade_note_gets_no_reminder(overdue_by_seconds: Make) -> None:
    note = incident_opened_by(overdue_by_seconds(61))
    hours_later = AFTER_SLOT + timedelta(hours=5)
    assert (
        make_reminder(note, hours_later, spacing=timedelta(minutes=10), grace=timedelta()) is None
    )


def public_page(verdict: str, grade: str, exposure_status: str, *, final: bool) -> ReleaseFacts:
    """Return facts of a page that was exposed before its slot ("open" or "over") or was not
    ("none").
    """
    start = Interval(SLOT - timedelta(hours=2), SLOT - timedelta(hours=1))
    is_open = exposure_status == "open"
    exposure = Exposure("page", start, Interval(SLOT, SLOT), Bounds(3600, 7200), open=is_open)
    exposures = () if exposure_status == "none" else (exposure,)
    page = page_part(verdict, delay=Bounds(400, None), exposures=exposures)
    return facts_of_a_release(verdict=verdict, grade=grade, final=final, parts=(page,), findings=())


SEQUENCES_OF_FACTS = st.lists(
    st.builds(
        public_page,
        st.sampled_from(
            ["pending", "overdue", "late", "early", "unproven", "on_time", "not_published"]
        ),
        st.sampled_from(["none", "note", "report"]),
        st.sampled_from(["none", "open", "over"]),
        final=st.booleans(),
    ),
    max_size=8,
)


@given(sequence=SEQUENCES_OF_FACTS)
def test_release_opens_at_most_one_unproven_and_one_breach_thread(
    sequence: list[ReleaseFacts],
) -> None:
    """A thread is an opening notice with its follow-ups."""
    incident: Incident | None = None
    notices: list[Notice] = []
    for at, facts in dated_by_minute(sequence):
        decision = decide(facts, incident, at)
        incident = decision.incident
        notices += decision.notices
    openings = [notice for notice in notices if not notice.follows]
    follow_ups = [notice for notice in notices if notice.follows]
    # The notice that opens the incident of a breach has the kind "opened".
    assert sorted(opening.kind for opening in openings) in (
        [],
        ["opened"],
        ["unproven"],
        ["opened", "unproven"],
    )
    assert {notice.follows for notice in follow_ups} <= {opening.id for opening in openings}


@given(sequence=SEQUENCES_OF_FACTS)
def test_in_any_sequence_repeated_facts_give_no_further_notice(
    sequence: list[ReleaseFacts],
) -> None:
    """Each is judged again a second later."""
    incident: Incident | None = None
    for at, facts in dated_by_minute(sequence):
        incident = decide(facts, incident, at).incident
        assert decide(facts, incident, at + timedelta(seconds=1)).notices == ()


@given(sequence=SEQUENCES_OF_FACTS)
def test_release_with_an_incident_keeps_one_whatever_facts_follow(
    sequence: list[ReleaseFacts],
) -> None:
    incident: Incident | None = None
    for at, facts in dated_by_minute(sequence):
        had_incident = incident is not None
        incident = decide(facts, incident, at).incident
        assert incident is not None or not had_incident


@given(sequence=SEQUENCES_OF_FACTS)
def test_incident_with_a_grade_never_returns_to_the_grade_none(
    sequence: list[ReleaseFacts],
) -> None:
    """Each may update the incident or open another one."""
    incident: Incident | None = None
    ids_with_a_grade: set[str] = set()
    for at, facts in dated_by_minute(sequence):
        incident = decide(facts, incident, at).incident
        if incident is not None and incident.grade != "none":
            ids_with_a_grade.add(incident.id)
        elif incident is not None:
            assert incident.id not in ids_with_a_grade


def dated_by_minute(sequence: list[ReleaseFacts]) -> Iterator[tuple[datetime, ReleaseFacts]]:
    """Yield facts as of a minute each, from ten minutes after the slot, with that time."""
    for minutes, facts in enumerate(sequence, start=10):
        at = SLOT + timedelta(minutes=minutes)
        yield at, replace(facts, at=at)
