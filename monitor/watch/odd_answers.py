"""Send one lead to a person for an answer that may be the release, but does not prove that it is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.clock import Clock
from monitor.judge.runs import Run
from monitor.ledger.ledger import Ledger
from monitor.look.recognise.file_kind import ERROR_MESSAGE, PAGE_FOR_FILE, WRONG_KIND
from monitor.look.recognise.placeholder import PLACEHOLDER
from monitor.look.recognise.result import NAMELESS
from monitor.look.recognise.title import ANOTHER_TITLE, WITHOUT_PERIOD
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import is_witness
from monitor.plan.targets import Target, View
from monitor.threads import Tasks
from monitor.watch.leads import Leads, lead_of_odd_answer
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Address, Origin

_log = structlog.get_logger(__name__)
_DESCRIPTIONS = {
    PLACEHOLDER: "a page under its title that names the day of its slot, with no date of publication and no file,",
    ANOTHER_TITLE: "a page of another title",
    WITHOUT_PERIOD: "a page under its title, but without its period,",
    NAMELESS: "a page without title and heading",
    PAGE_FOR_FILE: "a web page instead of the file",
    ERROR_MESSAGE: "an error message instead of its content",
    WRONG_KIND: "content that is not of the kind that its address or type names",
}
_MIN_DURATION = timedelta(seconds=15)
"""How long such an answer must last, because pages change within seconds while a site is updated."""
_UNTIL_AFTER_SLOT = timedelta(days=1)
"""How long after its slot a missing part is worth a lead."""


@dataclass(frozen=True, slots=True)
class OddAnswers:
    """Sends a lead about an answer that is new at its address, or a placeholder, but no proof of publication."""

    watch: Watch
    ledger: Ledger
    leads: Leads
    clock: Clock
    tasks: Tasks
    # For each release, the addresses that a lead was sent for since the start.
    _reported: dict[str, set[str]] = field(default_factory=dict)

    def see(self, target: Target, sighting: Sighting) -> None:
        """Send a lead, once for an address, if a look shows such an answer. Its run must include the look already."""
        if sighting.why not in _DESCRIPTIONS or target.view not in (View.EDGE, View.ORIGIN):
            return
        watched = self.watch.releases.get(target.release)
        run = None if watched is None else watched.state_or_empty(target.id).last
        if watched is None or run is None or run.why != sighting.why or run.state is not State.UNKNOWN:
            return
        if run.last_received - run.first_sent < _MIN_DURATION:
            return
        if target.url in self._reported.get(target.release, ()) or not self._is_worth_a_lead(watched, target, run):
            return
        for release in self._reported.keys() - self.watch.releases.keys():
            del self._reported[release]
        self._reported.setdefault(target.release, set()).add(target.url)
        _log.info("odd_answer", target=target.id, why=run.why)
        last = watched.state_or_empty(target.id).last_proved(target.url)
        after = None if last is None else last.end
        lead = lead_of_odd_answer(
            _DESCRIPTIONS[run.why], target.url, after, run.begin, self.ledger.slot_begins(target.release)
        )
        self.tasks.start(self.leads.send(target.release, lead))

    def _is_worth_a_lead(self, watched: WatchedRelease, target: Target, run: Run) -> bool:
        """Return whether the answer is new at a promised address, or a placeholder, while its part is missing."""
        if is_witness(target.part) or target.origin is Origin.PREDICTED:
            return False
        last = watched.state_or_empty(target.id).last_proved(target.url)
        is_placeholder = run.why == PLACEHOLDER
        is_new = (last is None and is_placeholder) or (last is not None and last.state is State.ABSENT)
        if not is_new or (target.address is Address.GUESSED and not is_placeholder):
            return False
        slot = self.ledger.slot_begins(target.release)
        parts = watched.verdict.parts if watched.verdict is not None else ()
        is_out = any(part.id == target.part and part.released.by is not None for part in parts)
        is_settled = is_out or (slot is not None and self.clock.now() - slot >= _UNTIL_AFTER_SLOT)
        return slot is None or run.first_sent < slot or not is_settled
