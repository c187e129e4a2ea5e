"""Which releases come under watch when a process begins."""

from __future__ import annotations

from pathlib import Path

from tests.unit.monitor.app.office import Office, at_work, csv, row

TOMORROW, IN_FIVE_DAYS, NEXT_MONTH = row("a", "2026-11-17"), row("b", "2026-11-21"), row("c", "2026-12-20")


def test_a_restart_watches_first_what_is_due_next_and_all_that_is_near_once_it_rolls(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        await office.read(csv(TOMORROW, IN_FIVE_DAYS, NEXT_MONTH))
        assert set(office.daemon.watch.releases) == {"a", "b"}
        await office.reopen()
        assert set(office.daemon.watch.releases) == {"a"}
        await office.daemon.admission.roll()
        assert set(office.daemon.watch.releases) == {"a", "b"}

    at_work(tmp_path, act)


def test_what_a_restart_leaves_to_the_first_roll_is_looked_at_at_once_then(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        await office.read(csv(IN_FIVE_DAYS))
        await office.reopen()
        assert office.daemon.poller.next_due() is None
        await office.daemon.admission.roll()
        assert office.daemon.poller.next_due() == office.clock.now()

    at_work(tmp_path, act)
