"""A stored verdict held against the same judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.finding import Ended

Json = Mapping[str, Any]

_PLAIN = ("id", "title", "producer", "url", "verdict", "grade")
_PART = ("role", "url", "required", "verdict")
_SLOT = ("start", "precision", "timezone", "announced", "source")
# What hides the slot goes on for as long as looks fail, and only its length so far was written down.
_GOES_ON = ("blind", "clock_fault")
_LEAST, _MOST = float("-inf"), float("inf")


def differences(stored: Json, again: Json, *, several: bool = False) -> list[str]:
    """Return what differs between the JSON of a release as stored and as judged again; empty when nothing does.

    Looks made since then lengthen runs, so intervals and lengths may have become sharper and open ones may
    have grown, but none may leave what was stated before; they may also have made the verdict final. Blind spans of
    another monitor, or of while the store was away, may have been written down since; where `several` monitors looked,
    one may be known since to have watched while another was blind. Wording is not compared, nor the
    instant of judging, nor `platform`, which rests on other releases.
    """
    told = _fields("", stored, again, _PLAIN)
    told += _fields("slot.", stored["slot"] or {}, again["slot"] or {}, _SLOT)
    told += _measured("", stored, again)
    if stored["final"] and not again["final"]:
        told.append("final: was True, is False")
    if bool(stored["unproven_because"]) is not bool(again["unproven_because"]):
        told.append(f"unproven_because: was {stored['unproven_because']!r}, is {again['unproven_because']!r}")
    return (
        told
        + _parts(stored["parts"], again["parts"])
        + _findings(stored["findings"], again["findings"], several=several)
    )


def _fields(place: str, stored: Json, again: Json, names: Sequence[str]) -> list[str]:
    return [
        f"{place}{name}: was {stored.get(name)}, is {again.get(name)}"
        for name in names
        if stored.get(name) != again.get(name)
    ]


def _measured(place: str, stored: Json, again: Json) -> list[str]:
    told = _interval(f"{place}first_seen", stored["first_seen"], again["first_seen"])
    told += _interval(f"{place}released", stored.get("released") or {}, again.get("released") or {})
    told += _bounds(f"{place}delay", stored["delay"], again["delay"])
    # Bodies stored by an older version do not have the field.
    if "users_delay" in stored:
        told += _bounds(f"{place}users_delay", stored["users_delay"], again["users_delay"])
    return told + _exposures(f"{place}exposures", stored["exposures"], again["exposures"])


def _parts(stored: Sequence[Json], again: Sequence[Json]) -> list[str]:
    before, after = ({part["id"]: part for part in parts} for parts in (stored, again))
    told = [f"parts: {name} is only in one of both" for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        told += _fields(f"{name}.", before[name], after[name], _PART)
        told += _measured(f"{name}.", before[name], after[name])
    return told


def _exposures(place: str, stored: Sequence[Json], again: Sequence[Json]) -> list[str]:
    if len(stored) != len(again):
        return [f"{place}: were {len(stored)}, are {len(again)}"]
    told = []
    for number, (one, other) in enumerate(zip(stored, again, strict=True)):
        where = f"{place}[{number}]."
        told += _fields(where, one, other, ("part", "open"))
        told += _interval(f"{where}from", one["from"], other["from"])
        told += _interval(f"{where}to", one["to"], other["to"])
        told += _bounds(f"{where}seconds", one["seconds"], other["seconds"])
        # Looks made since may show why it ended. Bodies stored by an older version do not have the field.
        if one.get("ended") not in (None, Ended.UNKNOWN, other["ended"]):
            told.append(f"{where}ended: was {one['ended']}, is {other['ended']}")
    return told


def _findings(stored: Sequence[Json], again: Sequence[Json], *, several: bool) -> list[str]:
    before, after = _named(stored), _named(again)
    were, are = (Counter(name for name, _ in each) for each in (before, after))
    gone, new = were - are, are - were
    # With one monitor nothing can be known since that takes a finding back.
    may_differ = new + gone if several else new
    if any(not name.startswith(_GOES_ON) for name in may_differ) or (gone and not several):
        told = (", ".join(sorted(count.elements())) or "none" for count in (were, are))
        return ["findings: were {}, are {}".format(*told)]
    other = new | gone
    after = [(name, found) for name, found in after if name not in other]
    before = [(name, found) for name, found in before if name not in other]
    return [
        line
        for (name, one), (_, other) in zip(before, after, strict=True)
        for line in _bounds(f"findings.{name}", _stated(one), other["seconds"])
    ]


def _stated(finding: Json) -> Json | None:
    seconds: Json | None = finding["seconds"]
    return {**seconds, "max": None} if seconds is not None and finding["kind"] in _GOES_ON else seconds


def _named(findings: Sequence[Json]) -> list[tuple[str, Json]]:
    named = [(f"{each['kind']}({each['part'] or ''})", each) for each in findings if each["kind"] != "platform"]
    return sorted(named, key=lambda pair: pair[0])


def _interval(place: str, stored: Json, again: Json) -> list[str]:
    before = _instant(stored.get("after"), _LEAST), _instant(stored.get("by"), _MOST)
    after = _instant(again.get("after"), _LEAST), _instant(again.get("by"), _MOST)
    return _unless_inside(place, before, after, stored, again)


def _bounds(place: str, stored: Json | None, again: Json | None) -> list[str]:
    if (stored is None) is not (again is None):
        return [f"{place}: was {_shown(stored)}, is {_shown(again)}"]
    one, other = stored or {}, again or {}
    before = _length(one.get("min"), _LEAST), _length(one.get("max"), _MOST)
    after = _length(other.get("min"), _LEAST), _length(other.get("max"), _MOST)
    return _unless_inside(place, before, after, one, other)


def _unless_inside(
    place: str, outer: tuple[float, float], inner: tuple[float, float], stored: Json, again: Json
) -> list[str]:
    # Both sides were rounded to the millisecond on their way here.
    if outer[0] - 0.002 <= inner[0] and inner[1] <= outer[1] + 0.002:
        return []
    return [f"{place}: was {_shown(stored)}, is {_shown(again)}"]


def _instant(text: str | None, otherwise: float) -> float:
    return otherwise if text is None else datetime.fromisoformat(text).timestamp()


def _length(seconds: float | None, otherwise: float) -> float:
    return otherwise if seconds is None else seconds


def _shown(sides: Json | None) -> str:
    if not sides:
        return "nothing"
    return " … ".join("open" if side is None else str(side) for side in sides.values())
