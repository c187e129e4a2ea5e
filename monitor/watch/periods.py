"""Makes reports on periods from the store, for the command line and the browser."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.draft.period import Period, select_period
from alerts.draft.period_data import period_csv, period_json
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Report
from alerts.draft.versions import Versions, append_measurement
from alerts.draft.write.registry import MEDIA, WRITERS
from alerts.incident import Incident, IncidentKind
from monitor.deliver.drafts import change_versions
from monitor.deliver.facts import blind_facts, period_row
from monitor.errors import unknown_name
from monitor.judge.findings.platform import host_of
from monitor.judge.runs import Blind
from monitor.plan.targets import release_from_id
from monitor.store.sql.write import Transaction
from monitor.watch.rejudge import StoredJudge
from schedules.times.zone import day_begins, local_date, span_of
from schedules.titles import read_title, slug

_AROUND = timedelta(hours=1)
FORMATS: Mapping[str, str] = {**MEDIA, "csv": "text/csv; charset=utf-8", "json": "application/json"}
"""The formats of a report on a period, and the media type of each."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Makes reports on the releases with a slot between two local days.

    `names` has names by id, `producers` the configured ids.
    """

    judge: StoredJudge
    names: Mapping[str, str]
    producers: Collection[str] = ()

    def period(
        self, first: date, last: date, now: datetime, producer: str = "", host: str = ""
    ) -> Period:
        """Return the releases of a period, with blind spans, incidents logged by people, and
        `claims`.

        Claims are publications in the publisher's own record. No name means all, an unknown one
        raises `UnknownName`.
        """
        store = self.judge.store
        begin, end = span_of(first, last, self.judge.timezone)
        bodies = self.judge.bodies_between((begin, end), now)
        rows = [period_row(store.verdicts, body) for body in bodies]
        logged = [
            incident
            for incident in store.verdicts.incidents(begin, end)
            if incident.kind is IncidentKind.HAND
        ]
        claims = store.ledger.claims(begin, end)
        producers = {row.producer for row in rows}.union(
            self.producers,
            (incident.producer for incident in logged),
            (claim.producer for claim in claims),
            *(row.other_producers for row in rows),
        )
        hosts = {row.host for row in rows}.union(
            (claim.host for claim in claims), *map(_hosts_of, logged)
        )
        _require_known("producer", producer, producers, store.verdicts.producers)
        _require_known("host", host, hosts, lambda: map(host_of, store.ledger.urls()))
        logged = [
            each
            for each in logged
            if producer in ("", *each.producers) and host in ("", *_hosts_of(each))
        ]
        claims = [
            claim
            for claim in claims
            if producer in ("", claim.producer) and host in ("", claim.host)
        ]
        found = replace(
            select_period(rows, first, last, producer, host),
            logged=tuple(logged),
            claims=tuple(claims),
        )
        # `begin` and `end` are never None here, because both days are given.
        blind = store.runs.blind(begin, end) if begin is not None and end is not None else []
        if producer or host:
            blind = _select_blind(blind, found)
        return replace(found, blind=blind_facts(blind))

    def series(self, title: str, now: datetime, producer: str = "") -> Period:
        """Return all editions of the series of a title, from the first to the last slot, with the
        blind spans within an hour of a slot.

        The beginning of the title is enough if only one series has it. Raises `UnknownName` if no
        release has such a title.
        """
        words = read_title(title).words
        store = self.judge.store
        alike = store.ledger.releases_titled(words)
        known = {read_title(release.title).words for release in alike}
        begun_alike = [each for each in known if each[: len(words)] == words]
        if words and words not in known and len(begun_alike) == 1:
            words = begun_alike[0]
        editions = [
            release.id
            for release in alike
            if read_title(release.title).words == words and producer in ("", *release.producers)
        ]
        rows = [period_row(store.verdicts, body) for body in self.judge.bodies_of(editions, now)]
        slots = sorted((row.slot, row.title) for row in rows if row.slot is not None)
        if not words or not slots:
            raise unknown_name("series", title, {release.title for release in alike})
        (first, _), (last, newest) = slots[0], slots[-1]
        days = local_date(first, self.judge.timezone), local_date(last, self.judge.timezone)
        near = [
            span
            for span in store.runs.blind(first - _AROUND, last + _AROUND)
            if any(span.begins - _AROUND < slot < span.ends + _AROUND for slot, _ in slots)
        ]
        found = select_period(rows, *days, producer)
        return replace(found, series=newest, blind=blind_facts(_select_blind(near, found)))

    def report(self, found: Period, now: datetime) -> Report:
        """Return the report on a period."""
        producer = self.names.get(found.producer, found.producer)
        chosen = [one for one in (found.series, found.host, producer) if one]
        name = ", ".join(chosen) or "All producers watched"
        timezone = self.judge.timezone
        return build_period_report(
            found, name, now, timezone, lambda producer: self.names.get(producer, producer)
        )

    def render(self, found: Period, kind: str, now: datetime) -> bytes:
        """Return the bytes of a report in the format `kind`, one of `FORMATS`."""
        if kind == "csv":
            return period_csv(found)
        if kind == "json":
            return (json.dumps(period_json(found), ensure_ascii=False) + "\n").encode()
        return WRITERS[kind](self.report(found, now))

    def save_as_draft(
        self, tx: Transaction, found: Period, now: datetime
    ) -> tuple[Incident, Versions]:
        """Save a report on a period as the draft of an incident, which is closed and needs no
        signature.

        Return the incident and all versions of its draft. If the incident exists, the report is a
        further version.
        """
        report = self.report(found, now)
        verdicts = tx.read.verdicts
        name = f"period-{file_stem_of(found)}"
        about = found.producer or found.host or "all"
        title = f"{report.title}: {report.subject}"
        begin = day_begins(found.begins, self.judge.timezone)
        what = {"what": "A report on all releases of a period."}
        # No kind is for a period, and `PLATFORM` is the one about several releases. This incident
        # links to no release.
        new_incident = Incident(
            name,
            IncidentKind.PLATFORM,
            "",
            about,
            title,
            opened=now,
            occurred=begin,
            grade="none",
            closed=now,
            words=what,
        )
        incident = verdicts.incident(name) or new_incident
        tx.save(incident)
        measured = replace(report, incident=name)
        return incident, change_versions(
            tx, verdicts.drafts(name), name, lambda known: append_measurement(known, measured)
        )


def file_stem_of(found: Period) -> str:
    """Return the file name of a period without its ending, such as
    `ofqual-2026-10-01-2026-12-31`.

    Only the id of one producer, or `all`, stands for itself. Other names end in a digest, because
    those of a producer, a host and a series may read alike.
    """
    series = " ".join(read_title(found.series).words)
    about = (found.producer, found.host, series)
    subject = "-".join(filter(None, about)) or "all"
    is_ambiguous = bool(found.host or series) or found.producer == "all"
    if is_ambiguous or subject != slug(subject):
        digest = hashlib.sha256("\n".join(about).encode()).hexdigest()
        subject = f"{slug(subject)}-{digest[:6]}"
    return f"{subject}-{found.begins}-{found.ends}"


def _select_blind(spans: Iterable[Blind], found: Period) -> list[Blind]:
    """Return the spans about the named host of a report, or about its releases, or everything."""
    hosts = {found.host}
    if not found.host:
        hosts.update(*(row.hosts for row in found.rows), *map(_hosts_of, found.logged))
        hosts.update(claim.host for claim in found.claims)
    releases = {row.release for row in found.rows}
    return [
        span
        for span in spans
        if span.host in {"", *hosts}
        and (not span.target or release_from_id(span.target) in releases)
    ]


def _hosts_of(incident: Incident) -> set[str]:
    """Return the hosts of the addresses that an incident names, and "" if an address has none."""
    urls = incident.words.get("url", "").splitlines()
    if incident.facts is not None:
        urls.append(incident.facts.url)
    return set(map(host_of, urls))


def _require_known(
    kind: str, name: str, known: set[str], list_stored: Callable[[], Iterable[str]]
) -> None:
    """Raise `UnknownName` if a name is given that is neither known nor stored."""
    if name and name not in known:
        known = known.union(list_stored())
        if name not in known:
            raise unknown_name(kind, name, known)
