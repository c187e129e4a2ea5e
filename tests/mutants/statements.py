"""Records which mutated statements a test runs, so that a mutant meets only tests that can notice it."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.mutants.mutations import Mutant

Line = tuple[str, int]
"""A file of the running program and the number of a line in it."""


class StatementRecorder:
    """Notes the mutants whose statements are run, by a test and by the fixtures that it uses.

    A fixture may be set up once for many tests. What it runs counts for each test that names it.
    """

    def __init__(self, root: Path, mutants: Sequence[Mutant]) -> None:
        self._by_file: dict[str, list[Mutant]] = defaultdict(list)
        self._by_line: dict[Line, list[Mutant]] = defaultdict(list)
        for mutant in mutants:
            file = str(root / mutant.file)
            self._by_file[file].append(mutant)
            for number in mutant.statement:
                self._by_line[file, number].append(mutant)
        self._seen: set[Line] = set()
        self._by_fixture: dict[str, set[Line]] = defaultdict(set)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Note what is run meanwhile, in every thread that starts meanwhile too."""
        self._seen = set()
        before = sys.gettrace()
        threading.settrace(self._note_call)
        sys.settrace(self._note_call)
        try:
            yield
        finally:
            sys.settrace(before)
            threading.settrace(before)  # type: ignore[arg-type]

    def met(self, fixtures: Sequence[str]) -> list[str]:
        """Return the names of mutants met in the last watch, or by these fixtures whenever."""
        seen = self._seen.union(*(self._by_fixture.get(name, ()) for name in fixtures))
        return sorted({mutant.name for line in seen for mutant in self._by_line.get(line, ())})

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        """Keep what a fixture runs under its name."""
        before, self._seen = self._seen, set()
        try:
            result = yield
        finally:
            self._by_fixture[fixturedef.argname] |= self._seen
            self._seen |= before
        return result

    def _note_call(
        self, frame: FrameType, _event: str, _argument: object
    ) -> Callable[[FrameType, str, object], object] | None:
        """Return the tracer of a call's lines, or None for a function without a mutant."""
        code = frame.f_code
        for mutant in self._by_file.get(code.co_filename, ()):
            if mutant.first <= code.co_firstlineno <= mutant.last:
                return self._note_line
        return None

    def _note_line(self, frame: FrameType, event: str, _argument: object) -> object:
        if event == "line":
            self._seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self._note_line
