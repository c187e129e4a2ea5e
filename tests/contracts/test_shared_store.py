"""Several monitors on one PostgreSQL store: each checks only the files on its own machine, and
names it.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.cli.main import status_of
from monitor.clock import SystemClock
from monitor.look.fetch import Answer
from monitor.store.evidence.evidence import Evidence
from monitor.store.open import open_store
from monitor.store.writer import Writer
from tests.worlds.incidents import a_notice
from tests.worlds.instants import MINUTE, SLOT
from tests.worlds.stores import a_delivery

pytestmark = pytest.mark.needs("postgresql")


async def _keep(postgresql: str, folder: Path, monitor: str) -> None:
    store, clock = open_store(postgresql), SystemClock()
    store.upgrade()
    writer = Writer(store, clock)
    evidence = Evidence(folder, store.evidence, writer, clock, monitor)
    for body in (b"Page not found", b"Out"):
        evidence.keep(
            Answer("https://stats.example/a", 404, {}, body, clock.now(), clock.now()), "a", "turn"
        )
    await writer.close()
    store.close()


@pytest.fixture
def shared(postgresql: str, tmp_path: Path) -> Path:
    """Give a folder with the machines of two monitors on one store, each with its configuration and
    evidence.
    """
    for monitor in ("north", "south"):
        machine = tmp_path / monitor
        machine.mkdir()
        tables = {
            "store": {"url": postgresql},
            "evidence": {"folder": f"{machine}/ev"},
            "watch": {"vantage": monitor},
        }
        lines = [
            f"[{name}]\n{key} = {json.dumps(value)}"
            for name, it in tables.items()
            for key, value in it.items()
        ]
        (machine / "config.toml").write_text("\n".join(lines))
        asyncio.run(_keep(postgresql, machine / "ev", monitor))
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
            f"The evidence of {other} is kept at {other}: its chain was checked.",
        ]
    assert _check(shared, "north", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"faults": [], "not_read": ["south"]}


def test_a_check_tells_of_its_own_files_alone_and_of_the_chains_of_all(
    shared: Path, postgresql: str, capsys: pytest.CaptureFixture[str]
) -> None:
    next((shared / "south" / "ev").glob("*.warc.gz")).unlink()
    assert (_check(shared, "north"), _check(shared, "south")) == (0, 1)
    assert "evidence south-1 to south-2 (2 records)" in capsys.readouterr().out
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE evidence SET kind = 'before' WHERE monitor = 'south' AND number = 2")
        )
    engine.dispose()
    assert _check(shared, "north") == 1
    told = capsys.readouterr().out
    assert "evidence south-2: the chain is broken here" in told
    assert "cannot be read" not in told


async def test_of_two_monitors_one_leads_by_the_clock_of_their_database(postgresql: str) -> None:
    """The clocks of their machines differ by hours."""
    stores = [open_store(postgresql) for _ in range(2)]
    for store in stores:
        store.upgrade()
    early, late = stores
    hours_late = SLOT + timedelta(hours=9)
    with early.transaction() as tx:
        first = tx.take_leader("p1", "north", SLOT, SLOT + MINUTE)
    assert first is not None
    with late.transaction() as tx:
        assert tx.take_leader("p2", "south", hours_late, hours_late + MINUTE) is None
        assert tx.renew_leader("p1", first.epoch, hours_late, hours_late + MINUTE)
    with early.transaction() as tx:
        tx.resign_leader("p1", first.epoch, SLOT)
    with late.transaction() as tx:
        second = tx.take_leader("p2", "south", SLOT, SLOT + MINUTE)
    assert second is not None
    assert second.epoch == first.epoch + 1
    with early.transaction() as tx:
        assert not tx.renew_leader("p1", first.epoch, SLOT, SLOT + MINUTE)
    for store in stores:
        store.close()


async def test_delivery_that_another_process_claims_is_left_out(postgresql: str) -> None:
    with closing(open_store(postgresql)) as store, closing(open_store(postgresql)) as other:
        store.upgrade()
        with store.transaction() as tx:
            tx.add_notice(a_notice("n"), [a_delivery("desk")])
        with store.transaction() as tx:
            assert tx.claim_delivery("n", "desk") is not None
            with other.transaction() as later:
                assert later.claim_delivery("n", "desk") is None
        with other.transaction() as later:
            assert later.claim_delivery("n", "desk") is not None
            assert later.claim_delivery("n", "none") is None
