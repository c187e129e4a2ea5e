"""Assessments, and their lines: what was checked, its state, the reason, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schedules.times.json import fields_json, instant_json


class Readiness(StrEnum):
    """The state of what was checked. `NOT_KNOWN` is neither a fault nor a proof of readiness."""

    NOT_READY = "not_ready"
    NOT_KNOWN = "not_known"
    READY = "ready"


class Area(StrEnum):
    """The areas of an assessment, in the order in which they are listed."""

    PROMISE = "promise"
    ADDRESS = "address"
    LEAKS = "leaks"
    MONITOR = "monitor"
    PEOPLE = "people"
    TICKS = "ticks"


@dataclass(frozen=True, slots=True)
class Line:
    """The result of one check.

    `check` names it, whatever its state. `subject` is what people call the thing:
    the title of a release, a host, a calendar, a channel. `release` is the id of a release, empty
    if the line is about something that several share. `todo` is empty if the state is `READY`.
    """

    area: Area
    check: str
    subject: str
    state: Readiness
    reason: str
    todo: str = ""
    release: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the line as the API publishes it."""
        names = ("area", "check", "subject", "release", "state", "reason", "todo")
        return fields_json(self, *names)


@dataclass(frozen=True, slots=True)
class ReadinessAssessment:
    """The lines about the slots from `begin` to before `end`, as of `at`.

    `slots` are those of the releases, without duplicates.
    """

    begin: datetime
    end: datetime
    at: datetime
    slots: tuple[datetime, ...]
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the assessment as JSON."""
        return {
            "from": instant_json(self.begin),
            "to": instant_json(self.end),
            "at": instant_json(self.at),
            "slots": [instant_json(slot) for slot in self.slots],
            "ready": all(line.state is not Readiness.NOT_READY for line in self.lines),
            "lines": [line.as_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> ReadinessAssessment:
        """Return the assessment that the API published."""
        begin, end, at = (datetime.fromisoformat(body[name]) for name in ("from", "to", "at"))
        slots = tuple(map(datetime.fromisoformat, body["slots"]))
        return cls(begin, end, at, slots, tuple(Line(**line) for line in body["lines"]))


def sort_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines with what is not ready first and what is ready last, by area within each."""
    states, areas = list(Readiness), list(Area)
    return tuple(sorted(lines, key=lambda one: (states.index(one.state), areas.index(one.area))))
