"""Which releases come under watch when a process begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.errors import StoreFault
from monitor.plan.share import Share, owner_of
from monitor.threads import run_in_thread
from tests.unit.monitor.app.office import Office, csv, row, with_office

TOMORROW, IN_FIVE_DAYS = row("tomorrow", "2026-11-17"), row("in-five-days", "2026-11-21")
NEXT_MONTH = row("next-month", "2026-12-20")

T = TypeVar("T")


@with_office()
async def test_a_restart_watches_the_next_release_at_once_and_other_near_ones_once_admitted(
    office: Office,
) -> None:
    await office.read(csv(TOMORROW, IN_FIVE_DAYS, NEXT_MONTH))
    assert set(office.daemon.watch.releases) == {"tomorrow", "in-five-days"}
    await office.reopen(admits_near=False)  # without the first call of `roll`
    assert set(office.daemon.watch.releases) == {"tomorrow"}
    # `roll` is the hourly job that admits the releases that have come near.
    await office.daemon.admission.roll()
    assert set(office.daemon.watch.releases) == {"tomorrow", "in-five-days"}


@with_office()
async def test_releases_that_the_first_admission_after_a_restart_adds_are_looked_at_at_once(office: Office) -> None:
    await office.read(csv(IN_FIVE_DAYS))
    await office.reopen(admits_near=False)
    assert office.daemon.poller.next_due() is None
    await office.daemon.admission.roll()
    assert office.daemon.poller.next_due() == office.clock.now()


@with_office()
async def test_the_first_admission_retries_until_the_store_answers(office: Office) -> None:
    queries = 0

    async def ask(question: Callable[[], T], /) -> T:
        nonlocal queries
        queries += 1
        if queries <= 2:
            raise StoreFault("the disk is gone")
        return await run_in_thread(question)

    await office.read(csv(IN_FIVE_DAYS))
    await office.reopen(admits_near=False)
    office.daemon.admission.ask = ask
    began = office.clock.now()
    await office.daemon.admission.roll()
    assert set(office.daemon.watch.releases) == {"in-five-days"}
    # There is a second before each of the two retries.
    assert (office.clock.now() - began).total_seconds() == 2


@with_office()
async def test_a_monitor_keeps_its_releases_while_its_lease_has_ended_and_if_it_is_then_the_only_member(
    office: Office,
) -> None:
    await office.read(csv(TOMORROW, IN_FIVE_DAYS))
    admission, watch = office.daemon.admission, office.daemon.watch
    before = dict(watch.releases)
    assert set(before) == {"tomorrow", "in-five-days"}
    # This monitor is north. The first two lists lack its name, so its lease has ended. With the third it has a lease
    # again and is the only member, so all hosts are its own.
    no_members, only_another, only_itself = (), ("south",), ("north",)
    for members in (no_members, only_another, only_itself):
        await admission.apply_share(Share("north", members, store_zero=0.0, divided=True))
        assert all(watch.releases.get(name) is watched for name, watched in before.items())


@with_office()
async def test_a_monitor_drops_the_releases_of_a_host_that_another_member_owns(office: Office) -> None:
    await office.read(csv(TOMORROW, IN_FIVE_DAYS))
    assert set(office.daemon.watch.releases) == {"tomorrow", "in-five-days"}
    members = ("north", "south")
    not_the_owner = "south" if owner_of("stats.example", members) == "north" else "north"
    await office.daemon.admission.apply_share(Share(not_the_owner, members, store_zero=0.0, divided=True))
    assert not office.daemon.watch.releases
