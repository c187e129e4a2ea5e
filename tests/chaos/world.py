"""What chaos is played in: monitors as they are installed, one PostgreSQL, and a publisher of known truth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

import httpx
import psycopg

from bench.daemons import ROOT, await_web, configure, free_port, promised, started
from tests.chaos.publisher import HOSTS

PATIENCE = 60.0
NAMES, WWW = ("north", "south"), "www.example"
_TITLE = "Example figures: July 2026"
_CUT_OFF = 15.0
"""Seconds after which a monitor has tried its store anew since packets were lost, and found it."""
_LOST = "inet chaos"
_LOSES = """table {table} {{
  chain lost {{
    type filter hook input priority 0
    tcp dport {port} numgen random mod 5 == 0 drop
    tcp sport {port} numgen random mod 5 == 0 drop
  }}
}}
"""
_POLICY = """[policy]
on_time_within = "5s"
note_within = "10s"
"""


@dataclass(frozen=True)
class Truth:
    """When a release was promised and when it came out, in seconds since 1970."""

    slot: float
    out: float
    host: str = HOSTS[0]


class Asked(NamedTuple):
    """What the publisher was asked for, when, at which host and by whom; and the status of its answer."""

    path: str
    at: float
    host: str
    by: str
    status: int


@dataclass
class World:
    """The folder of all, the truth by release, the monitors that run by name, and what was asked for when.

    `watch` is further lines of `[watch]`. `programs` has the folder of each monitor's program. Where it `sets_clocks`,
    each monitor goes by a wall clock of its own, which costs it time. Where `is_far`, monitors reach their store over a
    network that `delay` makes slow. Where it `has_names`, monitors find the publisher as `WWW` too.
    """

    place: Path
    database: str
    mode: str
    truths: dict[str, Truth]
    rate: int = 8
    takeover: str = "1200ms"
    watch: str = ""
    programs: dict[str, Path] = field(default_factory=lambda: dict.fromkeys(NAMES, ROOT))
    port: int = 0
    webs: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in NAMES})
    asked: list[Asked] = field(default_factory=list)
    hearing: Condition = field(default_factory=Condition)
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    publisher: subprocess.Popen[str] | None = None
    sets_clocks: bool = False
    is_far: bool = False
    has_names: bool = False
    far_port: int = 0
    hurt: list[tuple[str, str, float, int]] = field(default_factory=list)
    lossy: list[tuple[float, float]] = field(default_factory=list)

    def hear(self, lines: Iterable[str]) -> None:
        """Take in what the publisher tells that it was asked for, until it ends."""
        for line in lines:
            path, at, host, by, status = line.split()
            with self.hearing:
                self.asked.append(Asked(path, float(at), host, by, int(status)))
                self.hearing.notify_all()

    def until_asked(self, more: int, within: float) -> None:
        """Wait until the publisher was asked so many times more, for so many seconds at most."""
        wanted = len(self.asked) + more
        self.hears(lambda: len(self.asked) >= wanted, within)

    def until(self, instant: float, within: float) -> None:
        """Wait until something is asked for at an instant or later, for so many seconds at most."""
        self.hears(lambda: bool(self.asked) and self.asked[-1].at >= instant, within)

    def until_asked_by(self, name: str, host: str = HOSTS[0], since: float = 0.0) -> Asked:
        """Wait until a monitor asks a host at an instant or later, now unless told otherwise."""
        since = since or time.time()

        def those() -> Iterator[Asked]:
            return (one for one in reversed(self.asked) if one.at >= since and (one.by, one.host) == (name, host))

        assert self.hears(lambda: any(those()), PATIENCE), f"{name} asks {host} nothing"
        *_, first = those()
        return first

    def hears(self, what: Callable[[], bool], within: float) -> bool:
        """Wait until something is so of what was asked, for so many seconds at most; tell whether it is."""
        with self.hearing:
            return self.hearing.wait_for(what, within)

    def start(self, name: str) -> None:
        """Start a monitor, or let one that was stopped go on."""
        if name in self.alive and self.alive[name].poll() is None:
            self.alive[name].send_signal(signal.SIGCONT)
            return
        with (self.place / name / "log").open("ab") as log:
            around = self._around(name)
            self.alive[name] = started(self.config(name), log, "INFO", self.programs[name], around)

    def until_up(self, name: str) -> None:
        """Wait until a monitor that was started looks."""
        await_web(self.alive[name], self.webs[name])

    def upgrade(self, name: str, program: Path) -> None:
        """Stop a monitor in good order, and have it look anew as another version."""
        self.send(name, signal.SIGTERM)
        status = self.alive[name].wait(PATIENCE)
        assert status == 0, f"{name} ended with {status}"
        self.programs[name] = program
        self.start(name)
        self.until_asked_by(name)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a monitor a signal."""
        self.alive[name].send_signal(number)
        if number == signal.SIGKILL:
            self.alive[name].wait()

    def starve(
        self, send: Callable[[signal.Signals], None], more: int, within: float, turns: tuple[float, float]
    ) -> None:
        """Halt whom `send` reaches again and again until the publisher was asked so many times more, or for so long.

        By `turns` it stands still and goes on, for so many seconds each.
        """
        stands, goes_on = turns
        wanted, ends = len(self.asked) + more, time.monotonic() + within
        while len(self.asked) < wanted and time.monotonic() < ends:
            send(signal.SIGSTOP)
            self.hears(lambda: False, stands)
            send(signal.SIGCONT)
            self.hears(lambda: False, goes_on)

    def step(self, name: str, seconds: float) -> None:
        """Set a monitor's wall clock so many seconds wrong, or right with none; time goes on steadily for it."""
        (self.place / name / "clock").write_text(f"{seconds:+g}\n", encoding="ascii")

    def hush(self, seconds: float) -> None:
        """Have the publisher answer nobody for so long, whatever it is asked."""
        assert self.publisher is not None
        began = time.time()
        self.publisher.send_signal(signal.SIGSTOP)
        self.hears(lambda: False, seconds)
        self.publisher.send_signal(signal.SIGCONT)
        # It hears at one instant what was asked one by one meanwhile.
        self.lossy.append((began, time.time()))

    def lose(self, port: int, more: int, within: float) -> None:
        """Have a fifth of the packets from and to a port lost until the publisher was asked so many times more.

        Or for so long. TCP sends them anew: what was asked in one second may come in another.
        """
        began = time.time()
        _nft(_LOSES.format(table=_LOST, port=port))
        try:
            self.until_asked(more, within)
        finally:
            _nft(f"delete table {_LOST}")
        # One that is cut off from its store alone goes on with its turns, while the other takes them over.
        cut_off = _CUT_OFF if port == self.store_port else 0.0
        self.lossy.append((began, time.time() + cut_off))

    def delay(self, what: str, milliseconds: int, more: int, within: float) -> None:
        """Have the network take so long each way until the publisher was asked so many times more, or for so long.

        The one to the publisher (`far`), or to the store (`far-store`).
        """
        began = time.time()
        for takes in (milliseconds, 0):
            httpx.get(f"http://{HOSTS[0]}:{self.port}/{what}/{takes}", trust_env=False, timeout=PATIENCE)
            self.until_asked(more if takes else 0, within)
        # Those on their way when it changed come together with those after it.
        self.lossy.append((began, time.time()))

    @property
    def store_port(self) -> int:
        """The port at which monitors reach the store."""
        return self.far_port or self.database_port

    @property
    def database_port(self) -> int:
        """The port of the store itself."""
        return int(self.database.rpartition(":")[2].partition("/")[0])

    @property
    def reached_at(self) -> str:
        """The store's address as monitors are told it."""
        return self.database.replace(f":{self.database_port}/", f":{self.store_port}/")

    def _around(self, name: str) -> dict[str, str]:
        """Return what has a process go by the clock of `step` and find names as `lead_names_to` tells, if at all."""
        libraries, told = list[str](), dict[str, str]()
        if self.sets_clocks:
            libraries.append(_library("faketime", "faketime/libfaketimeMT.so.1"))
            told |= {"FAKETIME_TIMESTAMP_FILE": str(self.place / name / "clock"), "FAKETIME_CACHE_DURATION": "1"}
            # Time goes on steadily.
            told["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        if self.has_names:
            libraries.append(_library("libnss-wrapper", "libnss_wrapper.so"))
            told["NSS_WRAPPER_HOSTS"] = str(self.place / "hosts")
        return {**told, "LD_PRELOAD": ":".join(libraries)} if libraries else {}

    def lead_names_to(self, address: str) -> None:
        """Have `WWW` be found at an address by whoever asks from now on, or nowhere."""
        hosts = self.place / "hosts"
        told = hosts.stat().st_mtime if hosts.exists() else 0.0
        hosts.write_text(f"{address} {WWW}\n" if address else "", encoding="ascii")
        # Who reads it notices another second, and nothing finer.
        os.utime(hosts, (told + 2, told + 2))

    def store(self, number: signal.Signals) -> None:
        """Send a signal to every process of the store, so that it hangs or goes on."""
        for pid in _postgres(self.database_port):
            # One that served a connection may have ended meanwhile.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def store_is(self, *settings: str) -> None:
        """Set parameters of the store for all who use it, each as `name = value`, as soon as it answers."""
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                with self._asked() as asked:
                    for setting in settings:
                        asked.execute(f"ALTER SYSTEM SET {setting}".encode())
                    asked.execute("SELECT pg_reload_conf()")
            except psycopg.OperationalError:
                # Just after a crash it accepts a connection, and drops it when it begins to recover.
                if time.monotonic() > ends:
                    raise
                self.hears(lambda: False, 0.1)
            else:
                return

    def crash(self) -> None:
        """Have a process of the store die, so that it drops every connection and transaction, and recovers.

        What was committed is kept but for what it had not written down, which is some where it does not commit
        synchronously: so does a failover to a standby that lags.
        """
        with self._asked() as asked:
            os.kill(asked.info.backend_pid, signal.SIGKILL)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Have the store's disk be full meanwhile."""
        with self._asked() as asked:
            ((folder,),) = asked.execute("SHOW data_directory").fetchall()
        disk = Path(folder).parent
        assert disk.is_mount(), f"{disk} is on a disk that others need"
        ballast = disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            yield
        finally:
            ballast.unlink()

    def _asked(self) -> psycopg.Connection:
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return psycopg.connect(self.database.replace("+psycopg", ""), autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > ends:
                    raise
                self.hears(lambda: False, 0.1)

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
        program = self.programs[name]
        environment = {**os.environ, "PYTHONPATH": str(program)}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=program, env=environment, timeout=120
        )
        return done.returncode, done.stdout + done.stderr


@contextmanager
def living(made: World) -> Iterator[World]:
    """Give a world in which both monitors have come up."""
    with ExitStack() as stack:
        made.port = stack.enter_context(_publishing(made))
        _write(made)
        try:
            for name in NAMES:
                made.start(name)
            for name in NAMES:
                made.until_up(name)
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
    store = [str(made.database_port)] if made.is_far else []
    command = [sys.executable, "-m", "tests.chaos.publisher", str(comes), *store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        made.publisher = process
        port, *far = map(int, process.stdout.readline().split())
        made.far_port = sum(far)
        hearing = Thread(target=made.hear, args=[process.stdout])
        hearing.start()
        try:
            yield port
        finally:
            process.kill()
            hearing.join()


def _write(made: World) -> None:
    listed = made.place / "calendar.toml"
    urls = {name: f"http://{truth.host}:{made.port}/{name}" for name, truth in made.truths.items()}
    rows = (promised(name, urls[name], truth.slot, _TITLE) for name, truth in made.truths.items())
    listed.write_text("".join(rows), encoding="utf-8")
    # Each host that is asked, and not the trap.
    near = {"allow": "127.0.0.0/30", "port": made.port}
    shared = {**near, "store": made.reached_at, "mode": made.mode, "takeover": made.takeover}
    made.lead_names_to(HOSTS[0])
    for name, web in made.webs.items():
        own = made.place / name
        configure(own, listed, made.watch, _POLICY, web=web, name=name, rate=made.rate, **shared)
        made.step(name, 0.0)


def _library(part: str, name: str) -> str:
    """Return where a library of a Debian package is that stands before the system's own."""
    found = sorted(Path("/usr/lib").glob(f"*/{name}"))
    assert found, f"Debian's package {part} is not here: sh tests/parts installs it"
    return str(found[0])


def _nft(rules: str) -> None:
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"packets are lost by Debian's nftables, as root: {done.stderr}"


def _postgres(port: int) -> list[int]:
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
