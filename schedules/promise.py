"""A promise: a slot that a calendar announced for a release, and the reads that showed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schedules.announcement import State
from schedules.slot import Slot


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Usable reads before the slot that no longer showed an entry: the first of them, and their
    number.

    `successors` are the titles of new entries with the same producer and slot. `text` is what the
    entry shows in place of a date, if that cannot be read.
    """

    since: datetime
    reads: int
    successors: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A person's answer to the question which time a calendar's text means.

    `by` is the role of the person, `asked` the doubtful slot as the calendar showed it.
    """

    by: str
    asked: Slot


@dataclass(frozen=True, slots=True)
class Promise:
    """One entry of the ledger. Entries are appended and never deleted."""

    release: str
    calendar: str
    slot: Slot
    state: State | None
    learnt: datetime
    """The time, in UTC, of the read that first showed it. The name is stored and published."""
    unlearnt: datetime | None = None
    """The time of the read before that, which did not show it. None: not known."""
    confirmed_at: datetime | None = None
    """The time of the last read that still showed it, filled in when promises are read from the
    store.
    """
    why: str = ""
    doubt: str | None = None
    unlisted: Unlisted | None = None
    """Set while later reads do not show it."""
    status: str = ""
    """The text by which the entry does not plainly stand."""
    previous: Slot | None = None
    """The slot that the entry says it had before."""
    settled: Settled | None = None
    """Set if a person said at `learnt` which time the calendar's text means. Then `slot` is that
    time. It counts until the calendar shows another text.
    """

    @property
    def question(self) -> Slot | None:
        """Return the doubtful slot that a person can settle or has settled, None if it is clear."""
        if self.settled is not None:
            return self.settled.asked
        return self.slot if self.slot.doubt else None

    @property
    def shown(self) -> Slot:
        """Return the slot as the calendar shows it, whatever a person said of it."""
        if self.settled is None:
            return self.slot
        return self.settled.asked

    def settle(self, meant: datetime, by: str, now: datetime) -> Promise:
        """Return the promise that follows if a person says now which time its text means.

        Raises ValueError if the text is not in doubt or cannot mean that time.
        """
        asked = self.question
        if asked is None:
            raise ValueError("The calendar's text is not in doubt.")
        if not asked.can_mean(meant):
            raise ValueError("The calendar's text cannot mean this time.")
        return replace(
            self,
            slot=asked.read_as(meant),
            learnt=now,
            unlearnt=None,
            confirmed_at=self.confirmed_at or self.learnt,
            doubt=None if self.doubt == asked.doubt else self.doubt,
            settled=Settled(by, asked),
        )

    def moved_back(self, step: timedelta, now: datetime) -> Promise:
        """Return the promise with those times that are after `now` moved by `step`.

        The clock was ahead when they were noted.
        """
        learnt = self.learnt
        if self.learnt > now:
            learnt = self.learnt + step
        confirmed_at = self.confirmed_at
        if confirmed_at is not None and confirmed_at > now:
            confirmed_at += step
        return replace(self, learnt=learnt, confirmed_at=confirmed_at)
