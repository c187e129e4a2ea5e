"""What looks like a finding and is none, at the very limits of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Finding, Kind, Verdict, Word
from monitor.look.recognise.title import ANOTHER_EDITION
from monitor.look.sighting import State
from schedules.announcement import Address, Part, Role
from schedules.slot import Precision, Slot
from tests.unit.monitor.judge.world import SLOT, fold, look, promise, release, second

A, P, U, W = State.ABSENT, State.PRESENT, State.UNKNOWN, State.WITHDRAWN
SHEET = Part(
    "sheet",
    Role.DATA,
    "https://assets.publishing.service.gov.uk/media/x/tables.ods",
    required=False,
)
NEWS = Part("news", Role.ALTERNATIVE, "https://www.gov.uk/government/news/x", required=False)
Look = tuple[float, State]
LATE: Sequence[Look] = [(-2, A), (100, A), (300, P), (301, P)]


def runs(target: str, looks: Sequence[Look], **more: object) -> list[Run]:
    found: list[Run] = []
    for at, state in looks:
        found = fold(found, look(target, state, at, specific=state is P, **more))
    return found


def judged(stories: Mapping[str, Sequence[Look]], *parts: Part, now: float = 400) -> Verdict:
    known = {f"r/{name}": runs(f"r/{name}", looks) for name, looks in stories.items()}
    return judge(release(*parts), [promise()], known, [], Policy(), second(now))


def kinds(verdict: Verdict) -> list[Kind]:
    return [found.kind for found in verdict.findings]


@pytest.mark.parametrize("news", [(), ((100, A),), ((-2, A), (299, A), (300, P))])
def test_an_alternative_that_never_came_or_came_with_the_late_page_was_not_first(
    news: Sequence[Look],
) -> None:
    assert kinds(judged({"page/edge": LATE, "news/edge": news}, NEWS)) == [Kind.LATE]


@pytest.mark.parametrize(("absent", "is_after"), [(-1, True), (-1.001, False)])
def test_an_alternative_is_told_against_the_slot_where_it_came_no_earlier(absent: float, *, is_after: bool) -> None:
    verdict = judged({"page/edge": LATE, "news/edge": [(absent, A), (5, P)]}, NEWS)
    (found,) = [one for one in verdict.findings if one.kind is Kind.ELSEWHERE_FIRST]
    assert found.detail.endswith("after the slot") is is_after


def test_what_hid_a_part_that_is_not_required_is_no_finding() -> None:
    failed = [(at, U) for at in range(-60, 100, 5)]
    hidden = {"page/edge": [(-2, A), (0.5, P)], "sheet/edge": failed}
    assert kinds(judged(hidden, SHEET)) == []
    assert Kind.BLIND in kinds(judged(hidden, replace(SHEET, required=True)))


def blind(*looks: Look) -> Finding:
    (found,) = [one for one in judged({"page/edge": looks}).findings if one.kind is Kind.BLIND]
    return found


def test_a_failure_held_the_host_back_until_the_first_look_after_it() -> None:
    told = blind((-60, A), (-30, U), (90, P), (91, U), (200, P))
    assert told.seconds is not None
    assert told.seconds.min == pytest.approx(120, abs=1)


def test_bytes_that_changed_before_the_slot_are_no_swap() -> None:
    known = runs("r/sheet/edge", [(-7200, A)])
    for at, digest in (
        (-3600, "a"),
        (-3000, "a"),
        (-1800, "b"),
        (-900, "b"),
        (300, "b"),
    ):
        known = fold(known, look("r/sheet/edge", P, at, digest=digest))
    whole = {
        "r/page/edge": runs("r/page/edge", [(-2, A), (0.5, P)]),
        "r/sheet/edge": known,
    }
    verdict = judge(release(SHEET), [promise()], whole, [], Policy(), second(400))
    assert Kind.SWAPPED not in kinds(verdict)


def test_another_edition_at_a_guess_is_no_finding_and_at_a_known_address_is_one() -> None:
    stood = runs("r/page/edge", [(-2, A), (200, A)], why=ANOTHER_EDITION)
    told = {
        address: judge(
            replace(release(), address=address),
            [promise()],
            {"r/page/edge": stood},
            [],
            Policy(),
            second(400),
        )
        for address in (Address.GUESSED, Address.ANNOUNCED)
    }
    assert Kind.WRONG_EDITION not in kinds(told[Address.GUESSED])
    (found,) = [one for one in told[Address.ANNOUNCED].findings if one.kind is Kind.WRONG_EDITION]
    assert found.at == SLOT


def test_another_edition_before_the_slot_is_no_finding_at_what_came_in_time() -> None:
    before = runs("r/page/edge", [(-20, A), (-1, A)], why=ANOTHER_EDITION)
    came = fold(before, look("r/page/edge", P, 0.5, specific=True))
    verdict = judge(release(), [promise()], {"r/page/edge": came}, [], Policy(), second(400))
    assert (verdict.word, kinds(verdict)) == (Word.ON_TIME, [])


def test_a_promise_without_a_time_casts_no_doubt_on_itself() -> None:
    untold = promise(Slot(Precision.NONE, reason="tbc"))
    verdict = judge(release(), [untold], {}, [], Policy(), second(0))
    assert (verdict.word, kinds(verdict)) == (Word.PENDING, [])


def test_what_one_calendar_disputes_of_one_part_leaves_the_other_as_it_is() -> None:
    looks = {"page/edge": [(-2, A), (0.5, P)], "sheet/edge": LATE}
    known = {f"r/{name}": runs(f"r/{name}", each) for name, each in looks.items()}
    both = [promise(), promise(second(3600), calendar="own")]
    whole = replace(release(replace(SHEET, required=True)), calendars=("govuk", "own"))
    page, sheet = judge(whole, both, known, [], Policy(), second(400)).parts
    assert (page.word, page.unproven_because) == (Word.ON_TIME, None)
    assert sheet.word is Word.UNPROVEN


def test_a_watch_that_closes_is_final_at_that_very_instant() -> None:
    closes = Policy().closes_after.total_seconds()
    edge = {"page/edge": [(-2, A), (100, U), (closes - 60, U), (closes, U)]}
    assert [judged(edge, now=closes + more).final for more in (-0.001, 0.0)] == [
        False,
        True,
    ]


def test_a_part_that_was_exposed_was_first_seen_then_and_released_at_its_slot() -> None:
    verdict = judged({"page/edge": [(-900, A), (-600, P), (-300, A), (-2, A), (0.5, P)]})
    (page,) = verdict.parts
    assert (page.first_seen.by, page.released.by) == (second(-600), second(0.5))
    assert verdict.word is Word.EARLY


def test_a_clock_in_doubt_is_no_other_blindness() -> None:
    span = Blind(second(-30), second(30), "clock")
    known = {"r/page/edge": runs("r/page/edge", [(-60, A), (-5, A), (5, P)])}
    verdict = judge(release(), [promise()], known, [span], Policy(), second(400))
    assert Kind.CLOCK_FAULT in kinds(verdict)
    assert Kind.BLIND not in kinds(verdict)


def test_failed_looks_over_the_slot_of_what_is_late_all_the_same_are_no_finding() -> None:
    failed = [(-60, A), (-30, U), (-15, U), (0, U), (30, U), (60, U), (100, A), (300, P)]
    assert kinds(judged({"page/edge": failed})) == [Kind.LATE]


def test_what_was_taken_away_twice_was_back_each_time() -> None:
    looks = [(-2, A), (0.5, P), (60, A), (130, A), (140, P), (200, A), (270, A), (280, P)]
    first, second_time = judged({"page/edge": looks}).findings
    assert first.kind is second_time.kind is Kind.WITHDRAWN
    for found in (first, second_time):
        assert found.seconds is not None
        assert found.seconds.max is not None
        assert found.seconds.max < 200


def test_a_withdrawal_told_of_for_moments_from_the_last_look_on_is_a_flicker() -> None:
    assert kinds(judged({"page/edge": [(-2, A), (0.5, P), (30, P), (30, W), (50, W)]})) == []
