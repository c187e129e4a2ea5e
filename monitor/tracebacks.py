"""Exceptions as the log tells them: where they came from, and no word that may be a publisher's."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from traceback import walk_tb
from types import TracebackType
from typing import Any, TextIO

from monitor.errors import NinethirtyError, SurroundingsFault

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
