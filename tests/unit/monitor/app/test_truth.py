"""Random timelines through the real daemon: measurements contain the truth, and no false breach is reported."""

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

from monitor.app.options import make_policies
from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.life import HEAD, HOST, URL, reopened

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
BEGINS, ENDS, TOLERANCE = -120, 240, 60
FAULTS = ("reset", "timeout", "503", "challenge", "garbage", "429")
SHEET = "https://files.example/claims.csv"
PART = f'part = [{{ id = "sheet", role = "data", url = "{SHEET}" }}]\n'
pytestmark = pytest.mark.explored
WITHOUT_AGE = 'headers = { "Age" = "0", "X-Cache" = "MISS" }\n'


@dataclass(frozen=True)
class Truth:
    """Seconds from the slot: when it came and went, what failed, when nobody watched, and how wrong our clock was.

    `hides`: the edges tell no age of their copies. `rate` is the hosts' budget in looks a second. `sheet` is when
    the file came, `swap` when it was replaced by other bytes, `keeps` for how long its own edge keeps a copy.
    """

    out: int | None
    exposed: tuple[int, int] | None
    cache: int
    faults: tuple[tuple[int, int, str], ...]
    down: tuple[int, int] | None
    offset: int
    hides: bool = False
    rate: int = 5
    sheet: int | None = None
    swap: int | None = None
    keeps: int = 0

    def script(self) -> str:
        """Return it as the tables of a rehearsal."""
        head = HEAD.replace("10:30:00", f"{_at(ENDS):%H:%M:%S}")
        return head + PART + "".join([*self._answers(), *self._files(), *self._faults(), *self._monitor()])

    def _answers(self) -> list[str]:
        turns = [] if self.exposed is None else [(self.exposed[0], 200), (self.exposed[1], 410)]
        turns += [] if self.out is None else [(self.out, 200)]
        return [_answer(URL, at, code, self._cached(self.cache)) for at, code in [(-1800, 404), *turns]]

    def _files(self) -> list[str]:
        cache = self._cached(self.keeps)
        turns = [(at, body) for at, body in ((self.sheet, "a,b"), (self.swap, "a,c")) if at is not None]
        came = [_answer(SHEET, at, 200, f'body = "{body}"\n{cache}') for at, body in turns]
        return [_answer(SHEET, -1800, 404, cache), *came]

    def _cached(self, seconds: int) -> str:
        return f'edge_cache = "{seconds}s"\n{WITHOUT_AGE if self.hides else ""}' if seconds else ""

    def _faults(self) -> list[str]:
        return [
            f'[[fault]]\nhost = "{HOST}"\nfrom = {_local(begins)}\nuntil = {_local(begins + long)}\nkind = "{kind}"\n'
            + ('retry_after = "20s"\n' if kind == "429" else "")
            for begins, long, kind in self.faults
        ]

    def _monitor(self) -> list[str]:
        troubles = [] if self.down is None else [(self.down[0], "kill"), (self.down[0] + self.down[1], "start")]
        clock = f'[[monitor]]\nat = {_local(BEGINS + 1)}\nkind = "clock"\noffset = "{self.offset}s"\n'
        tables = [f'[[monitor]]\nat = {_local(at)}\nkind = "{kind}"\n' for at, kind in troubles]
        return tables + ([clock] if self.offset else [])


def _answer(url: str, at: int, status: int, more: str) -> str:
    return f'[[answer]]\nurl = "{url}"\nat = {_local(at)}\nstatus = {status}\n{more}'


def _at(seconds: int) -> datetime:
    return SLOT + timedelta(seconds=seconds)


def _local(seconds: int) -> str:
    return f"{_at(seconds):%Y-%m-%dT%H:%M:%S}"


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    exposed = draw(st.none() | st.tuples(st.integers(-80, -40), st.integers(10, 30)))
    sheet = draw(st.none() | st.integers(-90, 5) | st.integers(0, 150))
    fault = st.tuples(st.integers(-100, 150), st.integers(1, 60), st.sampled_from(FAULTS))
    return Truth(
        out=draw(st.none() | st.integers(0, 5) | st.integers(0, 150)),
        exposed=None if exposed is None else (exposed[0], exposed[0] + exposed[1]),
        cache=draw(st.sampled_from([0, 0, 5, 30])),
        faults=tuple(draw(st.lists(fault, max_size=1))),
        down=draw(st.none() | st.tuples(st.integers(-90, 90), st.integers(2, 90))),
        offset=draw(st.sampled_from([0, 0, 0, 8, -8])),
        hides=draw(st.booleans()),
        rate=draw(st.sampled_from([5, 5, 1])),
        sheet=sheet,
        swap=None if sheet is None else draw(st.none() | st.integers(sheet + 70, sheet + 90)),
        keeps=draw(st.sampled_from([0, 5, 30, 120])),
    )


def play_and_check_replay(truth: Truth, folder: Path) -> dict[str, Any]:
    """Return the JSON of the release at the end. Check that the stored looks replay without a difference."""
    path = folder / "truth.toml"
    path.write_text(truth.script())
    script = read_script(path)
    base = Settings.model_validate({"budget": {"default": f"{truth.rate}/s", HOST: f"{truth.rate}/s"}})
    played = play(script, base, folder)
    rehearsed = rehearsal_settings(script, base, folder)
    with closing(reopened(rehearsed)) as store:
        assert all(not differences for _, differences in replay(store, make_policies(rehearsed), begin=None, end=None))
        assert store.check() == []
        ids = [notice.id for notice in store.outbox.notices()]
        assert len(ids) == len(set(ids))
    (release,) = played.results.releases
    return dict(release)


def seconds_of_publication(truth: Truth) -> dict[str, int | None]:
    """Return when each part was first public at or after its slot, in seconds. A part that came early counts as 0."""
    return {"page": truth.out, "sheet": None if truth.sheet is None else max(truth.sheet, 0)}


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(truth=Truth(None, None, 0, (), (-13, 2), -8, sheet=-87))
@example(truth=Truth(5, (-42, -15), 0, (), (-33, 68), 0))
@example(truth=Truth(None, None, 0, (), None, -8, hides=True, sheet=0, keeps=30))
@given(truth=truths())
def test_measured_intervals_contain_the_truth_and_no_publisher_is_wrongly_accused(truth: Truth) -> None:
    with tempfile.TemporaryDirectory() as folder:
        release = play_and_check_replay(truth, Path(folder))
    event(release["verdict"])  # for the statistics of Hypothesis
    # A truth is in seconds from the slot. `exposed`: from when until when the page was public before the slot.
    # `sheet`: when the file was published. `swap`: when other bytes replaced it.
    if release["verdict"] == "early":
        is_page_early, is_sheet_early = truth.exposed is not None, truth.sheet is not None and truth.sheet < 0
        assert is_page_early or is_sheet_early
    published = seconds_of_publication(truth)
    if release["verdict"] == "on_time":
        error_of_our_clock = 1
        assert all(seconds is not None and seconds <= TOLERANCE + error_of_our_clock for seconds in published.values())
    # If no look found a part absent, its first publication is measured, which may be before the slot.
    first_public = {"page": truth.exposed[0] if truth.exposed else None, "sheet": truth.sheet}
    for part in release["parts"]:
        if (name := part["id"]) in published:
            check_verdict(part["verdict"], published[name])
            check_interval(part["released"], published[name], first_public[name])
    was_swapped = truth.swap is not None
    assert was_swapped or all(finding["kind"] != "swapped" for finding in release["findings"])
    check_exposure_lengths(release, truth)


def check_verdict(word: str, out: int | None) -> None:
    """Check that a part published at `out` seconds after its slot, or never, may have this verdict."""
    if word == "late":
        assert out is not None
    if word in {"late", "overdue"}:
        assert out is None or out > TOLERANCE - 1
    if word == "on_time":
        assert out is not None
        assert out <= TOLERANCE + 1


def check_interval(seen: dict[str, str | None], out: int | None, before: int | None) -> None:
    """Check that the interval contains the true publication, with a second of tolerance for the clock on each side."""
    if seen["after"] is None and before is not None:
        out = before
    if seen["by"] is not None and out is not None:
        tolerance = timedelta(seconds=1)
        assert datetime.fromisoformat(seen["by"]) + tolerance >= _at(out)
        assert seen["after"] is None or datetime.fromisoformat(seen["after"]) - tolerance <= _at(out)


def check_exposure_lengths(release: dict[str, Any], truth: Truth) -> None:
    """Check that no exposure of the page is measured as longer than it was."""
    for exposure in (each for each in release["exposures"] if each["part"] == "page"):
        assert truth.exposed is not None
        least = exposure["seconds"]["min"]
        # What a cache goes on serving after the origin took it down is public all the same.
        longest = truth.exposed[1] - truth.exposed[0] + (truth.cache if truth.hides else 0)
        assert least is None or least <= longest + 1
