"""Why the verdict on a release is what it is, read back from the store: for `explain` and for its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.draft.code import Book
from monitor.deliver.verdicts import body_of
from monitor.judge.explain.explain import Explanation, explain, title_facts
from monitor.judge.explain.looks import Fact
from monitor.judge.policy import Policies
from monitor.store.interface import Store
from monitor.store.rows import Record
from monitor.watch.rejudge import StoredCase, stored_case, titles_of_release, with_those_late_too


@dataclass(frozen=True, slots=True)
class Explained:
    """A release as of an instant: its JSON, why its verdict is so, and what it was judged from."""

    body: dict[str, Any]
    explanation: Explanation
    case: StoredCase


@dataclass(frozen=True, slots=True)
class Explainer:
    """Judges a release from the store and says why; `book` replaces the editions of the Code as shipped."""

    store: Store
    policies: Policies
    timezone: str
    book: Book | None = None

    def explained(self, release: str, now: datetime) -> Explained | None:
        """Return why the verdict on a release is so as of an instant; None for one that is not known."""
        store, case = self.store, stored_case(self.store, release)
        if case is None:
            return None
        verdict = with_those_late_too(store, case.verdict(self.policies, now))
        opened = [one for one in store.verdicts.incidents_of(release) if one.opened <= now]
        body = body_of(verdict, opened[-1] if opened else None, self.book)
        policy = self.policies.of(*case.release.producers)
        told = explain(verdict, case.release, case.promises, case.runs, case.blind, policy)
        titles = title_facts(titles_of_release(store.ledger, case.release), now, self.timezone)
        gone = _gone(store.evidence.records(told.records))
        return Explained(body, replace(told, facts=(*told.facts, *titles, *gone)), case)


def _gone(records: Iterable[Record]) -> Iterator[Fact]:
    for record in records:
        if record.expired is not None:
            why = "could not be kept, the disk refused them" if record.is_lost else "were given up for want of room"
            when = f"{record.expired:%d %B %Y %H:%M} UTC"
            yield Fact("evidence", f"{record.id}: its bytes {why}, {when}", record.expired, evidence=(record.id,))
