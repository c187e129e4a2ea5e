"""How long it takes to assess whether everything is ready for the 175 releases of one day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter

from alerts.ticks import Tick
from bench.world import promise, release, settings, silence_logs, temporary_folder
from monitor.app.options import (
    make_readiness_reader,
    make_reporting_rules,
    make_stored_judge,
)
from monitor.deliver.ticks import make_tick
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.plan.targets import targets_of
from monitor.store.open import open_store
from monitor.store.rows import Actor, Judged
from monitor.store.sql.engine import Store
from monitor.watch.rejudge import StoredJudge
from schedules.announcement import Part, Role

_SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
_RELEASES, _FILES, _RUNS = 175, 3, 10


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield the seconds of one assessment, from a store with ten runs of each target, and a verdict
    and four ticks of each release.
    """
    silence_logs()
    with temporary_folder() as place:
        store = open_store(f"sqlite:///{place / 'store.db'}", durable=False)
        store.upgrade()
        for number in range(5 if quick else _RELEASES):
            _add_release(store, number)
        chosen = settings(place)
        _add_verdicts_and_ticks(store, make_stored_judge(chosen, store))
        reader = make_readiness_reader(
            chosen, store, make_reporting_rules(chosen, ["outbox"]), certificates=None
        )
        began = perf_counter()
        reader.assess_day(_SLOT.date(), _SLOT - timedelta(minutes=30))
        yield {"assess_s": perf_counter() - began}
        store.close()


def _add_release(store: Store, number: int) -> None:
    """Add a release with a page and files, each looked at until shortly before the assessment."""
    known = release(number)
    files = [Part(f"file{each}", Role.DATA, f"{known.url}/{each}.ods") for each in range(_FILES)]
    known = replace(known, parts=(*known.parts, *files))
    with store.transaction() as tx:
        tx.save(known)
        tx.add_promises([promise(number, _SLOT)])
        for target in targets_of(known):
            tx.save(*_absent_runs(target.id))


def _add_verdicts_and_ticks(store: Store, judge: StoredJudge) -> None:
    actor, at = Actor("user:duty", "duty officer"), _SLOT - timedelta(hours=1)
    ticks = (Tick.SCHEDULED, Tick.FILES_UPLOADED, Tick.LIST_SENT, Tick.SECOND_NAMED)
    with store.transaction() as tx:
        for known in store.ledger.releases():
            body = judge.body_of_unwatched(known.id, at) or {}
            row = Judged(
                known.id, known.producer, _SLOT, "pending", "none", final=False, at=at, body=body
            )
            tx.save(row, *(make_tick(actor, tick, known.id, at) for tick in ticks))


def _absent_runs(target: str) -> Iterator[Run]:
    for number in range(_RUNS):
        begins = _SLOT - timedelta(hours=1 + _RUNS - number)
        ends = begins + timedelta(minutes=29)
        yield Run(target, State.ABSENT, begins, ends, begins, ends, 29, status=404)
