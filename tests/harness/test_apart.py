"""A test that leaves an unclosed resource fails itself, not a later test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LEFT_IN_A_FAILED_TEST = """
import socket

def test_first():
    left = socket.socket()
    assert left is None
"""
LEFT_IN_A_CYCLE = """
import socket

def test_first():
    cycle = [socket.socket()]
    cycle.append(cycle)
"""
LEFT_BY_A_FIXTURE = """
import pytest, socket

@pytest.fixture
def left():
    return socket.socket()

def test_first(left):
    pass
"""
LEFT_IN_A_LOOP = """
import asyncio

async def test_first():
    cycle = [await asyncio.start_server(print, "127.0.0.1", 0)]
    cycle.append(cycle)
"""
HELD_BEYOND_ITS_TEST = """
import socket

HELD = []

def test_first():
    cycle = [socket.socket()]
    cycle.append(cycle)
    HELD.append(cycle)
    HELD.extend([number] for number in range(20_000))

def test_second():
    HELD.clear()
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
NEXT = """
import gc

def test_next():
    gc.collect()
"""
KINDS = [LEFT_IN_A_FAILED_TEST, LEFT_IN_A_CYCLE, LEFT_BY_A_FIXTURE, LEFT_IN_A_LOOP]


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", KINDS, ids=["in a failed test", "in a cycle", "by a fixture", "in a loop"]
)
def test_what_one_test_leaves_is_raised_in_it_and_in_no_other(
    root: Path, tmp_path: Path, first: str
) -> None:
    told = told_of(first, root, tmp_path)
    assert "PASSED test_leaving.py::test_next" in told
    assert "::test_next" not in told.replace("PASSED test_leaving.py::test_next", "")
    assert "ERROR test_leaving.py::test_first - pytest.PytestUnraisableExceptionWarning" in told


@pytest.mark.slow
def test_what_was_held_beyond_its_test_among_much_else_is_raised_at_the_end(
    root: Path, tmp_path: Path
) -> None:
    told = told_of(HELD_BEYOND_ITS_TEST, root, tmp_path)
    assert "ERROR test_leaving.py::test_next - pytest.PytestUnraisableExceptionWarning" in told


def told_of(first: str, root: Path, folder: Path) -> str:
    (folder / "pytest.ini").write_text(INI)
    (folder / "test_leaving.py").write_text(first + NEXT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.apart",
        "-p",
        "no:randomly",
        "-p",
        "no:playwright",
        "-rfEp",
    ]
    here = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        command, cwd=folder, env=here, capture_output=True, text=True, check=False
    ).stdout
