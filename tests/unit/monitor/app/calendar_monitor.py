"""A daemon whose calendars answer from a table, in virtual time, without looks: for tests of
calendar reads.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.app.build import Edges, build
from monitor.clock import SteadyClock, VirtualClock
from monitor.config.settings import Settings
from monitor.ledger.ledger import Ledger
from monitor.ledger.reader import CalendarReader
from monitor.look.fetch import Reason
from monitor.look.sandbox.workers import WorkerFault
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.open import open_store
from monitor.store.rows import CalendarRead
from monitor.store.sql.engine import Store
from tests.worlds.fake_channel import FakeChannel, Options
from tests.worlds.fetcher import Reply, ScriptedFetcher
from tests.worlds.stores import a_store_file
from tests.worlds.virtual import Test, asking_for
from tests.worlds.workers import start_here

START = datetime(2026, 11, 16, 12, tzinfo=UTC)
URL = "https://stats.example/calendar.csv"


def csv(*rows: str) -> Reply:
    return Reply(200, "\n".join(("id,title,producer,url,date,time,state", *rows, "")).encode())


def row(
    name: str,
    when: str = "2026-11-26",
    time: str = "09:30",
    state: str = "confirmed",
    title: str = "",
) -> str:
    return f"{name},{title or f'Example {name}'},example-office,https://stats.example/{name},{when},{time},{state}"


def many(count: int, *, days: int = 30, first: int = 0) -> list[str]:
    """Return rows of releases that come a day apart, the first `days` after the start."""
    return [
        row(f"r{n}", f"{START + timedelta(days=days + n):%Y-%m-%d}", title=f"Example subject {n}")
        for n in range(first, first + count)
    ]


def own_entry(
    name: str, when: str = "2026-11-26T09:30:00", url: str = "", title: str = ""
) -> dict[str, str]:
    """Return an entry of the calendar `own`. It has no link unless a `url` is given."""
    words = title or f"Example {name}"
    return {
        "id": f"x-{name}",
        "title": words,
        "url": url,
        "date": when,
        "producer": "example-office",
    }


def as_json(*entries: Mapping[str, Any], **extra: object) -> Reply:
    return Reply(200, json.dumps({"releases": entries, **extra}).encode())


class CalendarMonitor:
    """A monitor of calendars without looks: daemons that run one after the other on one store."""

    def __init__(self, clock: VirtualClock, settings: Settings) -> None:
        self.clock = clock
        self.settings = settings
        self.store_of: Callable[[str], Store] = lambda url: open_store(url, durable=False)
        self.pages: dict[str, Reply] = {}
        self.channel = FakeChannel("outbox", Options(), clock.now)
        self.fetcher = ScriptedFetcher(
            clock, lambda request: self.pages.get(request.url, Reply(404))
        )

    @property
    def ledger_in_memory(self) -> Ledger:
        return self.daemon.core.ledger

    @property
    def watched_ids(self) -> set[str]:
        """Return the ids of the releases that are under watch."""
        return set(self.daemon.parts.watch.releases)

    async def start(self, *, runs_hourly_job: bool = True) -> None:
        """Start a daemon on the store.

        Without its hourly job, it watches only the releases of the next day or so.
        """
        edges = Edges(
            clock=SteadyClock(self.clock),
            fetcher=self.fetcher,
            store=self.store_of(self.settings.store.url),
            open_channels=lambda *_: [self.channel],
            seed=1,
            serve=False,
            durable=False,
            start_worker=start_here,
        )
        self.app = build(self.settings, edges)
        self.daemon = self.app.daemon
        await self.daemon.start_watching()
        if runs_hourly_job:
            await self.run_hourly_job()

    async def run_hourly_job(self) -> None:
        """Add the releases that have come near to the watch, and drop those that are over."""
        await self.daemon.parts.admission.roll()

    async def judge_all(self) -> None:
        """Judge every release under watch."""
        await self.daemon.parts.watch.judging.judge_all(list(self.watched_ids))

    async def stop(self) -> None:
        self.daemon.core.writer.request_batch()
        await self.daemon.core.writer.close()
        await self.daemon.close()

    async def restart(self, *, runs_hourly_job: bool = True, **settings: object) -> None:
        """Start another daemon on the same store, with these tables of its settings changed."""
        await self.stop()
        self.settings = self.settings.model_copy(update=settings)
        await self.start(runs_hourly_job=runs_hourly_job)

    def reader(self, name: str = "stats") -> CalendarReader:
        return next(
            reader for reader, _ in self.daemon.parts.calendar_reads.readers if reader.name == name
        )

    async def read_calendar(
        self, reply: Reply | None = None, name: str = "stats", *, minutes_later: float = 0
    ) -> CalendarRead:
        """Read a calendar after so many minutes.

        From then on it is answered with `reply`, if there is one.
        """
        if minutes_later:
            await self.clock.sleep(minutes_later * 60)
        reader = self.reader(name)
        if reply is not None:
            self.pages[reader.source.first(self.clock.now())[0].url] = reply
        return await self.daemon.parts.calendar_reads.read(reader)

    async def break_worker(self, host: str, minutes_later: float) -> None:
        """Have a worker break over an answer of a host after so many minutes, and notify people of
        it.
        """
        await self.clock.sleep(minutes_later * 60)
        with suppress(WorkerFault):
            await self.daemon.core.workers.run("strip", host, None, seconds=5)
        await self.daemon.parts.calendar_reads.incidents.report_costly_hosts()

    def last_read(self, name: str = "stats") -> float | None:
        """Return the metric that tells when a calendar was last read with success."""
        return self.metric("calendar_last_read_timestamp_seconds", calendar=name)

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of the metric `ninethirty_NAME` with these labels, None if it has
        none.
        """
        return self.daemon.core.metrics.registry.get_sample_value(f"ninethirty_{name}", labels)

    @property
    def store(self) -> Store:
        """Return the store of the daemon that runs or ran last."""
        return self.daemon.core.store

    def notice_subjects(self) -> list[str]:
        """Return the subject of every notice."""
        return [notice.subject for notice in self.store.outbox.notices()]


Act = Callable[[CalendarMonitor], Awaitable[None]]
STATS = {"name": "stats", "kind": "csv", "url": URL}
OWN = {"name": "own", "kind": "json", "url": "https://stats.example/own.json"}


def run_calendar_monitor(
    folder: Path,
    act: Act,
    *calendars: Mapping[str, Any],
    begins: datetime = START,
    **tables: object,
) -> None:
    chosen = {
        "store": {"url": a_store_file(folder / "store.db")},
        "evidence": {"folder": str(folder / "evidence")},
        "calendar": list(calendars) or [STATS],
        "budget": {"default": "100/s"},
        **tables,
    }
    settings = Settings.model_validate(chosen)

    async def story(clock: VirtualClock) -> None:
        monitor = CalendarMonitor(clock, settings)
        await monitor.start()
        try:
            await act(monitor)
        finally:
            await monitor.stop()

    run_virtually(story, begins, patience=20)


def with_calendar_monitor(
    *calendars: Mapping[str, Any], begins: datetime = START, **tables: object
) -> Callable[[Test], Any]:
    """Run a coroutine as a test.

    Its `monitor` is a new one with these calendars; the other arguments are fixtures.
    """

    def decorate(test: Test) -> Any:  # noqa: ANN401 # a test as pytest sees it
        def run(tmp_path: Path, **fixtures: object) -> None:
            run_calendar_monitor(
                tmp_path,
                lambda monitor: test(monitor=monitor, **fixtures),
                *calendars,
                begins=begins,
                **tables,
            )

        return asking_for(run, test, given=("monitor",), more=("tmp_path",))

    return decorate


RESET = Reply(fails=Reason.RESET)
