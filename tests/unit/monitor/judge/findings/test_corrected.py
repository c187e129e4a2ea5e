"""What published content says of its own version, after its release. Instants are seconds from the slot."""

from __future__ import annotations

import pytest

from monitor.deliver.verdicts import body_of
from monitor.judge.differences import differences
from monitor.judge.judge import judge
from monitor.judge.policy import Grade, Policy
from monitor.judge.verdict import Finding, Kind, Verdict, Word
from monitor.look.recognise.version import moved_on, read, written
from monitor.look.sighting import State
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import SLOT, Story, fold, look, promise, release, second, watched

P, A, U = State.PRESENT, State.ABSENT, State.UNKNOWN
FIRST = "change_history=1 public_updated_at=2018-01-05T09:30:00+00:00"
SECOND = "change_history=2 public_updated_at=2018-01-05T11:02:03+00:00"
THIRD = "change_history=3 public_updated_at=2018-01-05T12:00:00+00:00"
HOUR = 3600.0


def judged(now: float, page: Story, content: Story | None = None, until: float | None = None) -> Verdict:
    """Judge as of `now` from looks made until then, or until later."""
    stories = {"edge": (page, 30.0), "content": (content or page, 60.0)}
    last = now if until is None else until
    runs = {f"r/page/{view}": watched(f"r/page/{view}", story, step, last) for view, (story, step) in stories.items()}
    return judge(release(), [promise()], runs, [], Policy(), second(now))


def out(*versions: tuple[float, str], specific: bool = True) -> Story:
    return Story([(-120, A), (0, P)], specific=specific, versions=versions)


def of(verdict: Verdict) -> list[Finding]:
    return [found for found in verdict.findings if found.kind is Kind.CORRECTED]


PAGE = Story([(-120, A), (0, P)], specific=True)


def test_a_version_that_moves_on_after_the_release_is_found_with_its_fields_and_looks() -> None:
    (found,) = of(judged(3 * HOUR, PAGE, out((0, FIRST), (2 * HOUR, SECOND))))
    assert found.part == "page"
    assert found.detail == (
        "corrected or updated after its release: change_history went from 1 to 2, "
        "public_updated_at moved on to Fri 5 Jan 2018 11:02:03 GMT; "
        "seen between Fri 5 Jan 2018 11:29:00 GMT and Fri 5 Jan 2018 11:30:00 GMT"
    )
    assert found.seconds == Bounds(2 * HOUR - 60, 2 * HOUR + 30)


def test_a_correction_alters_neither_verdict_nor_grade() -> None:
    quiet, told = (judged(3 * HOUR, PAGE, out((0, FIRST), *more)) for more in ([], [(HOUR, SECOND)]))
    assert (quiet.word, quiet.grade, quiet.final) == (told.word, told.grade, told.final)
    assert (told.word, told.grade) == (Word.ON_TIME, Grade.NONE)
    assert not of(quiet)


def test_each_correction_is_told_once() -> None:
    assert len(of(judged(4 * HOUR, PAGE, out((0, FIRST), (HOUR, SECOND), (2 * HOUR, THIRD))))) == 2


def test_an_older_copy_of_a_cache_is_no_correction() -> None:
    assert len(of(judged(4 * HOUR, PAGE, out((0, FIRST), (HOUR, SECOND), (2 * HOUR, FIRST), (3 * HOUR, SECOND))))) == 1


def test_a_version_that_moves_on_before_the_slot_is_no_correction_of_the_release() -> None:
    early = Story([(-7200, A), (-3600, P)], specific=True, versions=[(-3600, FIRST), (-1800, SECOND)])
    assert not of(judged(600, PAGE, early))


def test_what_came_early_and_stood_through_its_slot_may_be_corrected_after_it() -> None:
    early = Story([(-7200, A), (-3600, P)], specific=True, versions=[(-3600, FIRST), (1800, SECOND)])
    assert len(of(judged(2 * HOUR, Story(early.states, specific=True), early))) == 1


def test_a_rolling_page_whose_new_edition_comes_at_the_slot_is_not_called_corrected() -> None:
    # Answering from the first look on without this edition's title, it proves nothing: what changes may be the release.
    rolling = Story([(-7200, P)], versions=[(-7200, FIRST), (2, SECOND)])
    assert not of(judged(2 * HOUR, Story(rolling.states), rolling))


def test_what_comes_back_under_another_version_is_told_as_taken_away_and_back_alone() -> None:
    states = [(-120, A), (0, P), (HOUR, State.WITHDRAWN), (2 * HOUR, P)]
    content = Story(states, specific=True, versions=[(0, FIRST), (2 * HOUR, SECOND), (3 * HOUR, THIRD)])
    verdict = judged(2.5 * HOUR, Story(states, specific=True), content)
    assert [found.kind for found in verdict.findings] == [Kind.WITHDRAWN]
    assert len(of(judged(4 * HOUR, Story(states, specific=True), content))) == 1


def test_failed_looks_in_between_widen_the_span_in_which_it_changed() -> None:
    states = [(-120, A), (0, P), (HOUR, U), (2 * HOUR, P)]
    content = Story(states, specific=True, versions=[(0, FIRST), (2 * HOUR, SECOND)])
    (found,) = of(judged(3 * HOUR, PAGE, content))
    assert "between Fri 5 Jan 2018 10:29:00 GMT and Fri 5 Jan 2018 11:30:00 GMT" in found.detail


def test_judging_again_with_longer_runs_finds_the_same_correction() -> None:
    stories = PAGE, out((0, FIRST), (HOUR, SECOND), (4 * HOUR, THIRD))
    stored, again = (body_of(judged(2 * HOUR, *stories, until), None) for until in (None, 5 * HOUR))
    assert [found["kind"] for found in again["findings"]] == ["corrected"]
    assert differences(stored, again) == []


def test_another_version_begins_another_run_and_silence_about_it_does_not() -> None:
    looks = [look("r/page/content", P, at, version=told) for at, told in enumerate((FIRST, None, FIRST, SECOND))]
    runs = []
    for each in looks:
        runs = fold(runs, each)
    assert [(run.version, run.looks) for run in runs] == [(FIRST, 3), (SECOND, 1)]


def test_a_version_is_written_without_a_word_of_the_content_and_read_back() -> None:
    text = written(public_updated_at=SLOT, change_history=2, other=None)
    assert text == "change_history=2 public_updated_at=2018-01-05T09:30:00+00:00"
    assert read(text) == {"change_history": 2, "public_updated_at": SLOT}
    assert written(public_updated_at=None) is None


@pytest.mark.parametrize(
    ("told", "fields"),
    [(SECOND, ["change_history", "public_updated_at"]), (FIRST, []), ("change_history=0", []), ("other=9", [])],
)
def test_only_fields_that_were_known_and_grew_have_moved_on(told: str, fields: list[str]) -> None:
    assert moved_on(read(FIRST), read(told)) == fields
