"""Reports an unclosed resource in the test that left it, not in a later test that happens to
collect it.
"""

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
    """Leave what exists before the first test out of every later collection, which then takes a few
    milliseconds.
    """
    _nothing()
    gc.collect()
    gc.freeze()


@given(st.none())
def _nothing(_: None) -> None:
    """Create Hypothesis's random generator before the freeze.

    On Python 3.14 it loses one that is made later.
    """


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Have the collection after the last test go through everything that is left."""
    if nextitem is None:
        gc.unfreeze()


@pytest.fixture(autouse=True)
def _leave_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect garbage at the end of each test.

    Set up first, so it ends after the other fixtures and their event loop.

    An unclosed socket or process warns when it is collected, and warnings are errors. Without this,
    a later test would fail. A failed test's exception keeps its frames until the next test, and the
    test item keeps its fixtures' values.
    """
    yield
    for name in LAST:
        vars(sys).pop(name, None)
    request.node.funcargs.clear()
    gc.collect()
    # So many surviving objects are modules and caches. Collecting them after each test took half of
    # the time.
    if len(gc.get_objects()) > FEW:
        gc.freeze()
