from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

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
    Ended,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
    Readings,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field, text_of_field
from tests.worlds.published import at, between, length_between

FORMS = [name for name in load_forms() if name != "period"]


class PartRow(NamedTuple):
    """What the table of parts says of one part."""

    name: str
    first_seen: str
    delay: str
    public_early: str


NONE_RECORDED = (
    "The monitor has recorded no earlier incident of this release, producer or platform."
)


def note_of(incident: Incident, previous: list[Incident] | None = None) -> Report:
    now = incident.facts.at if incident.facts else incident.opened
    return draft_of(incident, "note", now=now, previous=previous or [])


def cites_no_earlier_incident(report: Report) -> bool:
    box = get_field(report, "N.previous")
    return not box.paragraphs and box.notes == (NONE_RECORDED,)


def row_of_part(report: Report, number: int = 0) -> PartRow:
    """Return a row of the table of parts: that of the landing page or, with a number from 1, of
    another part.
    """
    return PartRow(*report.measured[0].rows[number])


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


def test_note_says_when_overdue_release_was_still_not_available(ipcc_late: Incident) -> None:
    """The slot is at 9.30am, so at 9.42am the page is 12 minutes overdue."""
    overdue = with_page(
        ipcc_late, verdict=VerdictKind.OVERDUE, first_seen=Interval(), delay=Bounds(12 * 60, None)
    )
    report = note_of(with_facts(overdue, final=False, at=at("2015-07-23T09:42+01:00")))
    assert text_of_field(report, "N.what").startswith(
        "The landing page was still not available at 9.42am."
    )
    assert "was delayed by at least 12 minutes so far." in text_of_field(report, "N.measure")
    page = row_of_part(report)
    assert (page.first_seen, page.delay) == ("Not seen", "At least 12 minutes late so far")


def test_note_says_by_when_unseen_release_was_not_found(ipcc_late: Incident) -> None:
    """The slot was at 9.30am. The facts are those of four hours later."""
    never = with_page(
        ipcc_late, verdict=VerdictKind.NOT_PUBLISHED, first_seen=Interval(), delay=None
    )
    assert "The landing page had not been found by 1.30pm." in text_of_field(
        note_of(never), "N.what"
    )


def test_note_of_open_exposure_gives_length_so_far(ofsted_early: Incident) -> None:
    ended = facts_of(ofsted_early).parts[0].exposures[0]
    still_open = replace(ended, to=Interval(), seconds=Bounds(10 * 60, None), open=True, ended=None)
    report = note_of(
        with_only_page(ofsted_early, as_of=at("2017-03-20T17:10+00:00"), exposures=(still_open,))
    )
    assert text_of_field(report, "N.what").endswith("It was still available at 5.10pm.")
    # 40½ hours from about 5pm on 20 March to the slot at 9.30am on 22 March.
    length_so_far = "The release was available for at least 10 minutes, from 40 hours 30 minutes to 40 hours 35 minutes before"
    assert length_so_far in text_of_field(report, "N.measure")
    assert row_of_part(report).public_early.startswith("At least 10 minutes, still open")


@pytest.mark.parametrize(
    ("last_seen", "last_sentence"),
    [
        ("17:05", "It was still available at 5.05pm."),
        ("17:00:30", "It is not known whether it was removed."),
    ],
    ids=["five minutes after it began", "half a minute after it began"],
)
def test_note_of_open_exposure_says_when_last_seen(
    ofsted_early: Incident, last_seen: str, last_sentence: str
) -> None:
    """The page became public early by 5pm. The note is of 5.10pm, and `last_seen` is when a look
    last saw the page. For example, if that was at 17:05, the note ends with “It was still available
    at 5.05pm.”
    """
    ended = facts_of(ofsted_early).parts[0].exposures[0]
    still_open = replace(ended, to=Interval(), seconds=Bounds(300, None), open=True, ended=None)
    page = {"exposures": (still_open,), "seen_until": at(f"2017-03-20T{last_seen}+00:00")}
    note = note_of(with_only_page(ofsted_early, as_of=at("2017-03-20T17:10+00:00"), **page))
    assert text_of_field(note, "N.what").endswith(last_sentence)


def test_note_says_that_exposure_lasted_until_announced_time(ofsted_early: Incident) -> None:
    exposure = facts_of(ofsted_early).parts[0].exposures[0]
    slot = Interval(after=at("2017-03-22T09:30Z"), by=at("2017-03-22T09:30Z"))
    until_slot = replace(
        exposure, to=slot, seconds=length_between(exposure.start, slot), ended=Ended.SLOT
    )
    note = note_of(with_only_page(ofsted_early, exposures=(until_slot,)))
    assert text_of_field(note, "N.what").endswith(
        "on 20 March. It remained available until the announced time."
    )
    # 40½ hours from about 5pm on 20 March to the slot at 9.30am on 22 March.
    assert text_of_field(note, "N.measure").startswith(
        "The release was available from 40 hours 30 minutes to 40 hours 35 minutes before the"
    )


@pytest.mark.parametrize(
    ("last_absent", "sentence_on_publication"),
    [
        (
            at("2017-03-22T09:29:59+00:00"),
            "The landing page was published as announced at 9.30am on 22 March.",
        ),
        (None, "The landing page was available by 9.31am on 22 March."),
    ],
    ids=["absent just before", "perhaps an old copy"],
)
def test_note_says_published_as_announced_only_if_absent_before_slot(
    ofsted_early: Incident, last_absent: datetime | None, sentence_on_publication: str
) -> None:
    """The page was public by mistake, was removed, and was seen again a second after its slot. If
    no look showed it absent just before the slot (None), the note only says “available by 9.31am”.
    """
    released = Interval(after=last_absent, by=at("2017-03-22T09:30:01Z"))
    what_happened = text_of_field(note_of(with_page(ofsted_early, released=released)), "N.what")
    assert sentence_on_publication in what_happened


def test_note_says_file_not_yet_due_was_not_found_early(ofsted_early: Incident) -> None:
    assert "No early publication of the data file was found." in text_of_field(
        note_of(ofsted_early), "N.what"
    )


def test_page_at_guessed_address_is_not_found_until_it_appears(ofqual_late: Incident) -> None:
    """If the address was guessed, the page may be elsewhere.

    So it is only called not found, until it appears there.
    """
    awaited = with_page(
        ofqual_late, address="guessed", first_seen=Interval(), verdict=VerdictKind.OVERDUE
    )
    assert "The landing page was still not found at" in text_of_field(note_of(awaited), "N.what")
    # The page was seen at 12:19.
    appeared = with_page(ofqual_late, address="guessed")
    assert "The release was not on its landing page until 12.19pm." in text_of_field(
        note_of(appeared), "N.what"
    )


@pytest.mark.parametrize(
    ("verdict", "expected", "not_expected"),
    [
        ("overdue", "rests on the announcement", "absence there proves nothing"),
        ("unproven", "absence there proves nothing", "rests on"),
    ],
)
def test_only_certainty_section_explains_a_guessed_address(
    ofqual_late: Incident, verdict: str, expected: str, not_expected: str
) -> None:
    """The monitor only guessed the address of the page, and never saw the page there. For example,
    if the verdict is unproven, the certainty section says “absence there proves nothing”. The form
    itself does not mention the guess.
    """
    unseen = with_page(ofqual_late, address="guessed", first_seen=Interval(), verdict=verdict)
    report = note_of(with_facts(unseen, address="guessed"))
    certainty_section = "\n".join(report.certainty)
    assert "guessed from that of" in certainty_section
    assert expected in certainty_section
    assert not_expected not in certainty_section
    fields_that_mention_it = [
        field.id for field in report.fields() if "guessed" in text_of_field(report, field.id)
    ]
    assert fields_that_mention_it == []


def test_other_late_producers_are_neither_named_nor_counted(ofqual_late_again: Incident) -> None:
    late_together = Finding(
        FindingKind.PLATFORM, None, "2 releases of ofqual, ons late together on www.gov.uk"
    )
    findings = (*facts_of(ofqual_late_again).findings, late_together)
    note = note_of(with_facts(ofqual_late_again, findings=findings))
    text = text_of_field(note, "N.what")
    assert "Releases of other producers on www.gov.uk were late at the same time." in text
    assert "ons late" not in text
    assert "2 releases" not in text


TWO_POSTS = "https://social.example/1\nhttps://social.example/2"


def test_typed_addresses_of_a_leak_are_only_in_the_account(moj_leak: Incident) -> None:
    words = {"what": "Posted", "when": "2016-10-01", "url": TWO_POSTS, "sort": "leak"}
    report = note_of(replace(moj_leak, facts=None, words=words))
    account = text_of_field(report, "N.what")
    assert "It could be seen at https://social.example/1 and https://social.example/2." in account
    assert "On Saturday 1 October 2016: Posted.\n" in account
    assert "social.example" not in text_of_field(report, "N.output")


def test_early_part_that_came_out_later_is_called_released(ofsted_early: Incident) -> None:
    """The page was public by mistake on 20 March. It came out at its slot on 22 March."""
    released = Interval(at("2017-03-22T09:29:59+00:00"), at("2017-03-22T09:30:01+00:00"))
    report = note_of(with_page(ofsted_early, released=released))
    assert (
        row_of_part(report).first_seen
        == "Released between 09:29:59 and 09:30:01 GMT on 22 March 2017"
    )
    assert report.timeline is not None
    assert "then released between 09:29:59 and 09:30:01 GMT on 22 March 2017" in report.timeline.alt


def test_exposure_and_later_delay_are_dated_each_with_its_practice(ofsted_early: Incident) -> None:
    """The release was public too early (exposed) on 20 March, and its spreadsheet was late on 22
    March, the day of its slot. The report dates both and names the practice that each broke.
    """
    findings = (*facts_of(ofsted_early).findings, Finding(FindingKind.LATE, "sheet"))
    also_late = with_facts(ofsted_early, findings=findings)
    after_slot = ofsted_early.opened + timedelta(days=3)
    report = draft_of(also_late, now=after_slot)
    dates = get_field(report, "B.2.date").paragraphs
    assert dates == (
        "20 March 2017 (Protocol 2, practice 8)",
        "22 March 2017 (Protocol 2, practice 4)",
    )
    assert report.practice == "Protocol 2, practice 8; Protocol 2, practice 4"


@pytest.mark.parametrize(
    ("role", "words"),
    [("page", "it was available by 9.31am"), ("data", "something was at its address by 9.31am")],
)
def test_a_file_without_proof_of_absence_may_be_the_edition_before(
    ipcc_late: Incident, role: str, words: str
) -> None:
    """A page is recognised by its title and period, a file often only by its address."""
    slot = facts_of(ipcc_late).slot
    assert slot is not None
    unproven = with_page(
        ipcc_late,
        role=role,
        verdict=VerdictKind.UNPROVEN,
        first_seen=Interval(None, slot + timedelta(seconds=60)),
    )
    report = note_of(replace(unproven, kind=IncidentKind.UNPROVEN))
    assert words in text_of_field(report, "N.what")


def test_unproven_note_says_not_known_and_evidence_says_why(ipcc_late: Incident) -> None:
    """The delay is between -30 s (before the slot) and 240 s.

    It is not known better, as every look failed then.
    """
    unproven = with_page(ipcc_late, verdict=VerdictKind.UNPROVEN, delay=Bounds(-30, 240))
    unproven = with_facts(unproven, unproven_because="every look over the slot failed")
    report = note_of(replace(unproven, kind=IncidentKind.UNPROVEN))
    text = text_of_field(report, "N.what")
    assert (
        "It is not known whether the landing page was published as announced; it became"
        " available at" in text
    )
    # The reason, with the monitor's own word “look”, is only in the evidence.
    assert "Not proved: every look over the slot failed." in report.certainty
    assert "look" not in text
    assert row_of_part(report).delay == "Not proved"


def test_draft_that_became_unproven_owes_nothing(ipcc_late: Incident) -> None:
    """The release counted as late, but its facts no longer prove that. `owes_report` says whether a
    report must still be signed.
    """
    assert ipcc_late.owes_report
    unproven = with_only_page(ipcc_late, verdict=VerdictKind.UNPROVEN, delay=Bounds(1, 241))
    unproven = with_facts(unproven, verdict=VerdictKind.UNPROVEN, findings=(), final=True)
    assert not unproven.owes_report


def test_account_counts_how_often_content_came_and_went(ofsted_early: Incident) -> None:
    exposure = facts_of(ofsted_early).exposures[0]
    came_and_went = with_only_page(ofsted_early, exposures=(exposure,) * 4)
    account = text_of_field(note_of(came_and_went), "N.what")
    assert "It was removed and became available again 3 times. It was removed between" in account
    # The two sentences above have the word once each. The account does not describe every removal
    # by itself.
    assert account.count("removed") == 2


def test_note_names_the_part_on_time_and_the_late_one(ipcc_late: Incident) -> None:
    """The attachment came out between 10:07:45 and 10:08.

    The page is changed to be on time, at 9:30.
    """
    seen = Interval(at("2015-07-23T09:29:59+01:00"), at("2015-07-23T09:30:01+01:00"))
    page_on_time = with_page(
        ipcc_late, verdict=VerdictKind.ON_TIME, first_seen=seen, delay=Bounds(-1, 1)
    )
    note = note_of(replace(page_on_time, kind=IncidentKind.PARTIAL))
    assert (
        text_of_field(note, "N.what")
        == "The landing page was published as announced at 9.30am. The report was not available"
        " until 10.08am."
    )


@pytest.mark.parametrize(
    ("name", "role", "sentence"),
    [
        ("tables", "data", "The data tables were not available until 10.08am."),
        ("series", "data", "The time series was not available until 10.08am."),
        ("dashboard", "html", "The dashboard was not available until 10.08am."),
        ("regional-tables", "data", "The regional tables were not available until 10.08am."),
        ("file-2", "data", "The data file was not available until 10.08am."),
    ],
)
def test_part_is_called_what_users_call_it(
    ipcc_late: Incident, name: str, role: str, sentence: str
) -> None:
    page, report = facts_of(ipcc_late).parts
    part = replace(report, id=name, role=role)
    on_time = replace(page, verdict=VerdictKind.ON_TIME, delay=Bounds(0, 1))
    note = note_of(replace(with_facts(ipcc_late, parts=(on_time, part)), kind=IncidentKind.PARTIAL))
    assert sentence in text_of_field(note, "N.what")


def test_part_that_users_waited_for_longest_comes_first(ipcc_late: Incident) -> None:
    page, report = facts_of(ipcc_late).parts
    later = replace(report, delay=Bounds(3600, 3601))
    note = note_of(with_facts(ipcc_late, parts=(page, later)))
    delays = [
        text
        for field in note.fields()
        if "incident.delay" in field.facts
        for text in field.paragraphs
    ]
    assert delays[0] == "Access to the report was delayed by about 1 hour."


def test_addresses_of_late_parts_stand_with_that_of_the_page(ipcc_late: Incident) -> None:
    page, report = facts_of(ipcc_late).parts
    (output,) = [field for field in note_of(ipcc_late).fields() if "release.title" in field.facts]
    assert output.paragraphs[1:] == (page.url, f"Report: {report.url}")


def test_withdrawn_part_that_can_be_read_is_only_marked(ipcc_late: Incident) -> None:
    withdrawal = Finding(FindingKind.WITHDRAWN, "page", is_readable=True)
    marked = with_facts(ipcc_late, findings=(*facts_of(ipcc_late).findings, withdrawal))
    account = text_of_field(note_of(marked), "N.what")
    assert "Part of the release was marked as withdrawn after it had been published." in account
    assert "removed" not in account


def test_slot_without_time_of_day_gives_no_delay_in_minutes(ipcc_late: Incident) -> None:
    """The page came out between 10:07:45 and 10:08 on 23 July. Only the month of its slot is
    known.
    """
    due_in_july = with_facts(with_page(ipcc_late, delay=None), slot=None, slot_text="July 2015")
    report = note_of(due_in_july)
    assert "was pre-announced on GOV.UK for July 2015" in text_of_field(report, "N.slot")
    assert "not available until 10.08am on Thursday 23 July 2015." in text_of_field(
        report, "N.what"
    )
    assert row_of_part(report).delay == "Not measured in minutes"


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


def test_detail_of_finding_is_in_certainty_section_and_not_account(ipcc_late: Incident) -> None:
    """A stale edge is a cache that still serves the old page."""
    stale = Finding(
        FindingKind.STALE_EDGE,
        "page",
        "the origin had it at 09:30:02, the edge still served the old page",
    )
    short = Finding(FindingKind.SHORT_NOTICE, None, "moved to 09:30:00 GMT, 3 d 4 h ahead")
    report = note_of(with_facts(ipcc_late, findings=(stale, short)))
    certainty_section, account = report.certainty, text_of_field(report, "N.what")
    assert (
        "Stale edge: the origin had it at 09:30:02, the edge still served the old page."
        in certainty_section
    )
    assert "Short notice: moved to 09:30:00 GMT, 3 d 4 h ahead." in certainty_section
    assert "edge" not in account
    assert "3 d 4 h" not in account


@pytest.mark.parametrize(
    ("verdict", "what"),
    [
        (VerdictKind.OVERDUE, "it was not"),
        (VerdictKind.UNPROVEN, "it is not certain that it was"),
    ],
)
def test_account_says_that_another_file_was_at_the_address(
    ipcc_late: Incident, verdict: VerdictKind, what: str
) -> None:
    facts = ipcc_late.facts
    sheet = PartVerdict("sheet", "data", "https://x.example/a.ods", required=True, verdict=verdict)
    wrong = Finding(FindingKind.WRONG_CONTENT, "sheet", "a file", at=facts.slot)
    note = note_of(with_facts(ipcc_late, parts=(*facts.parts, sheet), findings=(wrong,)))
    sentence = f"The file a.ods was there from 9.30am, but {what} this release's."
    assert sentence in text_of_field(note, "N.what")


@pytest.mark.parametrize(
    ("kind", "instead", "said"),
    [
        (FindingKind.WRONG_EDITION, "October 2015", "the edition of October 2015"),
        (FindingKind.WRONG_CONTENT, "Weekly deaths", "the file of “Weekly deaths”"),
        (FindingKind.WRONG_CONTENT, "", "it was not"),
    ],
)
def test_account_says_what_the_file_at_the_address_was(
    ipcc_late: Incident, kind: FindingKind, instead: str, said: str
) -> None:
    facts = ipcc_late.facts
    late = VerdictKind.LATE
    sheet = PartVerdict("sheet", "data", "https://x.example/a.ods", required=True, verdict=late)
    wrong = Finding(kind, "sheet", at=facts.slot, seconds=Bounds(600, 601), instead=instead)
    note = note_of(with_facts(ipcc_late, parts=(*facts.parts, sheet), findings=(wrong,)))
    account = text_of_field(note, "N.what")
    assert "The file a.ods was there from 9.30am until 9.40am, but it was" in account
    assert said in account


def test_account_says_plainly_that_release_moved_at_short_notice(ipcc_late: Incident) -> None:
    short_notice = Finding(FindingKind.SHORT_NOTICE, None, "moved to 09:30:00 GMT, 3 d 4 h ahead")
    note = note_of(with_facts(ipcc_late, findings=(short_notice,)))
    account = text_of_field(note, "N.what")
    assert account.endswith("Its release time was announced or changed at short notice.")


@pytest.mark.parametrize(
    ("verdict", "delay_at_origin", "delay_for_users", "expected_in_account", "expected_as_delay"),
    [
        (
            "late",
            Bounds(89, 91),
            Bounds(387, 392),
            "no access until about 9.36am.",
            "by about 6 minutes.",
        ),
        (
            "on_time",
            Bounds(0, 1),
            Bounds(475, 482),
            "no access until 9.38am.",
            "by about 8 minutes.",
        ),
        (
            "on_time",
            Bounds(0, 1),
            Bounds(301, None),
            "users still had no access at 9.35am.",
            "by at least 5 minutes",
        ),
    ],
    ids=["late and hidden", "hidden", "still hidden"],
)
def test_note_states_delay_of_users_served_an_old_copy(
    ofqual_late: Incident,
    verdict: str,
    delay_at_origin: Bounds,
    delay_for_users: Bounds,
    expected_in_account: str,
    expected_as_delay: str,
) -> None:
    """A cache still served users an old copy after the release came out. Delays are in seconds
    after the slot at 9.30am. For example, 387 s after it is 9.36am.
    """
    cached = with_only_page(
        ofqual_late, verdict=verdict, delay=delay_at_origin, users_delay=delay_for_users
    )
    note = note_of(with_facts(cached, findings=()))
    assert expected_in_account in text_of_field(note, "N.what")
    assert expected_as_delay in text_of_field(note, "N.measure")


@pytest.mark.parametrize(
    ("verdict", "delay", "users_delay"),
    [
        ("late", Bounds(89, 91), Bounds(95, 101)),
        ("on_time", Bounds(-190, -180), Bounds(-75, -70)),
        ("on_time", Bounds(0, 1), Bounds(20, 25)),
    ],
    ids=["by seconds", "until before its slot", "within the tolerance"],
)
def test_note_omits_old_copy_served_for_under_a_minute(
    ofqual_late: Incident, verdict: str, delay: Bounds, users_delay: Bounds
) -> None:
    """A cache served users an old copy. For example, the page came out 89 to 91 s late, and users
    could get it 95 to 101 s late. That is less than a minute more, so the note does not say that
    users had no access.
    """
    hidden = with_only_page(ofqual_late, verdict=verdict, delay=delay, users_delay=users_delay)
    note = note_of(with_facts(hidden, findings=()))
    assert "no access" not in text_of_field(note, "N.what")


def test_note_states_no_delay_if_users_had_release_before_slot(ofsted_early: Incident) -> None:
    hidden = with_page(ofsted_early, delay=Bounds(-190, -180), users_delay=Bounds(-75, -70))
    assert "delayed" not in text_of_field(note_of(hidden), "N.measure")


def test_note_of_exposure_just_found_says_not_yet_removed(ofsted_early: Incident) -> None:
    """09:29:35 to 09:29:38 is written as the nearest minute, 9.30am.

    The announced time is 9.30am too.
    """
    start, now = between("2017-03-22T09:29:35Z", "2017-03-22T09:29:38Z"), at("2017-03-22T09:29:45Z")
    just_found = Exposure("page", start, Interval(), Bounds(0, None), open=True)
    report = note_of(with_only_page(ofsted_early, as_of=now, exposures=(just_found,)))
    assert text_of_field(report, "N.what").endswith(
        "became available at about 9.30am. It had not yet been removed."
    )
    statement_to_users = report.holding[0]
    assert "It could be seen shortly before that time." in statement_to_users


def test_note_says_by_when_release_was_available_if_removal_unseen(ofsted_early: Incident) -> None:
    """The slot was at 09:30:00. The page was public early and last seen at 09:29:48. Then no look
    was made until 09:32:30, which saw it again. So the note says only by when it was available.
    """
    start = between("2017-03-22T09:29:35Z", "2017-03-22T09:29:38Z")
    end = between("2017-03-22T09:29:48Z", "2017-03-22T09:30:00Z")
    length = length_between(start, end)
    not_seen_to_end = Exposure("page", start, end, length, open=False, ended=Ended.UNKNOWN)
    seen_again = between("2017-03-22T09:30:00Z", "2017-03-22T09:32:30Z")
    report = note_of(
        with_only_page(
            ofsted_early,
            as_of=at("2017-03-22T09:35Z"),
            exposures=(not_seen_to_end,),
            released=seen_again,
        )
    )
    # 09:32:30, rounded up to the minute.
    assert text_of_field(report, "N.what").endswith("The release was available by 9.33am.")


def test_earlier_exposure_of_unknown_length_is_cited_without_length(
    ofsted_early: Incident, ofqual_late: Incident
) -> None:
    """In 2017 a release was public too early (an exposure). It had only just begun at its last
    measurement, so its length is not known. The note of another incident, of 2018, cites it without
    a length.
    """
    start = between("2017-03-22T09:29:35Z", "2017-03-22T09:29:38Z")
    unknown_length = Bounds(0, None)
    exposure = Exposure("page", start, to=Interval(), seconds=unknown_length, open=True)
    incident_of_2017 = with_only_page(
        replace(ofsted_early, producer="ofqual"),
        as_of=at("2017-03-22T09:29:45Z"),
        exposures=(exposure,),
    )
    note_of_2018 = note_of(ofqual_late, previous=[incident_of_2017])
    # With a known length the sentence would go on: "public before its announced time for 25
    # minutes."
    assert ": public before its announced time." in text_of_field(note_of_2018, "N.previous")


def test_earlier_unproven_incident_is_cited_in_plain_words(
    ofsted_early: Incident, ofqual_late: Incident
) -> None:
    doubtful_facts = replace(facts_of(ofsted_early), verdict="unproven", parts=())
    earlier = replace(ofsted_early, producer="ofqual", facts=doubtful_facts)
    text = text_of_field(note_of(ofqual_late, previous=[earlier]), "N.previous")
    assert ": whether it was published as announced is not known." in text


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


def test_recurring_causes_are_counted(
    ipcc_late: Incident, ofqual_late: Incident, ofqual_late_again: Incident
) -> None:
    """The cause of two earlier incidents of the same producer was “platform fault”.

    The note counts them.
    """
    same_producer_and_cause = {"producer": "ipcc", "words": {"cause": "platform fault"}}
    earlier = [
        replace(each, **same_producer_and_cause) for each in (ofqual_late, ofqual_late_again)
    ]
    later = replace(ipcc_late, occurred=at("2019-07-25T09:30+01:00"))
    text = text_of_field(note_of(later, earlier), "N.previous")
    assert "Its cause was: platform fault." in text
    assert "Causes that occurred more than once: platform fault (2 times)." in text


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
    ("offset", "sentence"),
    [
        (Bounds(-0.04, 0.0), "by -0.1 s to 0 s."),
        (Bounds(-0.2, 0.41), "by -0.2 s to 0.5 s."),
        (Bounds(None, -0.0), "by at most 0 s."),
    ],
)
def test_clock_offset_is_rounded_outward_and_zero_has_no_sign(
    ipcc_late: Incident, offset: Bounds, sentence: str
) -> None:
    """The offset says by how many seconds the monitor's clock may be wrong. For example, -0.2 to
    0.41 is written as “-0.2 s to 0.5 s”, the lower bound rounded down and the upper one up.
    """
    certainty = replace(facts_of(ipcc_late).certainty, clock_offset=offset)
    assert sentence in "\n".join(note_of(with_facts(ipcc_late, certainty=certainty)).certainty)


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ((), "812 looks made by the monitor “edge”; 3 of them failed."),
        (("city",), "812 looks made by the monitors “city” and “edge”; 3 of them failed."),
    ],
    ids=["one monitor", "two monitors"],
)
def test_evidence_names_the_monitors_that_looked(
    ipcc_late: Incident, others: tuple[str, ...], sentence: str
) -> None:
    certainty = replace(facts_of(ipcc_late).certainty, others=others)
    looks = note_of(with_facts(ipcc_late, certainty=certainty)).certainty[0]
    assert looks.startswith(sentence)


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


def test_account_does_not_repeat_date_that_has_its_own_box(moj_leak: Incident) -> None:
    report = draft_of(replace(moj_leak, facts=None), "A", now=moj_leak.opened)
    assert "When it happened" not in text_of_field(report, "A.2.nature")


def test_account_of_logged_incident_is_only_what_person_wrote(moj_leak: Incident) -> None:
    text = text_of_field(note_of(moj_leak), "N.what")
    assert "a journalist said that a Sunday newspaper would print figures." in text
    words_of_our_own = [
        word for word in ("Logged by hand", "As logged", "the monitor") if word in text
    ]
    assert words_of_our_own == []


def test_only_evidence_says_where_and_when_announcement_was_read(ipcc_late: Incident) -> None:
    report = note_of(ipcc_late)
    evidence_section = "\n".join(report.certainty)
    assert (
        "from the calendar “govuk” and was first read at 09:30 BST on 25 June 2015."
        in evidence_section
    )
    assert "govuk" not in text_of_field(report, "N.slot")
    assert "the monitor" not in text_of_field(report, "N.slot")


def test_earlier_incident_logged_by_hand_is_cited_by_sort(moj_leak: Incident) -> None:
    before = replace(moj_leak, id="x", words={**moj_leak.words, "sort": "access"})
    assert ": access before release." in text_of_field(note_of(moj_leak, [before]), "N.previous")


def test_release_already_out_is_not_called_the_next_release(moj_leak: Incident) -> None:
    """The release was due on 27 October, the day before."""
    incident = replace(
        moj_leak,
        occurred=at("2016-10-28T09:30+01:00"),
        words={"what": "wrong file", "when": "2016-10-28"},
    )
    text = text_of_field(draft_of(incident), "B.2.account")
    assert "next release" not in text
    assert "The release concerned was pre-announced on GOV.UK for" in text


def test_note_says_removal_is_not_known_if_end_unseen(ofsted_early: Incident) -> None:
    """The page was public early and was last seen five minutes before its slot. Whether it was
    removed after that is not known.
    """
    facts = facts_of(ofsted_early)
    assert facts.slot is not None
    end = Interval(facts.slot - timedelta(minutes=5), facts.slot)
    removed = facts.parts[0].exposures[0]
    end_unseen = replace(
        removed, to=end, seconds=length_between(removed.start, end), ended=Ended.UNKNOWN
    )
    note = note_of(with_only_page(ofsted_early, exposures=(end_unseen,)))
    text = text_of_field(note, "N.what")
    assert text.endswith("It is not known whether it was removed before the announced time.")
    assert "remained" not in text


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


def test_early_feed_entry_is_described_as_message_at_its_address(ofsted_early: Incident) -> None:
    """Only an entry of a feed, which the draft calls a message, was public too early: by 5pm on 20
    March.
    """
    feed = PartVerdict(
        "feed", "message", "https://www.gov.uk/x.atom", required=False, verdict=VerdictKind.EARLY
    )
    exposure = Exposure(
        "feed", Interval(None, at("2017-03-20T17:00Z")), Interval(), Bounds(60, None), open=True
    )
    only = with_facts(ofsted_early, parts=(replace(feed, exposures=(exposure,)),))
    assert text_of_field(note_of(only), "N.what").startswith(
        "The message at https://www.gov.uk/x.atom became available by 5pm"
    )


def test_alternative_address_never_used_is_in_table_not_in_text(ofqual_late: Incident) -> None:
    """`news` is an alternative address, another place where users might have found the release. The
    release was late, and it never came out there. So only the table of the note mentions `news`.
    """
    page, report_copy, news = facts_of(ofqual_late).parts
    # At `news`, the release was still not seen 600 s after its slot.
    unused = replace(
        news, verdict=VerdictKind.OVERDUE, first_seen=Interval(), delay=Bounds(600, None)
    )
    report = note_of(with_facts(ofqual_late, parts=(page, report_copy, unused)))
    assert not any(
        news.url in text_of_field(report, name) for name in ("N.what", "N.impact", "N.measure")
    )
    # Rows count from 0: the page, the report, and `news`.
    row_of_news = row_of_part(report, number=2)
    assert (row_of_news.first_seen, row_of_news.delay) == ("Not seen", "Not used")


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
