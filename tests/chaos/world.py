"""What chaos is played in: monitors as they are installed, one PostgreSQL, and a publisher of known truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread

from bench.daemons import ROOT, await_web, configure, free_port, promised, started

RATE = 8
NAMES = ("north", "south")
_TITLE = "Example figures: July 2026"
_POLICY = """[policy]
on_time_within = "5s"
note_within = "10s"
"""


@dataclass(frozen=True)
class Truth:
    """When a release was promised and when it came out, in seconds since 1970."""

    slot: float
    out: float


@dataclass
class World:
    """The folder of all, the truth by release, the monitors that run by name, and what was asked for when."""

    place: Path
    database: str
    mode: str
    truths: dict[str, Truth]
    port: int = 0
    asked: list[tuple[str, float]] = field(default_factory=list)
    hearing: Condition = field(default_factory=Condition)
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    hurt: list[tuple[str, str, float, int]] = field(default_factory=list)

    def hear(self, lines: Iterable[str]) -> None:
        """Take in what the publisher tells that it was asked for, until it ends."""
        for line in lines:
            path, at = line.split()
            with self.hearing:
                self.asked.append((path, float(at)))
                self.hearing.notify_all()

    def until_asked(self, more: int, within: float) -> None:
        """Wait until the publisher was asked so many times more, for so many seconds at most."""
        wanted = len(self.asked) + more
        with self.hearing:
            self.hearing.wait_for(lambda: len(self.asked) >= wanted, within)

    def until(self, instant: float, within: float) -> None:
        """Wait until something is asked for at an instant or later, for so many seconds at most."""
        with self.hearing:
            self.hearing.wait_for(lambda: bool(self.asked) and self.asked[-1][1] >= instant, within)

    def start(self, name: str) -> None:
        """Start a monitor, or let one that was stopped go on."""
        if name in self.alive and self.alive[name].poll() is None:
            self.alive[name].send_signal(signal.SIGCONT)
            return
        with (self.place / name / "log").open("ab") as log:
            self.alive[name] = started(self.config(name), log, "INFO")

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a monitor a signal."""
        self.alive[name].send_signal(number)
        if number == signal.SIGKILL:
            self.alive[name].wait()

    def store(self, number: signal.Signals) -> None:
        """Send a signal to every process of the store, so that it hangs or goes on."""
        (port,) = [part.rpartition(":")[2].partition("/")[0] for part in [self.database]]
        for pid in _postgres(port):
            os.kill(pid, number)

    def end(self) -> None:
        """Let everybody go on, and stop every monitor in good order."""
        for process in self.alive.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self.alive.values():
            process.wait(60)

    def config(self, name: str) -> Path:
        """Return a monitor's configuration."""
        return self.place / name / "config.toml"

    def says(self, name: str, *words: str) -> tuple[int, str]:
        """Return the status and the words of a command as a monitor's machine would run it."""
        command = [sys.executable, "-m", "monitor", "--config", str(self.config(name)), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
        return done.returncode, done.stdout + done.stderr


@contextmanager
def world(place: Path, database: str, mode: str, truths: dict[str, Truth]) -> Iterator[World]:
    """Give a world in which two monitors have come up."""
    made = World(place, database, mode, truths)
    with ExitStack() as stack:
        made.port = stack.enter_context(_publishing(made))
        webs = {name: free_port() for name in NAMES}
        _write(made, webs)
        try:
            for name in NAMES:
                made.start(name)
            for name in NAMES:
                await_web(made.alive[name], webs[name])
            yield made
        finally:
            made.store(signal.SIGCONT)
            for process in made.alive.values():
                process.kill()
                process.wait()


@contextmanager
def _publishing(made: World) -> Iterator[int]:
    comes = made.place / "comes.json"
    comes.write_text(json.dumps({f"/{name}": truth.out for name, truth in made.truths.items()}), encoding="utf-8")
    command = [sys.executable, "-m", "tests.chaos.publisher", str(comes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        hearing = Thread(target=made.hear, args=[process.stdout])
        hearing.start()
        try:
            yield port
        finally:
            process.kill()
            hearing.join()


def _write(made: World, webs: dict[str, int]) -> None:
    listed = made.place / "calendar.toml"
    at = f"http://127.0.0.1:{made.port}"
    rows = (promised(name, f"{at}/{name}", truth.slot, _TITLE) for name, truth in made.truths.items())
    listed.write_text("".join(rows), encoding="utf-8")
    shared = {"store": made.database, "mode": made.mode, "port": made.port, "rate": RATE}
    for name, web in webs.items():
        configure(made.place / name, listed, _POLICY, web=web, name=name, **shared)


def _postgres(port: str) -> list[int]:
    """Return the processes of the cluster at a port: its first one, and those that it started."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdecimal() and f"-p\0{port}\0" in (each / "cmdline").read_text(encoding="utf-8") + "\0":
                found.append(int(each.name))
        except OSError:
            continue
    children = {int(pid) for first in found for pid in _children(first)}
    return [*found, *children]


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
