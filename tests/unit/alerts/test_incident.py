"""Incidents about parts of a release, reminders of them, and what holds of any facts.

`incident_cases` has what follows from facts of a whole release.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.fact_rules import is_wrong_file_there, list_parts_found_elsewhere
from alerts.finding import ReleaseFacts
from alerts.incident import Decision, Entry, Incident, IncidentKind, steps_for_incident
from alerts.message import build_message
from alerts.notice import Notice
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
from tests.unit.alerts.conftest import SLOT, page_part
from tests.worlds.incidents import facts_of_a_release

Make = Callable[..., ReleaseFacts]
AFTER_SLOT = SLOT + timedelta(minutes=1, seconds=1)
HOUR = timedelta(hours=1)


def notice_kinds(decision: Decision) -> list[str]:
    return [notice.kind for notice in decision.notices]


def incident_of(decision: Decision) -> Incident:
    assert decision.incident is not None
    return decision.incident


def incident_opened_by(facts: ReleaseFacts) -> Incident:
    return incident_of(decide(facts, known=None, now=facts.at))


def test_lead_never_joins_what_is_measured_of_its_release(make_facts: Make) -> None:
    """It has an incident of its own, whatever else is late or was early."""
    sheet = PartVerdict("sheet", "data", "", required=True, verdict=VerdictKind.OVERDUE)
    page = page_part(VerdictKind.ON_TIME)
    exposure = Exposure("page", Interval(SLOT - HOUR), Interval(), Bounds(), open=True)
    exposed = replace(page, exposures=(exposure,))
    partial = make_facts(AFTER_SLOT, verdict=VerdictKind.OVERDUE, parts=(page, sheet))
    assert incident_opened_by(partial).kind is IncidentKind.PARTIAL
    hint = Finding(LEAD, None, "a page under its title without content")
    for facts in (partial, replace(partial, parts=(exposed, sheet))):
        of_lead = incident_opened_by(replace(facts, verdict=LEAD, findings=(hint,)))
        assert of_lead.kind is IncidentKind.LEAD
        assert of_lead.id != incident_opened_by(partial).id
        another = replace(of_lead.facts, findings=(hint, replace(hint, detail="another page")))
        decision = decide(another, of_lead, AFTER_SLOT + HOUR)
        (notice,) = decision.notices
        assert (notice.kind, notice.findings) == ("new_finding", ("lead",))


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


def test_page_found_with_an_unproven_verdict_is_reported_once(make_facts: Make) -> None:
    """The page is not found at first. Then it is out, perhaps late: a notice says that. Five
    minutes after the slot, that is settled, and there is nothing to add.
    """
    not_found_yet = Due("page", seconds=61, got="404", looks=61, is_confirming=True)
    incident = incident_opened_by(make_facts(AFTER_SLOT, due=not_found_yet))
    page = page_part(VerdictKind.UNPROVEN, released=Interval(SLOT, AFTER_SLOT))
    facts = make_facts(AFTER_SLOT, verdict=VerdictKind.UNPROVEN, parts=(page,))
    first = decide(facts, incident, AFTER_SLOT)
    assert [notice.kind for notice in first.notices] == ["appeared"]
    later = SLOT + timedelta(minutes=5)
    second = decide(replace(facts, at=later), first.incident, later)
    assert second.incident is not None
    assert second.incident.kind is IncidentKind.UNPROVEN
    assert second.notices == ()


@pytest.mark.parametrize(("minutes_late", "kinds"), [(9, []), (11, ["reopened"])])
def test_only_a_page_that_came_after_the_close_reopens_a_late_release(
    make_facts: Make, minutes_late: int, kinds: list[str]
) -> None:
    """It closes after 10 minutes. That users can get the page is proved later."""
    overdue = page_part(VerdictKind.OVERDUE)
    incident = incident_opened_by(make_facts(AFTER_SLOT, verdict=overdue.verdict, parts=(overdue,)))
    closed = replace(incident, closed=SLOT + timedelta(minutes=10))
    came = Interval(SLOT, SLOT + timedelta(minutes=minutes_late))
    page = page_part(VerdictKind.LATE, first_seen=came, released=came, users_delay=Bounds(0, 900))
    later = SLOT + timedelta(minutes=15)
    facts = make_facts(later, verdict=page.verdict, parts=(page,), final=True)
    assert [notice.kind for notice in decide(facts, closed, later).notices] == kinds


def test_notice_of_a_page_that_came_and_went_says_how_often(public_early: Make) -> None:
    over = public_early("page", is_open=False)
    (page,) = over.parts
    twice = replace(over, parts=(replace(page, exposures=page.exposures * 2),))
    decision = decide(twice, known=None, now=twice.at)
    assert ", one of 2 times" in build_message(decision.notices[0], decision.incident).subject


def test_notice_of_two_files_public_at_different_times_tells_of_the_longer_one(
    public_early: Make,
) -> None:
    short = public_early("annex", is_open=False)
    (annex,) = short.parts
    exposure = replace(annex.exposures[0], seconds=Bounds(100, 140))
    annex = replace(annex, exposures=(exposure,))
    (sheet,) = public_early("sheet", is_open=False, begins=SLOT - HOUR).parts
    facts = replace(short, parts=(annex, sheet), at=SLOT)
    decision = decide(facts, known=None, now=facts.at)
    subject = build_message(decision.notices[0], decision.incident).subject
    assert "was public for 25 min to 35 min" in subject
    assert ", one of 2 times" in subject


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


def test_wrong_file_is_there_only_at_the_address_where_it_was_found() -> None:
    """It says itself that it is another release's, and was still there when last looked at."""
    sheet = replace(
        page_part(VerdictKind.LATE), id="sheet", role="data", url="https://x.example/a.ods"
    )
    wrong = Finding(
        FindingKind.WRONG_CONTENT, "sheet", seconds=Bounds(600, None), instead="Weekly deaths"
    )
    facts = facts_of_a_release(parts=(page_part(VerdictKind.LATE), sheet), findings=(wrong,))
    assert [is_wrong_file_there(facts, part) for part in facts.parts] == [False, True]
