"""Every verdict judged again from promises and runs, to prove that nothing differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from monitor.deliver.verdicts import body_of
from monitor.judge.differences import differences
from monitor.judge.policy import Policies
from monitor.judge.verdict import Kind, Verdict
from monitor.store.interface import Store
from monitor.watch.rejudge import stored_case, with_those_late_too


def replay(
    store: Store, policies: Policies, begin: datetime | None, end: datetime | None
) -> Iterator[tuple[str, list[str]]]:
    """Judge every release again as of its stored verdict; yields each with what differs, nothing when equal."""
    for row in store.verdicts.judged(begin, end):
        case = stored_case(store, row.release)
        if case is None:
            yield row.release, ["judged, but the release itself is not in the store"]
            continue
        incident = store.verdicts.incident(row.body["incident"]) if row.body["incident"] else None
        again = with_those_late_too(store, case.verdict(policies, row.at))
        yield row.release, [*differences(row.body, body_of(again, incident)), *_company(row.body, again)]


def _company(stored: Mapping[str, Any], again: Verdict) -> list[str]:
    """Return whether the stored verdict tells otherwise than this one of others late together on the platform."""
    before = [found["detail"] for found in stored["findings"] if found["kind"] == Kind.PLATFORM]
    after = [found.detail for found in again.findings if found.kind is Kind.PLATFORM]
    return [] if before == after else [f"findings.platform: was {before}, is {after}"]
