"""A poller that makes no looks and a clock that does not move, for tests of planning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.look.fetch import Found
from monitor.look.recognise.result import Known
from monitor.plan.phases import Window
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target
from monitor.watch.listing_match import ListingMatch, NearRelease
from monitor.watch.tripwires import Producer, Tripwires


@dataclass
class FakePoller:
    """Keeps the watched targets with their windows. `calls` counts the calls of `watch`."""

    windows: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    calls: int = 0

    def watch(
        self,
        target: Target,
        windows: Sequence[Window],
        shift: timedelta = timedelta(),
        *,
        promised_at: datetime | None = None,
        soon: bool = False,
        goal: ProofGoal | None = None,
    ) -> None:
        assert shift >= timedelta()
        assert promised_at is None or not soon
        assert goal is None or windows
        self.windows[target.id], self.targets[target.id] = tuple(windows), target
        self.calls += 1

    def restore_known(self, target: Target, known: Known) -> None:
        assert target.id
        assert not (known.baseline and known.was_missing)

    def drop(self, target_id: str) -> None:
        self.windows.pop(target_id, None)
        self.targets.pop(target_id, None)

    def urls(self) -> list[str]:
        return [target.url for target in self.targets.values()]


@dataclass
class StandingClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


def make_tripwires(
    producers: Sequence[Producer],
    *,
    poller: FakePoller | None = None,
    near_releases: Callable[[str], Sequence[NearRelease]] = lambda _producer: (),
    on_match: Callable[[ListingMatch], None] = lambda _match: None,
    on_unmatched: Callable[[str, Found], None] = lambda _producer, _found: None,
) -> Tripwires:
    """Return the tripwires of these producers, one request a minute for each and host."""
    return Tripwires(
        poller or FakePoller(),
        producers,
        near_releases,
        lambda _producer, _found: (),
        on_match,
        on_unmatched,
        on_press=lambda _producer, _found, _at: None,
        every=timedelta(minutes=1),
    )
