"""The real daemon in front of a scripted publisher, over real HTTP and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts.channel import Channel, Message
from monitor.app.build import App, Edges, build
from monitor.app.daemon import Daemon
from monitor.clock import SteadyClock, VirtualClock
from monitor.config.settings import Settings
from monitor.judge.runs import Run
from monitor.look.fetch import Fetcher
from monitor.look.http.fetcher import HttpFetcher
from monitor.rehearse.publisher.server import Publisher
from monitor.rehearse.script.script import Script, read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.rehearse.virtual_loop import TimeStoppingFetcher, run_virtually
from monitor.store.open import open_store
from monitor.store.rows import Judged
from monitor.store.sql.engine import Store
from monitor.store.writer import DELAY
from tests.unit.monitor.deliver.outbox import a_channel
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.virtual import Test, asking_for
from tests.worlds.workers import start_here

UNHURRIED = 5.0
"""Seconds of virtual time from a look to its commit, as in a rehearsal: else each look is a batch
of its own.
"""
HOST = "www.gov.uk"
URL = f"https://{HOST}/government/statistics/claims"
PAGE = "claims-q3/page/edge"
HEAD = """
title = "A story"
from = 2026-11-26T09:28:00
until = 2026-11-26T10:30:00

[[release]]
id = "claims-q3"
title = "Example claims: July to September 2026"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/claims"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
"""
OFF_GOVUK_URL = "https://stats.example/claims"
HEAD_OFF_GOVUK = HEAD.replace(URL, OFF_GOVUK_URL)
"""The same release on another site: then the calendar `rehearsal` announces it, which a story can
change or break.
"""
NEVER_PUBLISHED = ""


def published_at(time: str, url: str = URL) -> str:
    """Return the tables of a publisher whose page is there from this time of the day of the script
    on.
    """
    return f'[[answer]]\nurl = "{url}"\nat = 2026-11-26T{time}\n'


PUBLISHED_AT_SLOT = published_at("09:30:00")


@dataclass
class MonitorInTest:
    """Daemons that run one after the other on one store. Their channel keeps every message."""

    script: Script
    settings: Settings
    clock: VirtualClock
    channels: Sequence[Channel]
    store_of: Callable[[], Store | None]
    delay: float = UNHURRIED
    around: Callable[[Fetcher], Fetcher] = lambda fetcher: fetcher
    true_clock: VirtualClock = field(init=False)
    publisher: Publisher = field(init=False)
    app: App = field(init=False)
    daemon: Daemon = field(init=False)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        # The publisher's clock is right even if a test sets the machine's wrong.
        self.true_clock = VirtualClock(self.script.begins)
        self.publisher = Publisher(self.script, self.true_clock, self.settings.timezone)

    def build(self) -> None:
        """Build a daemon, without running it."""
        clock = SteadyClock(self.clock)
        fetcher = self.around(TimeStoppingFetcher(HttpFetcher(clock, route=self.publisher.route)))
        edges = Edges(
            clock=clock,
            fetcher=fetcher,
            store=self.store_of(),
            open_channels=lambda *_: self.channels,
            seed=1,
            serve=False,
            durable=False,
            start_worker=start_here,
            delay=self.delay,
            spools=self.delay == DELAY,
        )
        self.app = build(self.settings, edges)
        self.daemon = self.app.daemon

    async def start(self) -> None:
        self.build()
        self.stop = asyncio.Event()
        self.running = asyncio.create_task(self.daemon.run(self.stop))

    async def kill(self) -> None:
        """End it as kill -9 does. Its writer must commit as often as a real one."""
        assert self.running is not None
        assert self.delay == DELAY
        self.daemon.abandon()
        self.running.cancel()
        await self._wait_until_ended()

    async def restart(self, *, killed_at: str, started_at: str) -> None:
        """Kill the daemon at one time of the day of the script, and start another at a later
        one.
        """
        await self.until(killed_at)
        await self.kill()
        await self.until(started_at)
        await self.start()

    async def end(self) -> None:
        """Stop it in good order."""
        self.stop.set()
        await self._wait_until_ended()

    async def _wait_until_ended(self) -> None:
        if self.running is not None:
            (outcome,) = await asyncio.gather(self.running, return_exceptions=True)
            await self.daemon.close()
            self.running = None
            if isinstance(outcome, Exception):
                raise outcome

    async def until(self, text: str) -> None:
        """Wait until this time of the day of the script; a daemon that ends meanwhile raises."""
        moment = datetime.fromisoformat(f"2026-11-26T{text}+00:00")
        pause = asyncio.ensure_future(self.clock.sleep((moment - self.clock.now()).total_seconds()))
        waiting = {pause} | ({self.running} if self.running is not None else set())
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self.running is not None and self.running.done():
            pause.cancel()
            await self._wait_until_ended()
        await pause

    @property
    def store(self) -> Store:
        """Return the store of the daemon that runs or ran last."""
        return self.daemon.core.store

    def received(self) -> list[Message]:
        """Return the messages that the only channel got."""
        (channel,) = self.channels
        assert isinstance(channel, FakeChannel)
        return list(channel.messages.values())

    def stored_verdict(self) -> str | None:
        """Return the verdict on the release `claims-q3` in the store, None if there is none."""
        row = self.store.verdicts.judged_one("claims-q3")
        return row.word if row is not None else None

    def verdict_row(self, release: str = "claims-q3") -> Judged:
        row = self.store.verdicts.judged_one(release)
        assert row is not None
        return row

    def runs(self, target: str = PAGE) -> list[Run]:
        return self.daemon.parts.watch.releases["claims-q3"].runs.get(target, [])

    def notice_kinds(self) -> list[str]:
        """Return the kind of every notice so far."""
        return [notice.kind for notice in self.store.outbox.notices()]

    def notice_subjects(self) -> list[str]:
        """Return the subject of every notice so far."""
        return [notice.subject for notice in self.store.outbox.notices()]

    def finding_kinds(self, release: str = "claims-q3") -> set[str]:
        row = self.store.verdicts.judged_one(release)
        return set() if row is None else {finding["kind"] for finding in row.body["findings"]}

    def count_looks(self, outcome: str, host: str = HOST) -> float:
        """Return how often `looks_total` counted this outcome."""
        return self.metric("looks_total", host=host, outcome=outcome) or 0.0

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of the metric `ninethirty_NAME` with these labels, None if it has
        none.
        """
        return self.daemon.core.metrics.registry.get_sample_value(f"ninethirty_{name}", labels)


Act = Callable[[MonitorInTest], Awaitable[None]]


def run_monitor(  # noqa: PLR0913 # what makes one story differ from another
    folder: Path,
    tables: str,
    act: Act,
    *,
    channels: Callable[[VirtualClock], Sequence[Channel]] | None = None,
    store_of: Callable[[], Store | None] = lambda: None,
    head: str = HEAD,
    base: Settings | None = None,
    delay: float = UNHURRIED,
    around: Callable[[Fetcher], Fetcher] = lambda fetcher: fetcher,
) -> Settings:
    """Start the daemon in front of a publisher that plays these tables, act, and stop it.

    Return its settings.

    If a test kills it or has its store fail, `delay` must be the real `DELAY`. `around` can wrap
    the real fetcher.
    """
    path = folder / "story.toml"
    path.write_text(head + tables)
    script = read_script(path)
    settings = rehearsal_settings(script, base or Settings(), folder)

    async def story(clock: VirtualClock) -> None:
        own = channels(clock) if channels is not None else [a_channel(clock, "outbox")]
        monitor = MonitorInTest(script, settings, clock, own, store_of, delay, around)
        await monitor.publisher.start()
        try:
            await monitor.start()
            await act(monitor)
            await monitor.end()
        finally:
            await monitor.publisher.close()

    run_virtually(story, script.begins, patience=20)
    return settings


def with_daemon(
    tables: str,
    *,
    base: Settings | Callable[[Path], Settings] = lambda _folder: Settings(),
    **options: Any,  # noqa: ANN401 # as `run_monitor` takes them
) -> Callable[[Test], Any]:
    """Run a coroutine as a test.

    Its `monitor` is a daemon in front of a publisher that plays these tables.

    `base` is its settings, or returns them for its folder. `options` are those of `run_monitor`.
    The other arguments are fixtures.
    """

    def decorate(test: Test) -> Any:  # noqa: ANN401 # a test as pytest sees it
        def run(tmp_path: Path, **fixtures: object) -> None:
            settings = base if isinstance(base, Settings) else base(tmp_path)
            run_monitor(
                tmp_path,
                tables,
                lambda monitor: test(monitor=monitor, **fixtures),
                base=settings,
                **options,
            )

        return asking_for(run, test, given=("monitor",), more=("tmp_path",))

    return decorate


def reopened(settings: Settings) -> Store:
    return open_store(settings.store.url)
