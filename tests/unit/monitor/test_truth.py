"""Random small truths, played through the real daemon: what it measures contains them, and nobody is wronged."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script import read_script
from monitor.rehearse.stage import settings_for
from monitor.replay import replay
from monitor.wiring import policies_of
from tests.unit.monitor.life import HEAD, HOST, URL, reopened

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
BEGINS, ENDS, TOLERANCE = -120, 240, 60
FAULTS = ("reset", "timeout", "503", "challenge", "garbage", "429")
HIDDEN = 'headers = { "Age" = "0", "X-Cache" = "MISS" }\n'


@dataclass(frozen=True)
class Truth:
    """Seconds from the slot: when it came and went, what failed, when nobody watched, and how wrong our clock was.

    `hides`: the edge tells no age of its copies. `rate` is the host's budget in looks a second.
    """

    out: int | None
    exposed: tuple[int, int] | None
    cache: int
    faults: tuple[tuple[int, int, str], ...]
    down: tuple[int, int] | None
    offset: int
    hides: bool = False
    rate: int = 5

    def script(self) -> str:
        """Return it as the tables of a rehearsal."""
        head = HEAD.replace("10:30:00", f"{_at(ENDS):%H:%M:%S}")
        return head + "".join([*self._answers(), *self._faults(), *self._monitor()])

    def _answers(self) -> list[str]:
        turns = [] if self.exposed is None else [(self.exposed[0], 200), (self.exposed[1], 410)]
        turns += [] if self.out is None else [(self.out, 200)]
        cache = f'edge_cache = "{self.cache}s"\n{HIDDEN if self.hides else ""}' if self.cache else ""
        first = f'[[answer]]\nurl = "{URL}"\nat = 2026-11-26T09:00:00\nstatus = 404\n{cache}'
        return [
            first,
            *(f'[[answer]]\nurl = "{URL}"\nat = {_local(at)}\nstatus = {code}\n{cache}' for at, code in turns),
        ]

    def _faults(self) -> list[str]:
        return [
            f'[[fault]]\nhost = "{HOST}"\nfrom = {_local(begins)}\nuntil = {_local(begins + long)}\nkind = "{kind}"\n'
            + ('retry_after = "20s"\n' if kind == "429" else "")
            for begins, long, kind in self.faults
        ]

    def _monitor(self) -> list[str]:
        troubles = [] if self.down is None else [(self.down[0], "kill"), (self.down[0] + self.down[1], "start")]
        clock = f'[[monitor]]\nat = {_local(BEGINS + 1)}\nkind = "clock"\noffset = "{self.offset}s"\n'
        told = [f'[[monitor]]\nat = {_local(at)}\nkind = "{kind}"\n' for at, kind in troubles]
        return told + ([clock] if self.offset else [])


def _at(seconds: int) -> datetime:
    return SLOT + timedelta(seconds=seconds)


def _local(seconds: int) -> str:
    return f"{_at(seconds):%Y-%m-%dT%H:%M:%S}"


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    exposed = draw(st.none() | st.tuples(st.integers(-80, -40), st.integers(10, 30)))
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
    )


def played(truth: Truth, folder: Path) -> dict[str, Any]:
    """Return the JSON of the release at the end; what was stored replays without a difference."""
    path = folder / "truth.toml"
    path.write_text(truth.script())
    script = read_script(path)
    base = Settings.model_validate({"budget": {HOST: f"{truth.rate}/s"}})
    done = play(script, base, folder)
    rules = settings_for(script, base, folder)
    store = reopened(rules)
    assert [told for _, told in replay(store, policies_of(rules), None, None) if told] == []
    assert store.check() == []
    ids = [notice.id for notice in store.notices()]
    assert len(ids) == len(set(ids))
    store.close()
    (release,) = done.results.releases
    return dict(release)


def is_early(truth: Truth) -> bool:
    return truth.exposed is not None


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(truth=truths())
def test_what_is_measured_contains_the_truth_and_nobody_is_wronged(truth: Truth) -> None:
    with tempfile.TemporaryDirectory() as folder:
        release = played(truth, Path(folder))
    word = release["verdict"]
    event(word)
    if word == "early":
        assert is_early(truth)
    if word == "late":
        assert truth.out is not None
        assert truth.out > TOLERANCE - 1
    if word == "overdue":
        assert truth.out is None or truth.out > TOLERANCE - 1
    if word == "on_time":
        assert truth.out is not None
        assert truth.out <= TOLERANCE + 1
    _contains(release, truth)


def _contains(release: dict[str, Any], truth: Truth) -> None:
    """Hold the interval of the appearance as promised against the truth; one clock's second of play on each side."""
    seen = release["released"]
    if seen["by"] is not None and truth.out is not None:
        play_ = timedelta(seconds=1)
        assert datetime.fromisoformat(seen["by"]) + play_ >= _at(truth.out)
        assert seen["after"] is None or datetime.fromisoformat(seen["after"]) - play_ <= _at(truth.out)
    for exposure in release["exposures"]:
        assert truth.exposed is not None
        least = exposure["seconds"]["min"]
        # What a cache goes on serving after the origin took it down is public all the same.
        longest = truth.exposed[1] - truth.exposed[0] + (truth.cache if truth.hides else 0)
        assert least is None or least <= longest + 1
