"""Judges releases again from the store, for the board, `explain` and `replay`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from alerts.draft.code import Editions
from alerts.finding import ReleaseFacts
from monitor.deliver.assessment import body_of, with_brought_forward
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.message import Redactor
from monitor.judge.as_json import part_from_json
from monitor.judge.differences import find_differences
from monitor.judge.explain.explain import Explanation, Fact, explain, title_facts
from monitor.judge.findings.platform import SlotVerdict, host_of
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from monitor.judge.runs import Blind, Run, monitors_of
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication
from monitor.ledger.state import titles_of
from monitor.plan.addresses import FoundPage, with_page_at
from monitor.store.rows import Judged, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.query import chunks
from monitor.store.sql.read import Reads, RunStore
from monitor.store.sql.read_ledger import LedgerStore
from schedules.announcement import Address, Part
from schedules.contract.verdict import FindingKind, VerdictKind
from schedules.ledger_event import LedgerEvent, title_change_events
from schedules.promise import Promise
from schedules.release import Release
from schedules.times.interval import earliest_known, latest_known
from schedules.times.json import Json, instant_from_json
from schedules.times.zone import LONDON

_BLIND_SPANS_AROUND = timedelta(days=30)
_MOMENT, _DAY = timedelta(microseconds=1), timedelta(days=1)


def stored_case(store: Reads, release: str) -> ReleaseCase | None:
    """Return the stored facts for a verdict on a release, or None if the release is not known."""
    found = store.ledger.release(release)
    if found is None:
        return None
    last_verdict = store.verdicts.judged_one(release)
    promises = store.ledger.promises([release])
    last_slot = None if last_verdict is None else last_verdict.slot
    return ReleaseCase(
        _with_judged_parts(found, last_verdict),
        promises,
        _runs_by_target(store, [release]),
        _blind_spans_near(store.runs, promises),
        partial(_publications_near, store, release, last_slot),
        partial(_slot_verdicts, store),
    )


def _runs_by_target(store: Reads, releases: Sequence[str]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in store.runs.of_releases(releases):
        found[run.target].append(run)
    return dict(found)


def _publications_near(store: Reads, release: str, slot: datetime | None) -> Iterator[Publication]:
    """Yield the other releases that were published and have a slot within a day of this one."""
    if slot is None:
        return
    rows = store.verdicts.judged(slot - _DAY, slot + _DAY)
    runs = _runs_by_target(store, [row.release for row in rows])
    for row in rows:
        published = instant_from_json((row.body.get("released") or {}).get("by"))
        if row.release != release and row.slot is not None and published is not None:
            yield Publication(row.release, row.slot, published, runs, row.body["title"])


def titles_of_release(ledger: LedgerStore, release: Release) -> list[LedgerEvent]:
    """Return how the titles of a release's entries have changed, in the order of reads."""
    events: list[LedgerEvent] = []
    for name in release.calendars:
        for row in ledger.announced(name):
            if row.release == release.id:
                events += title_change_events(titles_of(row), row.calendar, release.id)
    return sorted(events, key=lambda event: event.at)


def _with_judged_parts(release: Release, row: Judged | None) -> Release:
    """Return a release with all parts of its last verdict: configured and found parts are in no
    calendar.
    """
    release = with_page_at(release, judged_found_page(row))
    announced = {part.id for part in release.parts}
    added = [part for part in judged_parts(row) if part.id not in announced]
    return replace(release, parts=(*release.parts, *added))


def judged_parts(row: Judged | None) -> list[Part]:
    """Return the parts of a release's last verdict, without recognisers."""
    parts = row.body["parts"] if row is not None else ()
    return [part_from_json(part) for part in parts]


def judged_found_page(row: Judged | None) -> FoundPage | None:
    """Return the page if a redirect or a look found it, by the last verdict."""
    if row is None:
        return None
    address = Address(row.body.get("address", Address.ANNOUNCED))
    is_found = address in (Address.LED_TO, Address.FOUND)
    return FoundPage(row.body["url"], address) if is_found else None


def facts_of(
    policies: Policies, monitor: str, store: Reads, release: str, now: datetime
) -> ReleaseFacts | None:
    """Return the facts for `alerts` about a release as of `now`, or None if it is not known."""
    case = stored_case(store, release)
    if case is None:
        return None
    verdict = case.judge(policies, now)
    return release_facts(verdict, Measurement(monitor, case.runs, case.blind))


def _slot_verdicts(store: Reads, verdict: Verdict) -> Iterator[SlotVerdict]:
    """Yield the stored verdicts on other releases with exactly the slot of this one."""
    slot = verdict.slot.instant if verdict.slot is not None else None
    if slot is None:
        return
    for row in store.verdicts.judged(slot, slot + _MOMENT):
        if row.release != verdict.release:
            host = host_of(row.body["url"])
            yield SlotVerdict(row.release, row.producer, host, slot, VerdictKind(row.word))


def _blind_spans_near(runs: RunStore, promises: list[Promise]) -> list[Blind]:
    """Return the blind spans from 30 days before the first promised slot to 30 days after the
    last.
    """
    first = earliest_known(promise.slot.begins() for promise in promises)
    last = latest_known(promise.slot.passes() for promise in promises)
    if first is None or last is None:
        return []
    return runs.blind(first - _BLIND_SPANS_AROUND, last + _BLIND_SPANS_AROUND)


def replay(
    store: Store, policies: Policies, begin: datetime | None, end: datetime | None
) -> Iterator[tuple[str, list[str]]]:
    """Judge releases with a slot in a period again, as of their stored verdicts.

    Yield each id, and its differences.
    """
    for row in store.verdicts.judged(begin, end):
        case = stored_case(store, row.release)
        if case is None:
            yield row.release, ["judged, but the release itself is not in the store"]
            continue
        incident = store.verdicts.incident(row.body["incident"]) if row.body["incident"] else None
        again = case.judge(policies, row.at)
        # With several monitors, a stored finding `blind` may be absent now, because another one
        # watched at that time.
        has_several_monitors = len(monitors_of(case.runs)) > 1
        differences = find_differences(
            row.body, body_of(again, incident), several_monitors=has_several_monitors
        )
        # The finding `platform` (several producers were late together on one host) depends on other
        # releases, so `find_differences` leaves it out. `again` has it from their stored verdicts.
        # Compare it here.
        before = [
            found["detail"]
            for found in row.body["findings"]
            if found["kind"] == FindingKind.PLATFORM
        ]
        after = [found.detail for found in again.findings if found.kind is FindingKind.PLATFORM]
        if before != after:
            differences.append(f"findings.platform: was {before}, is {after}")
        yield row.release, differences


@dataclass(frozen=True, slots=True)
class Explained:
    """A release as of an instant: its JSON, the explanation of its verdict, and the stored
    facts.
    """

    body: Json
    explanation: Explanation
    case: ReleaseCase


@dataclass(frozen=True, slots=True)
class StoredJudge:
    """Judges releases from the store.

    `editions` replaces the shipped editions of the Code of Practice for Statistics. `redactor`
    removes secrets in configured addresses.
    """

    store: Store
    policies: Policies
    timezone: str = LONDON
    editions: Editions | None = None
    redactor: Redactor | None = None

    def body_of(self, row: Judged, now: datetime) -> Json:
        """Return the JSON of a release as of `now`. `row` has its stored verdict and JSON."""
        verdicts = self.store.verdicts
        incident = verdicts.incident(row.body["incident"]) if row.body["incident"] else None
        case = None if row.final else stored_case(self.store, row.release)
        if case is None:
            # It is final, or the store has no facts to judge from. A person may have recorded since
            # then that the release was brought forward on purpose.
            return with_brought_forward(row.body, incident.words if incident else None)
        return body_of(case.judge(self.policies, now), incident, self.editions)

    def bodies_of(self, releases: Sequence[str], now: datetime) -> Iterator[Json]:
        """Yield the JSON as of `now` of these releases, without those that were never judged and
        without secrets.

        Only a few are in memory at a time.
        """
        for names in chunks(releases):
            rows = {row.release: row for row in self.store.verdicts.judged_on(names)}
            bodies = [self.body_of(rows[name], now) for name in names if name in rows]
            yield from json.loads(self.redactor(json.dumps(bodies))) if self.redactor else bodies

    def bodies_between(
        self, span: tuple[datetime | None, datetime | None], now: datetime
    ) -> Iterator[Json]:
        """Yield the JSON as of `now` of every judged release with a slot in `span` (None: no
        bound).
        """
        return self.bodies_of(self.store.verdicts.judged_ids(*span), now)

    def body_of_unwatched(self, release: str, now: datetime) -> Json | None:
        """Return the JSON of a release that is promised and not watched yet.

        None if it was judged or is not known.
        """
        is_judged = self.store.verdicts.judged_one(release) is not None
        case = None if is_judged else stored_case(self.store, release)
        if case is None:
            return None
        return body_of(case.judge(self.policies, now), None, self.editions)

    def explain_release(self, release: str, now: datetime) -> Explained | None:
        """Explain the verdict on a release as of `now`. Return None if it is not known."""
        store = self.store
        case = stored_case(store, release)
        if case is None:
            return None
        verdict = case.judge(self.policies, now)
        opened = [
            incident for incident in store.verdicts.incidents_of(release) if incident.opened <= now
        ]
        body = body_of(verdict, opened[-1] if opened else None, self.editions)
        explanation = explain(verdict, case, self.policies.of(case.release))
        titles = title_facts(titles_of_release(store.ledger, case.release), now, self.timezone)
        records = store.evidence.records(explanation.records)  # those that the explanation cites
        facts = (*explanation.facts, *titles, *_lost_evidence_facts(records))
        return Explained(body, replace(explanation, facts=facts), case)


def _lost_evidence_facts(records: Iterable[Record]) -> Iterator[Fact]:
    """Yield for each record whose bytes are lost when and why."""
    for record in records:
        if record.expired is not None:
            fate = "were dropped because memory was full"
            if record.is_lost:
                fate = "could not be kept, the disk refused them"
            when = f"{fate}, {record.expired:%d %B %Y %H:%M} UTC"
            yield Fact(
                "evidence", f"{record.id}: its bytes {when}", record.expired, evidence=(record.id,)
            )
