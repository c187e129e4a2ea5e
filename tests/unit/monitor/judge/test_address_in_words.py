from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.draft.narrative import announcement
from monitor.cli.text import release_lines
from monitor.deliver.facts import Measured, release_facts
from monitor.judge.as_json import address_told, release_json
from monitor.judge.explain.explain import explain
from monitor.judge.policy import Policy
from schedules.announcement import Address
from tests.unit.monitor.deliver.story import a_promise, a_release, a_verdict


@pytest.mark.parametrize(
    ("address", "words", "sentence"),
    [
        (Address.GUESSED, "guessed from its announcement's", "it was guessed from that of its announcement"),
        (Address.LED_TO, "its announcement led there", "its announcement led there."),
        (Address.FOUND, "found by its title", "it was found by its title in a listing."),
    ],
)
def test_an_address_that_no_calendar_named_is_said_to_be_so(address: Address, words: str, sentence: str) -> None:
    verdict = replace(a_verdict(400), address=address)
    body, release = release_json(verdict), replace(a_release(), address=address)
    assert words in address_told(body)
    assert any("Address" in line and words in line for line in release_lines(body))
    assert sentence in announcement(release_facts(verdict, Measured()))
    told = explain(verdict, release, [a_promise()], {}, [], Policy())
    assert any(words in fact.text for fact in told.facts if fact.kind == "part")


def test_of_an_announced_address_nothing_more_is_said() -> None:
    verdict = a_verdict(400)
    assert address_told(release_json(verdict)) == ""
    assert "No calendar named" not in announcement(release_facts(verdict, Measured()))


def test_a_release_that_was_found_at_its_guess_is_not_said_to_prove_nothing_there() -> None:
    verdict = replace(a_verdict(1300), address=Address.GUESSED)
    told = explain(verdict, replace(a_release(), address=Address.GUESSED), [a_promise()], {}, [], Policy())
    assert address_told(release_json(verdict)) == " (guessed from its announcement's, and found there)"
    assert announcement(release_facts(verdict, Measured())).endswith("and the release was found there.")
    assert not any("proves nothing" in fact.text for fact in told.facts)
