"""Which releases come under watch when a process begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from monitor.errors import StoreFault
from monitor.plan.share import Share, owner_of
from monitor.threads import run_in_thread
from tests.unit.monitor.app.office import Office, at_work, csv, row

TOMORROW, IN_FIVE_DAYS, NEXT_MONTH = row("a", "2026-11-17"), row("b", "2026-11-21"), row("c", "2026-12-20")

T = TypeVar("T")


def test_a_restart_watches_first_what_is_due_next_and_all_that_is_near_once_it_rolls(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        await office.read(csv(TOMORROW, IN_FIVE_DAYS, NEXT_MONTH))
        assert set(office.daemon.watch.releases) == {"a", "b"}
        await office.reopen(rolls=False)
        assert set(office.daemon.watch.releases) == {"a"}
        await office.daemon.admission.roll()
        assert set(office.daemon.watch.releases) == {"a", "b"}

    at_work(tmp_path, act)


def test_releases_that_the_first_roll_adds_are_looked_at_at_once(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        await office.read(csv(IN_FIVE_DAYS))
        await office.reopen(rolls=False)
        assert office.daemon.poller.next_due() is None
        await office.daemon.admission.roll()
        assert office.daemon.poller.next_due() == office.clock.now()

    at_work(tmp_path, act)


def test_the_first_roll_retries_until_the_store_answers(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        faults = [StoreFault("the disk is gone"), StoreFault("the disk is gone")]

        async def ask(question: Callable[[], T], /) -> T:
            if faults:
                raise faults.pop()
            return await run_in_thread(question)

        await office.read(csv(IN_FIVE_DAYS))
        await office.reopen(rolls=False)
        office.daemon.admission.ask = ask
        began = office.clock.now()
        await office.daemon.admission.roll()
        assert set(office.daemon.watch.releases) == {"b"}
        assert (office.clock.now() - began).total_seconds() == 2

    at_work(tmp_path, act)


def test_a_monitor_whose_lease_ended_keeps_its_releases_until_it_knows_the_members(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        await office.read(csv(TOMORROW, IN_FIVE_DAYS))
        admission, watch = office.daemon.admission, office.daemon.watch
        before = dict(watch.releases)
        for members in ((), ("south",), ("north",)):
            await admission.apply_share(Share("north", members, 0.0, divided=True))
        assert all(watch.releases[name] is watched for name, watched in before.items())
        (host,), both = {watched.release.url.split("/")[2] for watched in before.values()}, ("north", "south")
        (without,) = {*both} - {owner_of(host, both)}
        await admission.apply_share(Share(without, both, 0.0, divided=True))
        assert not watch.releases

    at_work(tmp_path, act)
