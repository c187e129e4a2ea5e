"""Combines messages on channels that people read: many openings into one digest, and follow-ups of
one thread.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.message import Digest, fold_openings
from alerts.notice import Notice, notice_id

MOST_PAUSES = 5
"""The longest wait of the first opening, in a group or of a platform, as a multiple of the wait
after one opening.
"""
_UNHURRIED_FACTOR = 50
"""The wait after an opening that is not urgent, as a multiple of `within`."""
_SAME_EVENT_WITHIN = timedelta(minutes=5)
"""Openings so soon after a digest are probably the same event. People were already notified, so
they are not urgent.
"""
_MIN_GAP = timedelta(minutes=1)
_FLIP_WINDOW = timedelta(minutes=10)
_FLIPS = frozenset({"exposure_closed", "new_finding", "back", "reopened"})
_MOST_FLIPS = 3
_FLAPPING = "FLAPPING"


@dataclass(frozen=True, slots=True)
class DigestRule:
    """When openings become one digest: at least `threshold` releases, each within `within` of the
    one before.

    It applies to `channels`. `last_digest` is when the last one was made (None: never).
    """

    channels: frozenset[str] = frozenset()
    threshold: int = 5
    within: timedelta = timedelta(milliseconds=400)
    last_digest: datetime | None = None

    def wait_after(self, opening: Notice) -> timedelta:
        """Return how long an opening (the first notice of an incident) waits for others, to be sent
        in one digest.

        Less urgent openings wait longer: unproven releases, and openings soon after a digest,
        except early exposures.
        """
        since_digest = None if self.last_digest is None else opening.at - self.last_digest
        is_soon_after_digest = since_digest is not None and since_digest < _SAME_EVENT_WITHIN
        is_early = "early_exposure" in opening.findings
        is_less_urgent = opening.kind == "unproven" or (is_soon_after_digest and not is_early)
        return self.within * _UNHURRIED_FACTOR if is_less_urgent else self.within


def find_waiting_openings(
    openings: Sequence[Notice], rule: DigestRule, now: datetime
) -> dict[str, datetime]:
    """Return by id the openings (first notices of incidents) that wait at `now` to join a digest,
    and when that ends.

    A group waits for one pause after its last opening, and at most five after its first.
    """
    wait_ends: dict[str, datetime] = {}
    for group in _group_openings(openings, rule):
        pause = rule.wait_after(group[0])
        end = min(group[-1].at + pause, group[0].at + MOST_PAUSES * pause)
        if now < end:
            wait_ends |= {opening.id: end for opening in group}
    return wait_ends


def make_digests(
    openings: Sequence[Notice], rule: DigestRule, now: datetime, name_of: Callable[[str], str] = str
) -> list[Digest]:
    """Return the digests that replace these openings (first notices).

    A group that is too small or may grow gives none.

    `name_of` returns the name of a producer by its id (default: the id).
    """
    waiting = find_waiting_openings(openings, rule, now)
    groups = (group for group in _group_openings(openings, rule) if group[0].id not in waiting)
    digests = (fold_openings(group, now, rule.threshold, name_of) for group in groups)
    return [digest for digest in digests if digest is not None]


def _group_openings(openings: Sequence[Notice], rule: DigestRule) -> Iterator[list[Notice]]:
    """Yield groups of openings of the same kind and urgency.

    A group ends at a gap longer than the rule's wait.
    """
    groups: dict[tuple[str, timedelta], list[Notice]] = defaultdict(list)
    for opening in sorted(openings, key=lambda one: (one.at, one.id)):
        wait = rule.wait_after(opening)  # shorter for urgent ones
        key = opening.kind, wait
        if groups[key] and opening.at - groups[key][-1].at > wait:
            yield groups.pop(key)
        groups[key].append(opening)
    yield from groups.values()


@dataclass
class ThreadPacing:
    """Spaces the messages of each thread of one channel a minute apart, and recognises flapping
    threads. Not stored.
    """

    _last_sent: dict[str, datetime] = field(default_factory=dict)
    _flips: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def record_sent(self, notice: Notice, now: datetime) -> None:
        """Remember that a message of a thread was sent at `now`."""
        self._last_sent = {name: at for name, at in self._last_sent.items() if now - at < _MIN_GAP}
        self._last_sent[notice.follows or notice.id] = now

    def earliest_send(self, notice: Notice, due: datetime) -> datetime:
        """Return when a notice due at `due` may be sent: if not urgent, a minute after the last of
        its thread.
        """
        last = self._last_sent.get(notice.follows) if notice.follows and not notice.urgent else None
        return due if last is None else max(due, last + _MIN_GAP)

    def bundle_follow_ups(self, waiting: Sequence[Notice], now: datetime) -> Iterator[Digest]:
        """Yield a message for each thread (an incident's notices) if several wait: the newest,
        which lists the others.

        If a thread keeps changing, its message is marked as flapping, even if only one notice
        waits.
        """
        threads: dict[str, list[Notice]] = defaultdict(list)
        for one in sorted(waiting, key=lambda it: (it.at, it.id)):
            threads[one.follows].append(one)
        for thread, notices in threads.items():
            is_marked = notices[-1].subject.startswith(_FLAPPING)
            mark = (
                f"{_FLAPPING}, "
                if self._record_flips(thread, notices, now) and not is_marked
                else ""
            )
            if len(notices) > 1 or mark:
                yield _bundled_message(notices, mark)

    def _record_flips(self, thread: str, notices: Sequence[Notice], now: datetime) -> bool:
        """Record how often an incident (a thread) changed back and forth.

        Return whether that was too often lately.
        """
        flips = self._flips[thread]
        # A notice that still waits is passed again, but counts once.
        flips.extend(
            one.at for one in notices if one.kind in _FLIPS and (not flips or one.at > flips[-1])
        )
        while flips and now - flips[0] > _FLIP_WINDOW:
            flips.popleft()
        if not flips:
            del self._flips[thread]
        return len(flips) > _MOST_FLIPS


def _bundled_message(notices: Sequence[Notice], mark: str) -> Digest:
    """Return one message for the follow-ups (later notices) of an incident: the newest, with the
    earlier subjects.

    `mark` begins the subject if the incident keeps changing. Otherwise it is empty.
    """
    newest, covers = notices[-1], tuple(one.id for one in notices)
    subject = f"{mark}{newest.subject}"
    before = "\n".join(f"- {one.subject}" for one in notices[:-1])
    why = "This keeps changing. You get its status once a minute.\n\n" if mark else ""
    also = f"Since the last message:\n{before}\n\n" if before else ""
    _, _, text_after_subject = newest.text.partition("\n")
    text = f"{subject}\n{text_after_subject}".rstrip("\n")
    identity = notice_id(newest.incident, "several", " ".join(sorted(covers)))
    made = replace(
        newest, id=identity, subject=subject, text=f"{text}\n\n{why}{also}".rstrip("\n") + "\n"
    )
    return Digest(made, covers)
