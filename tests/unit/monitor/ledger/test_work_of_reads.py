"""A read costs in proportion to the calendar, whatever changed in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest

from monitor.clock import VirtualClock
from monitor.threads import SMALL
from schedules.announcement import Announcement
from schedules.source import Reading
from tests.unit.monitor.ledger.test_large_reads import (
    DAY,
    HOUR,
    START,
    CutOffStore,
    Monitor,
    a_read,
    an_entry,
)
from tests.worlds.virtual import virtually
from tests.worlds.work import counted_calls

FEW, MANY = 250, 1000
LARGE = SMALL + 1
"""Of so many, an unchanged read confirms only the promises of watched releases at once."""
Change = Callable[[int], Announcement | None]


def retitled(title: str) -> Change:
    return lambda number: replace(an_entry(number), title=title.format(number))


def moved_under_other_id(number: int) -> Announcement:
    return replace(an_entry(number, moved=HOUR), title="Figures", uid=f"new-{number}")


def one_address(number: int) -> Announcement:
    return replace(an_entry(number), url="https://stats.example/all", link="")


def one_slot(number: int) -> Announcement:
    return replace(an_entry(number), slot=an_entry(0).slot)


READS: dict[str, tuple[Change, Change]] = {
    "every second removed": (an_entry, lambda number: an_entry(number) if number % 2 else None),
    "all but one removed": (an_entry, lambda number: None if number else an_entry(0)),
    "other ids": (an_entry, lambda number: replace(an_entry(number), uid=f"new-{number}")),
    "other titles": (an_entry, retitled("Figures on matter {}")),
    "other addresses": (an_entry, partial(an_entry, url="https://stats.example/{}")),
    "moved": (an_entry, partial(an_entry, moved=HOUR)),
    "one title for all": (retitled("Figures"), partial(an_entry, moved=HOUR)),
    "one title for all, other ids": (retitled("Figures"), moved_under_other_id),
    "one address for all": (one_address, partial(an_entry, moved=HOUR)),
    "one slot for all": (one_slot, partial(an_entry, moved=HOUR)),
}


@pytest.mark.parametrize("reads", READS.values(), ids=list(READS))
@partial(virtually, patience=120)
async def test_work_grows_in_proportion_to_entries(
    clock: VirtualClock, reads: tuple[Change, Change]
) -> None:
    """A calendar is read twice as it was, and twice a day later, as it is after the change. Four
    times as many entries must take less than six times as many calls of functions.
    """

    async def work(count: int) -> int:
        monitor = await Monitor(CutOffStore(), clock).started(START)
        with counted_calls() as calls:
            for day, change in enumerate(reads):
                shown = [entry for number in range(count) if (entry := change(number))]
                for hour in range(2):
                    await monitor.record(shown, START + day * DAY + hour * HOUR)
        await monitor.writer.close()
        return calls["call"] + calls["c_call"]

    await work(FEW)  # fills the caches, so that they do not count below
    # Quadratic work would be 16 times as much.
    assert await work(MANY) < 6 * await work(FEW)


@partial(virtually, patience=120)
async def test_unchanged_read_takes_a_few_calls_for_each_entry(clock: VirtualClock) -> None:
    """An hour after its first read, a large calendar is the same. Each entry takes at most three
    calls of functions, because none of its texts is read or compared.
    """
    monitor = await Monitor(CutOffStore(), clock).started(START)
    reading = Reading(tuple(map(an_entry, range(LARGE))))

    async def record(at: datetime) -> None:
        outcome = replace(a_read(reading.announcements, at), reading=reading)
        await monitor.ledger.record_read(outcome, (), {})

    await record(START)
    with counted_calls() as calls:
        await record(START + HOUR)
    await monitor.writer.close()
    assert calls["call"] + calls["c_call"] < 4 * LARGE
