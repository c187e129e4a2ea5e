"""Two tiers of tests, and the real parts of the machine that slow tests drive."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.apart", "tests.certificates", "tests.explore", "tests.worlds.published"]

ROOT = Path(__file__).parents[1]
PARTS = {
    "postgresql": "/usr/lib/postgresql",
    "pgbouncer": "/usr/sbin/pgbouncer",
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "chromium": "chromium",
    "libreoffice": "soffice",
    "tinyproxy": "tinyproxy",
    "faketime": "faketime",
    "libseccomp": "/usr/lib/*/libseccomp.so.2",
    "systemd": "systemd-analyze",
    "nss-wrapper": "/usr/lib/*/libnss_wrapper.so",
}

# No deadline, because machines may be busy. With CI=true examples are always the same. `make
# explore` tries new ones.
settings.register_profile(
    "ours",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ours")


NOT_RUN = pytest.StashKey[int]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: while one waits in real time, the others run."""
    return max(2, 3 * len(os.sched_getaffinity(0)) // 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a real part as slow: `make test` installs none."""
    for item in items:
        if item.get_closest_marker("needs"):
            item.add_marker("slow")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the slow tests that `-m "not slow"` leaves out."""
    left_out = [item for item in items if item.get_closest_marker("slow")]
    if left_out:
        stash = left_out[0].config.stash
        stash[NOT_RUN] = stash.get(NOT_RUN, 0) + len(left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report this worker's count to the process that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = session.config.stash.get(NOT_RUN, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  # xdist's own
    """Keep a worker's count. All workers collect the same tests, so the counts are equal."""
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not_run", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print how many tests were left out, and which command runs them."""
    if config.option.markexpr == "not slow" and config.stash.get(NOT_RUN, 0):
        terminalreporter.write_line(f"{config.stash[NOT_RUN]} slow tests not run: `make verify`")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is missing. With CI=true fail it instead."""
    for mark in item.iter_markers("needs"):
        missing = _missing(mark.args[0])
        if missing and os.environ.get("CI") == "true":
            pytest.fail(missing)
        if missing:
            pytest.skip(missing)


@cache
def _missing(name: str) -> str:
    """Return why a part cannot be used. Empty if it can."""
    part = PARTS[name]
    if not (any(Path("/").glob(part[1:])) if part.startswith("/") else shutil.which(part)):
        return f"{name} is not installed"
    if name != "chromium":
        return ""
    # What drives it comes with a program of its own, which needs more of the system than Python
    # does.
    tried = subprocess.run(
        [browser_driver(), "--version"], capture_output=True, text=True, check=False
    )
    return (
        f"the driver of chromium does not start: {tried.stderr.strip()}" if tried.returncode else ""
    )


def browser_driver() -> Path:
    """Return the program that drives the browser."""
    spec = importlib.util.find_spec("playwright")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "driver" / "node"


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return ROOT


@pytest.fixture
def soffice() -> str:
    found = shutil.which("soffice")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("soffice is missing, and with CI=true no test that needs LibreOffice may skip")
    if found is None:
        pytest.skip("soffice is missing")
    return found
