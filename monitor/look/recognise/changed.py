"""`changed`: the bytes differ from the baseline."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise.result import Context, Recognised, absent, unknown
from monitor.look.sighting import State

NO_BASELINE = "no baseline yet"
"""Why the first body ever seen is unknown; it is the one that later ones are compared with."""


def recognise(_answer: Answer, context: Context) -> Recognised:
    """Compare with the baseline; the first body ever seen becomes it, and proves nothing."""
    if context.baseline is None:
        return unknown(NO_BASELINE)
    if context.baseline == context.digest:
        return absent("unchanged from the baseline")
    return Recognised(State.PRESENT)
