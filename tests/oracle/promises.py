"""Finds the slot that was truly in force, from what the calendars showed at each time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tests.oracle.world import Announced, Release, World, spans

_LONDON = ZoneInfo("Europe/London")
_WWW = "www.gov.uk"
_CALENDARS = {_WWW, "calendar.rehearsal.example", "diary.example.org", "table.example.org"}
READ_EVERY = timedelta(minutes=10)
_TOLERANCE = timedelta(seconds=60)
_PROMPT = 30.0


@dataclass(frozen=True)
class InForce:
    """The slots in force: one, or one of each calendar if two differ.

    Empty if no confirmed slot is in force.
    """

    slots: tuple[datetime, ...]
    is_cancelled: bool = False
    has_moved: bool = False
    is_doubtful: bool = False
    """Whether the slots are readings of one promise. A verdict must then be true in each."""

    @property
    def first(self) -> datetime:
        return min(self.slots)

    @property
    def last(self) -> datetime:
        return max(self.slots)


def in_force(release: Release, now: datetime) -> InForce:
    """Return the slot in force at `now`: the last one announced before it passed, if it is still
    confirmed.
    """
    if release.cell is not None and not release.cell.stands:
        return InForce(())
    slot, state = release.slot, release.state or "confirmed"
    cancelled = moved = False
    states = [(release.known_from, state)]
    for change in release.changes:
        if change.at > now or change.at >= slot:
            continue
        if change.slot is not None:
            slot, moved = change.slot, True
        if change.state is not None:
            states.append((change.at, change.state))
            cancelled = change.state == "cancelled"
    told = [state for at, state in states if at is None or at < slot]
    dropped = [
        change.at
        for change in release.changes
        if change.gone and _is_shown_as_gone(release, change.at)
    ]
    dropped += [release.redated] if release.redated is not None else []
    if any(at <= min(now, slot - READ_EVERY) for at in dropped):
        return InForce((), cancelled, moved)
    if cancelled or not told or told[-1] != "confirmed":
        return InForce((), cancelled, moved)
    others = () if release.other_calendar is None else (release.other_calendar,)
    readings = () if release.cell is None else release.cell.readings
    return InForce((slot, *others, *readings), has_moved=moved, is_doubtful=bool(readings))


def _is_shown_as_gone(release: Release, at: datetime) -> bool:
    """Return whether a read can show that an entry left its calendar at an instant.

    GOV.UK lists no announcement that leads to its publication, and the next read may be ten minutes
    later.
    """
    announced, shown = (
        release.announced or Announced(),
        [span.begins for span in spans(release.page)],
    )
    if not shown or urlsplit(release.page.url).hostname != _WWW or announced.redirect == "never":
        return True
    return shown[0] + timedelta(seconds=announced.redirect) > at + READ_EVERY


def in_force_early(release: Release, now: datetime) -> InForce:
    """Return the slot in force at `now`, or if there is none, the one in force when the release
    first appeared.

    A release that was cancelled or moved later may still have been early. Calendars are read every
    ten minutes, so a change just before the release appeared may be unread.
    """
    force, shown = (
        in_force(release, now),
        [span.begins for place in release.places for span in spans(place)],
    )
    return force if force.slots or not shown else in_force(release, min(shown) - READ_EVERY)


def released_from(release: Release, now: datetime) -> datetime | None:
    """Return when content counts as released: at the slot, or at the start of its day if it is only
    provisional.

    An entry that left its calendar still counts with its last slot. A dropped zone offset does not
    change the slot.
    """
    listed = replace(
        release,
        changes=tuple(change for change in release.changes if not change.gone),
        redated=None,
    )
    force = in_force(listed, now)
    if not force.slots and release.state == "provisional" and not force.is_cancelled:
        return release.slot.astimezone(_LONDON).replace(hour=0, minute=0)
    return force.first if force.slots else None


def was_ever_in_state(release: Release, state: str, now: datetime) -> bool:
    """Return whether a calendar gave a release this state by `now`, before or after its slot."""
    return any(change.state == state and change.at <= now for change in release.changes)


def is_unsettled(world: World, release: Release, now: datetime) -> bool:
    """Return whether the monitor may not have read a change of the promise by `now`, because of a
    fault or downtime.
    """
    changes = [change.at for change in release.changes if change.at <= now]
    begun = (release.known_from, release.redated)
    changes += [at for at in begun if at is not None and at <= now]
    if not changes:
        return False
    if may_change_be_unread(release, now):
        return True
    since = max(changes)
    blocked = [
        (fault.begins, fault.ends or world.ends)
        for fault in world.faults
        if _is_of_calendar(fault.host, fault.url)
    ]
    return any(begins < now and since < ends for begins, ends in [*blocked, *world.sleeps()])


def may_precede_last_change(release: Release, now: datetime) -> bool:
    """Return whether an exposure may have been reported before the last change was read."""
    shown = [span.begins for place in release.places for span in spans(place)]
    return any(
        now - READ_EVERY < change.at <= now and min(shown, default=now) < change.at
        for change in release.changes
    )


def may_change_be_unread(release: Release, now: datetime) -> bool:
    """Return whether the last change of a promise may never have been visible to a read.

    Once GOV.UK's announcement redirects to the publication it shows no slot, and it is read every
    ten minutes. It stays readable until the end of the tolerance if nothing is published.
    """
    changes = [
        change.at
        for change in release.changes
        if change.at <= min(now, release.slot) and not change.gone
    ]
    shown = [span.begins for span in spans(release.page)]
    announced = release.announced or Announced()
    if (
        not changes
        or not shown
        or urlsplit(release.page.url).hostname != _WWW
        or announced.redirect == "never"
    ):
        return False
    read_by = max(changes) + READ_EVERY
    # At a guessed address, absence is not proved by then, so the calendar is not read again before
    # a notice.
    if not release.is_guessed:
        read_by = min(read_by, release.slot + _TOLERANCE)
    return shown[0] < read_by and announced.redirect <= _PROMPT


def is_confirmed(release: Release, now: datetime, confirmed: datetime | None) -> bool:
    """Return whether a read at `confirmed` came after all changes of the promise up to `now`.

    Changes after the release was public at any address do not matter: they do not decide whether it
    was early.
    """
    out = min([now, *(span.begins for place in release.places for span in spans(place))])
    changes = [change.at for change in release.changes if change.at <= out]
    return confirmed is not None and confirmed >= max(changes, default=confirmed)


def _is_of_calendar(host: str | None, url: str | None) -> bool:
    return (
        host in _CALENDARS
        or "/api/search.json" in (url or "")
        or urlsplit(url or "").path.endswith(".toml")
    )


def is_quiet(world: World, begins: datetime, ends: datetime) -> bool:
    """Return whether no fault, wall, downtime or clock error affected looks from a minute before
    `begins` to `ends`.
    """
    troubles = [(one.begins, one.ends or world.ends) for one in world.faults]
    troubles += [(wall.begins, wall.ends) for wall in world.walls()]
    clocks = [(one.begins, world.ends) for one in world.monitor if one.kind == "clock"]
    minute = timedelta(seconds=60)
    return not any(
        a < ends and begins - minute < b for a, b in [*troubles, *world.sleeps(), *clocks]
    )
