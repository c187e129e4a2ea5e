"""What proves that a release is not out yet whose page may stand at another address than the one that was guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from monitor.judge.runs import Run
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import State
from monitor.plan.addresses import ANNOUNCEMENT, INDEX, INDEX_LAG, REDIRECT_LAG
from monitor.plan.targets import View, target_id


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Until when the announcement, and a listing of publications, prove that a release was out nowhere.

    Both speak late: what was published a moment ago may still be announced, and not be listed. That is allowed for.
    `redirects`: the announcement has led to its page, so its redirect is not one of those that fail for good.
    """

    announcing: datetime | None = None
    unlisted: datetime | None = None
    redirects: bool = False

    @property
    def both(self) -> datetime | None:
        """Return the latest instant as of which both prove it."""
        return None if self.announcing is None or self.unlisted is None else min(self.announcing, self.unlisted)

    def absent(self, slot: datetime | None) -> datetime | None:
        """Return the latest instant as of which the release was out nowhere.

        Before its slot an announcement that has redirected since says so alone. After it, or where the redirect may
        have failed for good, an announcement may go on though the page is out: the listing has to bear it out.
        """
        if self.announcing is None or slot is None or not self.redirects:
            return self.both
        before = min(self.announcing, slot)
        return before if self.both is None else max(before, self.both)


def witnesses(release: str, runs: Mapping[str, Sequence[Run]], now: datetime) -> Witnesses:
    """Return what the announcement of a release and the listing prove by `now`, from runs by target id."""
    announcing, unlisted = (_last_absent(release, part, runs, now) for part in (ANNOUNCEMENT, INDEX))
    its = (
        run for view in View for run in runs.get(target_id(release, ANNOUNCEMENT, view), ()) if run.first_sent <= now
    )
    return Witnesses(
        None if announcing is None else announcing - REDIRECT_LAG,
        None if unlisted is None else unlisted - INDEX_LAG,
        any(run.why == REDIRECTED for run in its),
    )


def _last_absent(release: str, part: str, runs: Mapping[str, Sequence[Run]], now: datetime) -> datetime | None:
    known = (run for view in View for run in runs.get(target_id(release, part, view), ()) if run.first_sent <= now)
    return max((min(run.end, now) for run in _until_told(known)), default=None)


def _until_told(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that show nothing yet, up to the first that shows it out: what follows may be an old copy."""
    in_order = sorted(runs, key=lambda run: run.first_sent)
    before = takewhile(lambda run: run.state is not State.PRESENT and run.why != REDIRECTED, in_order)
    return [run for run in before if run.state is State.ABSENT]
