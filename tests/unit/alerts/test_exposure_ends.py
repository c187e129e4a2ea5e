"""Notices of an ended exposure say why it ended, and claim nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.message import build_message
from alerts.notice import Notice
from schedules.contract.verdict import Ended
from tests.unit.alerts.conftest import SLOT

Make = Callable[..., ReleaseFacts]


def notice_of_ended_exposure(public_early: Make, ended: Ended | None) -> Notice:
    """Return the notice of an exposure that ended for a reason."""
    begun = decide(public_early("page", is_open=True), known=None, now=SLOT).incident
    facts = public_early("page", is_open=False)
    part = facts.parts[0]
    exposures = tuple(replace(one, ended=ended) for one in part.exposures)
    (notice,) = decide(
        replace(facts, parts=(replace(part, exposures=exposures),)), begun, SLOT
    ).notices
    assert notice.kind == "exposure_closed"
    return notice


NOT_KNOWN = (
    "What changed: its slot has come; whether what was public before it still was then is not"
    " known\n"
)


@pytest.mark.parametrize(
    ("reason", "expected_line", "words_of_another_reason"),
    [
        (
            Ended.REMOVED,
            "What changed: what was public before its slot was removed\n",
            "slot has come",
        ),
        (
            Ended.SLOT,
            "What changed: its slot has come, and what was public before it still is\n",
            "removed",
        ),
        (Ended.UNKNOWN, NOT_KNOWN, "removed"),
        (None, NOT_KNOWN, "removed"),
    ],
)
def test_notice_gives_only_the_reason_why_the_exposure_ended(
    public_early: Make, reason: Ended | None, expected_line: str, words_of_another_reason: str
) -> None:
    """An exposure can end by removal, at its slot, or in a way that no one saw. For example, if the
    content was removed, the notice says so, and does not say “slot has come”.
    """
    notice = notice_of_ended_exposure(public_early, reason)
    assert expected_line in notice.text
    assert words_of_another_reason not in notice.text


@pytest.mark.parametrize(
    ("reason", "head"),
    [
        (Ended.REMOVED, "EARLY, over: "),
        (Ended.SLOT, "EARLY, its slot has come: "),
        (Ended.UNKNOWN, "EARLY, its slot has come: "),
    ],
)
def test_subject_says_over_only_of_a_removal(public_early: Make, reason: Ended, head: str) -> None:
    """The last notice, of the complete measurement, says “over” too. It often follows the slot
    within a minute, and must not look like the same notice again.
    """
    assert notice_of_ended_exposure(public_early, reason).subject.startswith(head)


def test_notice_says_page_is_public_and_file_was_removed(public_early: Make) -> None:
    """Page and file were public early.

    At the slot the page is still public, but the file was removed.
    """
    begun = decide(public_early("page", "html", is_open=True), known=None, now=SLOT).incident
    facts = public_early("page", "html", is_open=False)
    page, removed_file = facts.parts
    still_public = replace(page, exposures=(replace(page.exposures[0], ended=Ended.SLOT),))
    (notice,) = decide(replace(facts, parts=(still_public, removed_file)), begun, SLOT).notices
    _status, what_changed, *_ = notice.text.split("\n")
    assert "still is" in what_changed
    assert "was removed" in what_changed


@pytest.mark.parametrize(("is_open", "ended"), [(True, None), (False, "removed")])
def test_the_data_of_a_message_say_why_an_exposure_ended(
    public_early: Make, ended: str | None, *, is_open: bool
) -> None:
    """`ended` is the reason, here “removed”, or None while the exposure is still open."""
    decision = decide(public_early("page", is_open=is_open), known=None, now=SLOT)
    (notice,) = decision.notices
    (part,) = build_message(notice, decision.incident).data["measured"]["parts"]
    assert [exposure["ended"] for exposure in part["exposures"]] == [ended]
