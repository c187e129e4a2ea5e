"""Judgements a second, sightings folded a second, and looks replayed a second from a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds
from bench.quiet import play_quiet_releases
from bench.world import promise, release, silence_logs, temporary_folder
from monitor.app.options import make_policies
from monitor.config.settings import Settings
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from monitor.judge.runs import Run, extend_run, start_run
from monitor.look.sighting import Sighting, State
from monitor.store.open import open_store
from monitor.watch.rejudge import replay

_SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
_TARGET = "r0/page/edge"
_LOOKS = 4000


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield how many of each fit in a second of CPU."""
    silence_logs()
    seconds = 0.1 if quick else 1.5
    runs = _folded(_sightings())
    yield {"judgements_per_second": _rate(seconds, lambda: _judged(runs))}
    yield {"folded_looks_per_second": _LOOKS * _rate(seconds, lambda: _folded(_sightings()))}
    with temporary_folder() as place:
        script = play_quiet_releases(place, releases=2 if quick else 20)
        yield _replayed(place, script.looks, seconds)


def _rate(seconds: float, work: Callable[[], object]) -> float:
    began, times = cpu_seconds(), 0
    while cpu_seconds() - began < seconds:
        work()
        times += 1
    return times / (cpu_seconds() - began)


def _sightings() -> list[Sighting]:
    """Return a look a second: absent, now and then failed, present five minutes after the slot."""
    seen = []
    for second in range(_LOOKS):
        at = _SLOT + timedelta(seconds=second - _LOOKS // 2)
        state = State.PRESENT if at >= _SLOT + timedelta(minutes=5) else State.ABSENT
        state = State.UNKNOWN if second % 500 == 499 else state
        came = at + timedelta(milliseconds=20)
        seen.append(
            Sighting(_TARGET, state, at, came, at, came, state is State.PRESENT, status=200)
        )
    return seen


def _folded(sightings: list[Sighting]) -> list[Run]:
    runs: list[Run] = []
    for sighting in sightings:
        longer = extend_run(runs[-1], sighting) if runs else None
        runs = [*runs[:-1], longer] if longer else [*runs, start_run(sighting)]
    return runs


def _judged(runs: list[Run]) -> object:
    now = _SLOT + timedelta(minutes=40)
    return ReleaseCase(release(0), [promise(0, _SLOT)], {_TARGET: runs}).judge(Policies(), now)


def _replayed(place: Path, looks: int, seconds: float) -> dict[str, float]:
    store = open_store(f"sqlite:///{place / 'ninethirty.db'}")
    policies = make_policies(Settings())

    def again() -> None:
        differing = [name for name, found in replay(store, policies, None, None) if found]
        assert not differing  # noqa: S101  # a replay that differs is a fault, not a figure

    rate = _rate(seconds, again)
    store.close()
    return {"replayed_looks_per_second": looks * rate, "replayed_looks": looks}
