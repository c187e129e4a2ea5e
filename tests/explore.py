"""Tries marked properties with fresh seeds.

Failures are printed and kept in a file, and do not fail the run.

With CI=true all runs use the same examples, so that a commit fails only for its own changes. Faults
that need a rare example then stay hidden, so `pytest --explore 5` tries each property marked
`explored` with five new seeds.
"""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed, settings

REPEATS = re.compile(r"@reproduce_failure\([^)]*\)")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("explore")
    group.addoption(
        "--explore",
        type=int,
        default=0,
        metavar="N",
        help="try explored properties with N fresh seeds",
    )
    group.addoption(
        "--explore-from", type=int, metavar="SEED", help="the first of them (default: drawn)"
    )
    group.addoption(
        "--explore-to",
        type=Path,
        default=Path("var/explored"),
        metavar="FOLDER",
        help="keeps finds here",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the first seed and start, if `--explore` is given."""
    if not config.option.explore:
        return
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.option.explore_from = worker["explore_from"]
    elif config.option.explore_from is None:
        config.option.explore_from = random.SystemRandom().randrange(2**32)
    # No database, because Hypothesis would first replay earlier failures under each seed.
    settings.register_profile(
        "explore", settings(database=None, derandomize=False, print_blob=True)
    )
    settings.load_profile("explore")
    # Each failure is printed once, at the end.
    config.option.tbstyle = "no"
    if worker is None:
        config.pluginmanager.register(Finds(config.option.explore_to), "finds")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 # xdist's own
    """Give each worker the same seeds."""
    node.workerinput["explore_from"] = node.config.option.explore_from


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each seed."""
    count, first = metafunc.config.option.explore, metafunc.config.option.explore_from
    is_property = hasattr(metafunc.function, "hypothesis")
    if count and is_property and metafunc.definition.get_closest_marker("explored"):
        metafunc.fixturenames.append("fresh_seed")
        metafunc.parametrize("fresh_seed", range(first, first + count))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run a test's property with its seed."""
    if isinstance(item, pytest.Function) and _fresh_seed(item) is not None:
        seed(_fresh_seed(item))(item.obj)


def _fresh_seed(item: pytest.Item) -> int | None:
    found: int | None = (
        item.callspec.params.get("fresh_seed") if hasattr(item, "callspec") else None
    )
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select only tests marked `explored`."""
    if config.option.explore:
        config.hook.pytest_deselected(items=[item for item in items if _fresh_seed(item) is None])
        items[:] = [item for item in items if _fresh_seed(item) is not None]


class Finds:
    """Keeps every example that breaks a property; what cannot even begin still fails the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[Path, str] = {}
        self.never_began: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a find as a case."""
        if report.failed and report.when == "setup":
            self.never_began[report.nodeid] = report.longreprtext
        elif report.failed:
            self._keep(report.nodeid, report.longreprtext)

    def _keep(self, test: str, told: str) -> None:
        how = REPEATS.search(told)
        mark = hashlib.sha256((how[0] if how else told).encode()).hexdigest()[:8]
        name = test.rpartition("::")[2].partition("[")[0]
        self.folder.mkdir(parents=True, exist_ok=True)
        case = self.folder / f"{name}-{mark}.txt"
        case.write_text(f"{test}\n\n{told}\n", encoding="utf-8")
        self.kept[case] = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Return success if only properties failed."""
        if exitstatus == pytest.ExitCode.TESTS_FAILED and self.kept and not self.never_began:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the failures, so that a person can turn them into tests."""
        kept = {f"kept: {case}": told for case, told in self.kept.items()}
        for title, told in {**self.never_began, **kept}.items():
            terminalreporter.section(title)
            terminalreporter.write_line(told)
