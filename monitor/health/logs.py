"""Sets up logging: JSON lines without secrets, limited floods, and exceptions without text from
publishers.
"""

from __future__ import annotations

import logging
import queue
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import QueueHandler, QueueListener
from traceback import walk_tb
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from monitor.errors import EnvironmentFault, NinethirtyError

_SECRET = re.compile(r"authorization|api_key|password|token|secret|dsn|webhook_url", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_NOISY = (
    "httpx",
    "httpcore",
    "apscheduler",
    "apprise",
    "uvicorn.access",
    "sqlalchemy.engine",
    "asyncio",
    "alembic",
)
"""Only their warnings and errors are logged."""
_MINUTE = 60.0
_MOST_A_MINUTE, _MOST_OF_CLIENT = 600, 100
_CAUSED_BY_STRANGERS = {"request", "sign_in_refused", "sign_on_failed"}


class _DroppingQueueHandler(QueueHandler):
    """Drops lines if the reader of our log is stuck, so that the event loop is never blocked."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a line in the queue if there is room."""
        with suppress(queue.Full):
            self.queue.put_nowait(record)


@dataclass(slots=True)
class _Minute:
    """How many alike lines there were since `began`, and how many of them were written."""

    began: float
    lines: int = 0
    written: int = 0


class _FloodFilter(logging.Filter):
    """Limits the lines a minute that strangers can cause, of each event and of each address.

    Lines with an account are written all the same: they show what a person did.
    """

    def __init__(self) -> None:
        super().__init__()
        self._minutes: dict[tuple[object, object], _Minute] = {}
        # The lines of each address in the minute that began then.
        self._of_client: Counter[object] = Counter()
        self._clients_since = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a line.

        Lines with the same event and status are alike. If some were dropped in a minute, the first
        line after it gets their number as the field `held_back`, unless it is plain text.
        """
        event: dict[str, Any] = (
            record.msg if isinstance(record.msg, dict) else {"event": str(record.msg)}
        )
        name = event.get("event")
        # The web server logs malformed requests as plain text under this name.
        may_be_strangers = record.name == "uvicorn.error" or name in _CAUSED_BY_STRANGERS
        if not may_be_strangers or event.get("account"):
            return True
        key = (name, event.get("status"))
        minute = self._minutes.setdefault(key, _Minute(record.created))
        if record.created - minute.began >= _MINUTE:
            dropped = minute.lines - minute.written
            minute = self._minutes[key] = _Minute(record.created)
            if dropped and isinstance(record.msg, dict):
                record.msg = {**record.msg, "held_back": dropped}
        minute.lines += 1
        is_written = minute.written < _MOST_A_MINUTE and self._count_client(event, record.created)
        minute.written += is_written
        return is_written

    def _count_client(self, event: EventDict, now: float) -> bool:
        """Return whether the address of a line has not caused too many yet."""
        if now - self._clients_since >= _MINUTE:
            self._of_client.clear()
            self._clients_since = now
        client = event.get("client", "")
        # The other limit keeps this count small.
        self._of_client[client] += 1
        return not client or self._of_client[client] <= _MOST_OF_CLIENT


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Hide values whose key looks like a secret's, and users and passwords in addresses."""
    for key, value in event.items():
        if _SECRET.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str) and "@" in value:
            event[key] = _USERINFO.sub("", value)
    return event


def _drop_colour(_logger: object, _method: str, event: EventDict) -> EventDict:
    # uvicorn adds each line a second time, with colours for terminals.
    event.pop("color_message", None)
    return event


def _shared_processors() -> list[Processor]:
    """Return the processors of all lines, ours and those of libraries. Secrets are hidden last."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        shorten_environment_fault,
        redact,
    ]


def _make_formatter(hide: Callable[[str], str], *, as_json: bool) -> logging.Formatter:
    """Return the formatter of lines: one JSON object each, or text for a terminal.

    `hide` removes known secrets.
    """
    render_steps: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(exception_json),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=False, repr_native_str=True, exception_formatter=write_exception
            )
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared_processors(), structlog.stdlib.ExtraAdder(), _drop_colour],
        # Secrets are removed from finished lines, because libraries write addresses into free text.
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *render_steps,
            lambda _logger, _method, line: hide(str(line)),
        ],
    )


def start_logging(
    level: str = "INFO",
    stream: TextIO | None = None,
    *,
    as_json: bool = True,
    hide: Callable[[str], str] = str,
) -> QueueListener:
    """Write every log line to `stream` (default stdout) from a separate thread.

    Stop the returned listener last.

    `hide` removes secrets from each line, of every library.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(10_000)
    handler = _DroppingQueueHandler(lines)
    handler.addFilter(_FloodFilter())
    handler.setFormatter(_make_formatter(hide, as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    listener = QueueListener(lines, logging.StreamHandler(stream or sys.stdout))
    listener.start()
    return listener


ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_MOST_FRAMES = 20
_QUOTABLE = (NinethirtyError, OSError, TypeError, AttributeError, RuntimeError)
"""Only these exceptions are quoted. Others can contain the faulty value, which may come from a
publisher or a row.
"""
_WITHHELD = "[withheld]"


def shorten_environment_fault(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace the traceback of an environment fault, such as a locked store, by its one line."""
    caught = event.get("exc_info")
    fault = (
        sys.exception() if caught is True else caught[1] if isinstance(caught, tuple) else caught
    )
    if isinstance(fault, EnvironmentFault):
        del event["exc_info"]
        event["fault"] = str(fault)
    return event


def exception_json(exc_info: ExceptionInfo) -> list[dict[str, Any]]:
    """Return an exception and its causes as JSON: type, innermost frames, and a text without
    foreign values.
    """
    return [_exception_json(fault) for fault in _cause_chain(exc_info[1])]


def write_exception(stream: TextIO, caught: ExceptionInfo) -> None:
    """Write an exception and its causes for a person at a terminal."""
    for fault in exception_json(caught):
        stream.write(f"\n{fault['exc_type']}: {fault['exc_value']}")
        stream.writelines(
            f"\n  {at['filename']}:{at['lineno']} in {at['name']}" for at in fault["frames"]
        )


def _cause_chain(fault: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _exception_json(fault: BaseException) -> dict[str, Any]:
    """Return an exception as JSON. A group also has its exceptions, each with its causes."""
    walked = [(frame.f_code, line) for frame, line in walk_tb(fault.__traceback__)][-_MOST_FRAMES:]
    frames = [
        {"filename": code.co_filename, "lineno": line, "name": code.co_name}
        for code, line in walked
    ]
    words = str(fault) if isinstance(fault, _QUOTABLE) else _WITHHELD
    body: dict[str, Any] = {"exc_type": type(fault).__name__, "exc_value": words, "frames": frames}
    if isinstance(fault, BaseExceptionGroup):
        body["exceptions"] = [
            [_exception_json(cause) for cause in _cause_chain(member)]
            for member in fault.exceptions
        ]
    return body
