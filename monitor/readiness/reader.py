"""Reads from the store and the configuration the facts from which readiness is assessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

from monitor.deliver.rules import Links, ReportingRules
from monitor.health.metrics import FRESH_READS
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.look.forecast import PartToProve, forecast_slots
from monitor.look.sighting import State
from monitor.plan.addresses import with_page_at
from monitor.plan.budget import Budget
from monitor.plan.targets import release_from_id, targets_of
from monitor.readiness.assess import assess_readiness
from monitor.readiness.facts import (
    CalendarFacts,
    ChannelFacts,
    DueRelease,
    Facts,
    HostFacts,
    ProducerFacts,
)
from monitor.readiness.line import ReadinessAssessment
from monitor.store.rows import CHANNEL_TESTED, Act, DeliveryState, Judged
from monitor.store.sql.engine import Store
from monitor.watch.planner import WatchRules
from monitor.watch.rejudge import judged_found_page, judged_parts
from schedules.in_force import InForce, slot_in_force
from schedules.release import Release
from schedules.slot import Precision
from schedules.times.zone import day_begins, local_date

_DAY = timedelta(days=1)
_DAYS_AHEAD = 6
"""A Thursday's question finds the slots of the Tuesday after Easter."""
_REPORT_KEYS = ("head_of_profession", "contact", "to")


@dataclass(frozen=True, slots=True)
class ReadinessReader:
    """Reads the facts about the slots of a period, and assesses them. It makes no request.

    `spacings` are those of calendar reads. `certificates` has the end of each host's certificate,
    as far as looks have shown it. `signs_in`: people can sign in to the board.
    """

    store: Store
    watch: WatchRules
    reporting: ReportingRules
    links: Links
    budget: Budget
    spacings: Mapping[str, timedelta]
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    signs_in: bool = False

    def assess_day(self, day: date, now: datetime) -> ReadinessAssessment:
        """Assess a local day, as `assess` does."""
        zone = self.reporting.timezone
        return self.assess(day_begins(day, zone), day_begins(day + _DAY, zone), now)

    def assess_next(self, now: datetime) -> ReadinessAssessment:
        """Return the assessment of the next day with a slot that is ahead, today included.

        Without one within a few days, it is that of today, without lines.
        """
        today = local_date(now, self.reporting.timezone)
        days = [today + ahead * _DAY for ahead in range(_DAYS_AHEAD)]
        assessments = (self.assess_day(day, now) for day in days)
        found = next((one for one in assessments if one.slots), None)
        return found or self.assess_day(today, now)

    def assess(
        self, begin: datetime, end: datetime, now: datetime, producer: str = ""
    ) -> ReadinessAssessment:
        """Return the assessment of the slots from `begin` to before `end` that are still ahead.

        Only releases of `producer` count, unless it is empty.
        """
        facts = self.read_facts(begin, end, now, producer)
        slots = tuple(sorted({due.slot for due in facts.releases}))
        return ReadinessAssessment(begin, end, now, slots, assess_readiness(facts, now))

    def read_facts(self, begin: datetime, end: datetime, now: datetime, producer: str) -> Facts:
        """Return the facts about the releases of these slots, in the order of slots."""
        found = self._read_due(begin, end, now)
        due = [one for one in found if not producer or producer in one.release.producers]
        producers = dict.fromkeys(chain.from_iterable(one.release.producers for one in due))
        return Facts(
            timezone=self.reporting.timezone,
            releases=tuple(due),
            hosts=tuple(self._find_hosts(due)),
            calendars=tuple(self._read_calendars()) if due else (),
            monitors=tuple(self.store.leases.heartbeats()),
            names=tuple(self.store.leases.names()),
            blind=tuple(
                span
                for span in self.store.runs.blind(now - _DAY, now)
                if not span.host and not span.target
            ),
            rotas=self.reporting.rotas,
            channels=tuple(self._read_channels()),
            producers=tuple(map(self._find_producer, producers)),
            takes_acknowledgements=bool(self.links.url and (self.links.key or self.signs_in)),
        )

    def _read_due(self, begin: datetime, end: datetime, now: datetime) -> list[DueRelease]:
        ledger, verdicts = self.store.ledger, self.store.verdicts
        # A slot of a whole day begins with the day.
        releases = ledger.promised_between(begin - _DAY, end)
        names = [release.id for release in releases]
        promises = ledger.promises_by_release(names)
        rows = {row.release: row for row in verdicts.judged_on(names)}
        last_runs = self._read_last_runs(names)
        acts = defaultdict[str, list[Act]](list)
        for act in verdicts.acts_on(names):
            acts[act.subject].append(act)
        due = []
        for release in releases:
            row = rows.get(release.id)
            policy = self.watch.policies.of(release)
            notice_days = policy.short_notice.days
            promised = slot_in_force(release, promises[release.id], now, notice_days)
            slots = [each for each in _possible_slots(promised) if max(begin, now) <= each < end]
            if slots:
                complete = self._with_parts(release, row)
                public = () if row is None else tuple(_public_addresses(row))
                within = self._confirmed_within(promised, policy)
                # A run of a former address says nothing about the address of today.
                watched = {target.id for target in targets_of(complete)}
                runs = tuple(run for run in last_runs[release.id] if run.target in watched)
                ticks = tuple(acts[release.id])
                due.append(DueRelease(complete, promised, min(slots), within, public, runs, ticks))
        return sorted(due, key=lambda one: (one.slot, one.release.id))

    def _confirmed_within(self, promised: InForce, policy: Policy) -> timedelta:
        """Return how old the last read of a promise may be: a calendar may be read seldom."""
        calendar = "" if promised.promise is None else promised.promise.calendar
        return max(policy.confirmed_within, FRESH_READS * self.spacings.get(calendar, timedelta()))

    def _with_parts(self, release: Release, row: Judged | None) -> Release:
        """Return a release with its configured parts, and those that looks found."""
        with_page = with_page_at(release, judged_found_page(row))
        return self.watch.with_parts(with_page, judged_parts(row))

    def _read_last_runs(self, names: Sequence[str]) -> Mapping[str, list[Run]]:
        """Return the newest run of each target, by release."""
        newest: dict[str, Run] = {}
        for run in self.store.runs.of_releases(names):
            known = newest.get(run.target)
            if known is None or run.last_received >= known.last_received:
                newest[run.target] = run
        by_release = defaultdict[str, list[Run]](list)
        for target, run in newest.items():
            by_release[release_from_id(target)].append(run)
        return by_release

    def _find_hosts(self, due: Iterable[DueRelease]) -> list[HostFacts]:
        parts = defaultdict[str, list[PartToProve]](list)
        runs = defaultdict[str, list[Run]](list)
        last_slots: dict[str, datetime] = {}
        for one in due:
            last_runs = {run.target: run for run in one.last_runs}
            for target in targets_of(one.release):
                last_slots[target.host] = one.slot
                if target.id in last_runs:
                    runs[target.host].append(last_runs[target.id])
                part = self.watch.part_to_prove(one.release, target, one.promised)
                if part is not None:
                    parts[target.host].append(part)
        return [
            self._make_host(host, slot, runs[host], parts[host])
            for host, slot in sorted(last_slots.items())
        ]

    def _make_host(
        self, host: str, last_slot: datetime, runs: Sequence[Run], parts: Sequence[PartToProve]
    ) -> HostFacts:
        failed = [run for run in runs if _is_failed(run)]
        answers = [run.last_received for run in runs if not _is_failed(run)]
        answered = max(answers, default=None)
        last_failed = max(failed, key=lambda run: run.last_received, default=None)
        if last_failed is not None and answered is not None:
            last_failed = last_failed if last_failed.last_received > answered else None
        rate = self.budget.rate(host)
        slots = [goal.slot for _, goal in parts]
        forecasts = forecast_slots(parts, rate, min(slots), max(slots) + _DAY) if slots else ()
        return HostFacts(
            host,
            rate,
            last_slot,
            answered,
            None if last_failed is None else last_failed.last_received,
            "" if last_failed is None else last_failed.why,
            tuple(forecasts),
            self.certificates.get(host),
        )

    def _read_calendars(self) -> Iterable[CalendarFacts]:
        for name, spacing in self.spacings.items():
            last = next(iter(self.store.ledger.reads(name, 1, usable=True)), None)
            last_usable = None if last is None else last.finished
            yield CalendarFacts(name, last_usable, FRESH_READS * spacing)

    def _read_channels(self) -> Iterable[ChannelFacts]:
        delivered = self.store.outbox.last_finished(DeliveryState.SENT)
        for act in self.store.verdicts.acts_on(self.reporting.channels):
            if act.what == CHANNEL_TESTED:
                delivered[act.subject] = max(act.at, delivered.get(act.subject, act.at))
        given_up = self.store.outbox.last_finished(DeliveryState.GIVEN_UP)
        for name in self.reporting.channels:
            yield ChannelFacts(name, delivered.get(name), given_up.get(name))

    def _find_producer(self, producer: str) -> ProducerFacts:
        entries = self.reporting.producers.get(producer, {})
        missing = tuple(key for key in _REPORT_KEYS if not entries.get(key))
        return ProducerFacts(producer, self.reporting.producer_name(producer), missing)


def _possible_slots(promised: InForce) -> Iterable[datetime]:
    """Yield when a release may be due: by the promise in force, its readings, or other calendars.

    A day counts at the usual time. Months and other long spans are not slots yet.
    """
    others = (promise.slot for promise in promised.disagreements)
    for slot in (promised.slot, *others):
        if slot is not None and slot.precision in (Precision.INSTANT, Precision.DAY):
            expected = slot.instant or slot.assumed or slot.begins()
            yield from (each for each in (expected, *slot.choices()) if each is not None)


def _public_addresses(row: Judged) -> Iterable[str]:
    """Yield the addresses of the parts with an open exposure."""
    addresses = {part["id"]: part["url"] for part in row.body["parts"]}
    for exposure in row.body["exposures"]:
        if exposure["open"]:
            yield addresses.get(exposure["part"], exposure["part"])


def _is_failed(run: Run) -> bool:
    """Return whether a run's looks got no answer, or only an error."""
    return run.state is State.UNKNOWN and (run.status is None or run.status >= 400)
