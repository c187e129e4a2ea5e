"""structlog, set once: one JSON line a fact, ours and the libraries' in the same stream."""

from __future__ import annotations

import json
import logging
import queue
import re
import sys
from collections.abc import Iterable
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor

from monitor import tracebacks

_SECRET = re.compile(r"authorization|api_key|password|token|secret|dsn|webhook_url", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_QUIET = ("httpx", "httpcore", "apscheduler", "apprise", "uvicorn.access", "sqlalchemy.engine", "asyncio", "alembic")


_SHORTEST = 4


class _Veil(logging.Formatter):
    """Takes known secrets out of finished lines: libraries put addresses into words, where no key tells of them."""

    def __init__(self, formatter: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._formatter = formatter
        known = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        line = self._formatter.format(record)
        return line if self._secret is None else self._secret.sub("[redacted]", line)


def _forms(secret: str) -> set[str]:
    """Return a secret as it may stand in a line: as it is, escaped in JSON, or quoted in an address."""
    return {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}


class _CountingQueueHandler(QueueHandler):
    """Never blocks the loop: when the reader of our log is stuck, lines are dropped and counted."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a line in the queue, or count it as dropped."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


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
        tracebacks.ordinary,
        redact,
    ]


def _formatter(*, as_json: bool) -> logging.Formatter:
    tail: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(tracebacks.told),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=tracebacks.written)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _uncoloured],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
    )


def set_up(
    level: str = "INFO", stream: TextIO | None = None, *, as_json: bool = True, secrets: Iterable[str] = ()
) -> QueueListener:
    """Send every log line to `stream` (default stdout) from a thread of its own; stop the result last.

    None of `secrets` is ever written, whichever library says it.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(10_000)
    handler = _CountingQueueHandler(lines)
    handler.setFormatter(_Veil(_formatter(as_json=as_json), secrets))
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
