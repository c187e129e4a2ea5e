"""Leads: what only a person can judge, told once by its address and times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.decide import decide
from alerts.finding import LEAD, Finding, ReleaseFacts
from alerts.incident import Incident, Kind, known_to
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
from schedules.address import canonical
from schedules.times.interval import Interval

_log = structlog.get_logger(__name__)
_SECOND = timedelta(seconds=1)
_SHOWN = {
    MatchKind.TITLE: "a listing shows its title{early}, at an address that does not prove it",
    MatchKind.SERIES: (
        "a listing shows its series{early}, its period missing or another, at an address of no known edition"
    ),
    MatchKind.EDITION: "a listing shows another edition{early} at its address",
}


@dataclass(frozen=True, slots=True)
class Leads:
    """Asks people to judge what no measurement can; `wake` says that the outbox has something new."""

    verdicts: VerdictStore
    writer: Writer
    clock: Clock
    watch: Watch
    admission: Admission
    ledger: Ledger
    wake: Callable[[], None]
    tasks: Tasks

    async def tell(self, release: str, lead: Finding) -> None:
        """Ask a person to judge something about a release: once for each address."""
        now = self.clock.now()
        facts = self.watch.facts(self.ledger.releases[release], self.ledger.promises(release))

        def write(tx: Transaction) -> int:
            # A lead is no measurement: it neither joins nor alters an incident that was measured.
            known = known_to(leads_among(self.verdicts.incidents_of(release)), release)
            told = with_lead(facts, lead, known)
            return 0 if told is None else self.watch.events.save_decision(tx, decide(told, known, now), now)

        if await self.writer.write(write):
            self.wake()

    def take_press(self, producer: str, found: Found, at: datetime) -> None:
        """Have a person judge an item of the press, about the release of its producer that is due next."""
        ahead = [(one.slot, one.release.id) for one in self.admission.near(producer) if one.slot and one.slot > at]
        if ahead:
            _, nearest = min(ahead)
            _log.info("lead", producer=producer, release=nearest, url=found.url)
            self.tasks.start(self.tell(nearest, of_press(found, at)))


def of_press(found: Found, at: datetime) -> Finding:
    """Return the lead that an item of the press is: its address and when it was seen, none of its words."""
    detail = f"an item of the press that holds watched keywords, first seen {_spanned(Interval(None, at))}: {found.url}"
    return Finding(LEAD, None, detail, url=found.url)


def of_listing(hit: ListingMatch, slot: datetime | None) -> Finding:
    """Return the lead that an entry of a listing is when its address proves nothing: addresses and times alone."""
    is_early = slot is not None and hit.listed.by is not None and hit.listed.by < slot
    shown = _SHOWN[hit.sort].format(early=" before its slot" if is_early else "")
    detail = f"{shown}, first seen {_spanned(hit.listed)} in {hit.listing}: {hit.url}"
    return Finding(LEAD, None, detail, url=hit.url)


def of_answer(shown: str, url: str, after: datetime | None, by: datetime, slot: datetime | None) -> Finding:
    """Return the lead that an answer is which proves nothing: `shown` says what it is, without any of its words.

    It came between `after`, the last proof of something else, and `by`.
    """
    early = " before its slot" if slot is not None and by < slot else ""
    detail = f"{shown} is at its address{early}: it does not prove that the release is out"
    return Finding(LEAD, None, f"{detail}, first seen {_spanned(Interval(after, by))}: {url}", url=url)


def of_many(hit: ListingMatch, most: int) -> Finding:
    """Return the lead that a listing is which shows more entries of a release than are followed."""
    detail = f"listings show more than {most} entries that may be it: no more are looked at, read them in {hit.listing}"
    return Finding(LEAD, None, detail, url=hit.listing)


def leads_among(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents that are leads: what was measured is told apart from them."""
    return [one for one in incidents if one.kind is Kind.LEAD]


def with_lead(facts: ReleaseFacts, lead: Finding, known: Incident | None) -> ReleaseFacts | None:
    """Return a release's facts with a lead beside those that `known` tells of; None when this is one of them."""
    before = known.facts.findings if known is not None and known.facts is not None else ()
    if any(_is_about(one, lead.url) for one in before):
        return None
    return replace(facts, verdict=LEAD, grade="none", final=False, findings=(*before, lead))


def _is_about(lead: Finding, url: str) -> bool:
    # One that was stored before leads had an address of their own ends with it.
    return canonical(lead.url) == canonical(url) if lead.url else lead.detail.endswith(f" {url}")


def _spanned(listed: Interval) -> str:
    by = "" if listed.by is None else _utc(listed.by + _SECOND - timedelta(microseconds=1))
    return f"by {by} UTC" if listed.after is None else f"between {_utc(listed.after)} and {by} UTC"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
