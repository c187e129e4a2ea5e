"""Which slot truly was in force, by what the calendars showed and when (rules 5 and 13)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tests.oracle.world import Announced, Release, World, spans

_LONDON = ZoneInfo("Europe/London")
_WWW = "www.gov.uk"
_CALENDARS = {_WWW, "calendar.rehearsal.example", "diary.example.org"}
READ_EVERY = timedelta(minutes=10)
_TOLERANCE = timedelta(seconds=60)
_PROMPT = 30.0


@dataclass(frozen=True)
class InForce:
    """The slots that bind: one, or one of each calendar where two differ. Empty: nothing binds."""

    slots: tuple[datetime, ...]
    is_cancelled: bool = False
    has_moved: bool = False

    @property
    def first(self) -> datetime:
        return min(self.slots)

    @property
    def last(self) -> datetime:
        return max(self.slots)


def in_force(release: Release, now: datetime) -> InForce:
    """Return what is in force at `now`: the last slot announced before it passed, while it stands confirmed."""
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
    dropped = [change.at for change in release.changes if change.gone and _is_shown_as_gone(release, change.at)]
    dropped += [release.redated] if release.redated is not None else []
    if any(at <= min(now, slot - READ_EVERY) for at in dropped):
        return InForce((), cancelled, moved)
    if cancelled or not told or told[-1] != "confirmed":
        return InForce((), cancelled, moved)
    others = () if release.other_calendar is None else (release.other_calendar,)
    return InForce((slot, *others), has_moved=moved)


def _is_shown_as_gone(release: Release, at: datetime) -> bool:
    """Return whether a read can show that an entry left its calendar at an instant.

    GOV.UK lists no announcement that leads to its publication, and the next read may be ten minutes later.
    """
    announced, shown = release.announced or Announced(), [span.begins for span in spans(release.page)]
    if not shown or urlsplit(release.page.url).hostname != _WWW or announced.redirect == "never":
        return True
    return shown[0] + timedelta(seconds=announced.redirect) > at + READ_EVERY


def in_force_early(release: Release, now: datetime) -> InForce:
    """Return what was in force as the release first came, where by now nothing is: called off since, it was early.

    A read every ten minutes need not have shown what was called off just before.
    """
    force, shown = in_force(release, now), [span.begins for place in release.places for span in spans(place)]
    return force if force.slots or not shown else in_force(release, min(shown) - READ_EVERY)


def due_from(release: Release, now: datetime) -> datetime | None:
    """Return from when on what is public is released: the slot, or the day of one that is only provisional.

    What an entry said last still counts for this once the entry has left its calendar. A dropped zone is no new slot.
    """
    listed = replace(release, changes=tuple(change for change in release.changes if not change.gone), redated=None)
    force = in_force(listed, now)
    if not force.slots and release.state == "provisional" and not force.is_cancelled:
        return release.slot.astimezone(_LONDON).replace(hour=0, minute=0)
    return force.first if force.slots else None


def was_ever(release: Release, state: str, now: datetime) -> bool:
    """Tell whether a calendar said so of a release by `now`, before its slot or after."""
    return any(change.state == state and change.at <= now for change in release.changes)


def is_unsettled(world: World, release: Release, now: datetime) -> bool:
    """Tell whether a change of the promise may not have been learnt by `now`, because nobody could read of it."""
    changes = [change.at for change in release.changes if change.at <= now]
    begun = (release.known_from, release.redated)
    changes += [at for at in begun if at is not None and at <= now]
    if not changes:
        return False
    if is_hidden(release, now):
        return True
    since = max(changes)
    blocked = [
        (fault.begins, fault.ends or world.ends) for fault in world.faults if _is_of_calendar(fault.host, fault.url)
    ]
    return any(begins < now and since < ends for begins, ends in [*blocked, *world.sleeps()])


def is_young(release: Release, now: datetime) -> bool:
    """Tell whether an exposure may have been told before the last change, which may not have been read yet."""
    shown = [span.begins for place in release.places for span in spans(place)]
    return any(
        now - READ_EVERY < change.at <= now and min(shown, default=now) < change.at for change in release.changes
    )


def is_hidden(release: Release, now: datetime) -> bool:
    """Tell whether no read may ever have shown the last change of a promise.

    GOV.UK's announcement tells no slot any more once it leads to its publication, and it is read every ten minutes.
    Until the tolerance is over without a publication it is there to be read.
    """
    changes = [change.at for change in release.changes if change.at <= min(now, release.slot) and not change.gone]
    shown = [span.begins for span in spans(release.page)]
    announced = release.announced or Announced()
    if not changes or not shown or urlsplit(release.page.url).hostname != _WWW or announced.redirect == "never":
        return False
    read_by = max(changes) + READ_EVERY
    # Of a page that is only guessed it is not known by then whether it is missing: nobody reads again for that.
    if not release.is_guessed:
        read_by = min(read_by, release.slot + _TOLERANCE)
    return shown[0] < read_by and announced.redirect <= _PROMPT


def is_confirmed(release: Release, now: datetime, confirmed: datetime | None) -> bool:
    """Tell whether the promise was read after what had changed by `now`, if it was read when it is said to have been.

    Once it is out at any address, a change of the promise is no matter of whether it was early.
    """
    out = min([now, *(span.begins for place in release.places for span in spans(place))])
    changes = [change.at for change in release.changes if change.at <= out]
    return confirmed is not None and confirmed >= max(changes, default=confirmed)


def _is_of_calendar(host: str | None, url: str | None) -> bool:
    return host in _CALENDARS or "/api/search.json" in (url or "") or urlsplit(url or "").path.endswith(".toml")


def is_quiet(world: World, begins: datetime, ends: datetime) -> bool:
    """Tell whether nothing went wrong with the looks between two instants, a minute before included."""
    troubles = [(one.begins, one.ends or world.ends) for one in world.faults]
    troubles += [(wall.begins, wall.ends) for wall in world.walls()]
    clocks = [(one.begins, world.ends) for one in world.monitor if one.kind == "clock"]
    minute = timedelta(seconds=60)
    return not any(a < ends and begins - minute < b for a, b in [*troubles, *world.sleeps(), *clocks])
