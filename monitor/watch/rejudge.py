"""Everything a verdict rests on, read back from the store: for the board, for `explain` and for `replay`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.draft.code import Book
from alerts.finding import ReleaseFacts
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.message import Redactor
from monitor.deliver.verdicts import body_of, with_brought_forward
from monitor.judge.as_json import judged_part
from monitor.judge.differences import differences
from monitor.judge.explain.explain import Explanation, explain, title_facts
from monitor.judge.explain.looks import Fact
from monitor.judge.findings.platform import BEHIND, Settled, host_of, with_platform
from monitor.judge.judge import judge
from monitor.judge.policy import Policies
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Kind, Verdict, Word
from monitor.ledger.state import titles_of
from monitor.plan.addresses import standing_at
from monitor.store.rows import Judged, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.query import chunks
from monitor.store.sql.read import RunStore
from monitor.store.sql.read_ledger import LedgerStore
from schedules.announcement import Address, Part
from schedules.ledger_event import LedgerEvent
from schedules.promise import Promise
from schedules.release import Release
from schedules.retitled import retitlings_as_events

_AROUND = timedelta(days=30)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StoredCase:
    """Everything a verdict on a release rests on."""

    release: Release
    promises: list[Promise]
    runs: dict[str, list[Run]]
    blind: list[Blind]

    def verdict(self, policies: Policies, now: datetime) -> Verdict:
        """Judge it as of an instant."""
        return judge(self.release, self.promises, self.runs, self.blind, policies.of(*self.release.producers), now)


def stored_case(store: Store, release: str) -> StoredCase | None:
    """Read back everything that a verdict on a release rests on; None for a release that is not known."""
    found = store.ledger.release(release)
    if found is None:
        return None
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in store.runs.of_release(release):
        runs[run.target].append(run)
    promises = store.ledger.promises([release])
    return StoredCase(
        _with_parts(found, store.verdicts.judged_one(release)), promises, dict(runs), _blind(store.runs, promises)
    )


def titles_of_release(ledger: LedgerStore, release: Release) -> list[LedgerEvent]:
    """Return how the titles of a release's entries have changed, in the order of reads."""
    rows = (row for name in release.calendars for row in ledger.announced(name) if row.release == release.id)
    found = [event for row in rows for event in retitlings_as_events(titles_of(row), row.calendar, release.id)]
    return sorted(found, key=lambda event: event.at)


def _with_parts(release: Release, row: Judged | None) -> Release:
    """Return a release with every part that was judged: those configured and those found, which no calendar tells."""
    place = judged_place(row)
    release = release if place is None else standing_at(release, *place)
    announced = {part.id for part in release.parts}
    return replace(release, parts=(*release.parts, *(part for part in judged_parts(row) if part.id not in announced)))


def judged_parts(row: Judged | None) -> list[Part]:
    """Return the parts that a release was last judged with, recognisers left out."""
    told = row.body["parts"] if row is not None else ()
    return [judged_part(part) for part in told]


def judged_place(row: Judged | None) -> tuple[str, Address] | None:
    """Return where the page of a release was led to or found when it was last judged; None for any other address."""
    told = Address(row.body.get("address", Address.ANNOUNCED)) if row is not None else Address.ANNOUNCED
    return None if row is None or told not in (Address.LED_TO, Address.FOUND) else (row.body["url"], told)


def fresh(store: Store, policies: Policies, row: Judged, now: datetime, book: Book | None = None) -> dict[str, Any]:
    """Return the JSON of a release as of now: the stored one when it is final, else judged again.

    `book` replaces the editions of the Code as shipped.
    """
    incident = store.verdicts.incident(row.body["incident"]) if row.body["incident"] else None
    case = None if row.final else stored_case(store, row.release)
    if case is None:
        return with_brought_forward(row.body, incident.words if incident else None)
    return body_of(with_those_late_too(store, case.verdict(policies, now)), incident, book)


def judged_between(  # whatever their JSON goes by
    store: Store,
    policies: Policies,
    span: tuple[datetime | None, datetime | None],
    now: datetime,
    book: Book | None = None,
    redactor: Redactor | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the JSON of every release that was judged and whose slot begins between two instants, as of now.

    A few are in memory at a time. `redactor` takes out what configured addresses hold that may not be told.
    """
    for names in chunks(store.verdicts.judged_ids(*span)):
        rows = {row.release: row for row in store.verdicts.judged_on(names)}
        told = [fresh(store, policies, rows[name], now, book) for name in names if name in rows]
        yield from told if redactor is None else json.loads(redactor(json.dumps(told)))


def facts_of(store: Store, policies: Policies, monitor: str, release: str, now: datetime) -> ReleaseFacts | None:
    """Return what people may know of a release, judged as of an instant; None for one that is not known."""
    case = stored_case(store, release)
    if case is None:
        return None
    verdict = with_those_late_too(store, case.verdict(policies, now))
    return release_facts(verdict, Measurement(monitor, case.runs, case.blind))


def unjudged(
    store: Store, policies: Policies, release: str, now: datetime, book: Book | None = None
) -> dict[str, Any] | None:
    """Return the JSON of a release that is promised and not watched yet; None when it was judged, or is not known."""
    case = None if store.verdicts.judged_one(release) is not None else stored_case(store, release)
    return None if case is None else body_of(case.verdict(policies, now), None, book)


def ahead_of(
    store: Store, policies: Policies, book: Book | None = None
) -> Callable[[str, datetime], dict[str, Any] | None]:
    """Return what tells of a release by its id as of an instant, when it is promised and not watched yet."""
    return lambda release, now: unjudged(store, policies, release, now, book)


def with_those_late_too(store: Store, verdict: Verdict) -> Verdict:
    """Return a verdict with what the releases promised for the same instant show about it, as the daemon judged them.

    These are taken as last judged, since only what was judged of them can have told for or against the platform.
    """
    slot = verdict.slot.instant if verdict.slot is not None else None
    if verdict.word not in BEHIND or slot is None:
        return verdict
    rows = (row for row in store.verdicts.judged(slot, slot + _MOMENT) if row.release != verdict.release)
    others = (Settled(row.release, row.producer, host_of(row.body["url"]), slot, Word(row.word)) for row in rows)
    return with_platform(verdict, others)


def _blind(runs: RunStore, promises: list[Promise]) -> list[Blind]:
    begins = [begin for promise in promises if (begin := promise.slot.begins()) is not None]
    passes = [end for promise in promises if (end := promise.slot.passes()) is not None]
    if not begins or not passes:
        return []
    return runs.blind(min(begins) - _AROUND, max(passes) + _AROUND)


def replay(
    store: Store, policies: Policies, begin: datetime | None, end: datetime | None
) -> Iterator[tuple[str, list[str]]]:
    """Judge every release again as of its stored verdict; yields each with what differs, nothing when equal."""
    for row in store.verdicts.judged(begin, end):
        case = stored_case(store, row.release)
        if case is None:
            yield row.release, ["judged, but the release itself is not in the store"]
            continue
        incident = store.verdicts.incident(row.body["incident"]) if row.body["incident"] else None
        again = with_those_late_too(store, case.verdict(policies, row.at))
        several = len({run.monitor for runs in case.runs.values() for run in runs}) > 1
        found = differences(row.body, body_of(again, incident), several=several)
        yield row.release, [*found, *_company(row.body, again)]


def _company(stored: Mapping[str, Any], again: Verdict) -> list[str]:
    """Return whether the stored verdict tells otherwise than this one of others late together on the platform."""
    before = [found["detail"] for found in stored["findings"] if found["kind"] == Kind.PLATFORM]
    after = [found.detail for found in again.findings if found.kind is Kind.PLATFORM]
    return [] if before == after else [f"findings.platform: was {before}, is {after}"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A release as of an instant: its JSON, why its verdict is so, and what it was judged from."""

    body: dict[str, Any]
    explanation: Explanation
    case: StoredCase


@dataclass(frozen=True, slots=True)
class Explainer:
    """Judges a release from the store and says why; `book` replaces the editions of the Code as shipped."""

    store: Store
    policies: Policies
    timezone: str
    book: Book | None = None

    def explained(self, release: str, now: datetime) -> Explained | None:
        """Return why the verdict on a release is so as of an instant; None for one that is not known."""
        store, case = self.store, stored_case(self.store, release)
        if case is None:
            return None
        verdict = with_those_late_too(store, case.verdict(self.policies, now))
        opened = [one for one in store.verdicts.incidents_of(release) if one.opened <= now]
        body = body_of(verdict, opened[-1] if opened else None, self.book)
        policy = self.policies.of(*case.release.producers)
        told = explain(verdict, case.release, case.promises, case.runs, case.blind, policy)
        titles = title_facts(titles_of_release(store.ledger, case.release), now, self.timezone)
        gone = _gone(store.evidence.records(told.records))
        return Explained(body, replace(told, facts=(*told.facts, *titles, *gone)), case)


def _gone(records: Iterable[Record]) -> Iterator[Fact]:
    for record in records:
        if record.expired is not None:
            why = "could not be kept, the disk refused them" if record.is_lost else "were given up for want of room"
            when = f"{record.expired:%d %B %Y %H:%M} UTC"
            yield Fact("evidence", f"{record.id}: its bytes {why}, {when}", record.expired, evidence=(record.id,))
