"""A digest is one notice in place of the first notices of many incidents."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channel import Attachment
from alerts.decide import decide
from alerts.finding import BlindSpan, Certainty, ReleaseFacts
from alerts.incident import Incident
from alerts.message import build_message, fold_openings
from alerts.notice import Notice, notice_id
from alerts.notice_text import write_notice_subject
from alerts.status import describe_status, find_main_late_part, measure_breach
from schedules.contract.verdict import (
    LEAD,
    Elsewhere,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.conftest import page_part

Make = Callable[..., ReleaseFacts]
SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
AFTER_SLOT = SLOT + timedelta(seconds=61)


def incident_and_notice(
    facts: ReleaseFacts, known: Incident | None = None, now: datetime | None = None
) -> tuple[Incident, Notice]:
    decision = decide(facts, known, now or facts.at)
    assert decision.incident is not None
    return decision.incident, decision.notices[-1]


def notice_about(facts: ReleaseFacts, known: Incident | None = None) -> Notice:
    """Return the last notice about these facts, of a new incident or of a known one."""
    return incident_and_notice(facts, known)[1]


def test_subject_of_overdue_release_says_due_and_still_absent(overdue_by_seconds: Make) -> None:
    notice = notice_about(overdue_by_seconds(61))
    assert (
        notice.subject
        == "LATE: Malpractice for GCSE and A level: summer 2017 exam series (ofqual) due 09:30 GMT,"
        " still absent at 09:31:01 GMT"
    )


def late_part(name: str, minutes: int | None) -> PartVerdict:
    """Return a required part that was seen so many minutes after the slot; None: not yet."""
    part = replace(
        page_part(VerdictKind.OVERDUE), id=name, role="page" if name == "page" else "data"
    )
    if minutes is None:
        return replace(part, delay=Bounds(60, None))
    seen = Interval(
        SLOT + timedelta(minutes=minutes, seconds=-5), SLOT + timedelta(minutes=minutes)
    )
    delay = Bounds(60 * minutes - 5, 60 * minutes)
    return replace(part, verdict=VerdictKind.LATE, first_seen=seen, released=seen, delay=delay)


@pytest.mark.parametrize(
    ("minutes", "main"),
    [
        ({"page": 5, "tables": 13, "map": 12}, "tables"),
        ({"page": 13, "tables": 13}, "page"),
        ({"page": 13, "tables": None}, "tables"),
        ({"page": None, "tables": None}, "page"),
    ],
)
def test_notices_lead_with_the_part_that_is_late_for_longest(
    make_facts: Make, minutes: dict[str, int | None], main: str
) -> None:
    parts = tuple(late_part(name, late) for name, late in minutes.items())
    found = find_main_late_part(make_facts(AFTER_SLOT, parts=parts))
    assert found is not None
    assert found[0].id == main


def test_alternative_that_no_one_promised_is_never_called_late(make_facts: Make) -> None:
    news = replace(late_part("news", 21), role="alternative", required=False)
    facts = make_facts(
        AFTER_SLOT, verdict=VerdictKind.OVERDUE, parts=(late_part("page", None), news)
    )
    (line,) = (one for one in notice_about(facts).text.splitlines() if "address (news)" in one)
    assert "late" not in line
    assert line.endswith("20 min 55 s to 21 min after the slot")


def test_exposure_of_one_part_names_it(public_early: Make) -> None:
    assert "(HTML version)" in notice_about(public_early("html", is_open=True)).subject
    assert "(page)" not in notice_about(public_early("page", is_open=True)).subject


def test_absence_at_a_guessed_address_is_called_not_found_yet(overdue_by_seconds: Make) -> None:
    """If the address was guessed, the page may be elsewhere. So it is not called absent."""
    facts = overdue_by_seconds(61)
    (page,) = facts.parts
    notice = notice_about(replace(facts, parts=(replace(page, address="guessed"),)))
    assert notice.subject.endswith("due 09:30 GMT, not found yet, as of 09:31:01 GMT")


@pytest.mark.parametrize(
    ("users_delay", "ending"),
    [
        (Bounds(388, 392), "late, users could get it 6 min 28 s to 6 min 32 s late"),
        (Bounds(303, None), "late, users still could not get it at 09:35:03 GMT"),
        (Bounds(90, None), "1 min 30 s to 1 min 31 s late"),
        (Bounds(90, 91), "1 min 30 s to 1 min 31 s late"),
    ],
    ids=["old copy removed", "old copy still served", "users not checked yet", "same as publisher"],
)
def test_a_late_subject_states_the_delay_of_users(
    late_by_seconds: Make, users_delay: Bounds, ending: str
) -> None:
    """The page came out 90 to 91 s late. `users_delay` is how late users got it, because a cache
    kept an old copy. For example, with 388 to 392 s the subject ends with “users could get it 6 min
    28 s to 6 min 32 s late”.
    """
    facts = late_by_seconds(90)
    (page,) = facts.parts
    assert page.delay == Bounds(90, 91)
    notice = notice_about(replace(facts, parts=(replace(page, users_delay=users_delay),)))
    assert notice.subject.endswith(ending)


def test_a_late_subject_states_both_bounds_of_the_delay(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """The page was due at 09:30 and was still absent 400 s later: the first notice. It was last
    absent at 10:07:45, after 37 min 45 s, and seen at 10:07:46.
    """
    incident, _ = incident_and_notice(overdue_by_seconds(400))
    notice = notice_about(late_by_seconds(37 * 60 + 45), incident)
    assert notice.subject.endswith(
        "first seen between 10:07:45 and 10:07:46 GMT, 37 min 45 s to 37 min 46 s late"
    )
    assert notice.subject.startswith("OUT NOW, 37 min late: ")


def test_notice_names_day_of_a_slot_that_is_not_today(public_early: Make) -> None:
    two_days_before = datetime(2018, 1, 3, 17, tzinfo=UTC)
    notice = notice_about(public_early("html", is_open=True, begins=two_days_before))
    assert notice.subject.startswith("EARLY: ")
    assert notice.subject.endswith(
        "due 5 January 09:30 GMT, public since 17:00 GMT (HTML version), not seen removed yet"
    )


def test_subject_of_closed_exposure_states_both_bounds_of_length(public_early: Make) -> None:
    incident, _ = incident_and_notice(public_early("html", "page", is_open=True))
    notice = notice_about(public_early("html", "page", is_open=False), incident)
    # It appeared between 16:55 and 17:00, and was removed between 17:25 and 17:30.
    assert notice.subject.endswith(
        "was public for 25 min to 35 min from 17:00 GMT (HTML version and announced page)"
    )


@pytest.mark.parametrize(
    ("exposed", "other", "name"),
    [("tables", "sheet", "data tables"), ("annex", "sheet", "data file annex")],
)
def test_early_subject_names_the_part_as_users_do(
    public_early: Make, exposed: str, other: str, name: str
) -> None:
    facts = public_early(exposed, is_open=True)
    part = replace(facts.parts[0], role="data")
    parts = (part, replace(part, id=other, exposures=()))
    assert f" ({name}), not seen removed" in notice_about(replace(facts, parts=parts)).subject


def test_notice_does_not_repeat_content_of_an_early_release(public_early: Make) -> None:
    """A notice goes to many people, who must not learn the content early."""
    facts = public_early("html", is_open=True)
    content = facts.findings[0].detail
    assert content
    incident, notice = incident_and_notice(facts)
    sent = build_message(notice, incident)
    assert content not in json.dumps(dict(sent.data)) + sent.text + sent.html + sent.subject


def test_a_summer_slot_is_written_in_british_summer_time(overdue_by_seconds: Make) -> None:
    slot = datetime(2018, 7, 5, 8, 30, tzinfo=UTC)
    in_summer = replace(overdue_by_seconds(61), slot=slot, at=slot + timedelta(seconds=61))
    notice = notice_about(in_summer)
    assert "due 09:30 BST, still absent at 09:31:01 BST" in notice.subject


def test_a_notice_names_producer_address_promise_delay_and_next_steps(
    overdue_by_seconds: Make,
) -> None:
    """The page is still absent 61 s after its slot.

    The slot was read in the calendar 35 days before, on 1 December.
    """
    incident, notice = incident_and_notice(overdue_by_seconds(61))
    for words in (
        "Producer: ofqual",
        "Address: https://www.gov.uk/government/statistics/malpractice",
        (
            "Promised: Friday 5 January 2018, 09:30 GMT (announced by govuk, first read on Friday 1"
            " December 2017)"
        ),
        "Measured so far, as of 09:31:01 GMT:",
        "at least 1 min 1 s after the slot",
        f"Incident: {incident.id}",
        "What to do now:",
    ):
        assert words in notice.text


def test_an_unproven_release_is_never_called_a_breach(make_facts: Make) -> None:
    """A release is unproven if no look shows whether it came out on time."""
    unproven = make_facts(SLOT + timedelta(minutes=6), verdict=VerdictKind.UNPROVEN)
    notice = notice_about(unproven)
    assert notice.subject.startswith("NOT PROVEN: ")
    assert "This is not a breach claim" in notice.text
    assert "draft" not in notice.text


def test_late_release_that_became_unproven_needs_no_report(make_facts: Make) -> None:
    late, _ = incident_and_notice(
        make_facts(SLOT + timedelta(minutes=3), verdict=VerdictKind.OVERDUE)
    )
    unproven = make_facts(SLOT + timedelta(minutes=5), verdict=VerdictKind.UNPROVEN, final=True)
    _, notice = incident_and_notice(unproven, late)
    assert notice.subject.startswith("NOT PROVEN, over")
    assert "Complete the draft of the report" not in notice.text


def test_unproven_notice_states_widest_gap_and_blind_spans(make_facts: Make) -> None:
    """A blind span is a time in which the monitor could not see, here 61 s from the slot at
    09:30.
    """
    blind = BlindSpan(SLOT, SLOT + timedelta(seconds=61), "monitor stopped")
    certainty = Certainty(looks=90, failed_looks=40, widest_gap=3.6, blind=(blind,))
    at = SLOT + timedelta(minutes=6)
    notice = notice_about(make_facts(at, verdict=VerdictKind.UNPROVEN, certainty=certainty))
    assert "looks that could tell whether the page was out: 3.6 s" in notice.text
    assert "Blind for 1 min 1 s from 09:30 GMT: monitor stopped" in notice.text


def test_page_in_place_before_its_slot_is_not_called_published(make_facts: Make) -> None:
    seen = Interval(None, SLOT - timedelta(minutes=9))
    page = page_part(VerdictKind.UNPROVEN, first_seen=seen, released=seen, was_in_place=True)
    facts = make_facts(verdict=VerdictKind.UNPROVEN, parts=(page,))
    assert describe_status("unproven", facts, SLOT).endswith("; in place before its slot")


def test_change_of_what_was_in_place_is_in_the_subject(make_facts: Make) -> None:
    changed = Interval(SLOT + timedelta(minutes=19, seconds=59), SLOT + timedelta(seconds=1230))
    page = page_part(VerdictKind.UNPROVEN, was_in_place=True, changed=changed)
    facts = make_facts(verdict=VerdictKind.UNPROVEN, parts=(page,))
    now = SLOT + timedelta(hours=1)
    assert describe_status("unproven", facts, now) == "changed between 09:49:59 and 09:50:30 GMT"


def test_unproven_notice_has_short_subject_and_reason_in_text(make_facts: Make) -> None:
    """The monitor was down from 09:24 to 09:46:30, so over the slot at 09:30."""
    down, up = SLOT.replace(minute=24), SLOT.replace(minute=46, second=30)
    seen = Interval(down, up + timedelta(seconds=11))
    page = page_part(VerdictKind.UNPROVEN, first_seen=seen, released=seen)
    long_reason = (
        "first seen between 09:24:00 and 09:46:41, which is after the slot as well as before it; "
        * 3
    )
    unproven = make_facts(
        SLOT + timedelta(minutes=20),
        verdict=VerdictKind.UNPROVEN,
        unproven_because=long_reason,
        certainty=Certainty(looks=90, blind=(BlindSpan(down, up, "killed"),)),
        parts=(page,),
    )
    notice = notice_about(unproven)
    # The subject has no seconds: 09:46:30 and 09:46:41 are rounded up.
    assert notice.subject.startswith(
        "NOT PROVEN: the monitor was down 09:24\N{EN DASH}09:47; published by 09:47. Check the"
        " publishing log."
    )
    assert len(notice.subject) <= 140
    assert f"why: {long_reason.strip()}" in notice.text


@pytest.mark.parametrize(
    ("findings", "cause"),
    [
        (
            (Finding(FindingKind.PROMISE_IN_DOUBT),),
            "its announced time is in doubt; not proved to be out",
        ),
        (
            (Finding(FindingKind.CALENDARS_DISAGREE),),
            "calendars disagree about its time; not proved to be out",
        ),
        (
            (Finding(FindingKind.CLOCK_FAULT),),
            "the monitor's clock was in doubt; not proved to be out",
        ),
        ((), "no look proves when it came out; not proved to be out"),
    ],
)
def test_unproven_subject_names_cause_that_findings_show(
    make_facts: Make, findings: tuple[Finding, ...], cause: str
) -> None:
    """For example, with the finding that calendars disagree, the subject says so. Without a
    finding, it says that no look proves when the release came out.
    """
    unproven = make_facts(
        AFTER_SLOT,
        verdict=VerdictKind.UNPROVEN,
        findings=findings,
        unproven_because="too long for a subject",
    )
    subject = write_notice_subject(
        kind="unproven", reported_kind="unproven", facts=unproven, now=AFTER_SLOT
    )
    assert subject.startswith(
        f"NOT PROVEN: {cause}. Check the publishing log. Malpractice for GCSE"
    )


def test_an_alternative_that_was_not_seen_is_never_called_overdue(overdue_by_seconds: Make) -> None:
    """An alternative is another address at which users may find the release."""
    late = overdue_by_seconds(61)
    news = page_part(
        VerdictKind.OVERDUE, id="news", role="alternative", required=False, delay=Bounds(61, None)
    )
    notice = notice_about(replace(late, parts=(*late.parts, news)))
    assert "- Alternative address (news): not seen there\n" in notice.text


def test_notice_offers_an_alternative_only_until_the_page_is_out(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """The report was at another address (`elsewhere`) 20 to 21 s after the slot. The page is first
    overdue, and later out.
    """
    seen = Interval(SLOT + timedelta(seconds=20), SLOT + timedelta(seconds=21))
    elsewhere = (Elsewhere("report", "https://b.example", seen),)
    while_page_awaited = notice_about(replace(overdue_by_seconds(61), elsewhere=elsewhere))
    assert while_page_awaited.subject.endswith(
        "; report available at https://b.example since 09:30 GMT"
    )
    assert (
        "Users can get it now:\n- report available at https://b.example" in while_page_awaited.text
    )
    once_page_out = notice_about(replace(late_by_seconds(400), elsewhere=elsewhere))
    assert once_page_out.subject.endswith(
        "; report was available at https://b.example from 09:30 GMT"
    )
    assert "Users can get it now" not in once_page_out.text


def test_first_step_is_acknowledge_and_no_internal_term_is_shown(overdue_by_seconds: Make) -> None:
    notice = notice_about(overdue_by_seconds(61))
    assert (
        'What to do now:\n1. Acknowledge it ("I\'m on it"), so that no one else is called.\n2. Open'
        in notice.text
    )
    for words in ("findings:", "Rests on:", ": pending"):
        assert words not in notice.text


def test_notice_about_press_item_contains_its_address(make_facts: Make) -> None:
    """The item may be about a release that was public early (LEAD). A person must judge that."""
    press_item = Finding(LEAD, detail="https://press.example/item")
    notice = notice_about(make_facts(verdict=LEAD, findings=(press_item,)))
    assert "\n  https://press.example/item" in notice.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [("calendars_disagree", "calendars disagree"), ("short_notice", "at short notice")],
)
def test_a_calendar_notice_says_what_is_wrong_with_the_calendars(
    make_facts: Make, kind: str, words: str
) -> None:
    """For example, a notice about the finding `short_notice` says “at short notice”."""
    notice = notice_about(make_facts(findings=(Finding(kind, detail="govuk 09:30, ons 07:00"),)))
    assert words in notice.subject
    assert "govuk 09:30, ons 07:00" in notice.text


def test_release_that_a_cache_hid_at_unknown_times_has_no_length(make_facts: Make) -> None:
    hidden = make_facts(
        AFTER_SLOT,
        verdict=VerdictKind.ON_TIME,
        grade=Grade.REPORT,
        parts=(page_part(VerdictKind.ON_TIME),),
        findings=(Finding(FindingKind.STALE_EDGE, "page"),),
    )
    assert measure_breach(hidden, AFTER_SLOT) is None


def test_slot_of_only_a_month_is_written_as_announced(make_facts: Make) -> None:
    """The page was never seen until the watch ended."""
    page = page_part(VerdictKind.NOT_PUBLISHED, delay=Bounds(None, None))
    never_seen = make_facts(verdict=VerdictKind.NOT_PUBLISHED, grade=Grade.REPORT, parts=(page,))
    watch_ended = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
    month_only = replace(never_seen, slot=None, slot_text="December 2017", at=watch_ended)
    notice = notice_about(month_only)
    assert "due December 2017, never seen; the watch ended 09:30 GMT" in notice.subject


def test_subject_for_long_title_with_line_breaks_is_one_line(overdue_by_seconds: Make) -> None:
    title = "Malpractice\r\nBcc: all@example.org " + "x" * 300
    notice = notice_about(replace(overdue_by_seconds(61), title=title))
    assert not {"\n", "\r"} & {*notice.subject}
    assert len(notice.subject) < 200


def test_ids_of_notices_never_change() -> None:
    assert (
        notice_id("malpractice-2017-2018-01-05", "opened", "thread")
        == "788766d3e03f2a8de96005c3593b6104"
    )


def test_a_message_contains_the_notice_as_text_html_and_json(overdue_by_seconds: Make) -> None:
    incident, notice = incident_and_notice(overdue_by_seconds(61))
    draft = Attachment("draft.docx", "application/octet-stream", b"x")
    sent = build_message(
        notice, incident, [draft], link="https://watch.example/incidents/1?a=1&b=2"
    )
    assert (sent.id, sent.notice, sent.kind) == (notice.id, notice.id, "opened")
    assert "Draft attached: draft.docx" in sent.text
    assert "https://watch.example/incidents/1?a=1&amp;b=2" in sent.html
    assert sent.data["schema"] == "ninethirty.notice/1"
    assert sent.data["at"] == "2018-01-05T09:31:01.000Z"
    assert sent.data["measured"]["parts"][0]["delay"] == {"min": 61, "max": None}
    assert json.loads(json.dumps(dict(sent.data))) == sent.data


def test_a_follow_up_shares_the_thread_of_its_opening(overdue_by_seconds: Make) -> None:
    incident, opening = incident_and_notice(overdue_by_seconds(61))
    graver_incident, follow_up = incident_and_notice(overdue_by_seconds(301), incident)
    assert build_message(follow_up, graver_incident).notice == build_message(opening, incident).id


def make_openings(
    overdue_by_seconds: Make, *, releases: int, producers: Sequence[str]
) -> list[Notice]:
    """Return the opening notices of so many overdue releases, of these producers in turn."""
    facts = overdue_by_seconds(61)
    openings: list[Notice] = []
    for number in range(releases):
        producer = producers[number % len(producers)]
        opening = notice_about(replace(facts, release=f"r{number}", producer=producer))
        openings.append(opening)
    return openings


def test_openings_below_the_threshold_are_not_folded_into_a_digest(
    overdue_by_seconds: Make,
) -> None:
    openings = make_openings(overdue_by_seconds, releases=4, producers=["p0"])
    assert fold_openings(openings, AFTER_SLOT, threshold=5) is None


def test_openings_above_the_threshold_are_folded_into_one_digest(overdue_by_seconds: Make) -> None:
    openings = make_openings(overdue_by_seconds, releases=6, producers=["p0", "p1"])
    digest = fold_openings(openings, AFTER_SLOT, threshold=5)
    assert digest is not None
    assert set(digest.covers) == {opening.id for opening in openings}
    assert digest.notice.subject == "6 RELEASES of 2 producers in trouble together: p0, p1"
    # No release has the finding that the platform is at fault.
    assert "platform" not in digest.notice.findings


def test_openings_in_another_order_become_the_same_digest(overdue_by_seconds: Make) -> None:
    openings = make_openings(overdue_by_seconds, releases=6, producers=["p0", "p1"])
    digest = fold_openings(openings, AFTER_SLOT, threshold=5)
    assert fold_openings(list(reversed(openings)), AFTER_SLOT, threshold=5) == digest


def test_the_message_of_a_digest_belongs_to_no_single_incident(overdue_by_seconds: Make) -> None:
    openings = make_openings(overdue_by_seconds, releases=6, producers=["p0", "p1"])
    digest = fold_openings(openings, AFTER_SLOT, threshold=5)
    assert digest is not None
    assert build_message(digest.notice, incident=None).data["incident"] is None


def test_a_digest_names_producers_by_their_display_names(
    overdue_by_seconds: Callable[[float], ReleaseFacts],
) -> None:
    """Here six releases of two producers."""
    openings = make_openings(overdue_by_seconds, releases=6, producers=["p0", "p1"])
    digest = fold_openings(
        openings,
        AFTER_SLOT,
        threshold=5,
        name_of={"p0": "Office of A", "p1": "B Agency"}.__getitem__,
    )
    assert digest is not None
    assert digest.notice.subject.endswith("in trouble together: Office of A, B Agency")
