"""How the address of a release is known, in the words of the board, the terminal, drafts and
explanations.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.draft.certainty import say_where_announced
from monitor.cli.explain import release_lines
from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.as_json import address_note, release_json
from monitor.judge.explain.explain import Explanation, explain
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from schedules.announcement import Address
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import a_late_verdict


def draft_sentences_on(verdict: Verdict) -> str:
    return " ".join(say_where_announced(release_facts(verdict, Measurement())))


def explanation_of(verdict: Verdict) -> Explanation:
    case = ReleaseCase(a_release(address=verdict.address), [a_promise()], {})
    return explain(verdict, case, Policy())


@pytest.mark.parametrize(
    ("address", "remark", "remark_in_draft"),
    [
        (
            Address.GUESSED,
            "guessed from its announcement: absence",
            "it was guessed from that of its announcement",
        ),
        (Address.LED_TO, "its announcement led there", "its announcement led there."),
        (Address.FOUND, "found by its title", "it was found by its title in a listing."),
    ],
)
def test_all_outputs_say_how_address_was_known(
    address: Address, remark: str, remark_in_draft: str
) -> None:
    """No calendar named the address of this page. It was guessed from that of its announcement, or
    the announcement led there, or it was found by its title in a listing. Board, terminal, draft
    and explanation each say which.
    """
    not_out_yet = a_late_verdict(now=400, seconds_late=1200)
    verdict = replace(not_out_yet, address=address)
    body = release_json(verdict)
    assert remark in address_note(body)  # on the board
    (address_in_terminal,) = [line for line in release_lines(body, "ONS") if "Address" in line]
    assert remark in address_in_terminal
    assert remark_in_draft in draft_sentences_on(verdict)
    (explained_page,) = [fact.text for fact in explanation_of(verdict).facts if fact.kind == "part"]
    assert remark in explained_page


def test_announced_address_has_no_remark() -> None:
    """A calendar named the address of this page.

    That is usual. So board and draft do not say how it is known.
    """
    verdict = a_late_verdict(now=400)
    remark_on_board = address_note(release_json(verdict))
    assert remark_on_board == ""
    assert "No calendar named" not in draft_sentences_on(verdict)


def test_remark_on_guessed_address_says_that_release_was_found_there() -> None:
    """An address was guessed from that of the announcement. Absence at such an address usually
    proves nothing. But this release came there, 20 minutes late, so the guess was right. The board
    and the draft say so, and the explanation does not say that absence there proves nothing.
    """
    verdict = replace(a_late_verdict(now=1300, seconds_late=1200), address=Address.GUESSED)
    remark_on_board = address_note(release_json(verdict))
    assert remark_on_board == " (guessed from its announcement, and found there)"
    assert draft_sentences_on(verdict).endswith("and the release was found there.")
    explanation = [fact.text for fact in explanation_of(verdict).facts]
    assert not any("proves nothing" in text for text in explanation)
