"""Another page than the release at its address. A number is an instant in seconds after the
slot.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.judge.runs import extend_run
from monitor.judge.witnesses import Publication
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE, OTHER_FILE
from monitor.look.sighting import State
from schedules.announcement import Address, Part, Role
from schedules.contract.verdict import Finding, FindingKind, VerdictKind
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, a_run, a_sighting, looks
from tests.worlds.releases import SHEET, a_release
from tests.worlds.verdicts import judged


def wrong_page_findings(
    state: State, *, why: str, until: float = 400, address: Address = Address.ANNOUNCED
) -> list[Finding]:
    """Return the findings of a wrong page if looks got `state` for this reason from -9 s until an
    instant.
    """
    runs = [a_run("page", ABSENT, -3600, -10), a_run("page", state, -9, until, why=why)]
    verdict = judged(now=400, seen={"page": runs}, release=a_release(address=address))
    assert verdict.verdict is not VerdictKind.ON_TIME
    return [
        each
        for each in verdict.findings
        if each.kind in (FindingKind.WRONG_EDITION, FindingKind.WRONG_CONTENT)
    ]


def test_another_edition_at_the_slot_is_a_finding() -> None:
    """Looks from 9 s before the slot on get a page of another edition.

    That is wrong only from the slot, 09:30, on.
    """
    (wrong,) = wrong_page_findings(ABSENT, why=ANOTHER_EDITION)
    assert wrong.kind is FindingKind.WRONG_EDITION
    assert wrong.part == "page"
    assert wrong.detail == "the page shows another edition: seen Fri 5 Jan 2018 09:30:00 GMT"


def test_file_of_another_edition_is_called_a_file() -> None:
    """From 100 s after the slot on, the address of the sheet has one of another edition."""
    sheet = a_run("sheet", ABSENT, 100, 400, why=ANOTHER_EDITION)
    seen = {"page": [a_run("page", PRESENT, 1, 400)], "sheet": [sheet]}
    verdict = judged(now=400, seen=seen, release=a_release(SHEET))
    details = [each.detail for each in verdict.findings if each.part == "sheet"]
    assert "the file is of another edition: seen Fri 5 Jan 2018 09:31:40 GMT" in details


def test_another_title_after_an_absence_is_a_finding() -> None:
    """The page was absent until 10 s before its slot. From then on its address showed a page with
    the title of another release. That proves neither presence nor absence (`UNKNOWN`), but is a
    finding.
    """
    (wrong,) = wrong_page_findings(UNKNOWN, why=ANOTHER_TITLE)
    assert wrong.kind is FindingKind.WRONG_CONTENT


def test_alternative_under_another_title_is_no_wrong_page() -> None:
    """A post about the release has a title of its own, and nobody promised it."""
    post = Part("post", Role.ALTERNATIVE, "https://posts.example/widgets", required=False)
    runs = [a_run("post", ABSENT, -3600, -10), a_run("post", UNKNOWN, 90, 400, why=ANOTHER_TITLE)]
    page = [a_run("page", ABSENT, -3600, 400)]
    verdict = judged(now=400, seen={"page": page, "post": runs}, release=a_release(post))
    assert FindingKind.LATE in {each.kind for each in verdict.findings}
    assert FindingKind.WRONG_CONTENT not in {each.kind for each in verdict.findings}


@pytest.mark.parametrize(
    ("state", "why"), [(ABSENT, ""), (UNKNOWN, "503")], ids=["missing page", "server error"]
)
def test_missing_page_or_server_error_is_no_wrong_page(state: State, why: str) -> None:
    """Looks from 9 s before the slot on get no page, or status 503.

    So they do not show another page.
    """
    assert wrong_page_findings(state, why=why) == []


def test_another_edition_within_the_tolerance_is_no_wrong_page() -> None:
    """The page shows another edition until 30 s after its slot.

    This edition may still come in time, until 60 s.
    """
    assert wrong_page_findings(ABSENT, why=ANOTHER_EDITION, until=30) == []


def test_another_edition_at_a_guessed_address_is_no_wrong_page() -> None:
    """Looks at an address that was guessed get another edition.

    Perhaps the guess is wrong. So this is no finding.
    """
    assert wrong_page_findings(ABSENT, why=ANOTHER_EDITION, address=Address.GUESSED) == []


@pytest.mark.parametrize(("why", "is_longer"), [("", False), (ANOTHER_EDITION, True)])
def test_another_edition_lengthens_only_run_with_that_reason(why: str, *, is_longer: bool) -> None:
    """A run is one row for consecutive looks with the same answer. Another edition counts as an
    absence for this reason. So it lengthens a run of absences for the same reason, but not one
    without a reason (empty `why`).
    """
    absences = a_run("page", ABSENT, -60, -1, why=why)
    longer = extend_run(absences, a_sighting(ABSENT, why=ANOTHER_EDITION))
    assert (longer is not None) is is_longer


def other_file(when: float, digest: str | None = "old") -> Look:
    return a_sighting(ABSENT, when, why=OTHER_FILE, status=200, digest=digest)


def missing(when: float) -> Look:
    return a_sighting(ABSENT, when, why="404", status=404)


def failed(when: float) -> Look:
    return a_sighting(UNKNOWN, when)


WRONG_FILES = {
    "after a 404": ([missing(-2), other_file(1), other_file(300)], True),
    "other bytes than before": (
        [other_file(-2), other_file(1, "new"), other_file(300, "new")],
        True,
    ),
    "in place of the first look": ([other_file(-2), other_file(300)], False),
    "in place after a failed look": ([failed(-2), other_file(-1), other_file(300)], False),
    "in place before a failed look": (
        [other_file(-2), failed(-1), other_file(1), other_file(300)],
        False,
    ),
    "bytes are not compared": ([other_file(-2), other_file(1, None), other_file(300, None)], False),
    "gone within the tolerance": ([missing(-2), other_file(1), missing(30), missing(300)], False),
}


@pytest.mark.parametrize(("seen", "is_wrong"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_wrong_file_is_one_that_came_while_watched(seen: list[Look], *, is_wrong: bool) -> None:
    """A file without the words of this release was at the address of its sheet.

    The sheet is overdue in each case. A file that was there from the first look on may be the
    previous edition.
    """
    verdict = judged(now=400, seen={"sheet": looks(*seen)}, release=a_release(SHEET))
    (sheet,) = (part for part in verdict.parts if part.id == "sheet")
    assert sheet.verdict is VerdictKind.OVERDUE
    wrong = [each for each in verdict.findings if each.kind is FindingKind.WRONG_CONTENT]
    assert [each.part for each in wrong] == (["sheet"] if is_wrong else [])


ANNEX = Part("annex", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/annex.ods")


def a_file(part: Part, when: float, digest: str = "d") -> Look:
    return a_sighting(PRESENT, when, digest=digest, address=part.url)


SAME_FILES = {
    "out before": (-600, [a_file(SHEET, 1), a_file(SHEET, 300)], True),
    "replaced later": (
        -600,
        [a_file(SHEET, 1), a_file(SHEET, 200), a_file(SHEET, 300, "ours")],
        True,
    ),
    "came together": (1, [a_file(SHEET, 1), a_file(SHEET, 300)], True),
    "came within the tolerance": (40, [a_file(SHEET, 1), a_file(SHEET, 300)], True),
    "out before, this one late": (1, [missing(70), a_file(SHEET, 200), a_file(SHEET, 300)], True),
    "came later": (200, [a_file(SHEET, 1), a_file(SHEET, 300)], False),
    "other bytes": (-600, [a_file(SHEET, 1, "ours"), a_file(SHEET, 300, "ours")], False),
}


@pytest.mark.parametrize(("other_at", "seen", "is_wrong"), SAME_FILES.values(), ids=SAME_FILES)
def test_file_with_bytes_of_another_release_is_asked_about_and_proves_nothing(
    other_at: float,
    seen: list[Look],
    is_wrong: bool,  # noqa: FBT001
) -> None:
    """The sheet was missing before. The other release showed its file from `other_at` on."""
    runs = looks(a_file(ANNEX, other_at), a_file(ANNEX, 310)).runs("annex", 400)
    of_other = {"other/annex/edge": [replace(run, target="other/annex/edge") for run in runs]}
    other = Publication("other", SLOT, after_slot(other_at), of_other, "Other claims")
    looked = {"sheet": looks(missing(-2), missing(-1), *seen)}
    verdict = judged(400, looked, release=a_release(SHEET), published=[other])
    sheet = next(part for part in verdict.parts if part.id == "sheet")
    wrong = [each for each in verdict.findings if each.kind is FindingKind.WRONG_CONTENT]
    name = "annex of \N{LEFT DOUBLE QUOTATION MARK}Other claims"
    assert [name in each.detail for each in wrong] == ([True] if is_wrong else [])
    assert (sheet.verdict is VerdictKind.ON_TIME) is not is_wrong


def test_early_file_with_bytes_of_another_release_stays_early() -> None:
    """The other release showed the bytes ten minutes before the slot, this one a minute before."""
    runs = looks(a_file(ANNEX, -600), a_file(ANNEX, 310)).runs("annex", 400)
    of_other = {"other/annex/edge": [replace(run, target="other/annex/edge") for run in runs]}
    other = Publication("other", SLOT, after_slot(-600), of_other, "Other claims")
    looked = {"sheet": looks(missing(-120), missing(-61), a_file(SHEET, -60), a_file(SHEET, 300))}
    verdict = judged(400, looked, release=a_release(SHEET), published=[other])
    sheet = next(part for part in verdict.parts if part.id == "sheet")
    assert sheet.verdict is VerdictKind.EARLY
    assert FindingKind.WRONG_CONTENT not in {each.kind for each in verdict.findings}


def test_releases_of_one_day_may_have_the_same_notes_attached() -> None:
    notes = Part("notes", Role.ATTACHMENT, "https://assets.publishing.service.gov.uk/media/x/n.pdf")
    elsewhere = replace(notes, url="https://assets.publishing.service.gov.uk/media/y/n.pdf")
    runs = looks(a_file(elsewhere, 1), a_file(elsewhere, 310)).runs("notes", 400)
    of_other = {"other/notes/edge": [replace(run, target="other/notes/edge") for run in runs]}
    other = Publication("other", SLOT, after_slot(1), of_other, "Other claims")
    looked = {"notes": looks(missing(-2), missing(-1), a_file(notes, 1), a_file(notes, 300))}
    verdict = judged(400, looked, release=a_release(notes), published=[other])
    part = next(part for part in verdict.parts if part.id == "notes")
    assert part.verdict is VerdictKind.ON_TIME
    assert FindingKind.WRONG_CONTENT not in {each.kind for each in verdict.findings}


def test_post_that_a_feed_lists_is_given_by_its_own_address() -> None:
    posts = Part("post", Role.ALTERNATIVE, "https://posts.example/feed.xml", required=False)
    entry = "https://posts.example/2"
    seen = [a_sighting(ABSENT, 50), a_sighting(PRESENT, 60, why=entry, address=posts.url)]
    looked = {"page": [a_run("page", ABSENT, -3600, 390)], "post": looks(*seen)}
    verdict = judged(400, looked, release=a_release(posts))
    post = next(part for part in verdict.parts if part.id == "post")
    assert (post.url, post.shown_at) == (posts.url, entry)
    assert [period.url for period in verdict.elsewhere] == [entry]
    first = next(each for each in verdict.findings if each.kind is FindingKind.ELSEWHERE_FIRST)
    assert entry in first.detail


def test_two_parts_of_one_release_may_have_the_same_bytes() -> None:
    looked = {
        part.id: looks(missing(-2), missing(-1), a_file(part, 1), a_file(part, 300))
        for part in (SHEET, ANNEX)
    }
    verdict = judged(400, looked, release=a_release(SHEET, ANNEX))
    files = [part for part in verdict.parts if part.id in looked]
    assert {part.verdict for part in files} == {VerdictKind.ON_TIME}
