"""The stages between the outbox and a channel, without side effects.

Each channel's rows pass `drop_silenced`, `hold_for_digest` and `order_threads`. Then `bundle`
returns the messages that replace several rows, and `select_ready` the rows to attempt now.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.channel import Channel
from alerts.incident import Incident
from alerts.message import DIGESTED, Digest, fold_openings
from alerts.notice import Notice, notice_id
from alerts.silence import Silence
from monitor.deliver.outbox_rows import Backlog, OutboxRow
from monitor.deliver.rules import DigestRule

MOST_PAUSES = 5
"""A group waits at most this many pauses after its first opening."""
_UNHURRIED_FACTOR = 50
"""The wait after an opening that is not urgent, as a multiple of `within`."""
_SAME_EVENT_WITHIN = timedelta(minutes=5)
"""Openings so soon after a digest are probably the same event, so they are not urgent."""
_MIN_GAP = timedelta(minutes=1)
SILENCE_OVER = "muted by a silence that has ended"
"""The reason stored with a delivery after its silence. Keep its wording: rows are compared."""


@dataclass(slots=True)
class ChannelState:
    """What this process knows of one channel. None of it is stored.

    If `is_paced`, messages of one thread (the notices of an incident) are a minute apart.
    `last_sent` is when the last one was sent, by thread. `backlog` is None before the first read.
    `wakeup` ends the wait for the next read.
    """

    channel: Channel
    digest_rule: DigestRule = field(default_factory=DigestRule)
    is_paced: bool = False
    last_digest: datetime | None = None
    last_sent: dict[str, datetime] = field(default_factory=dict)
    last_delivered: datetime | None = None
    backlog: Backlog | None = None
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)

    def count_backlog(self, waiting: Sequence[OutboxRow], sendable: Sequence[OutboxRow]) -> None:
        """Count what waits. Silenced rows do not make the backlog older."""
        # A retried delivery has waited since its notice: each attempt moves its due time.
        since = (row.delivery.due if row.is_first_attempt else row.notice.at for row in sendable)
        self.backlog = Backlog(len(waiting), min(since, default=None), self.last_delivered)

    def record_sent(self, row: OutboxRow, now: datetime) -> None:
        """Remember that a message was sent at `now`."""
        self.last_delivered = now
        recent = {thread: at for thread, at in self.last_sent.items() if now - at < _MIN_GAP}
        self.last_sent = {**recent, row.thread: now}


@dataclass(frozen=True, slots=True)
class Silenced:
    """The rows of a channel, divided by silences.

    `sendable` are those without. At the instants `ends`, others can be sent. `ended` are, by
    incident, a silence that has ended and the rows that it suppressed.
    """

    sendable: list[OutboxRow] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    ended: dict[str, tuple[Silence, list[OutboxRow]]] = field(default_factory=dict)


def drop_silenced(
    rows: Sequence[OutboxRow],
    silences: Sequence[Silence],
    incidents: Mapping[str, Incident],
    now: datetime,
) -> Silenced:
    """Return which rows can be sent, must wait for a silence, or waited for one that has ended.

    `incidents` are those of the rows, by id.
    """
    found = Silenced()
    for row in rows:
        incident = incidents.get(row.notice.incident)
        covering = [one for one in silences if incident is not None and one.covers(incident)]
        active_until = [one.ends for one in covering if one.is_on(now)]
        # An attempted message may have arrived, so it is only retried. `SILENCE_OVER`: it was
        # chosen to be sent unchanged.
        is_replaceable = row.is_first_attempt and row.delivery.reason != SILENCE_OVER
        ended = [one for one in covering if is_replaceable and _has_delayed(one, row, now)]
        if active_until or (ended and row.delivery.due > now):
            found.ends.append(max(active_until, default=row.delivery.due))
        elif ended:
            # The new message names one: the last that ended and had suppressed its first row.
            last_ended = max(ended, key=lambda one: one.ends)
            found.ended.setdefault(row.notice.incident, (last_ended, []))[1].append(row)
        else:
            found.sendable.append(row)
    return found


def _has_delayed(silence: Silence, row: OutboxRow, now: datetime) -> bool:
    """Return whether a message fell due while this silence, which has ended, suppressed it.

    One that begins later delays nothing: the monitor was down, or another silence was in force.
    """
    suppressed_from = max(silence.begins, row.notice.at)
    return silence.begins <= row.delivery.due and suppressed_from < silence.ends <= now


def hold_for_digest(
    rows: Sequence[OutboxRow], state: ChannelState, now: datetime
) -> list[OutboxRow]:
    """Return the rows, with due openings held until no other can join their digest."""
    held: dict[str, datetime] = {}
    for group in _group_openings(rows, state, now):
        held |= dict.fromkeys((row.notice.id for row in group), _end_of_wait(group, state))
    return [replace(row, due=max(row.due, held.get(row.notice.id, row.due))) for row in rows]


def order_threads(rows: Sequence[OutboxRow], state: ChannelState) -> list[OutboxRow]:
    """Return the rows, oldest first, on a paced channel a minute after their thread's last message.

    An urgent row does not wait. It makes earlier ones of its thread due, which it must not
    overtake, even those that wait for the end of quiet hours.
    """
    # The earliest time at which an urgent row of a thread is due, among those seen so far.
    due_of_urgent: dict[str, datetime] = {}
    newest_first = []
    for row in sorted(rows, key=_get_age_key, reverse=True):
        due = max(row.due, _end_of_gap(row, state))
        hurried = min(due, due_of_urgent.get(row.thread, due))
        if row.notice.urgent:
            due_of_urgent[row.thread] = hurried
        # One that was refused is due again only at its retry.
        newest_first.append(replace(row, due=hurried if row.is_first_attempt else due))
    return newest_first[::-1]


def bundle(
    rows: Sequence[OutboxRow],
    state: ChannelState,
    now: datetime,
    name_of: Callable[[str], str] = str,
) -> list[Digest]:
    """Return the messages that replace several of the ordered rows: a digest of openings, and on a
    paced channel one for the later notices of each incident.

    `name_of` returns the name of a producer by its id.
    """
    made = []
    for group in _group_openings(rows, state, now):
        if _end_of_wait(group, state) <= now:
            openings = [row.notice for row in group]
            made.append(fold_openings(openings, now, state.digest_rule.threshold, name_of))
    later: dict[str, list[Notice]] = defaultdict(list)
    for row in rows:
        # Also if they wait only for an earlier one of their thread.
        if state.is_paced and row.is_first_attempt and row.due <= now and row.notice.follows:
            later[row.thread].append(row.notice)
    bundles = map(_select_bundle, later.values())
    made += [_fold_later(notices) for notices in bundles if len(notices) > 1]
    return [digest for digest in made if digest is not None]


def select_ready(rows: Sequence[OutboxRow], now: datetime) -> list[OutboxRow]:
    """Return the rows to attempt now, at most the first of each thread, urgent threads first.

    A message that may have killed the process goes last, so that it cannot block the others.
    """
    urgent = {row.thread for row in rows if row.notice.urgent and row.due <= now}
    ready = [row for row in _select_first_of_each_thread(rows) if row.due <= now]
    return sorted(ready, key=lambda row: (row.was_cut_off, row.thread not in urgent))


def next_due(rows: Sequence[OutboxRow]) -> datetime | None:
    """Return when the next row can be attempted, None if none waits."""
    return min((row.due for row in _select_first_of_each_thread(rows)), default=None)


def _group_openings(
    rows: Sequence[OutboxRow], state: ChannelState, now: datetime
) -> Iterator[list[OutboxRow]]:
    """Yield groups of due openings of one kind and urgency, up to a gap longer than their wait."""
    if state.channel.name not in state.digest_rule.channels:
        return
    groups: dict[tuple[str, timedelta], list[OutboxRow]] = defaultdict(list)
    for row in sorted(rows, key=_get_age_key):
        is_due = row.is_first_attempt and row.delivery.due <= now
        if not is_due or row.notice.kind not in DIGESTED or not row.notice.release:
            continue
        wait = _wait_after(row.notice, state)
        key = row.notice.kind, wait
        if groups[key] and row.notice.at - groups[key][-1].notice.at > wait:
            yield groups.pop(key)
        groups[key].append(row)
    yield from groups.values()


def _wait_after(opening: Notice, state: ChannelState) -> timedelta:
    """Return how long an opening waits for others, to be sent in one digest.

    Unproven releases wait longer, and those soon after a digest, except early exposures.
    """
    last, within = state.last_digest, state.digest_rule.within
    is_soon_after_digest = last is not None and opening.at - last < _SAME_EVENT_WITHIN
    is_early = "early_exposure" in opening.findings
    is_less_urgent = opening.kind == "unproven" or (is_soon_after_digest and not is_early)
    if is_less_urgent:
        return within * _UNHURRIED_FACTOR
    return within


def _end_of_wait(group: Sequence[OutboxRow], state: ChannelState) -> datetime:
    """Return one pause after the last opening of a group, at most five after its first."""
    first, last = group[0].notice, group[-1].notice
    pause = _wait_after(first, state)
    return min(last.at + pause, first.at + MOST_PAUSES * pause)


def _end_of_gap(row: OutboxRow, state: ChannelState) -> datetime:
    """Return until when a row waits after the last message of its thread."""
    last = None
    if state.is_paced:
        last = state.last_sent.get(row.notice.follows)
    if last is None or row.notice.urgent or not row.is_first_attempt:
        return row.due
    return last + _MIN_GAP


def _select_bundle(notices: Sequence[Notice]) -> Sequence[Notice]:
    """Return the notices up to the last urgent one, which gives the message its kind, or all."""
    urgent = [place for place, one in enumerate(notices, 1) if one.urgent]
    return notices[: urgent[-1]] if urgent else notices


def _fold_later(notices: Sequence[Notice]) -> Digest:
    """Return the newest of an incident's later notices, with the earlier subjects."""
    newest, covers = notices[-1], tuple(one.id for one in notices)
    before = "\n".join(f"- {one.subject}" for one in notices[:-1])
    identity = notice_id(newest.incident, "several", " ".join(sorted(covers)))
    text = f"{newest.text.rstrip()}\n\nSince the last message:\n{before}\n"
    return Digest(replace(newest, id=identity, text=text), covers)


def _select_first_of_each_thread(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    first: dict[str, OutboxRow] = {}
    for row in sorted(rows, key=_get_age_key):
        first.setdefault(row.thread, row)
    return list(first.values())


def _get_age_key(row: OutboxRow) -> tuple[datetime, bool, str]:
    """Return the sort key for age; at the same time, the notice that opens a thread comes first."""
    return row.notice.at, row.notice.id != row.thread, row.notice.id
