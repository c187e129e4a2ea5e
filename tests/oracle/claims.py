"""Reads the monitor's JSON: a verdict of a release, or the measurement in a notice, as one
`Claim`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Interval:
    """The reported time of a change: it had not happened at `after`, and had happened at `by`."""

    after: datetime | None = None
    by: datetime | None = None


@dataclass(frozen=True)
class Exposure:
    """A span in which something was public before its slot."""

    part: str
    begins: Interval
    ends: Interval
    shortest: float | None
    longest: float | None
    is_open: bool


@dataclass(frozen=True)
class PartClaim:
    """What the monitor reports of one part. Lengths are in seconds."""

    id: str
    url: str
    role: str
    verdict: str
    first_seen: Interval
    shortest: float | None
    longest: float | None
    exposures: tuple[Exposure, ...]
    early_bound: float | None
    has_bound: bool
    required: bool = True
    users_shortest: float | None = None
    users_longest: float | None = None


@dataclass(frozen=True)
class Claim:
    """What the monitor reports of one release, as of `at`.

    `source` is the verdict or the notice that reports it.
    """

    id: str
    title: str
    url: str
    at: datetime
    verdict: str
    slot: datetime | None
    parts: tuple[PartClaim, ...]
    grade: str | None = None
    findings: tuple[tuple[str, str | None], ...] = ()
    early_bound: float | None = None
    has_bound: bool = False
    is_final: bool = False
    address: str | None = None
    reason: str | None = None
    confirmed: datetime | None = None
    source: str = field(default="the verdict", compare=False)


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def read_release_claim(body: Body, at: datetime) -> Claim:
    """Return the claim in the JSON of a release, which was made at `at`."""
    slot = body.get("slot") or {}
    precise = slot.get("precision") == "instant"
    return Claim(
        id=body["id"],
        title=body["title"],
        url=body["url"],
        at=at,
        verdict=body["verdict"],
        slot=instant(slot.get("start")) if precise else None,
        parts=tuple(_part(part) for part in body["parts"]),
        grade=body["grade"],
        findings=tuple((one["kind"], one.get("part")) for one in body["findings"]),
        early_bound=body.get("early_bound"),
        has_bound="early_bound" in body,
        is_final=body["final"],
        address=body.get("address"),
        reason=body.get("unproven_because"),
        confirmed=instant(body.get("promise_confirmed")),
    )


def read_notice_claim(data: Body) -> Claim | None:
    """Return the claim in the JSON of a notice. None if it contains no measurement."""
    told = data.get("measured")
    if not told or "verdict" not in told:
        return None
    # It is measured again when it is sent, which may be later than its event.
    at = instant(told.get("at", data["at"]))
    assert at is not None
    return Claim(
        id=data["release"],
        title="",
        url=told["url"],
        at=at,
        verdict=told["verdict"],
        slot=instant(told["slot"]),
        parts=tuple(_part(part) for part in told["parts"]),
        findings=tuple((kind, None) for kind in data.get("findings", ())),
        is_final=told["final"],
        source=f"the notice {data['kind']} of {data['at']} ({data['subject'].split(':')[0]})",
    )


def _part(body: Body) -> PartClaim:
    delay, users = (body.get(key) or {} for key in ("delay", "users_delay"))
    return PartClaim(
        id=body["id"],
        url=body["url"],
        role=body["role"],
        verdict=body["verdict"],
        first_seen=_interval(body.get("first_seen")),
        shortest=delay.get("min"),
        longest=delay.get("max"),
        exposures=tuple(_exposure(one, body["id"]) for one in body.get("exposures", ())),
        early_bound=body.get("early_bound"),
        has_bound="early_bound" in body,
        required=body.get("required", True),
        users_shortest=users.get("min"),
        users_longest=users.get("max"),
    )


def _interval(body: Body | None) -> Interval:
    return Interval(instant((body or {}).get("after")), instant((body or {}).get("by")))


def _exposure(body: Body, part: str) -> Exposure:
    lasted = body.get("seconds") or {}
    begins, ends = _interval(body.get("from")), _interval(body.get("to"))
    return Exposure(
        body.get("part", part),
        begins,
        ends,
        lasted.get("min"),
        lasted.get("max"),
        bool(body.get("open")),
    )
