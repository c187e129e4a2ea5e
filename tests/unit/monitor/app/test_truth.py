"""Random timelines through the real daemon: measurements contain the truth, and no false breach is
reported.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from tests.unit.monitor.app.monitor_in_test import HEAD, HOST, URL, reopened
from tests.unit.monitor.app.replaying import differences_in_replay

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
BEGINS, ENDS, TOLERANCE = -120, 240, 60
FAULTS = ("reset", "timeout", "503", "challenge", "garbage", "429")
SHEET = "https://files.example/claims.csv"
PART = f'part = [{{ id = "sheet", role = "data", url = "{SHEET}" }}]\n'
pytestmark = pytest.mark.explored
WITHOUT_AGE = 'headers = { "Age" = "0", "X-Cache" = "MISS" }\n'


@dataclass(frozen=True)
class Timeline:
    """What happens around a slot, in seconds from it: publications, faults, and when the monitor
    was down.

    `page_early`: from when until when the page was public before the slot. `file_replaced`: when
    other bytes replaced the file. `page_cache`, `file_cache`: for how long the edges keep a copy.
    `hides_age`: they do not give its age. `offset`: how wrong our clock was. `looks_a_second`: the
    budget of each host.
    """

    page_published: int | None
    page_early: tuple[int, int] | None
    page_cache: int
    faults: tuple[tuple[int, int, str], ...]
    down: tuple[int, int] | None
    offset: int
    hides_age: bool = False
    looks_a_second: int = 5
    file_published: int | None = None
    file_replaced: int | None = None
    file_cache: int = 0

    def script(self) -> str:
        """Return it as the tables of a rehearsal."""
        head = HEAD.replace("10:30:00", f"{_instant_at(ENDS):%H:%M:%S}")
        return (
            head
            + PART
            + "".join([*self._answers(), *self._files(), *self._faults(), *self._monitor()])
        )

    def _answers(self) -> list[str]:
        turns = (
            []
            if self.page_early is None
            else [(self.page_early[0], 200), (self.page_early[1], 410)]
        )
        turns += [] if self.page_published is None else [(self.page_published, 200)]
        return [
            _answer_line(URL, at, code, self._cached(self.page_cache))
            for at, code in [(-1800, 404), *turns]
        ]

    def _files(self) -> list[str]:
        cache = self._cached(self.file_cache)
        turns = [
            (at, body)
            for at, body in ((self.file_published, "a,b"), (self.file_replaced, "a,c"))
            if at is not None
        ]
        came = [_answer_line(SHEET, at, 200, f'body = "{body}"\n{cache}') for at, body in turns]
        return [_answer_line(SHEET, -1800, 404, cache), *came]

    def _cached(self, seconds: int) -> str:
        return (
            f'edge_cache = "{seconds}s"\n{WITHOUT_AGE if self.hides_age else ""}' if seconds else ""
        )

    def _faults(self) -> list[str]:
        return [
            f'[[fault]]\nhost = "{HOST}"\nfrom = {_local_time(begins)}\nuntil ='
            f' {_local_time(begins + long)}\nkind = "{kind}"\n'
            + ('retry_after = "20s"\n' if kind == "429" else "")
            for begins, long, kind in self.faults
        ]

    def _monitor(self) -> list[str]:
        troubles = (
            []
            if self.down is None
            else [(self.down[0], "kill"), (self.down[0] + self.down[1], "start")]
        )
        clock = f'[[monitor]]\nat = {_local_time(BEGINS + 1)}\nkind = "clock"\noffset = "{self.offset}s"\n'
        tables = [
            f'[[monitor]]\nat = {_local_time(at)}\nkind = "{kind}"\n' for at, kind in troubles
        ]
        return tables + ([clock] if self.offset else [])


def _answer_line(url: str, at: int, status: int, more: str) -> str:
    return f'[[answer]]\nurl = "{url}"\nat = {_local_time(at)}\nstatus = {status}\n{more}'


def _instant_at(seconds: int) -> datetime:
    return SLOT + timedelta(seconds=seconds)


def _local_time(seconds: int) -> str:
    return f"{_instant_at(seconds):%Y-%m-%dT%H:%M:%S}"


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    page_early = draw(st.none() | st.tuples(st.integers(-80, -40), st.integers(10, 30)))
    file_published = draw(st.none() | st.integers(-90, 5) | st.integers(0, 150))
    fault = st.tuples(st.integers(-100, 150), st.integers(1, 60), st.sampled_from(FAULTS))
    return Timeline(
        page_published=draw(st.none() | st.integers(0, 5) | st.integers(0, 150)),
        page_early=None if page_early is None else (page_early[0], page_early[0] + page_early[1]),
        page_cache=draw(st.sampled_from([0, 0, 5, 30])),
        faults=tuple(draw(st.lists(fault, max_size=1))),
        down=draw(st.none() | st.tuples(st.integers(-90, 90), st.integers(2, 90))),
        offset=draw(st.sampled_from([0, 0, 0, 8, -8])),
        hides_age=draw(st.booleans()),
        looks_a_second=draw(st.sampled_from([5, 5, 1])),
        file_published=file_published,
        file_replaced=(
            None
            if file_published is None
            else draw(st.none() | st.integers(file_published + 70, file_published + 90))
        ),
        file_cache=draw(st.sampled_from([0, 5, 30, 120])),
    )


def play_and_check_replay(timeline: Timeline, folder: Path) -> dict[str, Any]:
    """Return the JSON of the release at the end.

    Check that the stored looks replay without a difference.
    """
    path = folder / "timeline.toml"
    path.write_text(timeline.script())
    script = read_script(path)
    base = Settings.model_validate(
        {
            "budget": {
                "default": f"{timeline.looks_a_second}/s",
                HOST: f"{timeline.looks_a_second}/s",
            }
        }
    )
    played = play(script, base, folder)
    rehearsed = rehearsal_settings(script, base, folder)
    with closing(reopened(rehearsed)) as store:
        assert not any(differences_in_replay(store, rehearsed).values())
        assert store.check() == []
        ids = [notice.id for notice in store.outbox.notices()]
        assert len(ids) == len(set(ids))
    (release,) = played.results.releases
    return dict(release)


def seconds_of_publication(timeline: Timeline) -> dict[str, int | None]:
    """Return when each part was first public at or after its slot, in seconds.

    A part that came early counts as 0.
    """
    return {
        "page": timeline.page_published,
        "sheet": None if timeline.file_published is None else max(timeline.file_published, 0),
    }


def seconds_of_first_publication(timeline: Timeline) -> dict[str, int | None]:
    """Return since when the page was early (None: it was not), and when the file was published,
    early or not.
    """
    return {
        "page": timeline.page_early[0] if timeline.page_early else None,
        "sheet": timeline.file_published,
    }


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(timeline=Timeline(None, None, 0, (), (-13, 2), -8, file_published=-87))
@example(timeline=Timeline(5, (-42, -15), 0, (), (-33, 68), 0))
@example(
    timeline=Timeline(None, None, 0, (), None, -8, hides_age=True, file_published=0, file_cache=30)
)
@given(timeline=timelines())
def test_verdicts_and_intervals_agree_with_the_true_publication(timeline: Timeline) -> None:
    """Hypothesis chooses a timeline: when a page and a file are published, what fails and when the
    monitor is down.
    """
    with tempfile.TemporaryDirectory() as folder:
        release = play_and_check_replay(timeline, Path(folder))
    event(release["verdict"])  # for the statistics of Hypothesis
    if release["verdict"] == "early":
        assert is_page_early(timeline) or is_file_early(timeline)
    if release["verdict"] == "on_time":
        assert is_all_published_on_time(timeline)
    if any(finding["kind"] == "swapped" for finding in release["findings"]):
        assert timeline.file_replaced is not None
    published_at, first_public_at = (
        seconds_of_publication(timeline),
        seconds_of_first_publication(timeline),
    )
    for part in release["parts"]:
        if (name := part["id"]) in published_at:  # the page and the file
            check_verdict(part["verdict"], published_at[name])
            check_interval(part["released"], published_at[name], first_public_at[name])
    check_exposure_lengths(release, timeline)


def is_page_early(timeline: Timeline) -> bool:
    return timeline.page_early is not None


def is_file_early(timeline: Timeline) -> bool:
    return timeline.file_published is not None and timeline.file_published < 0


def is_all_published_on_time(timeline: Timeline) -> bool:
    """Return whether page and file were published within the tolerance, with a second for the error
    of our clock.
    """
    return all(
        seconds is not None and seconds <= TOLERANCE + 1
        for seconds in seconds_of_publication(timeline).values()
    )


def check_verdict(word: str, published: int | None) -> None:
    """Check that a part published at these seconds after its slot, or never, may have this
    verdict.
    """
    if word == "late":
        assert published is not None
    if word in {"late", "overdue"}:
        assert published is None or published > TOLERANCE - 1
    if word == "on_time":
        assert published is not None
        assert published <= TOLERANCE + 1


def check_interval(
    measured: dict[str, str | None], published: int | None, first_public: int | None
) -> None:
    """Check that the interval contains the true publication, with a second of tolerance for the
    clock on each side.

    If no look found the part absent, its first publication is measured, which may be before the
    slot.
    """
    is_never_absent = measured["after"] is None
    true = first_public if is_never_absent and first_public is not None else published
    if measured["by"] is not None and true is not None:
        tolerance = timedelta(seconds=1)
        assert datetime.fromisoformat(measured["by"]) + tolerance >= _instant_at(true)
        assert measured["after"] is None or datetime.fromisoformat(
            measured["after"]
        ) - tolerance <= _instant_at(true)


def check_exposure_lengths(release: dict[str, Any], timeline: Timeline) -> None:
    """Check that no exposure of the page is measured as longer than it was."""
    for exposure in (each for each in release["exposures"] if each["part"] == "page"):
        assert timeline.page_early is not None
        least = exposure["seconds"]["min"]
        # What a cache goes on serving after the origin took it down is public all the same.
        longest = (
            timeline.page_early[1]
            - timeline.page_early[0]
            + (timeline.page_cache if timeline.hides_age else 0)
        )
        assert least is None or least <= longest + 1
