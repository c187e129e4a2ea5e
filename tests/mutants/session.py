"""Runs tests against mutants inside one pytest session, whose imports are done only once."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, is_hypothesis_test, settings

from tests.mutants.children import Work, limit_cpu, run_in_children
from tests.mutants.mutations import Mutant
from tests.mutants.patch import Functions
from tests.mutants.statements import StatementRecorder

EXAMPLES = 20
"""Examples that Hypothesis tries of a property. They are always the same."""
LONGEST = 2.0
"""CPU seconds that a test may take. Slower ones belong to the slow tier."""
ENOUGH = 3.0
"""CPU seconds of tests that a mutant meets after a first one killed it."""
MOST = 10.0
"""CPU seconds of tests after which a mutant that none has killed counts as alive."""
SLOWER = 10.0
"""A test may take this many times as long as without a mutant, and as many seconds more."""
SHARES = 8
"""Shares of the tests for each child that records: with more, none waits long for the others."""


@dataclass(frozen=True)
class Recorded:
    """What one test needs without a mutant, in CPU seconds, and which mutants it meets."""

    test: str
    seconds: float
    passed: bool
    meets: list[str]


class MutantSession:
    """A plugin that runs mutants in place of pytest's own loop over the tests."""

    def __init__(
        self, root: Path, folder: Path, recorder: StatementRecorder, mutants: Sequence[Mutant]
    ) -> None:
        self._root = root
        self._folder = folder
        self._mutants = mutants
        self._jobs = len(os.sched_getaffinity(0))
        self._recorder = recorder
        self._items: dict[str, pytest.Item] = {}
        self._failed = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Give every property few examples, the same each time, and shrink none."""
        config.pluginmanager.register(self._recorder)
        for item in items:
            test = getattr(item, "obj", None)
            if is_hypothesis_test(test):
                _limit_examples(getattr(test, "__func__", test))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a part of a test failed."""
        self._failed = self._failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Record which mutants each test meets, then run each mutant against these tests."""
        self._items = {item.nodeid: item for item in session.items}
        functions = Functions(self._root)
        # Children share the parent's memory until it is written. A collection would write it all.
        gc.collect()
        gc.freeze()
        recorded = self._record_tests()
        usable = [each for each in recorded if each.passed and each.seconds <= LONGEST]
        # A test that meets few mutants is about them. It kills sooner than one that meets all.
        usable.sort(key=lambda each: each.seconds * len(each.meets))
        done = {line["name"] for line in read_lines(self._folder / "mutants.jsonl")}
        works = []
        for mutant in self._mutants:
            if mutant.name in done:
                continue
            meeting = [each for each in usable if mutant.name in each.meets]
            progress = self._folder / f"running-{mutant.name.replace('/', '-')}.jsonl"
            progress.unlink(missing_ok=True)
            work = partial(self._try_mutant, mutant, functions, meeting, progress)
            keep = partial(self._keep_result, mutant, len(meeting), progress)
            if meeting:
                works.append(Work(work, keep))
            else:
                keep()
        run_in_children(works, self._jobs)
        return True

    def _record_tests(self) -> list[Recorded]:
        file = self._folder / "tests.jsonl"
        while True:
            lines = read_lines(file)
            begun = {line["test"] for line in lines}
            left = [item for name, item in self._items.items() if name not in begun]
            if not left:
                return [Recorded(**line) for line in lines if "meets" in line]
            # A test that ends its process was begun. It is not tried again, and takes no part.
            size = -(-len(left) // (SHARES * self._jobs))
            shares = [left[at : at + size] for at in range(0, len(left), size)]
            works = [Work(partial(self._record_share, share, file)) for share in shares]
            run_in_children(works, self._jobs)

    def _record_share(self, items: Sequence[pytest.Item], file: Path) -> None:
        for item, following in _with_following(items):
            append_line(file, {"test": item.nodeid})
            began = time.process_time()
            with self._recorder.watch():
                passed = self._run_test(item, following)
            seconds = time.process_time() - began
            fixtures = getattr(item, "fixturenames", ())
            meets = self._recorder.met(fixtures)
            append_line(file, asdict(Recorded(item.nodeid, seconds, passed, meets)))

    def _try_mutant(
        self, mutant: Mutant, functions: Functions, meeting: Sequence[Recorded], progress: Path
    ) -> None:
        """Run tests against a mutant, the nearest first, and append how each ended."""
        functions.apply(mutant)
        spent, is_killed = 0.0, False
        tests = [self._items[each.test] for each in meeting]
        for known, (item, following) in zip(meeting, _with_following(tests), strict=True):
            if spent + known.seconds > (ENOUGH if is_killed else MOST):
                break
            append_line(progress, {"begun": item.nodeid})
            limit_cpu(SLOWER * (known.seconds + 1))
            passed = self._run_test(item, following)
            append_line(progress, {"ended": item.nodeid, "passed": passed})
            is_killed = is_killed or not passed
            spent += known.seconds

    def _keep_result(self, mutant: Mutant, meeting: int, progress: Path) -> None:
        """Append what became of a mutant. A test that never ended noticed it."""
        lines = read_lines(progress)
        begun = [line["begun"] for line in lines if "begun" in line]
        passed = {line["ended"] for line in lines if line.get("passed")}
        if meeting and not begun:
            raise RuntimeError(f"{mutant.name}: its code could not be changed")
        killed_by = [test for test in begun if test not in passed]
        result = {"name": mutant.name, "meeting": meeting, "ran": len(begun)}
        append_line(self._folder / "mutants.jsonl", {**result, "killed_by": killed_by})
        progress.unlink(missing_ok=True)

    def _run_test(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self._failed


def append_line(file: Path, line: dict[str, Any]) -> None:
    """Append one line of JSON in one write, so that lines of two children never mix."""
    with file.open("ab", buffering=0) as stream:
        stream.write(f"{json.dumps(line)}\n".encode())


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of JSON lines. Empty if there is none."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _with_following(
    items: Sequence[pytest.Item],
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Yield each test with the next one: fixtures that both use are kept."""
    return zip(items, [*items[1:], None], strict=True)


def _limit_examples(test: Any) -> None:  # noqa: ANN401  # a function with Hypothesis's attributes
    own = test._hypothesis_internal_use_settings
    test._hypothesis_internal_use_settings = settings(
        own,
        max_examples=min(own.max_examples, EXAMPLES),
        phases=(Phase.explicit, Phase.generate),
        derandomize=True,
        database=None,
    )
