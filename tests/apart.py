"""Keeps tests apart: what a test leaves behind is raised in that test, not in whichever runs when it is collected."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

LAST = ("last_exc", "last_type", "last_value", "last_traceback")
FEW = 10_000
"""Objects that are gone through in a few milliseconds."""


def pytest_collection_finish() -> None:
    """Leave what exists before the first test out of every later collection, which then takes a few milliseconds."""
    _nothing()
    gc.collect()
    gc.freeze()


@given(st.none())
def _nothing(_: None) -> None:
    """Have Hypothesis make its own generator: on Python 3.14 it finds nobody who holds one made after the freeze."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Have the collection after the last test go through everything that is left."""
    if nextitem is None:
        gc.unfreeze()


@pytest.fixture(autouse=True)
def _leave_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what a test left; set up before its other fixtures, so it ends after them and after their event loop.

    An unclosed socket or process warns when it is collected, and warnings are errors. Left to chance that is some
    other test's time. The exception of a failed test holds its frames until the next test is called, and the test
    item holds the values of its fixtures.
    """
    yield
    for name in LAST:
        vars(sys).pop(name, None)
    request.node.funcargs.clear()
    gc.collect()
    # What outlives a test in such numbers are modules and caches: to go through them after each took half the time.
    if len(gc.get_objects()) > FEW:
        gc.freeze()
