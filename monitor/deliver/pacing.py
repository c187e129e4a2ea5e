"""Messages of one thread go out at least a minute apart, urgent ones at once. What happens meanwhile is one message."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.message import Digest
from alerts.notice import Notice, notice_id

APART = timedelta(minutes=1)
_LATELY = timedelta(minutes=10)
_FLIPS = frozenset({"exposure_closed", "new_finding", "back", "reopened"})
_MOST_FLIPS = 3
FLAPPING = "FLAPPING"


@dataclass
class Pacing:
    """When each thread of a channel was last told of, and how often it turned lately. `channels` are those it is for.

    Kept in memory alone: after a start one message may follow another sooner.
    """

    channels: Collection[str] = ()
    _told: dict[str, datetime] = field(default_factory=dict)
    _flips: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def sent(self, notice: Notice, now: datetime) -> None:
        """Learn that a message of a thread went out."""
        self._told = {name: at for name, at in self._told.items() if now - at < APART}
        self._told[notice.follows or notice.id] = now

    def due(self, notice: Notice, due: datetime) -> datetime:
        """Return from when on a notice may go out: a minute after the last of its thread, at once if it is urgent."""
        last = self._told.get(notice.follows) if notice.follows and not notice.urgent else None
        return due if last is None else max(due, last + APART)

    def bundles(self, waiting: Sequence[Notice], now: datetime) -> Iterator[Digest]:
        """Yield what stands in place of follow-ups that wait together: the newest, in words that name the others.

        A thread that turns again and again is said to be flapping.
        """
        threads: dict[str, list[Notice]] = defaultdict(list)
        for one in sorted(waiting, key=lambda it: (it.at, it.id)):
            threads[one.follows].append(one)
        for thread, notices in threads.items():
            is_flapping = self._is_flapping(thread, notices, now)
            told_so = notices[-1].subject.startswith(FLAPPING)
            if len(notices) > 1 or (is_flapping and not told_so):
                yield _bundle(notices, is_flapping=is_flapping)

    def _is_flapping(self, thread: str, notices: Sequence[Notice], now: datetime) -> bool:
        flips = self._flips[thread]
        flips.extend(one.at for one in notices if one.kind in _FLIPS and (not flips or one.at > flips[-1]))
        while flips and now - flips[0] > _LATELY:
            flips.popleft()
        if not flips:
            del self._flips[thread]
        return len(flips) > _MOST_FLIPS


def _bundle(notices: Sequence[Notice], *, is_flapping: bool) -> Digest:
    newest, covers = notices[-1], tuple(one.id for one in notices)
    head = f"{FLAPPING}, " if is_flapping and not newest.subject.startswith(FLAPPING) else ""
    subject = f"{head}{newest.subject}"
    before = "\n".join(f"- {one.subject}" for one in notices[:-1])
    why = "It turns again and again: you are told once a minute how it stands.\n\n" if head else ""
    also = f"Since you were last told:\n{before}\n\n" if before else ""
    text = f"{subject}\n{newest.text.partition(chr(10))[2]}".rstrip("\n")
    identity = notice_id(newest.incident, "several", " ".join(sorted(covers)))
    made = replace(newest, id=identity, subject=subject, text=f"{text}\n\n{why}{also}".rstrip("\n") + "\n")
    return Digest(made, covers)
