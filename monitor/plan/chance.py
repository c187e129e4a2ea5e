"""How likely a target is to change now, beside others that are looked at as often.

A spacing tells the phase: the nearer the promised instant, and the less long overdue, the closer the looks. A
chance weighs the targets of one host against each other where its budget does not carry all looks. It goes by what a
target is and how it stands, never by the hour. A target is looked at in proportion to the square root
of its chance (`budget.spread`), so four times the chance is looked at twice as often.

Both what users get and what the origin has count in full: the origin's absence dates a release
(`docs/decisions/012`), and users are served by the edge.
"""

from __future__ import annotations

from monitor.plan.targets import Target, View

_STEP = 4.0
LISTING = 10_000.0
"""A listing speaks for every page of its host: it keeps its spacing until that is a hundred times too much."""


def chance_of(target: Target, *, awaited: bool = False, out: bool = False, exact: bool = True) -> float:
    """Return the chance of a target, where 1.0 is that of a required part at its slot.

    `awaited`: its slot has passed, or its page is out, and it is still missing. `out`: it is there, and watched for
    withdrawal alone. `exact`: its release is judged to the minute. A content-API twin only bears out what its
    page shows, and what is not required worsens no verdict.
    """
    if target.view is View.TRIPWIRE:
        return LISTING
    against = (target.view is View.CONTENT, target.aside, out, not exact)
    return float(_STEP ** (awaited - sum(against)))
