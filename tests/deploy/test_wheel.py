"""The wheel: the same bytes whenever it is built, with everything that the program reads at run
time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from monitor.config.shipped import PARTS

ROOT = Path(__file__).parents[2]


def built(folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [built(tmp_path_factory.mktemp("wheel")) for _ in range(2)]


def test_it_is_the_same_whenever_it_is_built(wheels: list[Path]) -> None:
    first, second = (wheel.read_bytes() for wheel in wheels)
    assert first == second


def test_it_carries_whatever_lies_beside_the_code(wheels: list[Path]) -> None:
    names = set(ZipFile(wheels[0]).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    ours = {
        name
        for name in tracked.split("\0")
        if name.startswith(("monitor/", "alerts/", "schedules/"))
    }
    rehearsals = {
        f"monitor/rehearse/{name}" for name in tracked.split("\0") if name.startswith("rehearsals/")
    }
    beside = {
        f"monitor/config/shipped/{name}" for name in tracked.split("\0") if name.startswith(PARTS)
    }
    assert (ours | rehearsals | beside) - names == set()
    assert {name for name in names if "/shipped/" in name} == beside
