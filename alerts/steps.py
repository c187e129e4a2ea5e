"""Steps to take now, in one table for notices, pages, the command line, drafts and the runbook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from alerts.draft.code import load_data


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do now. `within` says how soon; `done` is what a person wrote when it was done.

    Without an `id` it is information, which cannot be ticked. `past` is the sentence of a report
    that it was done `{at}` a time, empty if that does not concern readers of the report.
    """

    id: str
    text: str
    within: str
    past: str = ""
    done: str = ""


ACKNOWLEDGE = Step("", 'Acknowledge it ("I\'m on it"), so that no one else is called.', "at once")
"""The first step of every list while no one has said that they have the incident."""
COMPLETE = Step("", "Complete the draft of the report.", "today")
"""The last step of every list of an incident with a draft."""


@cache
def steps_at(stage: str) -> tuple[Step, ...]:
    """Return the steps of a list in `steps.json`, such as `late` or `removed`, the most urgent
    first.
    """
    return tuple(Step(*row) for row in load_data("steps")["steps"][stage])


def numbered_steps(steps: Iterable[Step]) -> list[str]:
    """Return the heading and one numbered line for each step."""
    return ["What to do now:", *(f"{place}. {step.text}" for place, step in enumerate(steps, 1))]
