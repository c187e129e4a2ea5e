"""Reads the past from a store, for programs that analyse it: `from monitor import History`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType

from monitor.deliver.incident_json import incident_json
from monitor.deliver.open_data import FlatRow, blind_rows, look_row, promise_row, verdict_row
from monitor.errors import StoreFault, UserFault
from monitor.store.open import file_of, open_store
from monitor.store.sql.query import chunks
from schedules.times.json import Json


class History(AbstractContextManager["History"]):
    """Reads a store without writing to it. A monitor can use it at the same time.

    Rows have the columns of `ninethirty export`. `docs/open-data.md` explains them. Instants are
    RFC 3339 in UTC, and lengths are seconds. `begin` and `end` select slots in `[begin, end)`, as
    instants with a zone (None: no bound). Verdicts are as last judged, so a delay that still grows
    is that of the last judgement.

        with History("sqlite:///var/ninethirty.db") as history:
            late = [row for row in history.verdicts() if row["verdict"] == "late"]
    """

    def __init__(self, url: str = "sqlite:///var/ninethirty.db") -> None:
        """Open the store at an address.

        Raises `UserFault` if there is none, `StoreFault` if it has another version.
        """
        file = file_of(url)
        if file is not None and not file.is_file():
            raise UserFault(f"store {url}: no such file")
        self._store = open_store(url)
        try:
            self._store.check_schema()
        except StoreFault:
            self._store.close()
            raise

    def verdicts(
        self, begin: datetime | None = None, end: datetime | None = None
    ) -> Iterator[FlatRow]:
        """Yield a flat row for each release that was judged, by slot."""
        return map(verdict_row, self.releases(begin, end))

    def releases(
        self, begin: datetime | None = None, end: datetime | None = None
    ) -> Iterator[Json]:
        """Yield the JSON of each release that was judged, by slot, with its parts, findings and
        exposures.
        """
        verdicts = self._store.verdicts
        for names in chunks(verdicts.judged_ids(begin, end)):
            bodies = {row.release: row.body for row in verdicts.judged_on(names)}
            yield from (bodies[name] for name in names if name in bodies)

    def promises(self, release: str) -> list[FlatRow]:
        """Return the promises of calendars for a release, in the order in which they were read."""
        return [promise_row(promise) for promise in self._store.ledger.promises([release])]

    def looks(self, release: str) -> list[FlatRow]:
        """Return the looks at a release. Consecutive looks with the same answer are one row."""
        return [look_row(run) for run in self._store.runs.of_release(release)]

    def blind(self, begin: datetime | None = None, end: datetime | None = None) -> list[FlatRow]:
        """Return the blind spans."""
        return blind_rows(self._store, begin, end)

    def incidents(
        self, begin: datetime | None = None, end: datetime | None = None
    ) -> Iterator[Json]:
        """Yield the JSON of each incident that occurred in `[begin, end)`."""
        for incident in self._store.verdicts.incidents(begin, end):
            yield incident_json(incident, self._store.verdicts.drafts(incident.id))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self._store.close()
