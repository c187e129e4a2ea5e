"""Leads: things that only a person can judge.

Each address is reported once, with its times and none of its words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, IncidentKind, find_known_incident
from monitor.clock import Clock
from monitor.deliver.verdicts import find_lead_address
from monitor.judge.runs import Run, find_changes_of_content
from monitor.judge.spells import find_presence_from_start
from monitor.ledger.ledger import Ledger
from monitor.look.fetch import Found
from monitor.look.interpret import PAGE_WITH_404
from monitor.look.recognise.content import PLACEHOLDER
from monitor.look.recognise.file_kind import ERROR_MESSAGE, PAGE_FOR_FILE, WRONG_KIND
from monitor.look.recognise.notices import CLOSED, MARKED_TITLE, NOTICE_ONLY, SAYS_CALLED_OFF
from monitor.look.recognise.result import NAMELESS
from monitor.look.recognise.status import OTHER_HEADING
from monitor.look.recognise.title import ANOTHER_TITLE, WITHOUT_PERIOD
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import is_witness
from monitor.plan.targets import Target, View
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks
from monitor.watch.admission import Admission
from monitor.watch.release import WatchedRelease, find_last_proof
from monitor.watch.watch import Watch
from schedules.address import canonical_address
from schedules.announcement import Address, Origin
from schedules.contract.verdict import LEAD, Finding, Grade
from schedules.times.interval import Interval
from schedules.times.words import interval_text

_log = structlog.get_logger(__name__)
_UNTIL_AFTER_SLOT = timedelta(days=1)
"""How long after its slot a missing release is worth a lead."""
_ODD_ANSWERS = {
    PLACEHOLDER: (
        "a page under its title without content, such as a date of publication, a file or a table,"
    ),
    CLOSED: "a page under its title behind a password, a queue, a countdown or a script",
    ANOTHER_TITLE: "a page of another title",
    OTHER_HEADING: (
        "a page under another heading, with the title of the release only in its <title>,"
    ),
    MARKED_TITLE: "a page whose title is marked as a preview, a test, cancelled or the like",
    NOTICE_ONLY: "a page under its title that only says that it is not out or not available",
    WITHOUT_PERIOD: "a page under its title, but without its period,",
    PAGE_WITH_404: PAGE_WITH_404,
    NAMELESS: "a page without title and heading",
    PAGE_FOR_FILE: "a web page instead of the file",
    ERROR_MESSAGE: "an error message instead of its content",
    **{why: why for why in SAYS_CALLED_OFF.values()},
    WRONG_KIND: "content that is not of the kind that its address or type names",
}
_MIN_DURATION = timedelta(seconds=15)
"""How long such an answer must last, because pages change within seconds while a site is
updated.
"""


@dataclass(frozen=True, slots=True)
class Leads:
    """Sends leads (hints that a person must judge).

    `wake` is called when the outbox has a new notice.
    """

    writer: Writer
    clock: Clock
    watch: Watch
    admission: Admission
    ledger: Ledger
    wake: Callable[[], None]
    tasks: Tasks
    # For each release, the addresses that gave an odd answer and for which a lead was sent since
    # the start.
    _reported: dict[str, set[str]] = field(default_factory=dict)

    async def send(self, release: str, lead: Finding) -> None:
        """Store a lead (a hint that a person must judge) and its notices, unless an earlier lead
        had the same `url`.
        """
        now = self.clock.now()
        judging = self.watch.judging
        facts = judging.facts(self.ledger.releases[release], self.ledger.promises(release))

        def write(tx: Transaction) -> int:
            """Add the lead to the incident of leads, apart from measured ones.

            Return the number of new notices.
            """
            of_leads = [
                incident
                for incident in tx.read.verdicts.incidents_of(release)
                if incident.kind is IncidentKind.LEAD
            ]
            known = find_known_incident(of_leads, release)
            facts_with_lead = add_lead(facts, lead, known)
            if facts_with_lead is None:  # the incident has a lead with this `url`
                return 0
            return judging.events.save_decision(tx, decide(facts_with_lead, known, now), now)

        if await self.writer.write(write) > 0:  # new notices
            self.wake()

    def send_for_press_item(self, producer: str, found: Found, at: datetime) -> None:
        """Send a lead (a hint that a person must judge) about a press item, for the producer's next
        release, if any.
        """
        near = self.admission.near_releases(producer)
        ahead = [(it.slot, it.release.id) for it in near if it.slot is not None and it.slot > at]
        if ahead:
            _, next_due = min(ahead)
            _log.info("lead", producer=producer, release=next_due)
            # A lead may not quote the item, because its text may be of the release, before its
            # slot.
            detail = (
                "a press item with watched keywords, first seen"
                f" {interval_text(Interval(None, at))}: {found.url}"
            )
            self.tasks.start(self.send(next_due, Finding(LEAD, None, detail, url=found.url)))

    def send_for_odd_answer(self, target: Target, sighting: Sighting) -> None:
        """Send one lead (a hint) about an address that has given an odd answer for some seconds,
        such as another title.

        The answer proves nothing, so a person must judge it. It must follow a proved absence, or be
        a placeholder. No lead is sent if the release is out, or was due long ago. Call `Watch.see`
        first, so that the look is in a run.
        """
        if sighting.why not in _ODD_ANSWERS or target.view not in (View.EDGE, View.ORIGIN):
            return
        watched = self.watch.releases.get(target.release)
        run = None if watched is None else watched.state_or_empty(target.id).last
        if (
            watched is None
            or run is None
            or run.why != sighting.why
            or run.state is not State.UNKNOWN
        ):
            return
        is_reported = target.url in self._reported.get(target.release, ())
        if is_reported or run.last_received - run.first_sent < _MIN_DURATION:
            return
        last_proof = find_last_proof(watched.state_or_empty(target.id).runs, target.url)
        slot = self.ledger.slot_begins(target.release)
        may_be_new = _follows_absence_or_stands(target, run, last_proof)
        if not may_be_new or not self._is_early_or_missing(watched, target, run, slot):
            return
        _log.info("odd_answer", target=target.id)
        early = " before its slot" if slot is not None and run.begin < slot else ""
        claim = f"{_ODD_ANSWERS[run.why]} is at its address{early}"
        first_seen = Interval(None if last_proof is None else last_proof.end, run.begin)
        self._send_about_address(target, claim, f"first seen {interval_text(first_seen)}")

    def send_for_change_in_place(self, target: Target, sighting: Sighting) -> None:
        """Send one lead if what was in place at an address has changed before the slot.

        It may be this release, or the previous edition corrected.
        """
        slot = self.ledger.slot_begins(target.release)
        watched = self.watch.releases.get(target.release)
        is_early = slot is not None and sighting.proved_to < slot
        is_reported = target.url in self._reported.get(target.release, ())
        if watched is None or sighting.digest is None or not is_early or is_reported:
            return
        runs = watched.state_or_empty(target.id).runs
        changes = find_changes_of_content(runs)
        if changes and find_presence_from_start(runs) is not None:
            claim = "what is at its address was there before, and has changed before its slot"
            self._send_about_address(target, claim, f"changed {interval_text(changes[0])}")

    def _send_about_address(self, target: Target, claim: str, when: str) -> None:
        """Send a lead about a target's address, and remember that it is reported."""
        for no_longer_watched in self._reported.keys() - self.watch.releases.keys():
            del self._reported[no_longer_watched]
        self._reported.setdefault(target.release, set()).add(target.url)
        text = f"{claim}: it does not prove that the release is out, {when}: {target.url}"
        self.tasks.start(self.send(target.release, Finding(LEAD, None, text, url=target.url)))

    def _is_early_or_missing(
        self, watched: WatchedRelease, target: Target, run: Run, slot: datetime | None
    ) -> bool:
        """Return whether the run began before the slot, or the slot passed lately and the part is
        not out yet.
        """
        if slot is None or run.first_sent < slot:
            return True
        parts = watched.verdict.parts if watched.verdict is not None else ()
        is_out = any(part.id == target.part and part.released.by is not None for part in parts)
        return not is_out and is_still_worth_a_lead(slot, self.clock.now())


def is_still_worth_a_lead(slot: datetime, now: datetime) -> bool:
    """Return whether a release that is still missing is worth a lead: until a day after its
    slot.
    """
    return now - slot < _UNTIL_AFTER_SLOT


def add_lead(facts: ReleaseFacts, lead: Finding, known: Incident | None) -> ReleaseFacts | None:
    """Return a release's facts with a new `lead` and those of the incident `known`.

    None if it has this lead already.

    The facts have the verdict `lead` and no grade, because a lead is a hint that only a person can
    judge.
    """
    earlier_leads = known.facts.findings if known is not None and known.facts is not None else ()
    url = canonical_address(lead.url)
    if any(find_lead_address(earlier) == url for earlier in earlier_leads):
        return None
    return replace(
        facts, verdict=LEAD, grade=Grade.NONE, final=False, findings=(*earlier_leads, lead)
    )


def _follows_absence_or_stands(target: Target, run: Run, last_proof: Run | None) -> bool:
    """Return whether the answers of a run follow a proved absence at a promised address, or are
    those of a placeholder or a marked page, which may have been there from the start.
    """
    if is_witness(target.part) or target.origin is Origin.PREDICTED:
        return False
    if run.why in (PLACEHOLDER, MARKED_TITLE):
        return last_proof is None or last_proof.state is State.ABSENT
    return (
        last_proof is not None
        and last_proof.state is State.ABSENT
        and target.address is not Address.GUESSED
    )
