"""Bodies of answers, read by their recognisers: small ones at once, what may take long in a process of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import UserFault
from monitor.look.apart.process import NoWorker, Unread
from monitor.look.apart.workers import Workers
from monitor.look.challenge import challenge
from monitor.look.fetch import Answer, Found
from monitor.look.recognise.file_kind import read_file
from monitor.look.recognise.page import is_html
from monitor.look.recognise.registry import recogniser
from monitor.look.recognise.result import NAMELESS, Context, Recognised, unknown
from monitor.look.sighting import State
from monitor.plan.targets import Target
from schedules.bounds import why_too_complex
from schedules.clean import clean_address, clean_text
from schedules.patterns import quick

_log = structlog.get_logger(__name__)
TOO_COSTLY = "too_costly"
"""Why a look is unknown whose answer could not be read within its time and memory."""
NO_WORKER = "no_worker"
"""Why a look is unknown whose answer could not be read because no worker starts: a fault of this monitor."""
UNREAD = frozenset({TOO_COSTLY, NO_WORKER})
"""Why a look is unknown whose answer may be read the next time, though it be the same bytes."""
SMALL = 16_384
"""Bytes of a body that is read at once: whatever they are, it takes a fraction of a second, as a test proves."""
SECONDS = 3
"""What a body may take of the processor. One of a megabyte takes a tenth of it."""
_UNBOUNDED = ("css", "feed", "jmespath")
_SEEKING = ("css:", "link:", "text:")
_NAMED = quick(rb"<(?:title|h1)[\s>]", re.IGNORECASE)
_LONGEST_FACT = 4000
_FIRST_REST = timedelta(seconds=5)
_LONGEST_REST = timedelta(hours=1)


def read_body(name: str, answer: Answer, context: Context) -> Recognised:
    """Return what the recogniser of this name makes of a body; unknown where something stands in front of it.

    So is one that is too deep or too rich to be parsed.
    """
    if _is_parsed(name, answer) and why_too_complex(answer.body):
        return unknown(TOO_COSTLY)
    if blocked := challenge(answer):
        return unknown(blocked)
    if (other := read_file(answer, context)) is not None:
        return other
    try:
        recognise = recogniser(name)
    except UserFault:
        # A part found or configured wrongly must not cost the other targets their looks.
        return unknown("no recogniser of that name")
    seen = recognise(answer, context)
    if seen.state is State.ABSENT and name.startswith(_SEEKING) and is_html(answer) and not _NAMED.search(answer.body):
        # What is sought is missing from every page of a bot wall.
        return unknown(NAMELESS)
    return _cleaned(seen)


def _cleaned(seen: Recognised) -> Recognised:
    """Return what was recognised with texts and addresses that are fit to be stored and shown."""
    return replace(seen, found=tuple(one for found in seen.found if (one := _clean(found)).url)) if seen.found else seen


def _clean(found: Found) -> Found:
    url, title = clean_address(found.url), clean_text(found.title)
    facts = {name: clean_text(text, _LONGEST_FACT) for name, text in found.facts.items()}
    return (
        found if (url, title, facts) == (found.url, found.title, found.facts) else Found(url, title, found.role, facts)
    )


def is_costly(name: str, answer: Answer) -> bool:
    """Tell whether reading a body may take long: it is no small one, or nothing bounds what is sought in it."""
    return _is_parsed(name, answer) and (len(answer.body) > SMALL or name.partition(":")[0] in _UNBOUNDED)


def _is_parsed(name: str, answer: Answer) -> bool:
    return name != "changed" and (name != "status" or is_html(answer))


@dataclass(slots=True)
class ReadingApart:
    """Has bodies read by workers. A target whose body was too costly is read again after a rest that grows."""

    workers: Workers
    clock: Clock
    _resting: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)

    async def read(self, target: Target, answer: Answer, context: Context) -> Recognised:
        """Return what a body shows, unknown where that takes too long or no worker starts."""
        until, rest = self._resting.get(target.id, (None, _FIRST_REST))
        if until is not None and self.clock.now() < until:
            return unknown(TOO_COSTLY)
        # What was asked and how is nothing to a recogniser.
        bare = replace(answer, request=None, head=b"")
        try:
            seen: Recognised = await self.workers.ask(
                "recognise", target.host, target.recognise, bare, context, seconds=SECONDS, size=len(answer.body)
            )
        except NoWorker:
            return unknown(NO_WORKER)
        except Unread as exc:
            self._resting[target.id] = (self.clock.now() + rest, min(2 * rest, _LONGEST_REST))
            _log.warning("too_costly", target=target.id, host=target.host, fault=str(exc))
            return unknown(TOO_COSTLY)
        self._resting.pop(target.id, None)
        if seen.why == TOO_COSTLY:
            self.workers.told(target.host)
        return seen

    def forget(self, target: str) -> None:
        """Drop what is remembered of a target."""
        self._resting.pop(target, None)
