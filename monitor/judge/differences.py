"""Compare a stored verdict with the same verdict computed again, for `replay`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from schedules.contract.verdict import Ended

Json = Mapping[str, Any]

_RELEASE_FIELDS = ("id", "title", "producer", "url", "verdict", "grade")
_PART_FIELDS = ("role", "url", "required", "verdict")
_SLOT_FIELDS = ("start", "precision", "timezone", "announced", "source")
# These findings grow while looks fail. The stored verdict has only their length so far.
_MAY_GROW = ("blind", "clock_fault")
_NO_MINIMUM, _NO_MAXIMUM = float("-inf"), float("inf")


def find_differences(stored: Json, again: Json, *, several: bool = False) -> list[str]:
    """Return one line for each difference between a stored release's JSON and the same release judged again.

    Looks made since the verdict was stored make runs longer. So a measured range may be narrower now, an open one may
    have grown, and the verdict may be final. A range must stay inside the stored one. Blind spans may have been stored
    later. With `several` monitors, a finding `blind` may also disappear: another monitor watched at that time.

    Not compared: wording, the instant of judging, and the finding `platform`, which depends on other releases.
    """
    lines = _compare_fields("", stored, again, _RELEASE_FIELDS)
    lines += _compare_fields("slot.", stored["slot"] or {}, again["slot"] or {}, _SLOT_FIELDS)
    lines += _compare_measurements("", stored, again)
    if stored["final"] and not again["final"]:
        lines.append("final: was True, is False")
    if bool(stored["unproven_because"]) is not bool(again["unproven_because"]):
        lines.append(f"unproven_because: was {stored['unproven_because']!r}, is {again['unproven_because']!r}")
    return (
        lines
        + _compare_parts(stored["parts"], again["parts"])
        + _compare_findings(stored["findings"], again["findings"], several=several)
    )


def _compare_fields(place: str, stored: Json, again: Json, names: Sequence[str]) -> list[str]:
    return [
        f"{place}{name}: was {stored.get(name)}, is {again.get(name)}"
        for name in names
        if stored.get(name) != again.get(name)
    ]


def _compare_measurements(place: str, stored: Json, again: Json) -> list[str]:
    lines = _compare_intervals(f"{place}first_seen", stored["first_seen"], again["first_seen"])
    lines += _compare_intervals(f"{place}released", stored.get("released") or {}, again.get("released") or {})
    lines += _compare_bounds(f"{place}delay", stored["delay"], again["delay"])
    # JSON stored by an older version does not have the field.
    if "users_delay" in stored:
        lines += _compare_bounds(f"{place}users_delay", stored["users_delay"], again["users_delay"])
    return lines + _compare_exposures(f"{place}exposures", stored["exposures"], again["exposures"])


def _compare_parts(stored: Sequence[Json], again: Sequence[Json]) -> list[str]:
    before, after = ({part["id"]: part for part in parts} for parts in (stored, again))
    lines = [f"parts: {name} is only in one of both" for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        lines += _compare_fields(f"{name}.", before[name], after[name], _PART_FIELDS)
        lines += _compare_measurements(f"{name}.", before[name], after[name])
    return lines


def _compare_exposures(place: str, stored: Sequence[Json], again: Sequence[Json]) -> list[str]:
    if len(stored) != len(again):
        return [f"{place}: were {len(stored)}, are {len(again)}"]
    lines = []
    for number, (one, other) in enumerate(zip(stored, again, strict=True)):
        where = f"{place}[{number}]."
        lines += _compare_fields(where, one, other, ("part", "open"))
        lines += _compare_intervals(f"{where}from", one["from"], other["from"])
        lines += _compare_intervals(f"{where}to", one["to"], other["to"])
        lines += _compare_bounds(f"{where}seconds", one["seconds"], other["seconds"])
        # Later looks may show why it ended. JSON stored by an older version does not have the field.
        if one.get("ended") not in (None, Ended.UNKNOWN, other["ended"]):
            lines.append(f"{where}ended: was {one['ended']}, is {other['ended']}")
    return lines


def _compare_findings(stored: Sequence[Json], again: Sequence[Json], *, several: bool) -> list[str]:
    """Return how the kinds of findings differ, or else how the lengths of equal kinds do."""
    before, after = _name_findings(stored), _name_findings(again)
    were, are = (Counter(name for name, _ in each) for each in (before, after))
    lost, new = were - are, are - were
    # With one monitor, no later fact can remove a finding.
    may_differ = new + lost if several else new
    if any(not name.startswith(_MAY_GROW) for name in may_differ) or (lost and not several):
        lines = (", ".join(sorted(count.elements())) or "none" for count in (were, are))
        return ["findings: were {}, are {}".format(*lines)]
    other = new | lost
    after = [(name, found) for name, found in after if name not in other]
    before = [(name, found) for name, found in before if name not in other]
    return [
        line
        for (name, one), (_, other) in zip(before, after, strict=True)
        for line in _compare_bounds(f"findings.{name}", _stored_range(one), other["seconds"])
    ]


def _stored_range(finding: Json) -> Json | None:
    """Return the length of a stored finding, without its upper bound if the finding may have grown since."""
    seconds: Json | None = finding["seconds"]
    return {**seconds, "max": None} if seconds is not None and finding["kind"] in _MAY_GROW else seconds


def _name_findings(findings: Sequence[Json]) -> list[tuple[str, Json]]:
    named = [(f"{each['kind']}({each['part'] or ''})", each) for each in findings if each["kind"] != "platform"]
    return sorted(named, key=lambda pair: pair[0])


def _compare_intervals(place: str, stored: Json, again: Json) -> list[str]:
    before = _timestamp_or(stored.get("after"), _NO_MINIMUM), _timestamp_or(stored.get("by"), _NO_MAXIMUM)
    after = _timestamp_or(again.get("after"), _NO_MINIMUM), _timestamp_or(again.get("by"), _NO_MAXIMUM)
    return _report_unless_inside(place, before, after, stored, again)


def _compare_bounds(place: str, stored: Json | None, again: Json | None) -> list[str]:
    if (stored is None) is not (again is None):
        return [f"{place}: was {_range_text(stored)}, is {_range_text(again)}"]
    one, other = stored or {}, again or {}
    before = _length_or(one.get("min"), _NO_MINIMUM), _length_or(one.get("max"), _NO_MAXIMUM)
    after = _length_or(other.get("min"), _NO_MINIMUM), _length_or(other.get("max"), _NO_MAXIMUM)
    return _report_unless_inside(place, before, after, one, other)


def _report_unless_inside(
    place: str, outer: tuple[float, float], inner: tuple[float, float], stored: Json, again: Json
) -> list[str]:
    """Return a line if the new range is not inside the stored one."""
    # Both JSONs are rounded to the millisecond.
    if outer[0] - 0.002 <= inner[0] and inner[1] <= outer[1] + 0.002:
        return []
    return [f"{place}: was {_range_text(stored)}, is {_range_text(again)}"]


def _timestamp_or(text: str | None, otherwise: float) -> float:
    return otherwise if text is None else datetime.fromisoformat(text).timestamp()


def _length_or(seconds: float | None, otherwise: float) -> float:
    return otherwise if seconds is None else seconds


def _range_text(sides: Json | None) -> str:
    if not sides:
        return "nothing"
    return " … ".join("open" if side is None else str(side) for side in sides.values())
