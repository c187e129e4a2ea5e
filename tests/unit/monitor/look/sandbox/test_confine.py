"""A worker that hostile bytes have taken over reaches no file, network or process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.look.sandbox.confine import describe_missing
from monitor.look.sandbox.process import Patience, Worker
from monitor.look.sandbox.tasks import Reply, unpack

MEGABYTES = "256"
PR_GET_DUMPABLE = 3
ATTACK = """
import ctypes
import fcntl
import os
import resource
import socket
import subprocess
import sys
import threading
import zoneinfo
from datetime import datetime

from monitor.look.sandbox import tasks, worker


def attack(code: str) -> str:
    try:
        return str(eval(code))
    except OSError as exc:
        return type(exc).__name__


tasks.PLACES["attack"] = "__main__:attack"
worker.main()
"""

pytestmark = pytest.mark.skipif(
    bool(describe_missing()), reason=f"this kernel lacks {describe_missing()}"
)


Evaluate = Callable[[str], str]
"""Evaluates Python in a worker. Returns the result as text, or which error it raised."""


@pytest.fixture(scope="module")
def evaluate() -> Iterator[Evaluate]:
    """A real worker process that runs whatever it is sent."""
    process = subprocess.Popen(
        [sys.executable, "-c", ATTACK, MEGABYTES],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[5],
    )
    worker = Worker(process)

    def send(line: bytes) -> Reply[str]:
        return unpack(Reply[str], worker.exchange(line, Patience(60, 60)))

    assert send(b"") == Reply[str](ending="done", result="")

    def run(code: str) -> str:
        reply = send(f"attack 5 {json.dumps([code])}\n".encode())
        assert reply.ending == "done", reply.fault
        return str(reply.result)

    yield run
    worker.kill()


def test_confined_worker_reads_no_file(evaluate: Evaluate, tmp_path: Path) -> None:
    secret = tmp_path / "users.toml"
    secret.write_text("password")
    for path in (secret, "/etc/hostname", f"/proc/{os.getpid()}/environ", "/proc/self/environ"):
        assert evaluate(f"open({str(path)!r}).read()") == "PermissionError"
    assert evaluate(f"os.listdir({str(tmp_path)!r})") == "PermissionError"


def test_confined_worker_changes_no_file(evaluate: Evaluate, tmp_path: Path) -> None:
    kept = tmp_path / "store.db"
    kept.write_text("evidence")
    for code in (
        f"open({str(kept)!r}, 'w')",
        f"os.unlink({str(kept)!r})",
        f"os.chmod({str(kept)!r}, 0o777)",
        f"os.rename({str(kept)!r}, {str(tmp_path / 'other')!r})",
        f"os.mkdir({str(tmp_path / 'folder')!r})",
        f"os.truncate({str(kept)!r}, 0)",
        f"os.setxattr({str(kept)!r}, 'user.note', b'', follow_symlinks=False)",
        f"os.removexattr({str(kept)!r}, 'user.note')",
        f"os.chroot({str(tmp_path)!r})",
    ):
        assert evaluate(code) == "PermissionError", code
    assert kept.read_text() == "evidence"


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.socketpair()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "subprocess.run(['/bin/true'])",
    ],
)
def test_confined_worker_opens_no_socket_and_starts_no_process(
    evaluate: Evaluate, code: str
) -> None:
    assert evaluate(code) == "PermissionError"


@pytest.mark.parametrize(
    "code",
    [
        "os.kill({pid}, 0)",
        "resource.prlimit({pid}, resource.RLIMIT_CPU)",
        "os.sched_setscheduler({pid}, os.SCHED_BATCH, os.sched_param(0))",
        "os.sched_setparam({pid}, os.sched_param(0))",
        "fcntl.fcntl(0, fcntl.F_SETOWN, {pid})",
    ],
)
def test_confined_worker_touches_no_other_process(evaluate: Evaluate, code: str) -> None:
    assert evaluate(code.format(pid=os.getpid())) == "PermissionError"


def test_confined_worker_gets_no_memory_beyond_its_limit(evaluate: Evaluate) -> None:
    """The kernel does not count files in memory and shared memory as this process's."""
    assert evaluate("os.memfd_create('file')") == "PermissionError"
    assert evaluate("ctypes.CDLL(None).shmget(0, 4096, 0o600)") == "-1"


def test_confined_worker_attaches_to_no_process(evaluate: Evaluate) -> None:
    attach = f"ctypes.CDLL(None).ptrace(16, {os.getpid()}, 0, 0)"
    assert evaluate(attach) == "-1"


def test_hidden_process_is_not_dumpable() -> None:
    """The kernel then refuses its memory and its environment to other processes of its user."""
    code = (
        "import ctypes; from monitor.look.sandbox.confine import hide_memory; hide_memory();"
        f" print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert shown.stdout == b"0\n"


def test_confined_worker_still_reads_code_and_time_zones(evaluate: Evaluate) -> None:
    """Readers import modules when they need them, and calendars may name any zone."""
    assert evaluate("__import__('colorsys').ONE_THIRD > 0") == "True"
    code = "datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Kathmandu')).utcoffset()"
    assert evaluate(code) == "5:45:00"


def test_confined_worker_may_start_threads(evaluate: Evaluate) -> None:
    assert evaluate("threading.Thread(target=int).start()") == "None"
