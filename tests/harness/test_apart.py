"""A test that leaves something broken fails alone."""

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


@pytest.mark.parametrize("first", KINDS, ids=["in a failed test", "in a cycle", "by a fixture", "in a loop"])
def test_what_one_test_leaves_is_raised_in_it_and_in_no_other(root: Path, tmp_path: Path, first: str) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_leaving.py").write_text(first + NEXT)
    command = [sys.executable, "-m", "pytest", "-p", "tests.apart", "-p", "no:randomly", "-p", "no:playwright", "-rfEp"]
    here = {**os.environ, "PYTHONPATH": str(root)}
    told = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True, check=False).stdout
    assert "PASSED test_leaving.py::test_next" in told
    assert "::test_next" not in told.replace("PASSED test_leaving.py::test_next", "")
    assert "ERROR test_leaving.py::test_first - pytest.PytestUnraisableExceptionWarning" in told
