"""Every verdict judged again from promises and runs, to prove that nothing differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.casefile import casefile_of
from monitor.deliver.events import body_of
from monitor.judge.policy import Policies
from monitor.judge.replay import differences
from monitor.record.store import Store


def replay(
    store: Store, policies: Policies, begin: datetime | None, end: datetime | None
) -> Iterator[tuple[str, list[str]]]:
    """Judge every release again as of its stored verdict; yields each with what differs, nothing when equal."""
    for row in store.judged(begin, end):
        case = casefile_of(store, row.release)
        if case is None:
            yield row.release, ["judged, but the release itself is not in the store"]
            continue
        incident = store.incident(row.body["incident"]) if row.body["incident"] else None
        yield row.release, differences(row.body, body_of(case.verdict(policies, row.at), incident))
