"""The oracle: what the monitor said of a world, held against what was true in it.

A *contradiction* is something said that the truth denies. *Timid* is a word kept back although nothing was in the way
of saying it: no falsehood, and counted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.draft.report import Report
from tests.oracle.claims import Claim, PartClaim, of_notice, of_release
from tests.oracle.easy import timid
from tests.oracle.findings import findings_denied, grade_denied
from tests.oracle.letters import letters_denied
from tests.oracle.measures import bound_denied, measures_denied
from tests.oracle.promises import in_force, is_confirmed, is_hidden, is_unsettled
from tests.oracle.sentences import sentences_denied
from tests.oracle.words import denied, not_on_time, part_denied
from tests.oracle.world import Place, Release, World, spans, truths

_TOLERANCE = timedelta(minutes=1)
_ACCUSING = {"late", "overdue", "early"}
_RATES = {"www.gov.uk": 5, "assets.publishing.service.gov.uk": 5}
_DOUBT = "promise_in_doubt"
_BREAKING = {"reset", "dns", "garbage", "truncated"}


@dataclass(frozen=True, order=True)
class Find:
    """One thing found wrong with what was said."""

    level: str
    what: str
    release: str
    why: str

    def __str__(self) -> str:
        return f"{self.level}: {self.what}: {self.release}: {self.why}"


@dataclass(frozen=True)
class Drafted:
    """A version of the draft on an incident of a release; `release` is empty for an incident of several."""

    release: str
    report: Report


@dataclass(frozen=True)
class Told:
    """Everything the monitor said: its JSON, the notices as they went out, in time order, and all drafts."""

    json: Mapping[str, Any]
    notices: Sequence[Mapping[str, Any]]
    drafts: Sequence[Drafted] = ()


def finds(world: World, told: Told) -> list[Find]:
    """Return everything wrong with what was said of a world, by the truth that fits it best.

    Contradictions come first, and each kind of fault only once.
    """
    found = [_finds(one, told) for one in truths(world)]
    return min(found, key=lambda each: sum(one.level == "contradiction" for one in each))


def _finds(world: World, told: Told) -> list[Find]:
    found: dict[tuple[str, str, str], Find] = {}
    of_json = (*_of_releases(world, told.json), *_of_rates(world, told.json))
    for one in (*of_json, *_of_notices(world, told.notices), *_of_drafts(world, told.drafts)):
        found.setdefault((one.level, one.what, one.release), one)
    return sorted(found.values())


def _of_releases(world: World, body: Mapping[str, Any]) -> Iterator[Find]:
    known = {release.id: release for release in world.releases}
    said = {one["id"]: of_release(one, world.ends) for one in body["releases"]}
    for name, claim in said.items():
        if name not in known:
            yield from _of_orphan(world, claim)
            continue
        release = known[name]
        yield from _of_claim(world, release, claim)
        for what, why in (*findings_denied(world, release, claim), *grade_denied(claim)):
            yield Find("contradiction", what, name, why)
        for why in timid(world, release, claim):
            yield Find("timid", claim.verdict, name, why)
    for name in known.keys() - said.keys():
        if not is_unsettled(world, known[name], world.ends) and timid(world, known[name], None):
            yield Find("timid", "silence", name, "announced, and nothing is said of it")


def _of_orphan(world: World, claim: Claim) -> Iterator[Find]:
    if claim.verdict in _ACCUSING:
        yield Find("contradiction", "orphan", claim.id, f"{claim.verdict} is said of what nobody announced")
    elif claim.verdict != "unannounced" or claim.url in {release.page.url for release in world.releases}:
        yield Find("timid", "orphan", claim.id, f"{claim.verdict} is said of {claim.url} beside the release it is of")


def _of_claim(world: World, release: Release, claim: Claim) -> Iterator[Find]:
    """Yield what is wrong with a claim, of the release and of each of its parts."""
    for why in denied(world, release, claim):
        yield Find("contradiction", f"verdict {claim.verdict}", release.id, f"{claim.said}: {why}")
    for why in bound_denied(world, release.page, claim.early_bound, claim.slot):
        yield Find("contradiction", "early_bound", release.id, f"{claim.said}: {why}")
    unread = is_hidden(release, claim.at) and not is_confirmed(release, claim.at, claim.confirmed)
    if claim.verdict == "early" and claim.said == "the verdict" and unread and _DOUBT not in dict(claim.findings):
        yield Find("contradiction", "doubt", release.id, f"{claim.said}: early, its slot not read since")
    if release.is_guessed and release.other_calendar is None and claim.address == "announced":
        yield Find("contradiction", "address", release.id, "nobody announced the address of its page")
    places = {place.id: place for place in release.places}
    for part in claim.parts:
        if part.id in places:
            yield from _of_part(world, release, places[part.id], part, claim)


def _of_part(world: World, release: Release, place: Place, part: PartClaim, claim: Claim) -> Iterator[Find]:
    force = in_force(release, claim.at)
    if force.slots and not is_unsettled(world, release, claim.at):
        reasons = list(part_denied(world, place, part.verdict, force, claim))
        if part.verdict == "on_time":
            reasons += not_on_time(world, place, claim, part, force)
        for why in reasons:
            yield Find("contradiction", f"part {part.verdict}", release.id, f"{claim.said}: {why}")
    for why in measures_denied(world, place, part, claim):
        yield Find("contradiction", "measure", release.id, f"{claim.said}: {part.id}: {why}")


def _is_late(release: Release) -> bool:
    """Tell whether a required part was not public a minute after any of its slots: a platform's thread names such."""
    slots = {release.slot, *(change.slot for change in release.changes if change.slot is not None)}
    required = [spans(place) for place in release.places if place.required]
    return any(not any(span.holds(slot + _TOLERANCE) for span in shown) for slot in slots for shown in required)


def _of_notices(world: World, notices: Sequence[Mapping[str, Any]]) -> Iterator[Find]:
    known = {release.id: release for release in world.releases}
    for data in notices:
        release = known.get(data["release"])
        if release is None:
            is_accused = data["kind"] in {"opened", "final"} and data["subject"].startswith(("LATE", "EARLY", "PARTLY"))
            if is_accused and (data["release"] or not any(map(_is_late, world.releases))):
                yield Find("contradiction", "orphan", data["release"], f"told: {data['subject']}")
            continue
        claim = of_notice(data)
        if claim is not None:
            yield from _of_claim(world, release, claim)
        for why in sentences_denied(world, release, data):
            yield Find("contradiction", "sentence", release.id, why)


def _of_drafts(world: World, drafts: Sequence[Drafted]) -> Iterator[Find]:
    known = {release.id: release for release in world.releases}
    for draft in drafts:
        for why in letters_denied(world, known.get(draft.release), draft.report):
            yield Find("contradiction", "draft", draft.release, why)


def _of_rates(world: World, body: Mapping[str, Any]) -> Iterator[Find]:
    # A kept connection that was reset is replaced once, which is one request more in that second.
    more = 1 if any(fault.kind in _BREAKING for fault in world.faults) else 0
    for host, rate in body["peak_rate"].items():
        if rate > _RATES.get(host, 2) + more:
            yield Find("contradiction", "budget", host, f"{rate} requests in one second")
