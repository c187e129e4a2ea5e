"""Findings from the signs inside a file. A number is an instant in seconds after the slot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.files.facts import FileSign, NotRead
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from schedules.announcement import Origin
from schedules.contract.verdict import Finding, FindingKind, Grade, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import NEWS, SHEET
from tests.worlds.verdicts import judged

EARLIER = (FileSign(FindingKind.WRONG_EDITION, "October 2017"),)
PAGE = [a_run("page", ABSENT, -60, -1), a_run("page", PRESENT, 1, 400)]
KINDS = {"wrong_edition", "marked_draft", "personal_metadata", "not_accessible"}


def file_run(
    first: float,
    last: float,
    inside: tuple[FileSign, ...] | NotRead | None,
    digest: str = "a",
) -> Run:
    return a_run("sheet", PRESENT, first, last, digest=digest, inside=inside)


def found_inside(*runs: Run, policy: Policy | None = None, now: float = 400) -> list[Finding]:
    seen = {"page": PAGE, "sheet": list(runs)}
    verdict = judged(now, seen, SHEET, policy=policy or Policy())
    return [finding for finding in verdict.findings if finding.kind in KINDS]


ABSENT_BEFORE = a_run("sheet", ABSENT, -60, -1)


def test_wrong_file_at_the_right_minute_is_a_note_and_not_late() -> None:
    seen = {"page": PAGE, "sheet": [ABSENT_BEFORE, file_run(1, 400, EARLIER)]}
    verdict = judged(400, seen, SHEET)
    assert (verdict.verdict, verdict.grade) == (VerdictKind.ON_TIME, Grade.NOTE)
    (wrong,) = (each for each in verdict.findings if each.kind in KINDS)
    assert (wrong.kind, wrong.part, wrong.instead) == ("wrong_edition", "sheet", "October 2017")
    assert wrong.at == after_slot(1)
    assert wrong.seconds == Bounds(399.0, None)


def test_stay_of_a_wrong_file_ends_with_the_next_one() -> None:
    (wrong,) = found_inside(
        ABSENT_BEFORE, file_run(1, 200, EARLIER), file_run(210, 400, (), digest="b")
    )
    assert wrong.seconds == Bounds(199.0, 209.0)


def test_file_that_could_not_be_read_has_no_finding() -> None:
    assert found_inside(ABSENT_BEFORE, file_run(1, 400, NotRead("it is encrypted"))) == []


def test_stay_of_a_wrong_file_ends_with_its_removal() -> None:
    (wrong,) = found_inside(
        ABSENT_BEFORE, file_run(1, 200, EARLIER), a_run("sheet", ABSENT, 210, 400)
    )
    assert wrong.seconds == Bounds(199.0, 209.0)


def test_embargo_notice_hides_no_other_mark() -> None:
    signs = tuple(FileSign(FindingKind.MARKED_DRAFT, mark) for mark in ("embargoed until", "draft"))
    (marked,) = found_inside(ABSENT_BEFORE, file_run(1, 400, signs))
    assert marked.instead == "draft"


@pytest.mark.parametrize(("until", "is_found"), [(30, False), (300, True)])
def test_file_in_place_counts_if_it_is_there_after_the_tolerance(
    until: float, *, is_found: bool
) -> None:
    """A file that was there before the slot may be the previous edition, as at a fixed address."""
    found = found_inside(
        file_run(-60, -1, EARLIER), file_run(1, until, None), file_run(until + 5, 400, (), "b")
    )
    assert bool(found) is is_found
    assert all(each.at == SLOT for each in found)


@pytest.mark.parametrize("inside", [None, ()], ids=["not read", "clean"])
def test_file_without_signs_has_no_finding(inside: tuple[FileSign, ...] | None) -> None:
    assert found_inside(ABSENT_BEFORE, file_run(1, 400, inside)) == []


def test_detail_never_names_the_person() -> None:
    sign = FileSign(FindingKind.PERSONAL_METADATA, "Jane Smith")
    (named,) = found_inside(ABSENT_BEFORE, file_run(1, 400, (sign,)))
    assert "Smith" not in named.detail
    assert named.instead == ""


def test_leftover_embargo_notice_asks_no_one() -> None:
    sign = FileSign(FindingKind.MARKED_DRAFT, "embargoed until")
    (marked,) = found_inside(ABSENT_BEFORE, file_run(1, 400, (sign,)))
    assert marked.instead == ""


def test_producer_can_switch_findings_off() -> None:
    run = file_run(1, 400, EARLIER)
    assert found_inside(ABSENT_BEFORE, run, policy=Policy(file_findings=("marked_draft",))) == []


def test_wrong_file_at_another_address_is_no_finding() -> None:
    """No one promised it there."""
    elsewhere = a_run("news", PRESENT, 1, 400, digest="a", inside=EARLIER)
    verdict = judged(400, {"page": PAGE, "news": [elsewhere]}, NEWS)
    assert verdict.findings == ()


@pytest.mark.parametrize(("others", "is_found"), [((), True), (("ods",), False)])
def test_listed_xlsx_needs_an_open_format_beside_it(
    others: tuple[str, ...], *, is_found: bool
) -> None:
    book = replace(SHEET, url="https://x.example/a.xlsx", origin=Origin.FOUND)
    beside = [
        replace(SHEET, id=each, url=f"https://x.example/a.{each}", origin=Origin.FOUND)
        for each in others
    ]
    seen = {"page": PAGE, "sheet": [ABSENT_BEFORE, file_run(1, 400, ())]}
    verdict = judged(400, seen, book, *beside)
    kinds = {finding.kind for finding in verdict.findings}
    assert (FindingKind.NOT_ACCESSIBLE in kinds) is is_found
