"""The recognisers, as a worker runs them."""

from __future__ import annotations

from monitor.look.fetch import Answer
from monitor.look.recognise.registry import recogniser
from monitor.look.recognise.result import Context, Recognised


def recognise(name: str, answer: Answer, context: Context) -> Recognised:
    """Return what an answer shows. Raises `UserFault` for what is no recogniser."""
    return recogniser(name)(answer, context)
