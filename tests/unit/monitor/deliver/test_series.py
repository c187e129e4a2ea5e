"""Late editions of one series in a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.deliver.series import find_series_record
from monitor.store.rows import Judged
from tests.worlds.incidents import an_incident
from tests.worlds.instants import SLOT
from tests.worlds.stores import TemporaryStore

WEEK = timedelta(days=7)


def edition(weeks_before: int, word: str, title: str = "Apples: week ending") -> Judged:
    """Return the stored verdict on the edition so many weeks before the slot."""
    slot = SLOT - weeks_before * WEEK
    name = f"w{weeks_before}"
    body = {"id": name, "title": f"{title} {slot:%-d %B %Y}"}
    return Judged(name, "ofqual", slot, word, "report", final=True, at=slot, body=body)


@pytest.mark.parametrize(
    ("editions", "late_in_row"),
    [
        ([edition(1, "late"), edition(2, "overdue")], 3),
        ([edition(1, "late"), edition(2, "on_time"), edition(3, "late")], 2),
        ([edition(1, "on_time"), edition(2, "late")], 1),
        ([edition(1, "unproven"), edition(2, "late")], 1),
        ([edition(1, "on_time", "Pears: week ending"), edition(2, "late")], 2),
    ],
)
def test_only_late_editions_without_another_between_are_in_a_row(
    editions: list[Judged], late_in_row: int
) -> None:
    store = TemporaryStore()
    with store.transaction() as tx:
        for one in editions:
            tx.save(one)
    now = an_incident(title="Apples: week ending 5 January 2018")
    earlier = replace(now, id="before", title="Apples: week ending 29 December 2017")
    other = replace(now, id="other", title="Pears: week ending 29 December 2017")
    record = find_series_record(store.verdicts, now, [earlier, other])
    assert (record.incidents, record.late_in_row) == ({"before"}, late_in_row)


def test_last_edition_has_the_day_on_which_it_came() -> None:
    store = TemporaryStore()
    published, later = edition(2, "late"), (SLOT - 2 * WEEK + timedelta(days=1)).isoformat()
    body = published.body | {"first_seen": {"after": None, "by": later}}
    with store.transaction() as tx:
        tx.save(replace(published, body=body))
        tx.save(edition(1, "cancelled"))
        tx.save(edition(0, "late"))
    now = an_incident(title="Apples: week ending 5 January 2018", release="w0")
    record = find_series_record(store.verdicts, now, [])
    assert record.last_edition == "“Apples: week ending 22 December 2017”, 23 December 2017"
