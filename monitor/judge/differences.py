"""Compares a stored verdict with the same verdict computed again, for `replay`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.judge.as_json import Body
from schedules.contract.verdict import Ended

_RELEASE_FIELDS = ("id", "title", "producer", "url", "verdict", "grade")
_PART_FIELDS = ("role", "url", "required", "verdict")
_SLOT_FIELDS = ("start", "precision", "timezone", "announced", "source")
# These kinds of findings grow while looks fail. The stored verdict has only their length so far, so
# no upper bound.
_BLINDNESS = ("blind", "clock_fault")


def find_differences(stored: Body, again: Body, *, several_monitors: bool = False) -> list[str]:
    """Return one line for each difference between a stored release's JSON and the same release
    judged again.

    These are not differences, because looks and blind spans (times without looks) stored since the
    verdict explain them: a range inside the stored one, an exposure that ended, a verdict that
    became final, a new finding of blindness. With `several_monitors`, a finding of blindness may
    also be lost, because another monitor watched at that time. Not compared: wording, the instant
    of judging, and the finding `platform`, which depends on other releases.
    """
    lines = _compare_fields("", stored, again, _RELEASE_FIELDS)
    lines += _compare_fields("slot.", stored["slot"] or {}, again["slot"] or {}, _SLOT_FIELDS)
    lines += _compare_measurements("", stored, again)
    if stored["final"] and not again["final"]:
        lines.append("final: was True, is False")
    if bool(stored["unproven_because"]) is not bool(again["unproven_because"]):
        lines.append(
            f"unproven_because: was {stored['unproven_because']!r}, is"
            f" {again['unproven_because']!r}"
        )
    lines += _compare_parts(stored["parts"], again["parts"])
    return lines + _compare_findings(
        stored["findings"], again["findings"], several_monitors=several_monitors
    )


def _compare_fields(place: str, stored: Body, again: Body, names: Sequence[str]) -> list[str]:
    return [
        f"{place}{name}: was {stored.get(name)}, is {again.get(name)}"
        for name in names
        if stored.get(name) != again.get(name)
    ]


def _compare_measurements(place: str, stored: Body, again: Body) -> list[str]:
    """Return a line for each measured range of a release or part that is outside the stored one."""
    lines = []
    for name in ("first_seen", "released", "delay", "users_delay"):
        # JSON stored by an older version does not have all fields.
        if name in stored:
            lines += _compare_ranges(f"{place}{name}", stored[name], again[name])
    return lines + _compare_exposures(f"{place}exposures", stored["exposures"], again["exposures"])


def _compare_parts(stored: Sequence[Body], again: Sequence[Body]) -> list[str]:
    before, after = ({part["id"]: part for part in parts} for parts in (stored, again))
    lines = [
        f"parts: {name} is only in one of both" for name in sorted(before.keys() ^ after.keys())
    ]
    for name in sorted(before.keys() & after.keys()):
        lines += _compare_fields(f"{name}.", before[name], after[name], _PART_FIELDS)
        lines += _compare_measurements(f"{name}.", before[name], after[name])
    return lines


def _compare_exposures(place: str, stored: Sequence[Body], again: Sequence[Body]) -> list[str]:
    """Return a line if the number of exposures differs, else one for each part, time or reason that
    differs.
    """
    if len(stored) != len(again):
        return [f"{place}: were {len(stored)}, are {len(again)}"]
    lines = []
    for number, (before, after) in enumerate(zip(stored, again, strict=True)):
        where = f"{place}[{number}]."
        lines += _compare_fields(where, before, after, ("part",))
        # An open exposure may have ended since it was stored, but an ended one cannot open again.
        if after["open"] and not before["open"]:
            lines.append(f"{where}open: was False, is True")
        for name in ("from", "to", "seconds"):
            lines += _compare_ranges(f"{where}{name}", before[name], after[name])
        # Without a stored reason, the exposure was still open, or an older version stored it. Later
        # looks may show it.
        ended_before = before.get("ended")
        is_reason_known = ended_before is not None and ended_before != Ended.UNKNOWN
        if is_reason_known and ended_before != after["ended"]:
            lines.append(f"{where}ended: was {ended_before}, is {after['ended']}")
    return lines


def _compare_findings(
    stored: Sequence[Body], again: Sequence[Body], *, several_monitors: bool
) -> list[str]:
    """Return one line that lists all findings if their number by kind and part differs, else one
    for each differing length.

    More findings of blindness are no difference, because a blind span may be stored after the
    verdict. With `several_monitors`, fewer are none either, because looks of another may fill one.
    """
    before, after = _group_findings(stored), _group_findings(again)
    lines = []
    for key in sorted(before.keys() | after.keys()):
        found_before, found_after = before.get(key, []), after.get(key, [])
        kind, part = key
        is_blindness = kind in _BLINDNESS
        if len(found_before) != len(found_after):
            is_explained = is_blindness and (
                len(found_after) > len(found_before) or several_monitors
            )
            if not is_explained:
                return [f"findings: were {_names_text(before)}, are {_names_text(after)}"]
            continue
        for finding_before, finding_after in zip(found_before, found_after, strict=True):
            length = finding_before["seconds"]
            if is_blindness and length is not None:
                # The blind span may have grown since the verdict was stored, so its length has no
                # upper limit.
                length = {**length, "max": None}
            name = f"findings.{kind}({part})"
            lines += _compare_ranges(name, length, finding_after["seconds"])
    return lines


def _group_findings(findings: Sequence[Body]) -> dict[tuple[str, str], list[Body]]:
    """Return the findings that can be compared, by kind and part."""
    groups: dict[tuple[str, str], list[Body]] = {}
    for finding in findings:
        if finding["kind"] != "platform":
            groups.setdefault((finding["kind"], finding["part"] or ""), []).append(finding)
    return groups


def _names_text(groups: Mapping[tuple[str, str], Sequence[Body]]) -> str:
    keys = (key for key in sorted(groups) for _ in groups[key])
    return ", ".join(f"{kind}({part})" for kind, part in keys) or "none"


def _compare_ranges(place: str, stored: Body | None, again: Body | None) -> list[str]:
    """Return a line if one range is null and the other is not, or if the new one is not inside the
    stored one.
    """
    stored_least, stored_most = _read_limits(stored)
    least, most = _read_limits(again)
    # Each JSON is rounded to the millisecond, so they can differ by two. Later looks may narrow a
    # range.
    is_inside = stored_least - 0.002 <= least and most <= stored_most + 0.002
    if (stored is None) is (again is None) and is_inside:
        return []
    return [f"{place}: was {_range_text(stored)}, is {_range_text(again)}"]


def _read_limits(sides: Body | None) -> tuple[float, float]:
    """Return the limits of an interval (as timestamps) or of bounds (in seconds), infinite if not
    known.
    """
    known = sides or {}
    limits = known.get("after", known.get("min")), known.get("by", known.get("max"))
    least, most = (
        datetime.fromisoformat(it).timestamp() if isinstance(it, str) else it for it in limits
    )
    return float("-inf") if least is None else least, float("inf") if most is None else most


def _range_text(sides: Body | None) -> str:
    """Return both limits of a range in words: `2.0 … open`."""
    if not sides:
        return "nothing"
    return " … ".join("open" if side is None else str(side) for side in sides.values())
