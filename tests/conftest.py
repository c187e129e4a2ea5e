"""What every test may ask for: real parts of the machine, found or refused in one way."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.apart", "tests.explore"]

ROOT = Path(__file__).parents[1]
PARTS = {
    "postgresql": "/usr/lib/postgresql",
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "chromium": "chromium",
    "libreoffice": "soffice",
    "tinyproxy": "tinyproxy",
    "faketime": "faketime",
    "nss-wrapper": "/usr/lib/*/libnss_wrapper.so",
}

# A busy machine is no fault. With CI=true the same examples are tried each time: `make explore` looks for new ones.
settings.register_profile(
    "ours", deadline=None, derandomize=os.environ.get("CI") == "true", suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have three workers on two cores: where one waits in real time, the others go on."""
    return max(2, 3 * len(os.sched_getaffinity(0)) // 2)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is missing, and fail it with CI=true, where nothing may be missing."""
    for mark in item.iter_markers("needs"):
        missing = _missing(mark.args[0])
        if missing and os.environ.get("CI") == "true":
            pytest.fail(missing)
        if missing:
            pytest.skip(missing)


@cache
def _missing(name: str) -> str:
    """Say what keeps a part from being driven; nothing when it is there."""
    part = PARTS[name]
    if not (any(Path("/").glob(part[1:])) if part.startswith("/") else shutil.which(part)):
        return f"{name} is not installed"
    if name != "chromium":
        return ""
    # What drives it comes with a program of its own, which needs more of the system than Python does.
    tried = subprocess.run([browser_driver(), "--version"], capture_output=True, text=True, check=False)
    return f"the driver of chromium does not start: {tried.stderr.strip()}" if tried.returncode else ""


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
