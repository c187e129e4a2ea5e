"""The world of a chaos run: two real monitors, one PostgreSQL, and a publisher whose release times
are known.
"""

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

from bench.daemons import ROOT, configure, free_port, release_toml, start_daemon, wait_for_web
from tests.chaos.database import Database
from tests.chaos.publisher import HOSTS

PATIENCE = 60.0
"""Seconds to wait for anything that must happen."""
NAMES, WWW = ("north", "south"), "www.example"
_TITLE = "Example figures: July 2026"
_RECONNECT_TIME = 15.0
"""Seconds after which a monitor has reconnected to its store since packets were lost."""
_NFT_TABLE = "inet chaos"
_DROP_RULES = """table {table} {{
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


class ReceivedRequest(NamedTuple):
    """A request that the publisher received from the monitor `by`, and the status of its answer."""

    path: str
    at: float
    host: str
    by: str
    status: int


@dataclass
class World:
    """The running monitors by name, the true times of each release, and the requests that the
    publisher received.

    `watch` is further lines of `[watch]`.
    `has_own_clocks`: each monitor has its own wall clock, which `set_clock_offset` changes.
    `has_slow_network`: monitors reach their store through a network that `slow_network` delays.
    `resolves_names`: monitors can reach the publisher by the name `WWW`. `faults_played` are fault,
    monitor, time and number of requests. In `irregular_periods` (begin and end) requests can arrive
    together although they were sent one by one.
    """

    folder: Path
    database: Database
    truths: dict[str, Truth]
    rate: int = 8
    takeover: str = "1600ms"
    watch: str = ""
    port: int = 0
    web_ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in NAMES})
    requests: list[ReceivedRequest] = field(default_factory=list)
    request_received: Condition = field(default_factory=Condition)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    publisher: subprocess.Popen[str] | None = None
    has_own_clocks: bool = False
    has_slow_network: bool = False
    resolves_names: bool = False
    slow_store_ports: dict[int, int] = field(default_factory=dict)
    faults_played: list[tuple[str, str, float, int]] = field(default_factory=list)
    irregular_periods: list[tuple[float, float]] = field(default_factory=list)

    def collect_requests(self, lines: Iterable[str]) -> None:
        """Record the requests and pauses that the publisher prints, until its output ends."""
        for line in lines:
            if line.startswith("paused "):
                _, begins, ends = line.split()
                # It then reads at one instant all requests that were sent one by one.
                self.irregular_periods.append((float(begins), float(ends)))
                continue
            path, at, host, by, status = line.split()
            with self.request_received:
                self.requests.append(ReceivedRequest(path, float(at), host, by, int(status)))
                self.request_received.notify_all()

    def wait_for_requests(self, more: int, within: float) -> None:
        """Wait until the publisher received `more` requests, for at most `within` seconds."""
        expected = len(self.requests) + more
        self.wait_until(lambda: len(self.requests) >= expected, within)

    def wait_for_time(self, instant: float, within: float) -> None:
        """Wait for the first request at an instant or later, for at most `within` seconds."""
        self.wait_until(lambda: bool(self.requests) and self.requests[-1].at >= instant, within)

    def wait_for_request_from(
        self, name: str, host: str = HOSTS[0], since: float = 0.0
    ) -> ReceivedRequest:
        """Wait for a monitor's first request to a host since an instant (default: now), and return
        it.
        """
        since = since or time.time()

        def find_matching() -> Iterator[ReceivedRequest]:
            return (
                one
                for one in reversed(self.requests)
                if one.at >= since and (one.by, one.host) == (name, host)
            )

        assert self.wait_until(lambda: any(find_matching()), PATIENCE), (
            f"{name} sends {host} no request"
        )
        *_, first = find_matching()
        return first

    def wait_until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait until a condition on the requests is true, for at most `within` seconds.

        Return whether it is.
        """
        with self.request_received:
            return self.request_received.wait_for(condition, within)

    def start(self, name: str) -> None:
        """Start a monitor, or resume a stopped one."""
        if name in self.processes and self.processes[name].poll() is None:
            self.processes[name].send_signal(signal.SIGCONT)
            return
        with (self.folder / name / "log").open("ab") as log:
            environment = self._make_environment(name)
            self.processes[name] = start_daemon(self.config(name), log, "INFO", ROOT, environment)

    def wait_until_ready(self, name: str) -> None:
        """Wait until a monitor's web server says that it is ready."""
        wait_for_web(self.processes[name], self.web_ports[name])

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a monitor a signal. After SIGKILL, wait for its end."""
        self.processes[name].send_signal(number)
        if number == signal.SIGKILL:
            self.processes[name].wait()

    def pause_repeatedly(
        self,
        send: Callable[[signal.Signals], None],
        more: int,
        within: float,
        turns: tuple[float, float],
    ) -> None:
        """Stop and resume processes through `send` until `more` requests came, or for `within`
        seconds.

        `turns` are the seconds for which they are stopped and then run.
        """
        stopped, running = turns
        expected, ends = len(self.requests) + more, time.monotonic() + within
        while len(self.requests) < expected and time.monotonic() < ends:
            send(signal.SIGSTOP)
            self.wait_until(lambda: False, stopped)
            send(signal.SIGCONT)
            self.wait_until(lambda: False, running)

    def set_clock_offset(self, name: str, seconds: float) -> None:
        """Set a monitor's wall clock wrong by so many seconds. Its monotonic clock is unchanged."""
        (self.folder / name / "clock").write_text(f"{seconds:+g}\n", encoding="ascii")

    def silence_publisher(self, seconds: float) -> None:
        """Stop the publisher for so many seconds, so that it answers no request."""
        assert self.publisher is not None
        self.publisher.send_signal(signal.SIGSTOP)
        self.wait_until(lambda: False, seconds)
        self.publisher.send_signal(signal.SIGCONT)

    def drop_packets(self, port: int, more: int, within: float) -> None:
        """Drop a fifth of the packets from and to a port until `more` requests came, or for
        `within` seconds.

        TCP sends them again, so that a request can arrive in a later second than it was sent in.
        """
        began = time.time()
        _apply_nftables(_DROP_RULES.format(table=_NFT_TABLE, port=port))
        try:
            self.wait_for_requests(more, within)
        finally:
            _apply_nftables(f"delete table {_NFT_TABLE}")
        # A monitor that loses only its store continues with its share, and the other monitor takes
        # that share over.
        cut_off = _RECONNECT_TIME if port == self.store_port else 0.0
        self.irregular_periods.append((began, time.time() + cut_off))

    def slow_network(self, network: str, milliseconds: int, more: int, within: float) -> None:
        """Delay each direction of a network until `more` requests came, or for `within` seconds.

        `network` is `far` (to the publisher) or `far-store` (to the store).
        """
        began = time.time()
        for delay in (milliseconds, 0):
            httpx.get(
                f"http://{HOSTS[0]}:{self.port}/{network}/{delay}",
                trust_env=False,
                timeout=PATIENCE,
            )
            self.wait_for_requests(more if delay else 0, within)
        # Requests under way at the change arrive together with later ones.
        self.irregular_periods.append((began, time.time()))

    def cut_off_store(self, name: str) -> None:
        """Cut a monitor off from the store, until `join_store`. Its connections end."""
        with self._connect_to_store() as connection:
            connection.execute(f"ALTER ROLE {name} NOLOGIN".encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name]
            )

    def join_store(self, name: str) -> None:
        """Let a monitor that was cut off reach the store again."""
        with self._connect_to_store() as connection:
            connection.execute(f"ALTER ROLE {name} LOGIN".encode())

    def control_publisher(self, path: str) -> None:
        """Request a path by which the publisher changes how it answers."""
        address = f"http://{HOSTS[0]}:{self.port}{path}"
        httpx.get(address, trust_env=False, timeout=PATIENCE)

    def make_roles(self) -> None:
        """Give each monitor a user of its own in the store, unless it has one."""
        with self._connect_to_store() as connection:
            for name in NAMES:
                found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
                if not found.fetchall():
                    connection.execute(f"CREATE ROLE {name} LOGIN SUPERUSER".encode())

    @property
    def store_port(self) -> int:
        """The port at which monitors reach the store."""
        return self._find_port_for_monitors(self.database.port)

    def _find_port_for_monitors(self, port: int) -> int:
        return self.slow_store_ports.get(port, port)

    def store_url(self, name: str) -> str:
        """Return the store's address in a monitor's configuration, which names both servers."""
        ports = ",".join(str(self._find_port_for_monitors(port)) for port in self.database.ports)
        hosts = ",".join([HOSTS[0]] * len(self.database.ports))
        servers = f"host={hosts}&port={ports}&target_session_attrs=read-write"
        return f"postgresql+psycopg://{name}@/postgres?{servers}"

    def _make_environment(self, name: str) -> dict[str, str]:
        """Return the variables that give a monitor its own clock and its own host names; empty
        without either.
        """
        libraries, variables = list[str](), dict[str, str]()
        if self.has_own_clocks:
            libraries.append(_find_library("faketime", "faketime/libfaketimeMT.so.1"))
            variables |= {
                "FAKETIME_TIMESTAMP_FILE": str(self.folder / name / "clock"),
                "FAKETIME_CACHE_DURATION": "1",
            }
            # Change the wall clock only.
            variables["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        if self.resolves_names:
            libraries.append(_find_library("libnss-wrapper", "libnss_wrapper.so"))
            variables["NSS_WRAPPER_HOSTS"] = str(self.folder / "hosts")
        return {**variables, "LD_PRELOAD": ":".join(libraries)} if libraries else {}

    def resolve_names_to(self, address: str) -> None:
        """Make `WWW` resolve to an address from now on; with an empty address it resolves to
        none.
        """
        hosts = self.folder / "hosts"
        modified = hosts.stat().st_mtime if hosts.exists() else 0.0
        hosts.write_text(f"{address} {WWW}\n" if address else "", encoding="ascii")
        # The resolver reads the file again only if its modification time is in another second.
        os.utime(hosts, (modified + 2, modified + 2))

    def signal_store(self, number: signal.Signals) -> None:
        """Send a signal to every process of the store, to stop or resume it."""
        for pid in _list_postgres_processes(self.database.port):
            # A process that served a connection can have ended.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def set_store_parameters(self, *settings: str) -> None:
        """Set parameters of the store for all connections, each as `name = value`, as soon as it
        answers.
        """
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                with self._connect_to_store() as connection:
                    for setting in settings:
                        connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                    connection.execute("SELECT pg_reload_conf()")
            except psycopg.OperationalError:
                # Just after a crash it accepts a connection, and drops it when it begins to
                # recover.
                if time.monotonic() > ends:
                    raise
                self.wait_until(lambda: False, 0.1)
            else:
                return

    def crash_store(self) -> None:
        """Kill a process of the store, so that it drops all connections and transactions and
        recovers.

        It keeps what was committed. Without synchronous commits it can lose the last of them, like
        a failover to a standby that is behind.
        """
        with self._connect_to_store() as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)

    @contextmanager
    def fill_store_disk(self) -> Iterator[None]:
        """Keep the store's disk full inside the `with` block."""
        with self._connect_to_store() as connection:
            ((folder,),) = connection.execute("SHOW data_directory").fetchall()
        disk = Path(folder).parent
        assert disk.is_mount(), f"{disk} has no disk of its own, so it cannot be filled"
        ballast = disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            yield
        finally:
            ballast.unlink()

    def wait_until_delivered(self, within: float) -> None:
        """Wait until no notice waits in the store, for at most `within` seconds.

        On a busy machine, the leader may just have changed.
        """
        ends = time.monotonic() + within
        waiting = "SELECT 1 FROM delivery WHERE standing = 'waiting' LIMIT 1"
        with self._connect_to_store() as connection:
            while connection.execute(waiting.encode()).fetchall() and time.monotonic() < ends:
                self.wait_until(lambda: False, 0.2)

    def _connect_to_store(self) -> psycopg.Connection:
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return self.database.connect()
            except psycopg.OperationalError:
                if time.monotonic() > ends:
                    raise
                self.wait_until(lambda: False, 0.1)

    def stop_all(self) -> None:
        """Resume all monitors and stop them with SIGTERM."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(60)

    def config(self, name: str) -> Path:
        """Return the path of a monitor's configuration."""
        return self.folder / name / "config.toml"

    def run_command(self, name: str, *words: str) -> tuple[int, str]:
        """Run `ninethirty` with a monitor's configuration. Return its exit status and its output,
        followed by its errors if it failed.
        """
        command = [sys.executable, "-m", "monitor", "--config", str(self.config(name)), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment,
            timeout=120,
        )
        if done.returncode:
            return done.returncode, done.stdout + done.stderr
        return 0, done.stdout


@contextmanager
def running_world(world: World) -> Iterator[World]:
    """Yield a world in which both monitors are ready. Kill them afterwards."""
    with ExitStack() as stack:
        world.port = stack.enter_context(_running_publisher(world))
        _write_configurations(world)
        try:
            for name in NAMES:
                world.start(name)
            for name in NAMES:
                world.wait_until_ready(name)
            yield world
        finally:
            world.signal_store(signal.SIGCONT)
            for process in world.processes.values():
                process.kill()
                process.wait()


@contextmanager
def _running_publisher(world: World) -> Iterator[int]:
    out_times = world.folder / "out.json"
    out_times.write_text(
        json.dumps({f"/{name}": truth.out for name, truth in world.truths.items()}),
        encoding="utf-8",
    )
    ports = world.database.ports if world.has_slow_network else ()
    command = [sys.executable, "-m", "tests.chaos.publisher", str(out_times), *map(str, ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        world.publisher = process
        port, *slow = map(int, process.stdout.readline().split())
        world.slow_store_ports = dict(zip(ports, slow, strict=True))
        reader = Thread(target=world.collect_requests, args=[process.stdout])
        reader.start()
        try:
            yield port
        finally:
            process.kill()
            reader.join()


def _write_configurations(world: World) -> None:
    listed = world.folder / "calendar.toml"
    urls = {
        name: f"http://{truth.host}:{world.port}/{name}" for name, truth in world.truths.items()
    }
    rows = (
        release_toml(name, urls[name], truth.slot, _TITLE) for name, truth in world.truths.items()
    )
    listed.write_text("".join(rows), encoding="utf-8")
    # Allow the hosts of the publisher, but not its trap.
    publisher = {"allow": "127.0.0.0/30", "port": world.port}
    shared = {**publisher, "takeover": world.takeover}
    world.make_roles()
    world.resolve_names_to(HOSTS[0])
    for name, web in world.web_ports.items():
        own = world.folder / name
        values = {"web": web, "name": name, "rate": world.rate, "store": world.store_url(name)}
        configure(own, listed, world.watch, _POLICY, **values, **shared)
        world.set_clock_offset(name, 0.0)


def _find_library(part: str, name: str) -> str:
    """Return the path of a library from a Debian package, to be loaded before the system's own."""
    found = sorted(Path("/usr/lib").glob(f"*/{name}"))
    assert found, f"Debian's package {part} is missing: `sh tests/parts` installs it"
    return str(found[0])


def _apply_nftables(rules: str) -> None:
    done = subprocess.run(
        ["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"nftables, which must run as root, failed: {done.stderr}"


def _list_postgres_processes(port: int) -> list[int]:
    """Return the process ids of the PostgreSQL cluster at a port: its first process and its
    children.
    """
    found = []
    for each in Path("/proc").iterdir():
        try:
            if (
                each.name.isdecimal()
                and f"-p\0{port}\0" in (each / "cmdline").read_text(encoding="utf-8") + "\0"
            ):
                found.append(int(each.name))
        except OSError:
            continue
    children = {int(pid) for first in found for pid in _list_children(first)}
    return [*found, *children]


def _list_children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
