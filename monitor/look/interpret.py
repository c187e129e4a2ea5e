"""From an answer to a sighting: what must be settled before a recogniser is asked, and what it remembers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from monitor.clock import SET
from monitor.look.cache_age import ConstantAge, age_bounds
from monitor.look.challenge import not_theirs
from monitor.look.clock_skew import NEVER_OFF, Skew, most_off
from monitor.look.clock_vote import Span, is_off
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.in_turn import InTurn
from monitor.look.reading import TOO_COSTLY, UNREAD, ReadingApart, is_costly, read_body
from monitor.look.recognise.changed import NO_BASELINE
from monitor.look.recognise.result import Context, Recognised, absent, unknown, withdrawn
from monitor.look.redirect import redirected
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import is_witness
from monitor.plan.targets import Target, View, extension_of, is_file
from schedules.announcement import Address
from schedules.slot import Slot

PAGE_CAP = 1_000_000
FILE_CAP = 65_536
_DAY = 86_400.0
_ACCEPT = {View.CONTENT: "application/json", View.TRIPWIRE: "*/*"}
_PAGE = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"
_BY_STATUS = {200: unknown("empty"), 404: absent("404"), 410: withdrawn("410")}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target besides its answers.

    `baseline` is the SHA-256 of the body before the release, for `changed`. `was_missing`: its address has answered
    404 before. `placeholder` is as in a recogniser's `Context`. `slot` is the slot in force.
    """

    baseline: str | None = None
    was_missing: bool = False
    placeholder: str | None = None
    slot: Slot | None = None

    def joined(self, other: Known) -> Known:
        """Return this with what another process knew; the slot is the other's."""
        return Known(
            other.baseline or self.baseline,
            other.was_missing or self.was_missing,
            other.placeholder if self.placeholder is None else self.placeholder,
            other.slot,
        )


@dataclass(slots=True)
class LastAnswer:
    """What is remembered of a target between its looks.

    `ahead` is by how much our clock was ahead of steady time when it was asked, which tells whether it was set since.
    `recognised` is what the body of SHA-256 `digest` showed; `etag` and `modified` ask whether that body
    still stands at `address`, and there alone. All of it is of the address and the questions of `target`.
    """

    target: Target

    digest: str | None = None
    recognised: Recognised | None = None
    etag: str | None = None
    modified: str | None = None
    address: str | None = None
    known: Known = Known()
    ahead: float | None = None
    constant_age: ConstantAge = field(default_factory=ConstantAge)

    def forget_body(self) -> None:
        """Have the next body read whatever its bytes: what it shows depends on more than them."""
        self.digest = self.recognised = self.etag = self.modified = self.address = None


@dataclass(slots=True)
class Interpreter:
    """Makes requests of targets and sightings of their answers.

    Bodies are read by a recogniser only when their bytes have changed. While our clock may be off by
    more than `unproven_offset`, or has just been set, every sighting is unknown, why `clock`. So it is while
    our clock is known to be wrong at all where the store is `shared`: looks of several are put in one order.
    What may take long is read `apart`, where that is given.
    """

    skew: Skew = field(default_factory=Skew)
    unproven_offset: timedelta = timedelta(seconds=30)
    shared: bool = False
    apart: ReadingApart | None = None
    _memories: dict[str, LastAnswer] = field(default_factory=dict)
    _in_turn: InTurn = field(default_factory=InTurn)

    def request(self, target: Target, url: str | None = None) -> Request:
        """Return what to ask for a target, at `url` when it was led there."""
        known, address = self._memory(target), url or target.url
        known.ahead = self.skew.ahead()
        # Where a redirect led, the marks of the address before mean nothing, or something else.
        memory = known if known.address == address else None
        return Request(
            address,
            accept="*/*" if target.file else _ACCEPT.get(target.view, _PAGE),
            cap=FILE_CAP if target.file else PAGE_CAP,
            # The first megabyte of a listing tells more than none of it.
            enough=target.file or target.view is View.TRIPWIRE,
            bust=target.view is View.ORIGIN,
            etag=memory.etag if memory else None,
            modified=memory.modified if memory else None,
        )

    async def look(self, target: Target, outcome: Answer | Failure) -> Sighting:
        """Return what a look proved, as `see` does; nothing in the answer can hold up the loop.

        A body that has to be read waits for whatever else is ready: the looks that are due begin first.
        """
        if isinstance(outcome, Failure):
            return self.see(target, outcome)
        memory, apart = self._memory(target), self.apart
        answer = memory.constant_age.checked(outcome)
        is_known = memory.recognised is not None and memory.digest == answer.digest
        if answer.status // 100 != 2 or is_known or before_recognising(answer, target):
            return self._seen(target, answer, memory)
        if apart is not None and is_costly(target.recognise, answer):
            read = await apart.read(target, answer, self._context(target, answer, memory))
            return self._seen(target, answer, self._memory(target), read)
        await self._in_turn.wait()
        sighting = self._seen(target, answer, self._memory(target))
        if apart is not None and sighting.why == TOO_COSTLY:
            apart.workers.told(target.host)
        return sighting

    def see(self, target: Target, outcome: Answer | Failure) -> Sighting:
        """Return what a look proved, and remember what the next one needs."""
        if isinstance(outcome, Failure):
            return sighted(target, outcome, unknown(outcome.reason.value))
        memory = self._memory(target)
        return self._seen(target, memory.constant_age.checked(outcome), memory)

    def _seen(self, target: Target, outcome: Answer, memory: LastAnswer, read: Recognised | None = None) -> Sighting:
        ahead = self.skew.ahead()
        # Of an answer under way while our clock was set it is not known by which clock it left.
        was_set = memory.ahead is not None and abs(ahead - memory.ahead) >= SET
        is_dated = not was_set and self.skew.observe(target.host, outcome, ahead)
        bounds, before = self.skew.bounds_for(target.host), memory.known
        recognised = before_recognising(outcome, target) or self._recognised(target, outcome, memory, read)
        if outcome.status == 404:
            # What comes after that may have the words of a placeholder that stood there before.
            memory.known = replace(before, was_missing=True, placeholder=None)
            if before.placeholder is not None:
                memory.forget_body()
        if not is_dated or self._is_doubted(bounds):
            if recognised.placeholder is not None:
                # Whether it came before its slot is in doubt.
                memory.known = before
                memory.forget_body()
            recognised = unknown("clock", recognised.found)
        known = None
        if (target.file or target.recognise == "changed") and outcome.status in (200, 304):
            is_read = recognised.state is not State.UNKNOWN or recognised.why == NO_BASELINE
            known = memory.digest if is_read else None
        return sighted(target, outcome, recognised, known, bounds)

    def recall(self, target: Target, known: Known) -> None:
        """Take what an earlier process knew of a target, and the slot in force."""
        memory = self._memory(target)
        before, memory.known = memory.known, memory.known.joined(known)
        if before.slot != known.slot:
            memory.forget_body()

    def baseline(self, target: str) -> str | None:
        """Return the SHA-256 that `changed` compares with, None before there is one."""
        memory = self._memories.get(target)
        return memory.known.baseline if memory else None

    def forget(self, target: str) -> None:
        """Drop what is remembered of a target."""
        self._memories.pop(target, None)
        if self.apart is not None:
            self.apart.forget(target)

    def _memory(self, target: Target) -> LastAnswer:
        """Return what is remembered of a target; of one that was asked elsewhere, or for another title, nothing."""
        memory = self._memories.get(target.id)
        if memory is not None and memory.target is target:
            return memory
        if memory is None or memory.target.url != target.url:
            memory = self._memories[target.id] = LastAnswer(target)
        elif memory.target != target:
            memory = self._memories[target.id] = LastAnswer(target, known=memory.known)
        return memory

    def _is_doubted(self, bounds: Span) -> bool:
        return most_off(bounds) > self.unproven_offset.total_seconds() or (self.shared and is_off(bounds))

    def _recognised(self, target: Target, answer: Answer, memory: LastAnswer, read: Recognised | None) -> Recognised:
        if answer.status == 304:
            return memory.recognised or unknown("not modified, since a body we never saw")
        digest = answer.digest
        if digest != memory.digest or memory.recognised is None:
            seen = read or read_body(target.recognise, answer, self._context(target, answer, memory))
            if seen.why in UNREAD:
                # Nothing was read: the same bytes may be at another time.
                return seen
            memory.digest = digest
            if seen.why == NO_BASELINE:
                # From now on the same bytes are no longer the first, but those of the baseline.
                memory.known = replace(memory.known, baseline=digest)
                return seen
            memory.recognised = seen
            if seen.placeholder is not None:
                memory.known = replace(memory.known, placeholder=seen.placeholder)
        memory.etag = answer.headers.get("etag")
        memory.modified = answer.headers.get("last-modified")
        memory.address = answer.url
        return memory.recognised

    def _context(self, target: Target, answer: Answer, memory: LastAnswer) -> Context:
        known, bounds = memory.known, self.skew.bounds_for(target.host)
        is_part = target.view is not View.TRIPWIRE and not is_witness(target.part)
        return Context(
            answer.url,
            target.title,
            answer.digest,
            known.baseline,
            known.was_missing,
            known.slot,
            extension_of(target.url) if is_part and is_file(target.url) else None,
            target.address is Address.LED_TO,
            known.placeholder,
            max(-bounds[0], 0.0) if is_off(bounds) else 0.0,
            target.alternatives,
        )


def before_recognising(answer: Answer, target: Target) -> Recognised | None:
    """Return what an answer shows whatever its target is, None when its body must be read (or is known: 304)."""
    if why := not_theirs(answer):
        return unknown(why)
    status = answer.status
    if status == 304 or (status == 200 and answer.body):
        return None
    if 300 <= status < 400:
        return redirected(answer.url, answer)
    if status == 404 and "sunset" in answer.headers:
        return unknown("its address is retired")
    if status in _BY_STATUS and not is_witness(target.part):
        return _BY_STATUS[status]
    is_success = 200 < status < 300 and answer.body
    return None if is_success and target.recognise == "status" else unknown(str(status))


def sighted(
    target: Target,
    outcome: Answer | Failure,
    recognised: Recognised,
    digest: str | None = None,
    bounds: Span = NEVER_OFF,
) -> Sighting:
    """Return the sighting of what was recognised: the answer speaks of `Age` ago, by a clock this far off."""
    status, youngest, oldest = None, 0.0, 0.0
    if isinstance(outcome, Answer):
        status = outcome.status
        if "age" in outcome.headers:
            youngest, oldest = age_bounds(outcome.headers)
    if is_off(bounds):
        # A look at a clock that is wrong by more than a day proves nothing, and is widened by no more.
        oldest += min(max(bounds[1], 0.0), _DAY)
        youngest += max(min(bounds[0], 0.0), -_DAY)
    return Sighting(
        target.id,
        recognised.state,
        outcome.sent,
        outcome.received,
        outcome.sent - timedelta(seconds=oldest) if oldest else outcome.sent,
        outcome.received - timedelta(seconds=youngest) if youngest else outcome.received,
        recognised.specific,
        recognised.why,
        status,
        digest,
        recognised.found,
        recognised.version,
        target.url,
    )
