"""SQLite stores made from a template, and rows to put into any store."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, select

from alerts.claim import Claim
from monitor.errors import StoreFault
from monitor.judge.runs import Run
from monitor.plan.targets import release_from_id
from monitor.store.rows import (
    Announced,
    CalendarRead,
    Delivery,
    DeliveryState,
    Event,
    Judged,
    Record,
)
from monitor.store.sql.engine import Store
from monitor.store.sql.read import Reads
from monitor.store.sql.tables import HEAD, METADATA, REVISION
from monitor.store.sql.write import Transaction
from tests.worlds.instants import DAY, SECOND, SLOT
from tests.worlds.releases import PAGE_URL, an_announcement


@cache
def _template() -> bytes:
    """Return the file of a new store.

    It is made once a process: to copy it takes a fifth of the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "store.db")
        Store.open_upgraded(f"sqlite:///{file}", durable=False).close()
        return file.read_bytes()


def a_store_file(file: Path) -> str:
    """Write the file of a new store, of this version's shape and without rows; return its
    address.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_template())
    return f"sqlite:///{file}"


def a_store(folder: Path, name: str = "store.db", *, durable: bool = False) -> Store:
    """Return a new store in a file of this folder. The caller closes it."""
    return Store.open_upgraded(a_store_file(folder / name), durable=durable)


class TemporaryStore(Store):
    """A new store in a folder of its own, which is deleted with it.

    A test may subclass it to make commits fail.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="ninethirty-"))
        super().__init__(a_store_file(folder / "store.db"), durable=False)
        weakref.finalize(self, _delete_store, self._engine, folder)
        self.upgrade()


class CutStore(Store):
    """A store that its monitor cannot reach while it is cut."""

    is_cut = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.is_cut:
            raise StoreFault("the network is cut")
        with super().transaction() as tx:
            yield tx


def _delete_store(engine: Engine, folder: Path) -> None:
    engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def an_emptied_store(url: str) -> str:
    """Leave no row in a store on PostgreSQL, and no table if it is not of this version's shape;
    return its address.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        is_store = inspect(connection).has_table(REVISION.name)
        kept = connection.execute(select(REVISION)).all() if is_store else []
        if kept == [(HEAD,)]:
            names = [table.name for table in reversed(METADATA.sorted_tables)]
            connection.exec_driver_sql(";".join(f'DELETE FROM "{name}"' for name in names))  # noqa: S608 # our own names
        else:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    return url


def runs_of(store: Reads, *targets: str) -> list[Run]:
    """Return the runs of these targets in time order."""
    releases = sorted({release_from_id(target) for target in targets})
    kept = [
        run for name in releases for run in store.runs.of_release(name) if run.target in targets
    ]
    return sorted(kept, key=lambda run: (run.first_sent, run.target, run.monitor))


def a_verdict_row(release: str = "r", **fields: object) -> Judged:
    """Return the row that keeps a verdict: late, final and judged a day after the slot."""
    body = {"id": release, "parts": [{"n": 1.5}]}
    return replace(
        Judged(release, "ofqual", SLOT, "late", "report", final=True, at=SLOT + DAY, body=body),
        **fields,
    )


def a_record(number: int = 1, monitor: str = "m", **fields: object) -> Record:
    """Return the row of one record of evidence."""
    file = f"{monitor}-000000001-20180105.warc.gz"
    row = Record(monitor, number, "turn", SLOT, file, 100 * number, 50, "aa" * 32, f"{number:064x}")
    return replace(row, **fields)


def an_entry(
    release: str = "r", calendar: str = "govuk", uid: str = "", **fields: object
) -> Announced:
    """Return the row of an announcement that one read showed a day before the slot."""
    name, read = uid or release, SLOT - DAY
    body = {"announcement": an_announcement(uid=name).as_json()}
    return replace(Announced(calendar, name, body, read, read, None, release), **fields)


def a_read(started: datetime = SLOT, **fields: object) -> CalendarRead:
    """Return the row of one usable read of a calendar."""
    return replace(CalendarRead("govuk", started, started + SECOND, usable=True), **fields)


def an_event(name: str = "e", **fields: object) -> Event:
    """Return the row of a verdict that became late."""
    return replace(Event(name, "r", SLOT, "pending", "late", {}), **fields)


def a_claim(**fields: object) -> Claim:
    """Return the row of a publication in the public record."""
    page, item = PAGE_URL, PAGE_URL.replace("gov.uk/", "gov.uk/api/content/")
    return replace(
        Claim("ofqual", page, SLOT, "Malpractice", SLOT, "scheduled", item, SLOT + DAY), **fields
    )


def a_delivery(channel: str = "mail", **fields: object) -> Delivery:
    """Return the row of a notice that waits for its channel since the slot."""
    return replace(Delivery("n", channel, DeliveryState.WAITING, SLOT), **fields)


def a_sent_delivery(channel: str = "mail", **fields: object) -> Delivery:
    """Return the row of a notice that its channel accepted at the slot."""
    return replace(Delivery("n", channel, DeliveryState.SENT, SLOT, 1, SLOT, SLOT), **fields)
