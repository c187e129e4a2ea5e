"""What every test may ask for: real parts of the machine, found or refused in one way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
PARTS = {
    "postgresql": "/usr/lib/postgresql",
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "chromium": "chromium",
    "libreoffice": "soffice",
}

# A busy machine is no fault. With CI=true the same examples are tried each time: new ones are looked for by people.
settings.register_profile(
    "ours", deadline=None, derandomize=os.environ.get("CI") == "true", suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is missing, and fail it with CI=true, where nothing may be missing."""
    for mark in item.iter_markers("needs"):
        part = PARTS[mark.args[0]]
        if not (Path(part).exists() if part.startswith("/") else shutil.which(part)):
            missing = f"{mark.args[0]} is not installed"
            if os.environ.get("CI") == "true":
                pytest.fail(missing)
            pytest.skip(missing)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return ROOT
