"""The fast tier skips slow tests and prints their number. The slow tier runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_quick():
    pass

@pytest.mark.slow
def test_marked_slow():
    pass

@pytest.mark.needs("chromium")
def test_that_needs_a_part():
    pass
"""


def tier(root: Path, folder: Path, *options: str) -> str:
    file = folder / "test_some.py"
    file.write_text(TESTS, encoding="utf-8")
    plugin = ("-p", "tests.conftest", "-c", str(root / "pyproject.toml"), "--rootdir", str(folder))
    command = [
        sys.executable,
        "-m",
        "pytest",
        *plugin,
        "-p",
        "no:cacheprovider",
        *options,
        str(file),
    ]
    done = subprocess.run(
        command, cwd=root, env=os.environ | {"CI": ""}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.slow
def test_fast_tier_says_how_many_slow_tests_it_left_out(
    root: Path, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    printed = tier(root, tmp_path, "-m", "not slow", *workers)
    assert "2 slow tests not run: `make verify`" in printed
    assert "1 passed" in printed


@pytest.mark.slow
def test_slow_tier_runs_what_the_fast_tier_left_out(root: Path, tmp_path: Path) -> None:
    printed = tier(root, tmp_path, "-m", "slow")
    assert "not run" not in printed
    assert "1 deselected" in printed
