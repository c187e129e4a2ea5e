"""A changed verdict becomes an event, an incident, a draft and notices, all in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.calendar_incidents import are_of_one_edit, cover_whole_edit
from alerts.decide import decide
from alerts.draft.code import Book, code_json
from alerts.draft.fill import fill
from alerts.draft.form import form_for
from alerts.draft.period import period_of
from alerts.draft.period_report import period_report
from alerts.draft.report import Report
from alerts.incident import Decision, Incident, find_known_incident
from alerts.incident import Kind as Sort
from alerts.message import notices_of_acts
from alerts.notice import Notice, thread_id
from monitor.deliver.drafts import measured_anew
from monitor.deliver.facts import Measured, release_facts
from monitor.deliver.outbox_rows import heard_of
from monitor.deliver.period_rows import row_of as period_row
from monitor.deliver.platform import PlatformThread, platform_thread
from monitor.deliver.rules import ReportingRules
from monitor.judge.as_json import release_json
from monitor.judge.verdict import Kind, Verdict, Word
from monitor.store.rows import Event, Judged, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from schedules.times.json import instant_json
from schedules.times.zone import local_date

_NEWS = timedelta(days=1)
_NEWS_ALL_THE_SAME = (Kind.SHORT_NOTICE, Kind.UNWATCHED)
_MOST = 1000
_EDIT_IS_READ = timedelta(seconds=10)
"""How long a notice about a calendar waits for the other entries that the same read of it showed changed."""
_LATELY = timedelta(days=730)
_LOST = "none: the disk refused these bytes, so they could not be kept"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a verdict led to: the JSON of the release, its incident, and how many notices went to the outbox."""

    body: dict[str, Any]
    incident: Incident | None
    notices: int


@dataclass(slots=True)
class VerdictRecord:
    """Writes what follows from a verdict. Called in the writer's thread, inside its transaction.

    `appended` gives the records of evidence of the same transaction, `head` what they hold.
    """

    store: Store
    rules: ReportingRules
    appended: Callable[[], Sequence[Record]] = lambda: ()
    head: Callable[[str], str] = lambda _record: ""

    def record(self, tx: Transaction, verdict: Verdict, measured: Measured, now: datetime) -> Recorded:
        """Write a verdict and everything that follows from it."""
        theirs = self.store.verdicts.incidents_of(verdict.release)
        known, decision = find_known_incident(theirs, verdict.release), Decision()
        if not _is_old_news(verdict):
            facts = release_facts(verdict, measured)
            facts = replace(facts, names=tuple(map(self.rules.name_of, facts.producers)))
            decision = decide(facts, known, now, [one.id for one in theirs])
        if known is not None and decision.superseded is not None:
            self._supersede(tx, known, decision.superseded, now)
        decision = self._with_its_edit(tx, decision, now)
        incident = decision.incident or known
        body = body_of(verdict, incident, self.rules.book)
        before = self.store.verdicts.judged_one(verdict.release)
        tx.save_judged(_judged(verdict, body))
        if (event := _event(verdict, body, before)) is not None:
            tx.add_event(event)
        thread = platform_thread(self.store, self.rules, incident, now)
        notices = self.follow(tx, decision, now, thread)
        if thread is not None:
            thread.cover(tx, self.store, now)
            thread.gather(tx, self.store, now)
            notices += self.follow(tx, thread.decision, now, thread)
        return Recorded(body, incident, notices)

    def body(self, verdict: Verdict) -> dict[str, Any]:
        """Return the JSON of a release, no incident named."""
        return body_of(verdict, None, self.rules.book)

    def follow(self, tx: Transaction, decision: Decision, now: datetime, thread: PlatformThread | None = None) -> int:
        """Write the incident of a decision, its draft and its notices; returns how many notices are new.

        `thread` is that of the platform which tells of it where it can.
        """
        if decision.incident is None:
            return 0
        incident = self._proved(decision.incident)
        tx.save_incident(incident)
        if decision.draft:
            self.redraft(tx, incident, now)
        added = 0
        for notice in decision.notices:
            # Who heard of it is told how it goes on, though another be on call by now.
            heard = heard_of(self.store.outbox, incident.id) if notice.follows and self.rules.passes_on else ()
            deliveries = self.rules.deliveries(notice, incident, now, heard)
            if notice.kind == "calendar":
                deliveries = [replace(one, due=max(one.due, now + _EDIT_IS_READ)) for one in deliveries]
            if thread is not None and incident.kind is Sort.PLATFORM:
                deliveries = thread.follow_up(self.store, notice, deliveries, now)
            elif thread is not None:
                deliveries = thread.deliveries(self.store, notice, deliveries, now)
            added += tx.add_notice(notice, deliveries)
        return added

    def _with_its_edit(self, tx: Transaction, decision: Decision, now: datetime) -> Decision:
        """Leave what is told of one more entry of an edited calendar to the notice of its first, until that is sent."""
        incident = decision.incident
        if incident is None or [notice.kind for notice in decision.notices] != ["calendar"]:
            return decision
        silences = [one for one in self.store.outbox.silences(now) if one.is_on(now)]
        if any(one.covers(incident) for one in silences):
            return decision
        known = (one for one in self.store.verdicts.open_incidents(_MOST) if are_of_one_edit(one, incident))
        same = [one for one in known if not any(silence.covers(one) for silence in silences)]
        for opening in filter(None, (self.store.outbox.notice(thread_id(one.id)) for one in same)):
            if all(row.attempts == 0 for row in self.store.outbox.deliveries(opening.id)):
                entries = sorted([*same, incident], key=lambda one: (one.opened, one.id))
                tx.save_notice(cover_whole_edit(opening, entries, now))
                return replace(decision, notices=())
        return decision

    def _supersede(self, tx: Transaction, known: Incident, closed: Incident, now: datetime) -> None:
        """Write a lesser incident that a breach took over from, and close what machines keep open of it."""
        tx.save_incident(closed)
        for notice in notices_of_acts(known, closed, now, closed.timeline[-1].text):
            self.tell_machines(tx, notice, closed, now)

    def tell_machines(self, tx: Transaction, notice: Notice, incident: Incident, now: datetime) -> None:
        """Write what a person did for webhooks, and for the pagers that were called: nobody else need hear of it."""
        heard = heard_of(self.store.outbox, incident.id)
        told = {*self.rules.hooks, *(heard & {*self.rules.pagers})}
        rows = self.rules.deliveries(notice, incident, now, heard)
        if mine := [one for one in rows if one.channel in told]:
            tx.add_notice(notice, mine)

    def redraft(self, tx: Transaction, incident: Incident, now: datetime) -> None:
        """Write a new version of a draft from new measurements; what people typed comes along untouched."""
        if incident.kind is Sort.PLATFORM and not incident.linked:
            return  # a report on a period, which is measured when somebody asks for it
        drafts = self.store.verdicts.drafts(incident.id)
        report = self._on_platform if incident.kind is Sort.PLATFORM else self._on_release
        measured_anew(tx, drafts, incident.id, report(incident, now, drafts[-1].words if drafts else {}))

    def _on_release(self, incident: Incident, now: datetime, typed: Mapping[str, str]) -> Report:
        form = form_for(incident.occurred, incident.grade, self.rules.forms.get(incident.producer))
        earlier = [one for one in self._earlier(incident) if one.id != incident.id]
        return fill(incident, form, self.rules.entries(incident), earlier, now, self.rules.book, typed=typed)

    def _on_platform(self, incident: Incident, now: datetime, _typed: Mapping[str, str]) -> Report:
        verdicts, zone = self.store.verdicts, self.rules.timezone
        judged = verdicts.judged_on([one.release for one in incident.linked])
        day = local_date(incident.occurred, zone)
        period = period_of((period_row(verdicts, row.body) for row in judged), day, day, host=incident.producer)
        report = period_report(period, incident.producer, now, zone, self.rules.name_of)
        return replace(report, incident=incident.id)

    def _earlier(self, incident: Incident) -> list[Incident]:
        """Return what a draft may cite: the producer's incidents of all time, and of late those of all producers."""
        lately = incident.occurred - _LATELY
        own = self.store.verdicts.incidents(None, lately, incident.producer)
        return [*own, *self.store.verdicts.incidents(lately, incident.occurred)]

    def _proved(self, incident: Incident) -> Incident:
        """Return an incident whose evidence is named with its hashes."""
        facts = incident.facts
        if facts is None or not facts.certainty.records:
            return incident
        names = [name for name, _ in facts.certainty.records]
        known = (*self.store.evidence.records(names), *self.appended())
        hashes = {record.id: _LOST if record.is_lost else record.sha256 for record in known}
        records = tuple((name, hashes.get(name, told)) for name, told in facts.certainty.records)
        certainty = replace(facts.certainty, records=records, heads=self._heads_of(incident, names))
        return replace(incident, facts=replace(facts, certainty=certainty))

    def _heads_of(self, incident: Incident, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return what the answers in these records said of themselves, or what was told of it before the last start."""
        before = self.store.verdicts.incident(incident.id)
        told = dict(before.facts.certainty.heads) if before is not None and before.facts is not None else {}
        return tuple((name, head) for name in names if (head := self.head(name) or told.get(name, "")))


def body_of(verdict: Verdict, incident: Incident | None, book: Book | None = None) -> dict[str, Any]:
    """Return the JSON of a release with the edition and practice that its findings call for."""
    occurred = incident.occurred if incident else verdict.slot.begins() if verdict.slot else None
    kinds = [found.kind.value for found in verdict.findings]
    code = code_json(occurred, kinds, book, verdict.producer) if occurred is not None else None
    told = release_json(verdict, code, incident.id if incident else None)
    return with_decision(told, incident.words if incident else None)


def with_decision(body: dict[str, Any], words: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the JSON of a release with the decision to bring it forward, where somebody filled one in."""
    to = words.get("brought_forward") if words else None
    if not words or not to:
        return body
    by = words.get("brought_forward_by")
    return body | {"brought_forward": {"to": instant_json(datetime.fromisoformat(to)), "by": by}}


def _judged(verdict: Verdict, body: dict[str, Any]) -> Judged:
    slot = verdict.slot.begins() if verdict.slot else None
    return Judged(
        verdict.release,
        verdict.producer,
        slot,
        verdict.word.value,
        verdict.grade.value,
        verdict.final,
        verdict.at,
        body,
    )


def _is_old_news(verdict: Verdict) -> bool:
    """Tell whether a slot had passed when we first read of it: nobody asked us to watch, and nobody is told.

    A calendar that was read before, and told of it only once it was over, announced it too late: that is news. So is
    one that is missing on the day on which we are started.
    """
    passes = verdict.slot.passes() if verdict.slot is not None else None
    learnt = verdict.announced
    if verdict.word is not Word.UNPROVEN or passes is None or learnt is None or learnt < passes:
        return False
    return learnt - passes > _NEWS or all(found.kind not in _NEWS_ALL_THE_SAME for found in verdict.findings)


def _event(verdict: Verdict, body: Mapping[str, Any], before: Judged | None) -> Event | None:
    old = standing(before.body) if before else ""
    new = standing(body)
    if old == new:
        return None
    name = hashlib.sha256(f"{verdict.release}\n{old}\n{new}\n{verdict.at.isoformat()}".encode()).hexdigest()[:24]
    return Event(name, verdict.release, verdict.at, before.word if before else "", verdict.word.value, dict(body))


def standing(body: Mapping[str, Any]) -> str:
    """Return what people would call the same standing: verdict, grade, findings and open exposures, no lengths.

    Whether a length still grows does count: what was taken away is back, what the edge hid is shown.
    """
    kinds = sorted((found["kind"], found["part"] or "", _still_grows(found)) for found in body["findings"])
    still = sorted(exposure["part"] for exposure in body["exposures"] if exposure["open"])
    start = body["slot"]["start"] if body["slot"] else None
    return json.dumps([body["verdict"], body["grade"], body["final"], kinds, still, start])


def _still_grows(found: Mapping[str, Any]) -> bool:
    return found["seconds"] is not None and found["seconds"]["max"] is None
