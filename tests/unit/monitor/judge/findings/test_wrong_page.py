from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import extend
from monitor.judge.verdict import Finding, Kind, Word
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE
from monitor.look.sighting import Sighting, State
from schedules.announcement import Address
from tests.unit.monitor.deliver.story import a_promise, a_release, a_run, at


def found(why: str, state: State, *, until: float = 400, address: Address = Address.ANNOUNCED) -> list[Finding]:
    runs = [a_run("r", State.ABSENT, -3600, -10), replace(a_run("r", state, -9, until), why=why)]
    release = replace(a_release(), address=address)
    verdict = judge(release, [a_promise()], {"r/page/edge": runs}, [], Policy(), at(400))
    assert verdict.word is not Word.ON_TIME
    return [one for one in verdict.findings if one.kind in (Kind.WRONG_EDITION, Kind.WRONG_CONTENT)]


def test_another_edition_at_the_slot_is_absence_and_a_finding() -> None:
    (one,) = found(ANOTHER_EDITION, State.ABSENT)
    assert (one.kind, one.part) == (Kind.WRONG_EDITION, "page")
    assert one.detail == "another edition stands there at its slot: seen Fri 5 Jan 2018 09:30:00 GMT"


def test_another_title_after_an_absence_is_a_finding() -> None:
    assert [one.kind for one in found(ANOTHER_TITLE, State.UNKNOWN)] == [Kind.WRONG_CONTENT]


@pytest.mark.parametrize("why", ["", "503"])
def test_what_merely_fails_or_is_missing_is_none(why: str) -> None:
    assert found(why, State.ABSENT if not why else State.UNKNOWN) == []


def test_what_stood_there_before_the_slot_alone_is_none() -> None:
    assert found(ANOTHER_EDITION, State.ABSENT, until=30) == []


def test_at_a_guessed_address_it_says_nothing() -> None:
    assert found(ANOTHER_EDITION, State.ABSENT, address=Address.GUESSED) == []


def test_a_run_of_nothing_and_one_of_another_edition_are_two() -> None:
    first = a_run("r", State.ABSENT, -60, -1)
    sighting = Sighting("r/page/edge", State.ABSENT, at(0), at(0), at(0), at(0), why=ANOTHER_EDITION)
    assert isinstance(extend(first, sighting, None), tuple)
    again = extend(replace(first, why=ANOTHER_EDITION), sighting, None)
    assert not isinstance(again, tuple)
