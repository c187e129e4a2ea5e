"""Leads: things that only a person can judge. Each address is reported once, with its times and none of its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, Kind, find_known_incident
from monitor.clock import Clock
from monitor.ledger.ledger import Ledger
from monitor.look.fetch import Found
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks
from monitor.watch.admission import Admission
from monitor.watch.listing_match import ListingMatch, MatchKind
from monitor.watch.watch import Watch
from schedules.address import canonical_address
from schedules.contract.verdict import LEAD, Finding, Grade
from schedules.times.interval import Interval
from schedules.times.words import interval_text

_log = structlog.get_logger(__name__)
_DESCRIPTIONS = {
    MatchKind.TITLE: "a listing shows its title{early}, at an address that does not prove it",
    MatchKind.SERIES: (
        "a listing shows its series{early}, its period missing or another, at an address of no known edition"
    ),
    MatchKind.EDITION: "a listing shows another edition{early} at its address",
}


@dataclass(frozen=True, slots=True)
class Leads:
    """Sends leads to people. `wake` is called when the outbox has a new notice."""

    verdicts: VerdictStore
    writer: Writer
    clock: Clock
    watch: Watch
    admission: Admission
    ledger: Ledger
    wake: Callable[[], None]
    tasks: Tasks

    async def send(self, release: str, lead: Finding) -> None:
        """Send a lead about a release, unless one about the same address was sent."""
        now = self.clock.now()
        facts = self.watch.facts(self.ledger.releases[release], self.ledger.promises(release))

        def write(tx: Transaction) -> int:
            # A lead was not measured, so it never joins or changes a measured incident.
            known = find_known_incident(leads_among(self.verdicts.incidents_of(release)), release)
            with_lead = add_lead(facts, lead, known)
            return 0 if with_lead is None else self.watch.events.save_decision(tx, decide(with_lead, known, now), now)

        if await self.writer.write(write):
            self.wake()

    def send_for_press_item(self, producer: str, found: Found, at: datetime) -> None:
        """Send a lead about a press item for the release of its producer that is due next, if there is one."""
        ahead = [(one.slot, one.release.id) for one in self.admission.near(producer) if one.slot and one.slot > at]
        if ahead:
            _, nearest = min(ahead)
            _log.info("lead", producer=producer, release=nearest, url=found.url)
            self.tasks.start(self.send(nearest, lead_of_press_item(found, at)))


def lead_of_press_item(found: Found, at: datetime) -> Finding:
    """Return the lead for a press item: its address and when it was seen, without any of its text."""
    first_seen = interval_text(Interval(None, at))
    detail = f"a press item with watched keywords, first seen {first_seen}: {found.url}"
    return Finding(LEAD, None, detail, url=found.url)


def lead_of_listing(hit: ListingMatch, slot: datetime | None) -> Finding:
    """Return the lead for a listing's entry with an address that is no proof. It has addresses and times only."""
    is_early = slot is not None and hit.listed.by is not None and hit.listed.by < slot
    description = _DESCRIPTIONS[hit.kind].format(early=" before its slot" if is_early else "")
    detail = f"{description}, first seen {interval_text(hit.listed)} in {hit.listing}: {hit.url}"
    return Finding(LEAD, None, detail, url=hit.url)


def lead_of_odd_answer(
    description: str, url: str, after: datetime | None, by: datetime, slot: datetime | None
) -> Finding:
    """Return the lead for an answer that is no proof of publication. `description` quotes no text of the answer.

    The answer appeared between `after`, the last proof of something else, and `by`.
    """
    early = " before its slot" if slot is not None and by < slot else ""
    detail = f"{description} is at its address{early}: it does not prove that the release is out"
    return Finding(LEAD, None, f"{detail}, first seen {interval_text(Interval(after, by))}: {url}", url=url)


def lead_of_too_many_entries(hit: ListingMatch, most: int) -> Finding:
    """Return the lead for a listing that shows more entries for a release than are followed."""
    detail = f"listings show more than {most} entries that may be it: no more are looked at, read them in {hit.listing}"
    return Finding(LEAD, None, detail, url=hit.listing)


def leads_among(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents that are leads, which are separate from measured incidents."""
    return [one for one in incidents if one.kind is Kind.LEAD]


def add_lead(facts: ReleaseFacts, lead: Finding, known: Incident | None) -> ReleaseFacts | None:
    """Return a release's facts with `lead` and the leads of the incident `known`. None if `known` has this lead."""
    before = known.facts.findings if known is not None and known.facts is not None else ()
    if any(_is_about(earlier, lead.url) for earlier in before):
        return None
    return replace(facts, verdict=LEAD, grade=Grade.NONE, final=False, findings=(*before, lead))


def _is_about(lead: Finding, url: str) -> bool:
    # A lead that was stored before leads had a field for the address ends with it.
    return canonical_address(lead.url) == canonical_address(url) if lead.url else lead.detail.endswith(f" {url}")
