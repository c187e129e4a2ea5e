"""Records which functions a test calls, so that a mutant meets only tests that can notice it."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest

Calls = dict[str, list[int]]
"""For each file, the first lines of its functions that were called."""


class CallRecorder:
    """Notes calls of functions in some folders, by a test and by the fixtures that it uses.

    A fixture may be set up once for many tests. Its calls count for each test that names it.
    """

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self._root = root
        self._prefixes = tuple(f"{root}/{folder}/" for folder in folders)
        self._seen: set[CodeType] = set()
        self._by_fixture: dict[str, set[CodeType]] = defaultdict(set)

    @contextmanager
    def watch_calls(self) -> Iterator[None]:
        """Note what is called meanwhile, in every thread that starts meanwhile too."""
        self._seen = set()
        before = sys.gettrace()
        threading.settrace(self._note_call)
        sys.settrace(self._note_call)
        try:
            yield
        finally:
            sys.settrace(before)
            threading.settrace(before)  # type: ignore[arg-type]

    def calls_of(self, fixtures: Sequence[str]) -> Calls:
        """Return what was called in the last watch, or by these fixtures whenever."""
        seen = self._seen.union(*(self._by_fixture.get(name, ()) for name in fixtures))
        calls: dict[str, set[int]] = defaultdict(set)
        for code in seen:
            if code.co_filename.startswith(self._prefixes):
                file = str(Path(code.co_filename).relative_to(self._root))
                calls[file].add(code.co_firstlineno)
        return {file: sorted(lines) for file, lines in sorted(calls.items())}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        """Keep the calls of a fixture under its name."""
        before, self._seen = self._seen, set()
        try:
            result = yield
        finally:
            self._by_fixture[fixturedef.argname] |= self._seen
            self._seen |= before
        return result

    def _note_call(self, frame: FrameType, _event: str, _argument: object) -> None:
        self._seen.add(frame.f_code)
