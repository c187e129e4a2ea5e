"""Pass each look of the poller to the tally, the watch and the tripwires."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Hooks
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, View
from monitor.watch.look_tally import LookTally
from monitor.watch.odd_answers import OddAnswers
from monitor.watch.tripwires import Tripwires
from monitor.watch.watch import Watch


@dataclass(frozen=True, slots=True)
class Intake:
    """Receives every look: counts it, then gives it to its release or, for a listing, to the tripwires."""

    tally: LookTally
    watch: Watch
    tripwires: Tripwires
    odd_answers: OddAnswers

    def hooks(self) -> Hooks:
        """Return the callbacks for the poller."""
        tally = self.tally
        return Hooks(self.see, tally.note_start, tally.note_missed, tally.note_stall, tally.note_clock_set)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count one look, and pass it on."""
        self.tally.count(target, sighting, outcome)
        if target.view is View.TRIPWIRE:
            self.tripwires.see(target, sighting)
        else:
            self.watch.see(target, sighting, outcome)
            self.odd_answers.see(target, sighting)
