"""Runs tests in virtual time, so that waits take no real time."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from monitor.rehearse.virtual_loop import JumpingLoop, run_virtually
from tests.worlds.instants import SLOT

Test = Callable[..., Coroutine[Any, Any, None]]


def virtually(test: Test, *, patience: float = 20, begins: datetime = SLOT) -> Callable[..., None]:
    """Run a coroutine as a test.

    Its `clock` is a virtual clock that begins at the slot; the others are fixtures.
    """

    def run(**fixtures: object) -> None:
        run_virtually(lambda clock: test(clock=clock, **fixtures), begins, patience=patience)

    return asking_for(run, test, given=("clock",))


def asking_for(
    run: Callable[..., Any], test: Test, *, given: tuple[str, ...], more: tuple[str, ...] = ()
) -> Any:  # noqa: ANN401 # what was passed
    """Let pytest see `run` as a test with the arguments of `test` but those `given`, and with
    `more` fixtures.
    """
    functools.update_wrapper(run, test)
    del run.__wrapped__
    named = [one for one in inspect.signature(test).parameters.values() if one.name not in given]
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in more]
    run.__signature__ = inspect.Signature(
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in named] + added
    )
    return run


@contextmanager
def time_resumed_in_thread(loop: JumpingLoop) -> Iterator[None]:
    """Let virtual time run inside the context, although it stops while a thread of
    `run_in_executor` works.

    Call it in that thread if it waits for something that needs virtual time to pass.
    """
    stop_reason = loop.stop_reasons_of_threads[threading.get_ident()]
    loop.call_soon_threadsafe(loop.resume_time, stop_reason)
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(loop.stop_time, stop_reason)


def sleep_in_thread(loop: JumpingLoop, seconds: float) -> None:
    """Sleep for these seconds of virtual time. Call it in a thread of `run_in_executor`."""
    # `run_in_executor` has stopped time until this thread has finished, so it is resumed for the
    # sleep.
    stop_reason = loop.stop_reasons_of_threads[threading.get_ident()]

    async def sleep() -> None:
        with loop.time_resumed(stop_reason):
            await asyncio.sleep(seconds)

    asyncio.run_coroutine_threadsafe(sleep(), loop).result()
