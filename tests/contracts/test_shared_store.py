"""Several monitors on one PostgreSQL store: each answers for the files on its own machine, and says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.cli.main import status_of
from monitor.clock import SystemClock
from monitor.look.fetch import Answer
from monitor.store.evidence.evidence import Evidence
from monitor.store.open import open_store
from monitor.store.writer import Writer

pytestmark = pytest.mark.needs("postgresql")


async def _keep(database: str, folder: Path, monitor: str) -> None:
    store, clock = open_store(database), SystemClock()
    store.upgrade()
    writer = Writer(store, clock)
    evidence = Evidence(folder, store.evidence, writer, clock, monitor)
    for body in (b"Page not found", b"Out"):
        evidence.keep(Answer("https://stats.example/a", 404, {}, body, clock.now(), clock.now()), "a", "turn")
    await writer.close()
    store.close()


@pytest.fixture
def shared(database: str, tmp_path: Path) -> Path:
    """Give a folder with the machines of two monitors on one store, each with its configuration and evidence."""
    for monitor in ("north", "south"):
        machine = tmp_path / monitor
        machine.mkdir()
        tables = {"store": {"url": database}, "evidence": {"folder": f"{machine}/ev"}, "watch": {"vantage": monitor}}
        lines = [f"[{name}]\n{key} = {json.dumps(value)}" for name, it in tables.items() for key, value in it.items()]
        (machine / "config.toml").write_text("\n".join(lines))
        asyncio.run(_keep(database, machine / "ev", monitor))
    return tmp_path


def _check(shared: Path, monitor: str, *more: str) -> int:
    return status_of(["--config", str(shared / monitor / "config.toml"), "store", "check", *more])


def test_a_check_reads_the_files_of_its_own_machine_and_says_whose_it_has_not_read(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for own, other in (("north", "south"), ("south", "north")):
        assert _check(shared, own) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"The store is whole, and so is the evidence of {own}.",
            f"Files of {other} lie with them and were not read, only their chain in the store.",
        ]
    assert _check(shared, "north", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"faults": [], "not_read": ["south"]}


def test_a_check_tells_of_its_own_files_alone_and_of_the_chains_of_all(
    shared: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    next((shared / "south" / "ev").glob("*.warc.gz")).unlink()
    assert (_check(shared, "north"), _check(shared, "south")) == (0, 1)
    assert "evidence south-1 to south-2 (2 records)" in capsys.readouterr().out
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE evidence SET kind = 'before' WHERE monitor = 'south' AND number = 2"))
    engine.dispose()
    assert _check(shared, "north") == 1
    told = capsys.readouterr().out
    assert "evidence south-2: the chain is broken here" in told
    assert "cannot be read" not in told
