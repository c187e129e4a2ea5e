"""The oracle compares the monitor's output with the truth of a random world.

A *contradiction* is an untrue statement. A *timid* claim is true but vague, although nothing
prevented a proof. Timid claims are counted separately.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.draft.report import Report
from tests.oracle.claims import Claim, PartClaim, read_notice_claim, read_release_claim
from tests.oracle.easy import find_timid_claims
from tests.oracle.findings import reasons_against_findings, reasons_against_grade
from tests.oracle.letters import reasons_against_draft
from tests.oracle.measures import reasons_against_bound, reasons_against_measurements
from tests.oracle.promises import in_force, is_confirmed, is_unsettled, may_change_be_unread
from tests.oracle.sentences import reasons_against_subject
from tests.oracle.words import (
    reasons_against_on_time,
    reasons_against_part,
    reasons_against_verdict,
)
from tests.oracle.world import Place, Release, World, possible_worlds, spans

_TOLERANCE = timedelta(minutes=1)
_ACCUSING = {"late", "overdue", "early"}
_RATES = {"www.gov.uk": 5, "assets.publishing.service.gov.uk": 5}
_DOUBT = "promise_in_doubt"
_BREAKING = {"reset", "dns", "garbage", "truncated"}


@dataclass(frozen=True, order=True)
class Discrepancy:
    """One error in the monitor's output. `level` is "contradiction" or "timid"."""

    level: str
    what: str
    release: str
    why: str

    def __str__(self) -> str:
        return f"{self.level}: {self.what}: {self.release}: {self.why}"


@dataclass(frozen=True)
class DraftVersion:
    """A version of an incident's draft. `release` is empty if the incident is of several
    releases.
    """

    release: str
    report: Report


@dataclass(frozen=True)
class MonitorOutput:
    """All output of the monitor: its final JSON, its notices in time order, and all versions of
    drafts.
    """

    json: Mapping[str, Any]
    notices: Sequence[Mapping[str, Any]]
    drafts: Sequence[DraftVersion] = ()


def find_discrepancies(world: World, output: MonitorOutput) -> list[Discrepancy]:
    """Return the errors in the output, compared with the possible world that has the fewest
    contradictions.

    Contradictions come first. Each kind of error is listed once a release.
    """
    found = [_check_output(one, output) for one in possible_worlds(world)]
    return min(found, key=lambda each: sum(one.level == "contradiction" for one in each))


def _check_output(world: World, output: MonitorOutput) -> list[Discrepancy]:
    found: dict[tuple[str, str, str], Discrepancy] = {}
    of_json = (*_check_releases(world, output.json), *_check_rates(world, output.json))
    for one in (
        *of_json,
        *_check_notices(world, output.notices),
        *_check_drafts(world, output.drafts),
    ):
        found.setdefault((one.level, one.what, one.release), one)
    return sorted(found.values())


def _check_releases(world: World, body: Mapping[str, Any]) -> Iterator[Discrepancy]:
    known = {release.id: release for release in world.releases}
    said = {one["id"]: read_release_claim(one, world.ends) for one in body["releases"]}
    for name, claim in said.items():
        if name not in known:
            yield from _check_unknown_release(world, claim)
            continue
        release = known[name]
        yield from _check_claim(world, release, claim)
        for what, why in (
            *reasons_against_findings(world, release, claim),
            *reasons_against_grade(claim),
        ):
            yield Discrepancy("contradiction", what, name, why)
        for why in find_timid_claims(world, release, claim):
            yield Discrepancy("timid", claim.verdict, name, why)
    for name in known.keys() - said.keys():
        if not is_unsettled(world, known[name], world.ends) and find_timid_claims(
            world, known[name], None
        ):
            yield Discrepancy("timid", "silence", name, "announced, and nothing is said of it")


def _check_unknown_release(world: World, claim: Claim) -> Iterator[Discrepancy]:
    if claim.verdict in _ACCUSING:
        yield Discrepancy(
            "contradiction", "orphan", claim.id, f"{claim.verdict} is said of what nobody announced"
        )
    elif claim.verdict != "unannounced" or claim.url in {
        release.page.url for release in world.releases
    }:
        yield Discrepancy(
            "timid",
            "orphan",
            claim.id,
            f"{claim.verdict} is said of {claim.url} beside the release it is of",
        )


def _check_claim(world: World, release: Release, claim: Claim) -> Iterator[Discrepancy]:
    """Yield what is wrong with a claim about the release and about each of its parts."""
    for why in reasons_against_verdict(world, release, claim):
        yield Discrepancy(
            "contradiction", f"verdict {claim.verdict}", release.id, f"{claim.source}: {why}"
        )
    for why in reasons_against_bound(world, release.page, claim.early_bound, claim.slot):
        yield Discrepancy("contradiction", "early_bound", release.id, f"{claim.source}: {why}")
    unread = may_change_be_unread(release, claim.at) and not is_confirmed(
        release, claim.at, claim.confirmed
    )
    if (
        claim.verdict == "early"
        and claim.source == "the verdict"
        and unread
        and _DOUBT not in dict(claim.findings)
    ):
        yield Discrepancy(
            "contradiction", "doubt", release.id, f"{claim.source}: early, its slot not read since"
        )
    if release.is_guessed and release.other_calendar is None and claim.address == "announced":
        yield Discrepancy(
            "contradiction", "address", release.id, "nobody announced the address of its page"
        )
    places = {place.id: place for place in release.places}
    for part in claim.parts:
        if part.id in places:
            yield from _check_part(world, release, places[part.id], part, claim)


def _check_part(
    world: World, release: Release, place: Place, part: PartClaim, claim: Claim
) -> Iterator[Discrepancy]:
    force = in_force(release, claim.at)
    if force.slots and not is_unsettled(world, release, claim.at):
        reasons = list(reasons_against_part(world, place, part.verdict, force, claim))
        if part.verdict == "on_time":
            reasons += reasons_against_on_time(world, place, claim, part, force)
        for why in reasons:
            yield Discrepancy(
                "contradiction", f"part {part.verdict}", release.id, f"{claim.source}: {why}"
            )
    for why in reasons_against_measurements(world, place, part, claim):
        yield Discrepancy(
            "contradiction", "measure", release.id, f"{claim.source}: {part.id}: {why}"
        )


def _was_late(release: Release) -> bool:
    """Return whether a required part was not public a minute after any slot, as in a platform's
    incident.
    """
    slots = {release.slot, *(change.slot for change in release.changes if change.slot is not None)}
    required = [spans(place) for place in release.places if place.required]
    return any(
        not any(span.holds(slot + _TOLERANCE) for span in shown)
        for slot in slots
        for shown in required
    )


def _check_notices(world: World, notices: Sequence[Mapping[str, Any]]) -> Iterator[Discrepancy]:
    known = {release.id: release for release in world.releases}
    for data in notices:
        release = known.get(data["release"])
        if release is None:
            is_accused = data["kind"] in {"opened", "final"} and data["subject"].startswith(
                ("LATE", "EARLY", "PARTLY")
            )
            if is_accused and (data["release"] or not any(map(_was_late, world.releases))):
                yield Discrepancy(
                    "contradiction", "orphan", data["release"], f"told: {data['subject']}"
                )
            continue
        claim = read_notice_claim(data)
        if claim is not None:
            yield from _check_claim(world, release, claim)
        for why in reasons_against_subject(world, release, data):
            yield Discrepancy("contradiction", "sentence", release.id, why)


def _check_drafts(world: World, drafts: Sequence[DraftVersion]) -> Iterator[Discrepancy]:
    known = {release.id: release for release in world.releases}
    for draft in drafts:
        for why in reasons_against_draft(world, known.get(draft.release), draft.report):
            yield Discrepancy("contradiction", "draft", draft.release, why)


def _check_rates(world: World, body: Mapping[str, Any]) -> Iterator[Discrepancy]:
    # A kept connection that was reset is replaced once, which is one request more in that second.
    more = 1 if any(fault.kind in _BREAKING for fault in world.faults) else 0
    for host, rate in body["peak_rate"].items():
        if rate > _RATES.get(host, 2) + more:
            yield Discrepancy("contradiction", "budget", host, f"{rate} requests in one second")
