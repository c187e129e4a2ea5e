"""Runs tests in virtual time, so that waits take no real time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from monitor.rehearse.virtual_loop import run_virtually
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
