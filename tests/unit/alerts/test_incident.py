from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import Decision, Entry, Incident, Kind, find_incident_kind, find_known_incident
from alerts.message import build_message
from alerts.notice import thread_id
from alerts.platform import make_reminder
from schedules.contract.verdict import LEAD, Exposure, Finding, Grade, PartVerdict, VerdictKind
from schedules.contract.verdict import Kind as FindingKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.conftest import page_part
from tests.worlds.incidents import facts_of_a_release

Make = Callable[..., ReleaseFacts]
SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
LATER = SLOT + timedelta(minutes=1, seconds=1)


def notice_kinds(decision: Decision) -> list[str]:
    return [notice.kind for notice in decision.notices]


def incident_of(decision: Decision) -> Incident:
    assert decision.incident is not None
    return decision.incident


def open_incident(facts: ReleaseFacts) -> Incident:
    return incident_of(decide(facts, None, facts.at))


@pytest.mark.parametrize("verdict", ["pending", "on_time", "cancelled", "moved"])
def test_a_release_without_a_breach_opens_no_incident(make_facts: Make, verdict: str) -> None:
    assert decide(make_facts(LATER, verdict=verdict, final=True), None, LATER) == Decision()


@pytest.mark.parametrize("finding", ["elsewhere_first", "corrected", "blind", "clock_fault", "stale_edge"])
def test_a_finding_without_a_breach_opens_no_incident(make_facts: Make, finding: str) -> None:
    on_time = make_facts(LATER, verdict=VerdictKind.ON_TIME, findings=(Finding(finding),))
    assert decide(on_time, None, LATER) == Decision()


def test_a_release_that_is_overdue_opens_one_incident_with_a_draft(overdue_by_seconds: Make) -> None:
    decision = decide(overdue_by_seconds(61), None, LATER)
    assert decision.incident is not None
    assert decision.incident.id == "malpractice-2017-2018-01-05"
    assert (decision.incident.kind, decision.incident.grade, decision.draft) == (Kind.LATE, "note", True)
    assert decision.incident.occurred == SLOT
    assert notice_kinds(decision) == ["opened"]
    assert decision.notices[0].follows == ""


def test_the_same_facts_twice_change_nothing(overdue_by_seconds: Make) -> None:
    incident = open_incident(overdue_by_seconds(61))
    again = decide(overdue_by_seconds(61), incident, LATER + timedelta(seconds=5))
    assert again == Decision(incident, (), draft=False)


def test_a_growing_delay_is_recorded_without_a_notice(overdue_by_seconds: Make) -> None:
    decision = decide(overdue_by_seconds(90), open_incident(overdue_by_seconds(61)), LATER)
    assert incident_of(decision).facts == overdue_by_seconds(90)
    assert (decision.notices, decision.draft) == ((), False)


def test_a_note_that_becomes_a_report_gets_a_notice_in_its_thread(overdue_by_seconds: Make) -> None:
    decision = decide(overdue_by_seconds(301), open_incident(overdue_by_seconds(61)), SLOT + timedelta(seconds=301))
    assert notice_kinds(decision) == ["grade_changed"]
    assert decision.notices[0].follows == thread_id("malpractice-2017-2018-01-05")
    assert (incident_of(decision).grade, decision.draft) == ("report", True)


def test_a_falling_grade_is_recorded_without_a_notice(overdue_by_seconds: Make, late_by_seconds: Make) -> None:
    incident = open_incident(overdue_by_seconds(301))
    decision = decide(late_by_seconds(100), incident, SLOT + timedelta(hours=1))
    assert incident_of(decision).grade == "report"
    assert "grade_changed" not in notice_kinds(decision)
    assert any("measured grade is now note" in entry.text for entry in incident_of(decision).timeline)


def test_people_are_notified_once_when_the_page_is_out(overdue_by_seconds: Make, late_by_seconds: Make) -> None:
    out = decide(late_by_seconds(10140), open_incident(overdue_by_seconds(400)), LATER)
    assert notice_kinds(out) == ["appeared"]
    assert decide(late_by_seconds(10140), out.incident, LATER).notices == ()


def test_final_facts_close_the_incident_with_one_notice(overdue_by_seconds: Make, late_by_seconds: Make) -> None:
    done = decide(late_by_seconds(10140, final=True), open_incident(overdue_by_seconds(400)), LATER)
    assert notice_kinds(done) == ["final"]
    assert incident_of(done).closed == LATER
    assert decide(late_by_seconds(10140, final=True), done.incident, LATER).notices == ()


def test_an_unproven_release_that_is_proved_late_gets_one_notice(make_facts: Make, late_by_seconds: Make) -> None:
    doubt = decide(make_facts(LATER, verdict=VerdictKind.UNPROVEN), None, SLOT + timedelta(minutes=6))
    done = decide(late_by_seconds(700, final=True), doubt.incident, SLOT + timedelta(minutes=12))
    assert notice_kinds(done) == ["opened"]
    assert done.notices[0].subject.startswith("LATE: ")
    assert done.notices[0].grade == "report"
    assert done.draft


CALENDAR = Finding(FindingKind.SHORT_NOTICE, detail="moved to another time 1 day ahead")
A_LEAD = Finding(LEAD, detail="https://press.example/item")


LESSER: dict[str, dict[str, object]] = {
    "calendar": {"findings": (CALENDAR,)},
    "unproven": {"verdict": "unproven", "final": False},
    "lead": {"verdict": LEAD, "findings": (A_LEAD,)},
    "altered": {"findings": (Finding(FindingKind.WITHDRAWN, "page", "taken away", Bounds(70, None), LATER),)},
}
"""Facts that open an incident which is no breach."""


@pytest.mark.parametrize(
    ("lesser", "is_taken_over"), [("calendar", True), ("unproven", True), ("lead", False), ("altered", False)]
)
def test_a_first_breach_closes_a_calendar_or_unproven_incident_and_leaves_a_lead_or_altered_one_open(
    make_facts: Make, overdue_by_seconds: Make, lesser: str, *, is_taken_over: bool
) -> None:
    now = SLOT + timedelta(minutes=7)
    before = incident_of(decide(make_facts(LATER, **LESSER[lesser]), None, now - timedelta(minutes=1)))
    decision = decide(overdue_by_seconds(400), before, now)
    closed = decision.superseded
    if is_taken_over:
        assert closed is not None
        assert (closed.id, closed.closed) == (before.id, now)
        assert closed.timeline[-1].text == f"taken over by {incident_of(decision).id}"
    else:
        assert closed is None


@pytest.mark.parametrize("lesser_facts", LESSER.values(), ids=LESSER)
@pytest.mark.parametrize("breach", ["late", "early"])
def test_a_first_breach_after_a_lesser_incident_is_notified_and_drafted_as_a_new_incident(
    make_facts: Make, overdue_by_seconds: Make, public_early: Make, lesser_facts: dict[str, object], breach: str
) -> None:
    now = SLOT + timedelta(minutes=7)
    lesser = incident_of(decide(make_facts(LATER, **lesser_facts), None, now - timedelta(minutes=1)))
    facts = overdue_by_seconds(400) if breach == "late" else public_early("page", is_open=True, begins=now)
    decision = decide(replace(facts, findings=(*facts.findings, A_LEAD)), lesser, now)
    (opening,) = decision.notices
    assert (opening.kind, opening.follows) == ("opened", "")
    assert opening.subject.startswith(f"{breach.upper()}: ")
    assert "graver" not in opening.subject
    assert (incident_of(decision).opened, incident_of(decision).acknowledged) == (now, None)
    assert decision.draft
    assert find_known_incident([lesser, incident_of(decision)], "malpractice-2017") == decision.incident


def test_three_incidents_of_one_release_have_different_ids(make_facts: Make, overdue_by_seconds: Make) -> None:
    calendar = open_incident(make_facts(SLOT, findings=(CALENDAR,)))
    doubt = decide(
        make_facts(LATER, verdict=VerdictKind.UNPROVEN, findings=(CALENDAR,)), calendar, SLOT + timedelta(minutes=6)
    )
    assert doubt.incident is not None
    assert (notice_kinds(doubt), doubt.incident.kind) == (["unproven"], Kind.UNPROVEN)
    late = decide(
        overdue_by_seconds(500), doubt.incident, SLOT + timedelta(minutes=9), [calendar.id, doubt.incident.id]
    )
    assert len({calendar.id, doubt.incident.id, incident_of(late).id}) == 3


def test_no_notice_of_an_exposure_states_a_length_of_0_seconds(public_early: Make) -> None:
    begun = public_early("page", is_open=True)
    decision = decide(begun, None, begun.at)
    opening = build_message(decision.notices[0], decision.incident)
    assert opening.brief.startswith("EARLY: ")
    over = public_early("page", is_open=False)
    short = replace(over.parts[0].exposures[0], seconds=Bounds(0.2, 0.9))
    facts = replace(over, parts=(replace(over.parts[0], exposures=(short,)),))
    (closed,) = decide(facts, decision.incident, over.at).notices
    assert "was public for at most 1 s from" in closed.subject
    for text in (opening.brief, opening.text, build_message(closed, decision.incident).brief, closed.text):
        assert re.search(r"(?<![\d:])0 s\b", text) is None


def test_a_page_public_too_early_and_then_late_gets_a_notice_that_it_is_absent(public_early: Make) -> None:
    monday = public_early("page", is_open=False)
    late = Finding(FindingKind.LATE, "page", seconds=Bounds(400, None))
    decision = decide(replace(monday, findings=(*monday.findings, late)), open_incident(monday), LATER)
    assert notice_kinds(decision) == ["new_finding"]
    assert "still absent at 09:36:40 GMT" in decision.notices[0].subject


def test_an_incident_first_known_after_the_final_verdict_is_closed_at_once(late_by_seconds: Make) -> None:
    decision = decide(late_by_seconds(700, final=True), None, LATER)
    assert notice_kinds(decision) == ["opened"]
    assert incident_of(decision).closed == LATER


def test_an_exposure_gets_one_notice_when_it_begins_and_one_when_it_ends(public_early: Make) -> None:
    begun = decide(public_early("html", is_open=True), None, LATER)
    assert (incident_of(begun).kind, notice_kinds(begun)) == (Kind.EARLY, ["opened"])
    assert incident_of(begun).occurred == SLOT - timedelta(hours=40, minutes=30)
    over = decide(public_early("html", is_open=False), begun.incident, LATER)
    assert notice_kinds(over) == ["exposure_closed"]
    assert over.draft
    assert decide(public_early("html", is_open=False), over.incident, LATER).notices == ()


def test_a_file_exposed_after_its_page_gets_no_notice_of_its_own(public_early: Make) -> None:
    incident = open_incident(public_early("page", is_open=True))
    both = decide(public_early("page", "html", is_open=True), incident, LATER)
    assert both.notices == ()
    assert both.draft


def test_early_on_monday_and_late_on_wednesday_is_one_incident_with_both(
    public_early: Make, overdue_by_seconds: Make
) -> None:
    incident = open_incident(public_early("html", is_open=False))
    wednesday = overdue_by_seconds(400)
    monday = public_early("html", is_open=False)
    both = replace(wednesday, parts=(*wednesday.parts, *monday.parts), findings=(*wednesday.findings, *monday.findings))
    decision = decide(both, incident, LATER)
    assert notice_kinds(decision) == ["new_finding"]
    assert decision.notices[0].subject.startswith("LATE, new finding: ")
    assert (incident_of(decision).id, incident_of(decision).kind) == (incident.id, Kind.EARLY)


def test_a_new_fact_reopens_a_closed_incident(public_early: Make, late_by_seconds: Make) -> None:
    closed = replace(open_incident(public_early("html", is_open=False)), closed=LATER)
    late_too = late_by_seconds(700)
    both = replace(late_too, parts=(*late_too.parts, *public_early("html", is_open=False).parts))
    decision = decide(both, closed, LATER + timedelta(hours=1))
    assert notice_kinds(decision) == ["reopened"]
    assert incident_of(decision).closed is None


def test_an_unproven_release_gets_a_notice_without_a_draft_after_5_minutes(make_facts: Make) -> None:
    blind = make_facts(LATER, verdict=VerdictKind.UNPROVEN, unproven_because="no usable look from 09:29 to 09:36")
    assert decide(blind, None, SLOT + timedelta(minutes=4)) == Decision()
    after_5_minutes = decide(blind, None, SLOT + timedelta(minutes=5))
    unproven = incident_of(after_5_minutes)
    assert (unproven.kind, unproven.grade) == ("unproven", "none")
    assert (notice_kinds(after_5_minutes), after_5_minutes.draft) == (["unproven"], False)


def test_a_final_unproven_verdict_gets_a_notice_at_once(make_facts: Make) -> None:
    assert notice_kinds(decide(make_facts(LATER, verdict=VerdictKind.UNPROVEN, final=True), None, LATER)) == [
        "unproven"
    ]


def test_an_unproven_release_that_proves_on_time_gets_a_final_notice(make_facts: Make) -> None:
    doubt = decide(make_facts(LATER, verdict=VerdictKind.UNPROVEN), None, SLOT + timedelta(minutes=6))
    done = decide(make_facts(LATER, verdict=VerdictKind.ON_TIME, final=True), doubt.incident, SLOT + timedelta(hours=1))
    assert notice_kinds(done) == ["final"]
    assert "came out on time" in done.notices[0].subject


@pytest.mark.parametrize("finding", ["calendars_disagree", "short_notice"])
def test_a_finding_about_calendars_gives_a_notice_without_a_draft(make_facts: Make, finding: str) -> None:
    at = SLOT - timedelta(days=3)
    decision = decide(make_facts(at, findings=(Finding(finding),)), None, at)
    assert (notice_kinds(decision), decision.draft) == (["calendar"], False)
    done = decide(make_facts(LATER, verdict=VerdictKind.ON_TIME, final=True), decision.incident, LATER)
    assert done.notices == ()
    assert incident_of(done).closed == LATER


def test_a_lead_gets_no_draft_and_a_verdict_of_on_time_does_not_close_it(make_facts: Make) -> None:
    at = datetime(2018, 1, 1, 22, tzinfo=UTC)
    lead = decide(
        make_facts(at, verdict=LEAD, findings=(Finding(LEAD, detail="https://press.example/item"),)), None, at
    )
    assert (notice_kinds(lead), lead.draft) == (["lead"], False)
    assert incident_of(lead).id == "malpractice-2017-lead-2018-01-01"
    assert decide(make_facts(LATER, verdict=VerdictKind.ON_TIME, final=True), lead.incident, LATER) == Decision()


def test_a_second_lead_is_notified_as_a_new_finding(make_facts: Make) -> None:
    first = (Finding(LEAD, detail="https://press.example/1"),)
    incident = open_incident(make_facts(verdict=LEAD, findings=first))
    second = make_facts(verdict=LEAD, findings=(*first, Finding(LEAD, detail="https://press.example/2")))
    assert notice_kinds(decide(second, incident, LATER)) == ["new_finding"]


def test_a_lateness_beside_a_lead_is_an_incident_of_its_own(make_facts: Make, overdue_by_seconds: Make) -> None:
    lead = open_incident(make_facts(verdict=LEAD, findings=(Finding(LEAD, detail="https://press.example/1"),)))
    decision = decide(overdue_by_seconds(61), lead, LATER)
    assert notice_kinds(decision) == ["opened"]
    assert decision.incident is not None
    assert find_known_incident([lead, decision.incident], "malpractice-2017") == decision.incident


def released_with(make_facts: Make, *findings: Finding, **more: object) -> ReleaseFacts:
    roles = {"page": "page", "sheet": "data", "news": "alternative"}
    parts = tuple(
        PartVerdict(name, role, f"https://a.example/{name}", required=True, verdict=VerdictKind.ON_TIME)
        for name, role in roles.items()
    )
    return make_facts(LATER, verdict=VerdictKind.ON_TIME, final=True, parts=parts, findings=findings, **more)


def removal_of(part: str = "page", removed_at_minute: float = 60, back_within_seconds: float | None = None) -> Finding:
    return Finding(
        FindingKind.WITHDRAWN,
        part,
        "taken away",
        Bounds(70, back_within_seconds),
        SLOT + timedelta(minutes=removed_at_minute),
    )


SWAPPED = Finding(FindingKind.SWAPPED, "sheet", "its bytes changed")


@pytest.mark.parametrize("finding", [removal_of(), SWAPPED])
def test_a_removal_or_swap_after_the_release_gets_an_altered_notice_without_a_draft(
    make_facts: Make, finding: Finding
) -> None:
    decision = decide(released_with(make_facts, finding), None, LATER)
    assert (notice_kinds(decision), decision.draft) == (["altered"], False)
    assert (incident_of(decision).grade, incident_of(decision).closed) == ("none", None)
    (notice,) = decision.notices
    assert notice.findings == tuple(sorted(("altered", finding.kind)))
    assert finding.detail in notice.text
    assert decide(released_with(make_facts, finding), decision.incident, LATER).notices == ()


def test_a_notice_says_that_removed_content_is_back(make_facts: Make) -> None:
    incident = open_incident(released_with(make_facts, removal_of()))
    back = decide(released_with(make_facts, removal_of(back_within_seconds=200)), incident, LATER)
    assert notice_kinds(back) == ["back"]
    assert back.notices[0].follows == thread_id(incident.id)
    assert "is back (announced page)" in back.notices[0].subject


def test_a_page_and_its_file_removed_together_give_one_notice_and_a_second_removal_another(make_facts: Make) -> None:
    incident = open_incident(released_with(make_facts, removal_of()))
    both = decide(released_with(make_facts, removal_of(), removal_of("sheet", removed_at_minute=119)), incident, LATER)
    assert both.notices == ()
    assert both.incident is not None
    page_back, file_back = removal_of(back_within_seconds=300), removal_of("sheet", 119, back_within_seconds=300)
    twice = released_with(make_facts, page_back, file_back, removal_of("page", removed_at_minute=130))
    assert notice_kinds(decide(twice, both.incident, LATER)) == ["back", "new_finding"]


def test_a_removal_at_an_alternative_or_guessed_address_gets_no_notice(make_facts: Make) -> None:
    assert decide(released_with(make_facts, removal_of("news"), removal_of("expected-1")), None, LATER) == Decision()


def test_a_second_swap_of_a_release_gets_no_notice(make_facts: Make) -> None:
    incident = open_incident(released_with(make_facts, SWAPPED))
    assert decide(released_with(make_facts, SWAPPED, SWAPPED), incident, LATER).notices == ()


def test_a_late_incident_that_a_withdrawal_reopens_is_called_altered_in_its_thread(
    make_facts: Make, late_by_seconds: Make
) -> None:
    closed = decide(late_by_seconds(400, final=True), None, LATER).incident
    assert closed is not None
    facts_now = replace(late_by_seconds(400, final=True), findings=(*late_by_seconds(400).findings, removal_of()))
    decision = decide(facts_now, closed, LATER)
    (notice,) = decision.notices
    assert (notice.kind, notice.follows) == ("reopened", thread_id(closed.id))
    # A route that silences `withdrawn` silences this notice, and one for `late` does not send it.
    assert notice.findings == ("altered", "withdrawn")
    assert (incident_of(decision).kind, incident_of(decision).closed) == (Kind.LATE, LATER)


def test_a_late_notice_after_a_withdrawal_does_not_name_the_withdrawal(
    make_facts: Make, overdue_by_seconds: Make
) -> None:
    incident = open_incident(released_with(make_facts, removal_of()))
    decision = decide(
        replace(overdue_by_seconds(400), findings=(*overdue_by_seconds(400).findings, removal_of())), incident, LATER
    )
    assert notice_kinds(decision) == ["opened"]
    assert decision.notices[0].findings == ("late",)
    assert decision.draft


def test_a_page_in_time_with_a_late_file_is_partial(make_facts: Make) -> None:
    page = page_part(VerdictKind.ON_TIME)
    sheet = page_part(VerdictKind.OVERDUE, id="sheet", role="data", delay=Bounds(61, None))
    facts = make_facts(LATER, verdict=VerdictKind.OVERDUE, grade=Grade.NOTE, parts=(page, sheet))
    decision = decide(facts, None, LATER)
    assert incident_of(decision).kind == Kind.PARTIAL
    assert "1 of 2 parts late, still absent at 09:31:01 GMT (sheet)" in decision.notices[0].subject


def test_the_findings_of_a_notice_begin_with_the_one_that_opened_it(make_facts: Make, overdue_by_seconds: Make) -> None:
    late = overdue_by_seconds(61)
    sudden = replace(
        late, findings=(Finding(FindingKind.CALENDARS_DISAGREE), Finding(FindingKind.ELSEWHERE_FIRST), *late.findings)
    )
    (opened,) = decide(sudden, None, sudden.at).notices
    assert opened.findings == ("late", "calendars_disagree", "elsewhere_first")
    stale = make_facts(
        LATER, verdict=VerdictKind.ON_TIME, grade=Grade.REPORT, findings=(Finding(FindingKind.STALE_EDGE, "page"),)
    )
    (opened,) = decide(stale, None, LATER).notices
    assert opened.findings == ("stale_edge", "late")


def test_a_stale_edge_that_kept_users_waiting_opens_a_late_incident(make_facts: Make) -> None:
    stale = make_facts(
        LATER, verdict=VerdictKind.ON_TIME, grade=Grade.REPORT, findings=(Finding(FindingKind.STALE_EDGE, "page"),)
    )
    assert find_incident_kind(stale, LATER) == Kind.LATE


def test_an_incident_without_an_announced_time_occurs_when_it_is_found(make_facts: Make) -> None:
    monthly = {"slot": None, "slot_text": "December 2017"}
    late = make_facts(LATER, verdict="late", grade="report", parts=(page_part(VerdictKind.LATE),), **monthly)
    assert open_incident(late).occurred == LATER


def test_reminders_are_repeated_until_the_incident_is_acknowledged(overdue_by_seconds: Make) -> None:
    incident, spacing = open_incident(overdue_by_seconds(400)), timedelta(minutes=10)
    start = incident.opened
    assert make_reminder(incident, start + timedelta(minutes=9), spacing, spacing) is None
    times = [start + timedelta(minutes=minutes) for minutes in range(10, 90, 5)]
    reminders = [make_reminder(incident, at, spacing, spacing) for at in times]
    assert len({reminder.id for reminder in reminders if reminder is not None}) == 8
    acknowledged = incident.with_entries(Entry(start, "on call", "acknowledged"))
    assert make_reminder(acknowledged, start + timedelta(hours=1), spacing, spacing) is None


def test_an_incident_of_grade_note_gets_no_reminder(overdue_by_seconds: Make) -> None:
    assert (
        make_reminder(
            open_incident(overdue_by_seconds(61)), LATER + timedelta(hours=5), timedelta(minutes=10), timedelta()
        )
        is None
    )


STORY = st.lists(
    st.tuples(
        st.sampled_from(["pending", "overdue", "late", "early", "unproven", "on_time", "not_published"]),
        st.sampled_from(["none", "note", "report"]),
        st.booleans(),
        st.sampled_from(["nothing", "open", "over"]),
    ),
    max_size=8,
)


def facts_of_chapter(chapter: tuple[str, str, bool, str], at: datetime) -> ReleaseFacts:
    verdict, grade, final, exposed = chapter
    start = Interval(SLOT - timedelta(hours=2), SLOT - timedelta(hours=1))
    exposure = Exposure("page", start, Interval(SLOT, SLOT), Bounds(3600, 7200), open=exposed == "open")
    exposures = () if exposed == "nothing" else (exposure,)
    page = page_part(verdict, delay=Bounds(400, None), exposures=exposures)
    return facts_of_a_release(verdict=verdict, grade=grade, final=final, at=at, parts=(page,), findings=())


@given(story=STORY)
def test_any_sequence_of_findings_notifies_each_fact_once_in_the_thread_of_its_incident(
    story: list[tuple[str, str, bool, str]],
) -> None:
    known: Incident | None = None
    openings: list[str] = []
    threads: set[str] = set()
    for minutes, chapter in enumerate(story, start=10):
        at = SLOT + timedelta(minutes=minutes)
        facts = facts_of_chapter(chapter, at)
        decision = decide(facts, known, at)
        # The same facts give no second notice.
        assert decide(facts, decision.incident, at + timedelta(seconds=1)).notices == ()
        assert decision.incident is not None or known is None
        is_same = known is not None and decision.incident is not None and known.id == decision.incident.id
        assert not is_same or known.grade == "none" or decision.incident.grade != "none"
        known = decision.incident
        threads |= {one.follows or one.id for one in decision.notices}
        openings += [notice.id for notice in decision.notices if not notice.follows]
    # An unproven release and a breach have a thread each.
    assert len(threads) <= 2
    assert len(openings) == len(set(openings)) <= 2
