"""Turns answers into sightings, and remembers what the next look at each target needs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from monitor.look.cache_age import ConstantAge, answer_time_bounds
from monitor.look.challenge import rejection_reason
from monitor.look.clock_skew import NO_OFFSET, Skew, Span, is_off, largest_offset
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.reading import TOO_COSTLY, UNREAD_REASONS, BodyReader, is_costly, read_body
from monitor.look.recognise.changed import NO_BASELINE
from monitor.look.recognise.content import links_file
from monitor.look.recognise.file_name import list_file_names
from monitor.look.recognise.page import Page
from monitor.look.recognise.result import Context, Known, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import is_title_among
from monitor.look.redirect import MISREAD, interpret_redirect, is_location_mended
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import is_witness
from monitor.plan.targets import Target, View, extension_of, is_file, target_id
from schedules.announcement import Address
from schedules.bounds import why_too_complex

Outcome = TypeVar("Outcome", Answer, Failure)

PAGE_CAP = 1_000_000
FILE_CAP = 65_536
_DAY = 86_400.0
_SAME_ADDRESS = frozenset({View.EDGE, View.ORIGIN})
"""The views that show the bytes of a part's own address."""
_ACCEPT = {View.CONTENT: "application/json", View.TRIPWIRE: "*/*"}
_ACCEPT_PAGE = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"
PAGE_WITH_404 = "a page under its title, but with status 404"
_SHOWS_CONTENT = frozenset({200, 203})
"""With these statuses a page says what is at its address. 202 only accepts a request."""
_BY_STATUS = {200: unknown("empty"), 404: absent("404"), 410: withdrawn("410")}


@dataclass(slots=True)
class TargetMemory:
    """The memory of one target between its looks, valid for the address and title of `target`.

    `recognised` is the result for the last body, of SHA-256 `digest`. `etag` and `modified` make
    requests to `address` conditional on it. `moved` is by how many seconds our clock had been moved
    at the last request.
    """

    target: Target
    digest: str | None = None
    recognised: Recognised | None = None
    etag: str | None = None
    modified: str | None = None
    address: str | None = None
    known: Known = field(default_factory=Known)
    moved: float | None = None
    mended: str | None = None
    constant_age: ConstantAge = field(default_factory=ConstantAge)

    def forget_body(self) -> None:
        """Forget the last body, so that equal bytes are read again."""
        self.digest = self.recognised = self.etag = self.modified = self.address = None


class TurnQueue:
    """Lets waiting tasks continue one at a time, after all other tasks that are ready."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait until this task may continue, one in each pass of the event loop."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._release_next, loop)
        await turn

    def _release_next(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            loop.call_soon(self._release_next, loop)


@dataclass(slots=True)
class Interpreter:
    """Makes the requests for targets, and sightings from their answers.

    While our clock or the wall clock (by `wall_error` seconds) may be wrong by more than
    `unproven_offset`, or ours was just moved, sightings are unknown with the reason `clock`. If
    monitors share a store (`is_shared`), any known error has this effect, because their looks are
    put in one order. `reader` reads bodies that may take long. `similar_titles` returns those of
    other releases that may be confused with one, or with the name of its file.
    """

    skew: Skew = field(default_factory=Skew)
    unproven_offset: timedelta = timedelta(seconds=30)
    is_shared: bool = False
    reader: BodyReader | None = None
    wall_error: Callable[[], float] = lambda: 0.0
    similar_titles: Callable[[str, str | None], tuple[str, ...]] = lambda _title, _named: ()
    _memories: dict[str, TargetMemory] = field(default_factory=dict)
    _reading_turns: TurnQueue = field(default_factory=TurnQueue)

    def make_request(self, target: Target, url: str | None = None) -> Request:
        """Return the request for a target, by default at its own address."""
        memory, address = self._memory_of(target), url or target.url
        memory.moved = self.skew.moved()
        is_conditional = memory.address == address
        return Request(
            address,
            accept="*/*" if target.is_file else _ACCEPT.get(target.view, _ACCEPT_PAGE),
            cap=FILE_CAP if target.is_file else PAGE_CAP,
            # A listing is useful even if cut.
            may_cut=target.is_file or target.view is View.TRIPWIRE,
            bust=target.view is View.ORIGIN,
            etag=memory.etag if is_conditional else None,
            modified=memory.modified if is_conditional else None,
        )

    async def interpret(self, target: Target, outcome: Answer | Failure) -> Sighting:
        """Return the sighting of a look, without blocking the loop for long."""
        if isinstance(outcome, Failure):
            return self.interpret_now(target, outcome)
        memory, reader = self._memory_at_answer(target), self.reader
        answer = memory.constant_age.remove_constant_age(outcome)
        is_same_body = memory.recognised is not None and memory.digest == answer.digest
        if answer.status // 100 != 2 or is_same_body or interpret_without_body(answer, target):
            return self._interpret_answer(target, answer, memory)  # no body must be read
        if reader is not None and is_costly(target.recognise, answer):
            worker_result = await reader.read(
                target, answer, self._make_context(target, answer, memory)
            )
            # The target may have changed meanwhile.
            return self._interpret_answer(
                target, answer, self._memory_at_answer(target), worker_result
            )
        # Let due looks start in between.
        await self._reading_turns.wait()
        sighting = self._interpret_answer(target, answer, self._memory_at_answer(target))
        if reader is not None and sighting.why == TOO_COSTLY:
            reader.workers.on_costly(target.host)  # for the status page, as a worker process does
        return sighting

    def interpret_now(self, target: Target, outcome: Answer | Failure) -> Sighting:
        """Return the sighting of a look, whose body is read at once."""
        memory = self._memory_at_answer(target)
        if isinstance(outcome, Failure):
            dated = self._correct_dates(memory, outcome)
            return make_sighting(target, dated, unknown(outcome.reason.value))
        return self._interpret_answer(
            target, memory.constant_age.remove_constant_age(outcome), memory
        )

    def _interpret_answer(
        self,
        target: Target,
        answer: Answer,
        memory: TargetMemory,
        worker_result: Recognised | None = None,
    ) -> Sighting:
        """Return the sighting of an answer, and remember what the next look needs.

        `worker_result` is that of a worker process, if one has read the body.
        """
        was_moved = memory.moved is not None and memory.moved != self.skew.moved()
        answer = self._correct_dates(memory, answer)
        is_time_certain = not was_moved and self.skew.observe(target.host, answer)
        clock_offset, known_before = self.skew.bounds_for(target.host), memory.known
        recognised = interpret_without_body(answer, target)
        recognised = recognised or self._recognise_body(target, answer, memory, worker_result)
        recognised = _doubt_mended_address(answer, recognised, memory)
        recognised = self._doubt_missing(answer, recognised, target, memory)
        if answer.status == 404 and recognised.state is State.ABSENT:
            # What appears now counts, even with the words of an earlier placeholder.
            memory.known = replace(known_before, was_missing=True, placeholder=None)
            if known_before.placeholder is not None:
                memory.forget_body()  # so that the same words are read again
        wall_error = abs(self.wall_error())
        largest_error = max(largest_offset(clock_offset), wall_error)
        is_clock_far_off = largest_error > self.unproven_offset.total_seconds()
        is_any_error_too_large = self.is_shared and (is_off(clock_offset) or wall_error > 0)
        is_error_too_large = is_clock_far_off or is_any_error_too_large
        if not is_time_certain or is_error_too_large:
            if recognised.placeholder is not None:
                # It may have been there before the slot or not.
                memory.known = known_before
                memory.forget_body()
            recognised = unknown("clock", recognised.found)
        # The bytes of other pages differ at every look.
        has_stable_bytes = target.is_file or target.recognise == "changed"
        is_read = recognised.state is not State.UNKNOWN or recognised.why == NO_BASELINE
        is_answer_of_body = is_read and answer.status in (200, 304)
        if is_answer_of_body and recognised.state is not State.UNKNOWN:
            memory.known = replace(memory.known, had_page=True)
        digest = recognised.digest
        if has_stable_bytes and is_answer_of_body:
            digest = memory.digest
        return make_sighting(target, answer, recognised, digest, clock_offset)

    def _correct_dates(self, memory: TargetMemory, outcome: Outcome) -> Outcome:
        """Return an outcome with its times by our clock as it is now."""
        moved = 0.0
        if memory.moved is not None:
            moved = self.skew.moved() - memory.moved
        if not moved:
            return outcome
        step = timedelta(seconds=moved)
        return replace(outcome, sent=outcome.sent + step, received=outcome.received + step)

    def restore_known(self, target: Target, known: Known) -> None:
        """Restore what an earlier process knew about a target, and set its slot in force."""
        memory = self._memory_of(target)
        if memory.known.slot != known.slot:
            memory.forget_body()
        memory.known = memory.known.merge(known)

    def forget(self, target: str) -> None:
        """Drop the memory of a target."""
        self._memories.pop(target, None)
        if self.reader is not None:
            self.reader.forget(target)

    def _memory_of(self, target: Target) -> TargetMemory:
        """Return the memory of a target, a new one if it changed, with its facts if the address did
        not.
        """
        memory = self._memories.get(target.id)
        if memory is not None and memory.target is target:
            # Nearly always. Comparing all fields takes longer.
            return memory
        if memory is None or memory.target.url != target.url:
            memory = self._memories[target.id] = TargetMemory(target)
        elif memory.target != target:
            memory = self._memories[target.id] = TargetMemory(
                target, known=memory.known, mended=memory.mended
            )
        return memory

    def _memory_at_answer(self, target: Target) -> TargetMemory:
        """Return the memory of a target, a temporary one if its address changed since
        the request.
        """
        memory = self._memories.get(target.id)
        if memory is None or memory.target.url == target.url:
            return self._memory_of(target)
        # Without its slot, a placeholder at the new address would count as published.
        return TargetMemory(target, known=Known(slot=memory.known.slot))

    def _recognise_body(
        self, target: Target, answer: Answer, memory: TargetMemory, worker_result: Recognised | None
    ) -> Recognised:
        """Return what the body of an answer shows, and remember how to get a 304 for the same.

        `worker_result` is None to read the body here.
        """
        if answer.status == 304:
            return memory.recognised or unknown("not modified, since a body we never saw")
        digest = answer.digest
        if digest != memory.digest or memory.recognised is None:
            recognised = worker_result
            if recognised is None:
                recognised = read_body(
                    target.recognise, answer, self._make_context(target, answer, memory)
                )
            if recognised.why in UNREAD_REASONS:
                return recognised
            if recognised.state is State.ABSENT and answer.status not in _SHOWS_CONTENT:
                return unknown(str(answer.status))
            memory.digest = digest
            if recognised.why == NO_BASELINE:
                # To compare later bodies with. The next look needs a body, so keep no headers.
                memory.known = replace(memory.known, baseline=digest)
                return recognised
            memory.recognised = recognised
            if recognised.placeholder is not None:
                memory.known = replace(memory.known, placeholder=recognised.placeholder)
        memory.etag = answer.headers.get("etag")
        memory.modified = answer.headers.get("last-modified")
        memory.address = answer.url
        return memory.recognised

    def _doubt_missing(
        self, answer: Answer, recognised: Recognised, target: Target, memory: TargetMemory
    ) -> Recognised:
        """Return what an answer proves: no absence if a 404 has the page of the release with a
        file, which browsers show.
        """
        is_missing = answer.status == 404 and recognised.state is State.ABSENT
        # Most pages of a 404 need no parsing.
        if not (is_missing and target.title and target.title.encode() in answer.body):
            return recognised
        if why_too_complex(answer.body):
            return recognised
        page, context = Page(answer), self._make_context(target, answer, memory)
        is_release = is_title_among(context, page.names) and links_file(page, context)
        if is_release:
            return unknown(PAGE_WITH_404)
        return recognised

    def _make_context(self, target: Target, answer: Answer, memory: TargetMemory) -> Context:
        clock_offset = self.skew.bounds_for(target.host)
        most_seconds_behind = max(-clock_offset[0], 0.0)
        placeholder = self._find_placeholder(target, memory.known)
        is_part = target.view is not View.TRIPWIRE and not is_witness(target.part)
        names = tuple(list_file_names(answer, target.url))
        return Context(
            answer.url,
            title=target.title,
            digest=answer.digest,
            known=replace(
                memory.known,
                placeholder=placeholder,
                baseline=self._find_baseline(target, memory.known),
            ),
            file=extension_of(target.url) if is_part and is_file(target.url) else None,
            is_led_to=target.address is Address.LED_TO,  # the announcement redirects to it
            behind=most_seconds_behind if is_off(clock_offset) else 0.0,
            alternatives=target.alternatives,
            similar_titles=tuple(self._find_similar_titles(target, names)),
            edition=target.edition,
            file_names=names,
        )

    def _find_similar_titles(self, target: Target, file_names: Iterable[str]) -> Iterator[str]:
        if target.title:
            yield from self.similar_titles(target.title, None)
        elif target.edition:
            for name in file_names:
                yield from self.similar_titles(target.edition, name)

    def _find_baseline(self, target: Target, known: Known) -> str | None:
        """Return the digest of the body before the release, this view's or the other one's.

        The first body at the origin may be the release already.
        """
        if known.baseline is not None or target.view not in _SAME_ADDRESS:
            return known.baseline
        for view in _SAME_ADDRESS - {target.view}:
            other = self._memories.get(target_id(target.release, target.part, view))
            if other is not None and other.target.url == target.url:
                return other.known.baseline
        return None

    def _find_placeholder(self, target: Target, known: Known) -> str | None:
        """Return the placeholder that a target showed or, without a 404, another view
        of its part.
        """
        views = () if known.was_missing else View
        others = (
            self._memories.get(target_id(target.release, target.part, view)) for view in views
        )
        found = (
            known.placeholder,
            *(other.known.placeholder for other in others if other is not None),
        )
        return next((words for words in found if words is not None), None)


def _doubt_mended_address(
    answer: Answer, recognised: Recognised, memory: TargetMemory
) -> Recognised:
    """Return what an answer proves: no absence at an address that we corrected, which is
    remembered.
    """
    is_mended = answer.url == memory.mended
    destination = next((link.url for link in recognised.found if link.role == "redirect"), None)
    if destination is not None:
        memory.mended = destination if is_mended or is_location_mended(answer) else None
    if is_mended and recognised.state in (State.ABSENT, State.WITHDRAWN):
        return unknown(MISREAD)
    return recognised


def interpret_without_body(answer: Answer, target: Target) -> Recognised | None:
    """Return what status and headers prove, None for a 304 or if the body must be read."""
    if why := rejection_reason(answer):
        return unknown(why)
    status = answer.status
    if status == 304 or (status == 200 and answer.body):
        return None
    if 300 <= status < 400:
        return interpret_redirect(answer.url, answer)
    if status == 404 and "sunset" in answer.headers:
        # RFC 8594: it announces the end of an address.
        return unknown("its address is retired")
    # Witnesses do not show that their release is absent.
    if status in _BY_STATUS and not is_witness(target.part):
        return _BY_STATUS[status]
    # Of the recognisers, only "status" reads the bodies of 201 to 299.
    must_read_body = 200 < status < 300 and answer.body and target.recognise == "status"
    return None if must_read_body else unknown(str(status))


def make_sighting(
    target: Target,
    outcome: Answer | Failure,
    recognised: Recognised,
    digest: str | None = None,
    clock_offset: Span = NO_OFFSET,
) -> Sighting:
    """Return the sighting, its interval widened by the answer's `Age` and our clock's offset."""
    status = None
    if isinstance(outcome, Answer):
        status = outcome.status
    proved_from, proved_to = outcome.sent, outcome.received
    if isinstance(outcome, Answer) and "age" in outcome.headers:
        proved_from, proved_to = answer_time_bounds(outcome)
    if is_off(clock_offset):
        # A clock that is ahead shows too late a time, one behind too early. Over a day, it proves
        # nothing.
        proved_from -= timedelta(seconds=min(max(clock_offset[1], 0.0), _DAY))
        proved_to -= timedelta(seconds=max(min(clock_offset[0], 0.0), -_DAY))
    return Sighting(
        target.id,
        recognised.state,
        sent=outcome.sent,
        received=outcome.received,
        proved_from=proved_from,
        proved_to=proved_to,
        specific=recognised.specific,
        why=recognised.why,
        status=status,
        digest=digest,
        found=recognised.found,
        version=recognised.version,
        address=target.url,
    )
