"""A worker that hostile bytes have taken over answers what it likes: nothing of it runs in the
daemon, takes its memory, or makes it wait for long.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from monitor.look.sandbox.process import Patience, TooCostly, Worker
from monitor.look.sandbox.tasks import find_task, unpack
from monitor.look.sandbox.workers import Workers
from schedules.source import Page
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 7, 23, 9, 30, tzinfo=UTC)
DONE = b'{"ending": "done", "result": %s}'
ENTRY = b'{"uid": "1", "title": "t", "producer": "p", "url": "u", "slot": %s}'
READING = DONE % (b'[{"announcements": [%s]}, null]' % ENTRY)
INSTANT = b'{"precision": "instant", "instant": "2026-01-01T09:30:00Z"%s}'


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit",)


HOSTILE = {
    "pickle": pickle.dumps(RunsCode()).replace(b"\n", b""),
    "no JSON": b"\x00\xff",
    "other shape": b"[1, 2]",
    "no result": b'{"ending": "done"}',
    "no such ending": b'{"ending": "won", "result": {"state": "present"}}',
    "no such state": DONE % b'{"state": "hacked"}',
    "text for a number": b'{"ending": "done", "resident": "many"}',
    "long fault": b'{"ending": "fault", "fault": "%s"}' % (b"x" * 10_000),
    "deep": b"[" * 100_000,
    "huge number": DONE % (b"9" * 100_000),
    "many values": DONE % (b"[" + b"1," * 2_100_000 + b"1]"),
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_reply_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # pydantic's message names the fault
        unpack(find_task("recognise").reply, line)


@pytest.mark.parametrize(
    "slot",
    [
        b'{"precision": "instant"}',
        b'{"precision": "day", "first": "2026-01-01"}',
        b'{"precision": "day", "first": "2026-01-02", "last": "2026-01-01"}',
        b'{"precision": "instant", "instant": "2026-01-01T09:30:00"}',
        b'{"precision": "instant", "instant": "0001-01-01T00:00:00+09:00"}',
        INSTANT % b', "timezone": "../../etc/passwd"',
    ],
)
def test_slot_that_no_calendar_can_have_is_refused(slot: bytes) -> None:
    assert unpack(find_task("read").reply, READING % (INSTANT % b"")).result is not None
    with pytest.raises(ValueError):  # noqa: PT011  # as above
        unpack(find_task("read").reply, READING % slot)


def test_calendar_of_100_000_entries_is_read() -> None:
    """Colons in titles, addresses and times do not count as values."""
    slot = INSTANT % b', "raw": "Thursday 1 January 2026, 09:30"'
    entry = ENTRY.replace(b'"t"', b'"Apples: prices, week of 1 January 2026"') % slot
    line = DONE % (b'[{"announcements": [%s]}, null]' % b",".join([entry] * 100_000))
    reading, _ = unpack(find_task("read").reply, line).result
    assert len(reading.announcements) == 100_000


READ_WITHIN_MEMORY = """
import resource, sys
from pathlib import Path
from monitor.look.sandbox.tasks import find_task, unpack

reply = find_task("read").reply
unpack(reply, b'{"ending": "costly"}')
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    unpack(reply, sys.stdin.buffer.read())
except ValueError:
    print("refused")
"""


@pytest.mark.parametrize("value", [b"1", b"{}", b"[[]]", b'""'])
def test_dearest_replies_take_little_memory(value: bytes) -> None:
    """A fault takes kilobytes, and these replies have millions. The first one ends the reading."""
    line = DONE % (b'[{"announcements": [%s1]}, null]' % ((value + b",") * 1_900_000))
    reader = subprocess.run(
        [sys.executable, "-c", READ_WITHIN_MEMORY], input=line, capture_output=True, check=True
    )
    assert reader.stdout == b"refused\n"


STORIES = {
    "sends two lines": "print('{}\\n{}', flush=True); input()",
    "says nothing": "import sys; sys.stdin.read()",
    "dribbles": "import time\nwhile True: time.sleep(0.01); print(end='1', flush=True)",
    "ends": "input()",
    "floods": "while True: print(end='1' * 100_000)",
    "does not read": "import signal; signal.pause()",
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_hostile_worker_is_given_up(story: str) -> None:
    """The daemon does not wait for long, whatever a worker does instead of answering."""
    worker = Worker(
        subprocess.Popen(
            [sys.executable, "-c", story],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    )
    more_than_a_pipe_takes = b"x" * 200_000
    with pytest.raises(TooCostly):
        worker.exchange(more_than_a_pipe_takes, Patience(idle_seconds=0.2, busy_seconds=0.5))
    worker.kill()


async def test_deep_calendar_is_refused_by_the_worker() -> None:
    """15 KB of dotted keys once exceeded the depth of the daemon."""
    workers = Workers(1)
    settings = calendar_settings("toml", "https://a.example/x.toml")
    page = Page("https://a.example/x.toml", 200, b"a" + b".a" * 7500 + b" = 1")
    result, _ = await workers.run("read", "a.example", settings, None, (page,), NOW, seconds=5)
    assert isinstance(result, str)
    workers.close()
