"""Upgrade two monitors one after the other while slots pass, downgrade one of them, then check
their records.

The next version is a copy of this program with one more migration. It adds a column to every table
that looks, verdicts and messages are written to.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from monitor.store.sql.tables import HEAD
from tests.chaos.play import find_store_faults, find_wrong_verdicts
from tests.chaos.world import NAMES, PATIENCE, ROOT, Truth, World, running_world
from tests.contracts import later

PACKAGES = ("alerts", "monitor", "schedules")
_NEXT = "9001"
_BEFORE, _UNTIL, _SPACING = 8.0, 12.0, 1.0
_WATCH = f"""slot = {{ from = "{_BEFORE:g}s", until = "{_UNTIL:g}s", every = "{_SPACING:g}s" }}
near = {{ from = "1h", every = "5m" }}
"""
_SLOT_SPACING, _SLOT_COUNT = 3.0, 80
"""There are slots for longer than any machine needs.

The verdicts on those that pass are compared with the truth.
"""
_LATE = 7.0
_WIDEST = 2.5 * _SPACING
"""The longest time without a look at a page. A monitor that starts just before a slot skips at most
one look to be in time, and a busy machine looks late. A gap in which neither monitor ran is longer,
because a start takes three seconds.
"""


def upgrade(folder: Path, database: str, before: Path = ROOT) -> list[str]:
    """Upgrade monitors from the program in `before` to the next version.

    Return the faults, one line each.
    """
    after, soon = next_version(folder / "next"), float(round(time.time() + _BEFORE))
    slots = {f"r{number}": soon + number * _SLOT_SPACING for number in range(_SLOT_COUNT)}
    truths = {
        name: Truth(slot, slot + (0.2, _LATE, 0.7)[number % 3])
        for number, (name, slot) in enumerate(slots.items())
    }
    programs = dict.fromkeys(NAMES, before)
    with running_world(
        World(folder, database, "redundant", truths, 40, watch=_WATCH, programs=programs)
    ) as world:
        for name in NAMES:
            world.wait_for_request_from(name)
        up, first = time.time(), NAMES[0]
        wrong = list(_find_wrong_exit_of_newer_reader(world, first, after))
        begins = next(truth.slot for truth in truths.values() if up < truth.slot - _BEFORE)
        world.wait_for_time(begins - 1.0, _BEFORE + _SLOT_SPACING)
        for name in NAMES:
            world.upgrade(name, after)
        world.upgrade(first, before)
        ends = time.time() + _SLOT_SPACING
        watched = {name: truth for name, truth in truths.items() if begins <= truth.slot < ends}
        assert ends < max(slots.values()), "the last slot passed before the upgrades ended"
        world.wait_for_time(max(truth.out for truth in watched.values()) + _SLOT_SPACING, PATIENCE)
        world.wait_until(lambda: not list(_find_unreported(world, watched)), PATIENCE)
        world.stop_all()
        # Only the next version can read all that both wrote.
        world.programs[first] = after
        wrong += [
            *_find_unreported(world, watched),
            *_find_duplicate_messages(world),
            *find_wrong_verdicts(world, watched, ()),
        ]
        return [
            *wrong,
            *_find_unwatched_slots(world, watched),
            *_find_common_blind_spans(world, up),
            *_find_missing_warnings(world),
            *find_store_faults(world),
        ]


def next_version(folder: Path) -> Path:
    """Write a copy of this program with one more migration, and return its folder."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    sql = folder / "monitor" / "store" / "sql"
    _replace(sql / "tables.py", f'HEAD = "{HEAD}"', f'HEAD = "{_NEXT}"')
    (step,) = Path(later.__file__).parent.glob(f"v{_NEXT}_*.py")
    added = Path(shutil.copy(step, sql / "migrations" / "versions"))
    _replace(added, "down_revision = HEAD", f'down_revision = "{HEAD}"')
    return folder


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def _find_wrong_exit_of_newer_reader(world: World, name: str, after: Path) -> Iterator[str]:
    """Yield a fault unless a reading command of the next version refuses a store that was not
    upgraded yet.
    """
    world.programs[name], before = after, world.programs[name]
    status, output = world.run_command(name, "store", "check")
    world.programs[name] = before
    if (status, f"this version needs {_NEXT}" in output) != (3, True):
        yield f"`store check` of the next version ended with {status}: {output}"


def _find_unreported(world: World, watched: dict[str, Truth]) -> Iterator[str]:
    """Yield each release that was late without a message about it."""
    reported = set(_read_messages(world))
    for name, truth in watched.items():
        if truth.out - truth.slot >= _LATE and (name, "opened") not in reported:
            yield f"{name}: no one was notified"


def _find_duplicate_messages(world: World) -> Iterator[str]:
    sent = Counter(
        row["notice"] for name in NAMES for row in _read_log_events(world, name, "delivery")
    )
    for fact, count in [*Counter(_read_messages(world)).items(), *sent.items()]:
        if count > 1:
            yield f"{fact} was sent {count} times"


def _read_messages(world: World) -> Iterator[tuple[str, str]]:
    for path in world.folder.glob("*/outbox/*/*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        yield data["release"], data["kind"]


def _find_unwatched_slots(world: World, watched: dict[str, Truth]) -> Iterator[str]:
    """Yield each page with a gap of looks around its slot, by the requests that the publisher
    received.
    """
    looks = {
        name: sorted(one.at for one in world.requests if one.path == f"/{name}") for name in watched
    }
    for name, truth in watched.items():
        begins = truth.slot - _BEFORE
        seen = next((at for at in looks[name] if at >= truth.out), time.time())
        times = [begins, *(at for at in looks[name] if begins < at < seen), seen]
        widest, since = max((then - at, at) for at, then in pairwise(times))
        if widest > _WIDEST:
            yield (
                f"{name}: not looked at for {widest:.2f} s, from {since - truth.slot:.2f} s after"
                " its slot"
            )


def _find_common_blind_spans(world: World, since: float) -> Iterator[str]:
    spans = [
        [_parse_blind_span(row) for row in _read_log_events(world, name, "blind")] for name in NAMES
    ]
    for one, other in product(*spans):
        begins, ends = max(one[0], other[0], since), min(one[1], other[1])
        if begins < ends:
            yield f"both were blind for {ends - begins:.3f} s: {one[2]}, {other[2]}"


def _parse_blind_span(row: dict[str, Any]) -> tuple[float, float, str]:
    begins, ends = (datetime.fromisoformat(row[end]).timestamp() for end in ("begins", "ends"))
    return begins, ends, row["cause"]


def _find_missing_warnings(world: World) -> Iterator[str]:
    """Yield each monitor that did not log that the store has a newer version.

    The second monitor must log it before its upgrade, the first one after its downgrade.
    """
    yield from (
        f"{name} did not see that the store is newer"
        for name in NAMES
        if not _read_log_events(world, name, "store_newer")
    )


def _read_log_events(world: World, name: str, event: str) -> list[dict[str, Any]]:
    lines = (world.folder / name / "log").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["msg"] == event]
