"""structlog, set once: one JSON line a fact, ours and the libraries' in the same stream."""

from __future__ import annotations

import logging
import queue
import re
import sys
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

_SECRET = re.compile(r"authorization|api_key|password|token|secret|dsn|webhook_url", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUIET = ("httpx", "httpcore", "apscheduler", "apprise", "uvicorn.access", "sqlalchemy.engine", "asyncio")


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


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        redact,
    ]


def _formatter(*, as_json: bool) -> logging.Formatter:
    # Local variables may hold a body seen before its slot or a secret: tracebacks come without them.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    tail: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(frames),
            structlog.processors.EventRenamer("msg"),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
    )


def set_up(level: str = "INFO", stream: TextIO | None = None, *, as_json: bool = True) -> QueueListener:
    """Send every log line to `stream` (default stdout) from a thread of its own; stop the result last."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue(10_000)
    handler = _CountingQueueHandler(lines)
    handler.setFormatter(_formatter(as_json=as_json))
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
        cache_logger_on_first_use=True,
    )
    listener = QueueListener(lines, logging.StreamHandler(stream or sys.stdout))
    listener.start()
    return listener
