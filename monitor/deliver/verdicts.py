"""Records a verdict: its row, event, incident, draft and notices, all in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.calendar_incidents import are_of_one_edit, cover_whole_edit
from alerts.decide import decide
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.period import select_period
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Report
from alerts.draft.versions import append_measurement
from alerts.finding import ReleaseFacts
from alerts.incident import (
    GRADED_FORM,
    MONITOR,
    Decision,
    Entry,
    Incident,
    IncidentKind,
    find_known_incident,
    list_route_names,
)
from alerts.message import notices_of_acts
from alerts.notice import Notice, thread_id
from monitor.deliver.assessment import Assessment, status_key, with_incident
from monitor.deliver.drafts import change_versions
from monitor.deliver.facts import blind_facts, period_row
from monitor.deliver.outbox_rows import is_unsent, notified_channels
from monitor.deliver.platform import PlatformThread, find_platform_thread
from monitor.deliver.rules import ReportingRules
from monitor.deliver.series import find_series_record
from monitor.deliver.ticks import entries_of_ticks
from monitor.judge.verdict import Verdict
from monitor.store.rows import Event, Judged, Record
from monitor.store.sql.read import EvidenceIndex, Reads
from monitor.store.sql.write import Transaction
from schedules.address import canonical_address
from schedules.contract.verdict import Finding, FindingKind, VerdictKind
from schedules.times.json import Json
from schedules.times.zone import day_begins, local_date

_REPORTED_WITHIN = timedelta(days=1)
_REPORTED_FINDINGS = (FindingKind.SHORT_NOTICE, FindingKind.UNWATCHED)
_MOST_INCIDENTS = 1000
_CALENDAR_READ_TAKES = timedelta(seconds=10)
"""How long a notice about a calendar entry waits for other entries that the same read shows as
changed.
"""
_OTHERS_CITED_FOR = timedelta(days=730)
_PROVED = (VerdictKind.ON_TIME, VerdictKind.LATE, VerdictKind.EARLY)
_LOST = "none: the disk refused these bytes, so they could not be kept"


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """The result of recording a verdict: its incident, and the number of new notices."""

    incident: Incident | None
    notices: int


@dataclass(slots=True)
class VerdictRecorder:
    """Writes verdicts and incidents with everything that follows from them.

    Runs inside the writer's transaction.

    `appended()` returns the evidence records of the same transaction. `head(record)` returns its
    response headers.
    """

    rules: ReportingRules
    appended: Callable[[], Sequence[Record]] = lambda: ()
    head: Callable[[str], str] = lambda _record: ""
    # The first record never changes, so it is read once.
    _recorded_since: datetime | None = field(default=None, init=False)

    def record(self, tx: Transaction, assessment: Assessment, now: datetime) -> RecordedVerdict:
        """Save a verdict with the event, incident, draft and notices that follow from it.

        An unproven release opens no incident if its slot had passed when it was first read
        (`_needs_no_incident` has the exceptions). If a fault of the platform (the host) delays
        other releases too, the platform gets an incident of its own. Most channels then get one
        thread of messages about the platform instead of one for each release.
        """
        verdict = assessment.verdict
        earlier = tx.read.verdicts.incidents_of(verdict.release)
        known = find_known_incident(earlier, verdict.release)
        decision = Decision()  # no incident and no notices
        if not _needs_no_incident(verdict):
            names = map(self.rules.producer_name, verdict.producers)
            facts = replace(assessment.facts, names=tuple(names))
            decision = decide(facts, known, now, [one.id for one in earlier])
            decision = self._add_ticks(tx.read, decision, known)
        # The incident of a breach replaces a lesser one, such as that of an unproven release, and a
        # proved verdict settles leads. The notices of the decision are about another incident. So
        # send one to pagers that closes the old alert.
        settled = (close_settled_lead(one, assessment.facts, now) for one in earlier)
        for closed in filter(None, (decision.superseded, *settled)):
            tx.save(closed)
            still_open = replace(closed, closed=None)
            for notice in notices_of_acts(still_open, closed, now, closed.timeline[-1].text):
                self.notify_machines(tx, notice, closed, now)
        # one notice for all entries that one edit changed
        decision = self._join_calendar_edit(tx, decision, now)
        incident = decision.incident or known
        body = assessment.body
        if incident is not None:
            body = with_incident(body, incident, self.rules.editions)
        before = tx.read.verdicts.judged_one(verdict.release)
        judged = judged_row(verdict, body)
        tx.save(judged)
        if (event := _status_change(judged, assessment.visible.status, before)) is not None:
            tx.add(event)
        thread = find_platform_thread(tx.read, self.rules, incident, now)
        notices = self.save_decision(tx, decision, now, thread)
        if thread is not None:
            thread.cover_release_opening(tx, now)
            thread.delay_thread_opening(tx, now)  # the fault may delay more releases
            # `thread.decision` is the change of the platform's incident by this release.
            notices += self.save_decision(tx, thread.decision, now, thread)
        return RecordedVerdict(incident, notices)

    def _add_ticks(self, read: Reads, decision: Decision, known: Incident | None) -> Decision:
        """Return the decision. A new incident has the ticks of its release."""
        incident = decision.incident
        if incident is None or (known is not None and known.id == incident.id):
            return decision
        acts = read.verdicts.acts(incident.release)
        return replace(decision, incident=replace(incident, ticks=entries_of_ticks(acts)))

    def save_decision(
        self,
        tx: Transaction,
        decision: Decision,
        now: datetime,
        thread: PlatformThread | None = None,
    ) -> int:
        """Save the incident of a decision, its draft and its notices.

        Return the number of new notices.

        `thread` is about a fault of the release's platform. Channels that get it do not get those
        notices of the release's own incident that report only a delay. If the incident is the
        platform's own, the thread decides when each channel gets a notice.
        """
        if decision.incident is None:
            return 0
        incident = self._with_hashes(tx.read, decision.incident)
        tx.save(incident)
        if decision.draft:
            self.redraft(tx, incident, now)
        added = 0
        for notice in decision.notices:
            # People who got earlier messages of a thread get later ones too, even if another person
            # is on call now.
            is_later = notice.follows and self.rules.recipients_can_change
            earlier_channels = notified_channels(tx.read.outbox, incident.id) if is_later else ()
            deliveries = self.rules.deliveries(notice, incident, now, earlier_channels)
            if notice.kind == "calendar":
                # Wait, because other entries that the same read shows as changed are added to this
                # notice.
                earliest = now + _CALENDAR_READ_TAKES
                deliveries = [replace(one, due=max(one.due, earliest)) for one in deliveries]
            if thread is not None and incident.kind is IncidentKind.PLATFORM:
                deliveries = thread.schedule_thread_notice(notice, deliveries, now)
            elif thread is not None:
                deliveries = thread.cover_release_notice(notice, deliveries, now)
            added += tx.add_notice(notice, deliveries)
        return added

    def _join_calendar_edit(self, tx: Transaction, decision: Decision, now: datetime) -> Decision:
        """Add a changed calendar entry to the unsent notice of the same edit, so that one edit
        gives one notice.

        `decision` opens an incident about that entry. Return it without its notice if the entry was
        added, else as is. The unsent notice must be about an open incident without a silence, and
        go to the same channels. So a silence or a route suppresses only its own incidents.
        """
        incident = decision.incident
        if incident is None or [notice.kind for notice in decision.notices] != ["calendar"]:
            return decision
        silences = [one for one in tx.read.outbox.silences(now) if one.is_on(now)]

        def is_silenced(one: Incident) -> bool:
            return any(silence.covers(one) for silence in silences)

        if is_silenced(incident):
            return decision

        def list_channels(one: Incident) -> set[str]:
            routed = replace(decision.notices[0], grade=one.grade, findings=list_route_names(one))
            return {row.channel for row in self.rules.deliveries(routed, one, now)}

        opened = tx.read.verdicts.open_incidents(_MOST_INCIDENTS)
        of_this_edit = [one for one in opened if are_of_one_edit(one, incident)]
        unsilenced = [one for one in of_this_edit if not is_silenced(one)]
        others = [one for one in unsilenced if list_channels(one) == list_channels(incident)]
        for other in others:
            opening = tx.read.outbox.notice(thread_id(other.id))
            if opening is not None and all(map(is_unsent, tx.read.outbox.deliveries(opening.id))):
                # The first notice of the other incident still waits. Write it again, about all
                # entries.
                entries = sorted([*others, incident], key=lambda one: (one.opened, one.id))
                tx.save(cover_whole_edit(opening, entries, now))
                return replace(decision, notices=())
        return decision

    def notify_machines(
        self, tx: Transaction, notice: Notice, incident: Incident, now: datetime
    ) -> None:
        """Add a notice of what a person did, for webhooks and for the pagers that were called."""
        earlier = notified_channels(tx.read.outbox, incident.id)
        machines = {*self.rules.hooks, *(earlier & {*self.rules.pagers})}
        rows = self.rules.deliveries(notice, incident, now, earlier)
        if theirs := [one for one in rows if one.channel in machines]:
            tx.add_notice(notice, theirs)

    def redraft(self, tx: Transaction, incident: Incident, now: datetime) -> None:
        """Save a new version of the incident's draft from its current facts.

        Typed texts are kept unchanged.
        """
        if incident.kind is IncidentKind.PLATFORM and not incident.linked:
            # it delayed no release: it has a report on a period, measured when a person requests it
            return
        drafts, rules = tx.read.verdicts.drafts(incident.id), self.rules
        if incident.kind is IncidentKind.PLATFORM:
            report = self._platform_report(tx.read, incident, now)
        else:
            configured = incident.words.get(GRADED_FORM) or rules.forms.get(incident.producer)
            form = choose_form(incident.occurred, incident.grade, configured)
            # A draft may cite all incidents of the producer, and those of other producers in two
            # years.
            since, incidents = incident.occurred - _OTHERS_CITED_FOR, tx.read.verdicts.incidents
            older = incidents(end=since, producer=incident.producer)
            recent = incidents(begin=since, end=incident.occurred)  # of all producers
            earlier = [one for one in (*older, *recent) if one.id != incident.id]
            entries, typed = rules.draft_entries(incident), drafts[-1].words if drafts else {}
            series = find_series_record(tx.read.verdicts, incident, earlier)
            report = fill_form(
                incident,
                form,
                entries,
                earlier,
                now,
                rules.editions,
                typed=typed,
                series=series,
                recorded_since=self._find_first_record(tx.read.evidence),
            )
        change_versions(
            tx, drafts, incident.id, lambda versions: append_measurement(versions, report)
        )

    def _find_first_record(self, evidence: EvidenceIndex) -> datetime | None:
        """Return when the first record of evidence was kept, None before that."""
        if self._recorded_since is None:
            chains = [evidence.chain(monitor, limit=1) for monitor in evidence.monitors()]
            self._recorded_since = min((first.at for (first,) in chains), default=None)
        return self._recorded_since

    def _platform_report(self, read: Reads, incident: Incident, now: datetime) -> Report:
        """Return the report on a platform's fault: its releases that were due on the day of the
        fault, up to `now`.
        """
        verdicts, zone = read.verdicts, self.rules.timezone
        # a platform's incident has its host there
        day, host = local_date(incident.occurred, zone), incident.producer
        begin, end = day_begins(day, zone), min(now, day_begins(day + timedelta(days=1), zone))
        rows = (period_row(verdicts, row.body) for row in verdicts.judged(begin, end))
        spans = (span for span in read.runs.blind(begin, end) if span.host in ("", host))
        period = replace(select_period(rows, day, day, host=host), blind=blind_facts(spans))
        report = build_period_report(period, host, now, zone, self.rules.producer_name)
        return replace(report, incident=incident.id)

    def _with_hashes(self, read: Reads, incident: Incident) -> Incident:
        """Return an incident with the hash and response headers of its evidence records, also of
        unsaved ones.
        """
        facts = incident.facts
        if facts is None or not facts.certainty.records:
            return incident
        names = [name for name, _ in facts.certainty.records]
        known = (*read.evidence.records(names), *self.appended())
        hashes = {record.id: _LOST if record.is_lost else record.sha256 for record in known}
        records = tuple(
            (name, hashes.get(name, known_hash)) for name, known_hash in facts.certainty.records
        )
        # Response headers from before the last start are only in the stored incident.
        stored = read.verdicts.incident(incident.id)
        earlier = {}
        if stored is not None and stored.facts is not None:
            earlier = dict(stored.facts.certainty.heads)
        heads = [(name, self.head(name) or earlier.get(name, "")) for name in names]
        known_heads = tuple((name, head) for name, head in heads if head)
        certainty = replace(facts.certainty, records=records, heads=known_heads)
        return replace(incident, facts=replace(facts, certainty=certainty))


def close_settled_lead(known: Incident, facts: ReleaseFacts, now: datetime) -> Incident | None:
    """Return an incident of leads closed, or None unless it is open and a verdict is proved at the
    address of each.
    """
    proved = {canonical_address(part.shown_at) for part in facts.parts if part.verdict in _PROVED}
    leads = known.facts.findings if known.facts is not None else ()
    is_settled = proved.issuperset(map(find_lead_address, leads))
    if known.kind is not IncidentKind.LEAD or not known.is_open or not is_settled:
        return None
    return replace(known, closed=now).with_entries(Entry(now, MONITOR, "settled by a verdict"))


def find_lead_address(lead: Finding) -> str:
    """Return the canonical address that a lead asks people to open."""
    # Old versions stored no `url`. They only wrote the address at the end of `detail`.
    return canonical_address(lead.url or lead.detail.rpartition(" ")[2])


def judged_row(verdict: Verdict, body: Json) -> Judged:
    """Return the row that keeps a verdict, with the JSON of its release."""
    return Judged(
        verdict.release,
        verdict.producer,
        verdict.slot_begins,
        verdict.verdict.value,
        verdict.grade.value,
        verdict.final,
        verdict.at,
        body,
    )


def _needs_no_incident(verdict: Verdict) -> bool:
    """Return whether a verdict is not a reason for an incident: the release is unproven, and was
    announced too late.

    If it was announced at most a day after its slot, some findings are a reason.
    """
    slot_end, read_at = verdict.slot_passes, verdict.slot_learnt
    if (
        verdict.verdict is not VerdictKind.UNPROVEN
        or slot_end is None
        or read_at is None
        or read_at < slot_end
    ):
        return False
    # Such a finding is, for example, an announcement at short notice.
    is_within_day = read_at - slot_end <= _REPORTED_WITHIN
    return not (is_within_day and verdict.has_finding(*_REPORTED_FINDINGS))


def _status_change(judged: Judged, status: str, before: Judged | None) -> Event | None:
    """Return an event if `status`, the status key of a verdict, is not that of the one `before`,
    or if there is none before. Else None.
    """
    old = status_key(before.body) if before else ""
    if old == status:
        return None
    key = f"{judged.release}\n{old}\n{status}\n{judged.at.isoformat()}"
    return Event(
        hashlib.sha256(key.encode()).hexdigest()[:24],
        judged.release,
        judged.at,
        before.word if before else "",
        judged.word,
        judged.body,
    )
