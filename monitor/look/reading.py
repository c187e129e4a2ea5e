"""Reads bodies with recognisers. Those that may take long are read in a worker process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from monitor.clock import Clock
from monitor.errors import UserFault
from monitor.look.challenge import find_challenge
from monitor.look.fetch import Answer, Found
from monitor.look.recognise.content import CUT
from monitor.look.recognise.file_kind import content_fault
from monitor.look.recognise.file_name import is_file_of_another, is_file_of_earlier_edition
from monitor.look.recognise.notices import (
    CLOSED,
    foreign_reason,
    is_shell,
    notice_reason,
    site_notice_reason,
)
from monitor.look.recognise.page import Page, is_html
from monitor.look.recognise.registry import find_recogniser
from monitor.look.recognise.result import Context, Recognised, absent, unknown
from monitor.look.recognise.title import (
    ANOTHER_EDITION,
    OTHER_FILE,
    names_earlier_edition,
)
from monitor.look.sandbox.process import NoWorker, ReadFault
from monitor.look.sandbox.workers import Workers
from monitor.look.sighting import State
from monitor.plan.targets import Target
from schedules.bounds import why_too_complex
from schedules.clean import clean_address, clean_text
from schedules.titles import names_a_period

_log = structlog.get_logger(__name__)
TOO_COSTLY = "too_costly"
"""Reason of an unknown look: reading exceeded its limits of time and memory."""
NO_WORKER = "no_worker"
"""Reason of an unknown look, a fault of this monitor."""
UNREAD_REASONS = frozenset({TOO_COSTLY, NO_WORKER})
"""After these, the same bytes may be readable the next time."""
SMALL_BODY = 16_384
"""Up to so many bytes are read at once: a test proves that this is quick for any."""
READ_SECONDS = 3
"""Of a processor, for one body. A megabyte takes a tenth."""
_UNBOUNDED = ("css", "feed", "jmespath")
"""Rules that may take long even for a small body."""
_SEARCHING_RULES = ("css:", "link:", "text:")
_LONGEST_FACT = 4000
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(hours=1)


def read_body(name: str, answer: Answer, context: Context) -> Recognised:
    """Return what a body shows by a recogniser, unknown if it is not that of the target."""
    if _needs_parsing(name, answer) and why_too_complex(answer.body):
        return unknown(TOO_COSTLY)
    if blocked := find_challenge(answer):
        return unknown(blocked)
    wrong_content = _interpret_wrong_content(name, answer, context)
    if wrong_content is not None:
        return wrong_content
    try:
        recognise = find_recogniser(name)
    except UserFault:
        # It must not stop the looks at other targets.
        return unknown("no recogniser of that name")
    result = _add_digest_of_text(recognise(answer, context), answer, context)
    if name.startswith(_SEARCHING_RULES) and (why := _why_not_searched(result, answer, context)):
        return unknown(why)
    cleaned = (_clean_found(found) for found in result.found)
    if result.found:
        result = replace(result, found=tuple(found for found in cleaned if found.url))
    return result


def _why_not_searched(result: Recognised, answer: Answer, context: Context) -> str:
    """Return why a search of a page or text proves nothing, or "".

    A page that something was not found may repeat its words. Nothing is absent from what was cut,
    is filled by a script, or is an error message.
    """
    title = context.title or context.edition
    if result.state is State.PRESENT:
        return notice_reason(Page(answer), title) if is_html(answer) else ""
    if result.state is not State.ABSENT:
        return ""
    if not is_html(answer):
        return CUT if not answer.whole else content_fault(answer, replace(context, title=""))
    page = Page(answer)
    if not (answer.whole and page.is_closed):
        return CUT
    if is_shell(page) or page.has_refresh:
        return CLOSED
    return site_notice_reason(page, title) or foreign_reason(page, answer, context)


def _interpret_wrong_content(name: str, answer: Answer, context: Context) -> Recognised | None:
    """Return an unknown if content is no file of the kind that its address names, else None.

    It is an absence if a file is named after an earlier edition or another known release, or an
    HTML report has the title of an earlier edition. The part's own address does not count: a
    calendar promised it. A configured recogniser decides alone.
    """
    if context.file is not None and (fault := content_fault(answer, context)):
        return unknown(fault)
    own = context.edition
    if not own or name not in ("govuk", "status"):
        return None
    if context.file is None:
        is_earlier = is_html(answer) and names_earlier_edition(own, Page(answer).heading)
        return absent(ANOTHER_EDITION) if is_earlier else None
    names, others = context.file_names, context.similar_titles
    if any(is_file_of_earlier_edition(own, name) for name in names):
        return absent(ANOTHER_EDITION)
    is_of_another = any(is_file_of_another(own, name, others) for name in names)
    return absent(OTHER_FILE) if is_of_another else None


def _add_digest_of_text(result: Recognised, answer: Answer, context: Context) -> Recognised:
    """Return a result with the digest of a page's text, if editions may share the page.

    They may if its title has no period, and it was never empty.
    """
    known = context.known
    may_be_shared = known.slot is not None and not known.was_missing
    is_named = result.specific or names_a_period(context.title)
    if result.state is not State.PRESENT or not may_be_shared or is_named or not is_html(answer):
        return result
    text = Page(answer).content.encode("utf-8", "replace")
    return replace(result, digest=sha256(text).hexdigest())


def _clean_found(found: Found) -> Found:
    """Return a found address with texts safe to store and show, "" as its URL if unusable."""
    url, title = clean_address(found.url), clean_text(found.title)
    facts = {name: clean_text(text, _LONGEST_FACT) for name, text in found.facts.items()}
    is_clean = (url, title, facts) == (found.url, found.title, found.facts)
    if is_clean:
        return found
    return Found(url, title, found.role, facts)


def is_costly(name: str, answer: Answer) -> bool:
    """Return whether reading a body may take long, by its size or its rule."""
    return _needs_parsing(name, answer) and (
        len(answer.body) > SMALL_BODY or name.partition(":")[0] in _UNBOUNDED
    )


def _needs_parsing(name: str, answer: Answer) -> bool:
    return name != "changed" and (name != "status" or is_html(answer))


@dataclass(slots=True)
class BodyReader:
    """Reads bodies in workers. A target pauses after a failure, ever longer until a success."""

    workers: Workers
    clock: Clock
    _paused: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)

    async def read(self, target: Target, answer: Answer, context: Context) -> Recognised:
        """Do what `read_body` does, with the workers. The result is unknown if that takes too long,
        no worker starts, or in a pause.
        """
        paused_until, pause = self._paused.get(target.id, (None, _FIRST_PAUSE))
        if paused_until is not None and self.clock.now() < paused_until:
            return unknown(TOO_COSTLY)
        arguments = (target.recognise, replace(answer, request=None, head=b""), context)
        try:
            seen: Recognised = await self.workers.run(
                "recognise", target.host, *arguments, seconds=READ_SECONDS, size=len(answer.body)
            )
        except NoWorker:
            # No fault of the target.
            return unknown(NO_WORKER)
        except ReadFault as exc:
            # `workers.run` has reported the host.
            self._paused[target.id] = (self.clock.now() + pause, min(2 * pause, _LONGEST_PAUSE))
            _log.warning("too_costly", target=target.id, host=target.host, fault=str(exc))
            return unknown(TOO_COSTLY)
        self._paused.pop(target.id, None)
        if seen.why == TOO_COSTLY:
            # Found before parsing, which is quick, so no pause.
            self.workers.on_costly(target.host)
        return seen

    def forget(self, target: str) -> None:
        """Forget the pause of a target."""
        self._paused.pop(target, None)
