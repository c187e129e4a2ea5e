"""What the poller tells of its looks, passed on to the tally, the watch and the tripwires."""

from __future__ import annotations

from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Hooks
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, View
from monitor.watch.look_tally import LookTally
from monitor.watch.tripwires import Tripwires
from monitor.watch.watch import Watch


class Intake:
    """Takes in each look: counted, then folded into its release or held against what listings are known to show."""

    def __init__(self, tally: LookTally, watch: Watch, tripwires: Tripwires) -> None:
        self.tally = tally
        self._watch = watch
        self._tripwires = tripwires

    def hooks(self) -> Hooks:
        """Return what the poller tells it."""
        tally = self.tally
        return Hooks(self.see, tally.started, tally.missed, tally.stalled, tally.clock_set)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Take in one look."""
        self.tally.count(target, sighting, outcome)
        if target.view is View.TRIPWIRE:
            self._tripwires.see(target, sighting)
        else:
            self._watch.see(target, sighting, outcome)
