"""Exceptions as the log tells them: where they came from, and no word that may be a publisher's."""

from __future__ import annotations

import logging
import queue
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from traceback import walk_tb
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from monitor.errors import NinethirtyError, SurroundingsFault

_SECRET = re.compile(r"authorization|api_key|password|token|secret|dsn|webhook_url", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_QUIET = ("httpx", "httpcore", "apscheduler", "apprise", "uvicorn.access", "sqlalchemy.engine", "asyncio", "alembic")


_MINUTE = 60.0
_MOST_A_MINUTE = 600
_OF_STRANGERS = {"request", "sign_in_refused", "sign_on_failed"}


class _Veil(logging.Formatter):
    """Takes known secrets out of finished lines: libraries put addresses into words, where no key tells of them."""

    def __init__(self, formatter: logging.Formatter, hide: Callable[[str], str]) -> None:
        super().__init__()
        self._formatter = formatter
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return self._hide(self._formatter.format(record))


class _DroppingQueueHandler(QueueHandler):
    """Never blocks the loop: when the reader of our log is stuck, lines are dropped."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a line in the queue, where there is room."""
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Flood(logging.Filter):
    """Of lines that strangers can cause, lets so many a minute through of each cause, and then tells how many more."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be written."""
        told: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {"event": str(record.msg)}
        cause = (told.get("event"), told.get("status"))
        if record.name != "uvicorn.error" and cause[0] not in _OF_STRANGERS:
            return True
        began, count = self._seen.get(cause, (record.created, 0))
        if record.created - began >= _MINUTE:
            began, count, held = record.created, 0, max(0, count - _MOST_A_MINUTE)
            if held and isinstance(record.msg, dict):
                record.msg = {**record.msg, "held_back": held}
        self._seen[cause] = (began, count + 1)
        return count < _MOST_A_MINUTE


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blank what looks like a secret by its key, and users and passwords inside addresses."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str) and "@" in value:
            event[key] = _USERINFO.sub("", value)
    return event


def _uncoloured(_logger: object, _method: str, event: EventDict) -> EventDict:
    # uvicorn says each line a second time, for terminals.
    event.pop("color_message", None)
    return event


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        ordinary,
        redact,
    ]


def _formatter(*, as_json: bool) -> logging.Formatter:
    tail: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(told),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=written)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _uncoloured],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
    )


def set_up(
    level: str = "INFO", stream: TextIO | None = None, *, as_json: bool = True, hide: Callable[[str], str] = str
) -> QueueListener:
    """Send every log line to `stream` (default stdout) from a thread of its own; stop the result last.

    `hide` takes out of each line what must never be written, whichever library says it.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(10_000)
    handler = _DroppingQueueHandler(lines)
    handler.addFilter(_Flood())
    handler.setFormatter(_Veil(_formatter(as_json=as_json), hide))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    listener = QueueListener(lines, logging.StreamHandler(stream or sys.stdout))
    listener.start()
    return listener


Caught = tuple[type[BaseException], BaseException, TracebackType | None]

_MOST_FRAMES = 20
_PLAIN = (NinethirtyError, OSError, TypeError, AttributeError, RuntimeError)
"""Others quote the value they stumbled over, which may be part of an answer or of a row."""
_WITHHELD = "[withheld]"


def ordinary(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Tell what the surroundings did, such as a store that is locked, in its one line: no frame of ours explains it."""
    caught = event.get("exc_info")
    fault = sys.exception() if caught is True else caught[1] if isinstance(caught, tuple) else caught
    if isinstance(fault, SurroundingsFault):
        del event["exc_info"]
        event["fault"] = str(fault)
    return event


def told(exc_info: Caught) -> list[dict[str, Any]]:
    """Return an exception and those that led to it: kinds, the innermost frames, and words that quote nothing."""
    return [_one(fault) for fault in _line(exc_info[1])]


def written(stream: TextIO, caught: Caught) -> None:
    """Write the same for a person at a terminal."""
    for fault in told(caught):
        stream.write(f"\n{fault['exc_type']}: {fault['exc_value']}")
        stream.writelines(f"\n  {one['filename']}:{one['lineno']} in {one['name']}" for one in fault["frames"])


def _line(fault: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _one(fault: BaseException) -> dict[str, Any]:
    walked = [(frame.f_code, line) for frame, line in walk_tb(fault.__traceback__)][-_MOST_FRAMES:]
    frames = [{"filename": code.co_filename, "lineno": line, "name": code.co_name} for code, line in walked]
    words = str(fault) if isinstance(fault, _PLAIN) else _WITHHELD
    said: dict[str, Any] = {"exc_type": type(fault).__name__, "exc_value": words, "frames": frames}
    if isinstance(fault, BaseExceptionGroup):
        said["exceptions"] = [[_one(each) for each in _line(one)] for one in fault.exceptions]
    return said
