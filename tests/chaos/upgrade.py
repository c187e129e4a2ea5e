"""Two monitors upgraded one after the other while slots pass, and one of them back; and what must be so after it.

The version after this one is a copy of this program that knows of one step of the store more: one that adds to every
table that looks, verdicts and messages are written to.
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
from tests.chaos.play import wrong_store, wrong_words
from tests.chaos.world import NAMES, PATIENCE, ROOT, Truth, World, living
from tests.contracts import later

PACKAGES = ("alerts", "monitor", "schedules")
_NEXT = "9001"
_BEFORE, _UNTIL, _SPACING = 8.0, 12.0, 1.0
_WATCH = f"""slot = {{ from = "{_BEFORE:g}s", until = "{_UNTIL:g}s", every = "{_SPACING:g}s" }}
near = {{ from = "1h", every = "5m" }}
"""
_BETWEEN, _MANY = 3.0, 80
"""Slots go on for longer than any machine takes: those that pass meanwhile are held against what was true."""
_LATE = 7.0
_WIDEST = 2.5 * _SPACING
"""What a page may be left alone for: a monitor that begins just before a slot skips at most one look to be in time for
it, and looks come late on a busy machine. One that both leave out is longer: none starts in less than three seconds.
"""


def upgrade(place: Path, database: str, before: Path = ROOT) -> list[str]:
    """Return what was wrong when monitors of the program in a folder became ones of the version after this."""
    after, soon = next_version(place / "next"), float(round(time.time() + _BEFORE))
    slots = {f"r{number}": soon + number * _BETWEEN for number in range(_MANY)}
    truths = {
        name: Truth(slot, slot + (0.2, _LATE, 0.7)[number % 3]) for number, (name, slot) in enumerate(slots.items())
    }
    programs = dict.fromkeys(NAMES, before)
    with living(World(place, database, "redundant", truths, 40, watch=_WATCH, programs=programs)) as made:
        for name in NAMES:
            made.until_asked_by(name)
        up, first = time.time(), NAMES[0]
        wrong = list(_wrong_reader(made, first, after))
        begins = next(truth.slot for truth in truths.values() if up < truth.slot - _BEFORE)
        made.until(begins - 1.0, _BEFORE + _BETWEEN)
        for name in NAMES:
            made.upgrade(name, after)
        made.upgrade(first, before)
        ends = time.time() + _BETWEEN
        watched = {name: truth for name, truth in truths.items() if begins <= truth.slot < ends}
        assert ends < max(slots.values()), "this machine takes longer than there are slots"
        made.until(max(truth.out for truth in watched.values()) + _BETWEEN, PATIENCE)
        made.hears(lambda: not list(_untold(made, watched)), PATIENCE)
        made.end()
        # What it left behind is read by the version that knows all of it.
        made.programs[first] = after
        wrong += [*_untold(made, watched), *_told_twice(made), *wrong_words(made, watched, ())]
        return [*wrong, *_not_looked_at(made, watched), *_both_blind(made, up), *_unaware(made), *wrong_store(made)]


def next_version(place: Path) -> Path:
    """Write this program with one step of the store more, and return its folder."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package)
    sql = place / "monitor" / "store" / "sql"
    _replace(sql / "tables.py", f'HEAD = "{HEAD}"', f'HEAD = "{_NEXT}"')
    (step,) = Path(later.__file__).parent.glob(f"v{_NEXT}_*.py")
    added = Path(shutil.copy(step, sql / "migrations" / "versions"))
    _replace(added, "down_revision = HEAD", f'down_revision = "{HEAD}"')
    return place


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def _wrong_reader(made: World, name: str, after: Path) -> Iterator[str]:
    """Yield what is wrong with a command of the version after that only asks, before anybody has upgraded."""
    made.programs[name], before = after, made.programs[name]
    status, said = made.says(name, "store", "check")
    made.programs[name] = before
    if (status, f"this version needs {_NEXT}" in said) != (3, True):
        yield f"a reader of the version after ended with {status}: {said}"


def _untold(made: World, watched: dict[str, Truth]) -> Iterator[str]:
    """Yield each release that was late and of which people were told nothing."""
    told = set(_told(made))
    for name, truth in watched.items():
        if truth.out - truth.slot >= _LATE and (name, "opened") not in told:
            yield f"{name}: nobody was told"


def _told_twice(made: World) -> Iterator[str]:
    sent = Counter(row["notice"] for name in NAMES for row in _logged(made, name, "delivery"))
    for fact, many in [*Counter(_told(made)).items(), *sent.items()]:
        if many > 1:
            yield f"{fact} was told {many} times"


def _told(made: World) -> Iterator[tuple[str, str]]:
    for path in made.place.glob("*/outbox/*/*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        yield data["release"], data["kind"]


def _not_looked_at(made: World, watched: dict[str, Truth]) -> Iterator[str]:
    """Yield where nobody looked at a page around its slot, by what the publisher was asked."""
    asked = {name: sorted(one.at for one in made.asked if one.path == f"/{name}") for name in watched}
    for name, truth in watched.items():
        begins = truth.slot - _BEFORE
        seen = next((at for at in asked[name] if at >= truth.out), time.time())
        times = [begins, *(at for at in asked[name] if begins < at < seen), seen]
        widest, since = max((then - at, at) for at, then in pairwise(times))
        if widest > _WIDEST:
            yield f"{name}: not looked at for {widest:.2f} s, from {since - truth.slot:.2f} s after its slot"


def _both_blind(made: World, since: float) -> Iterator[str]:
    spans = [[_span(row) for row in _logged(made, name, "blind")] for name in NAMES]
    for one, other in product(*spans):
        begins, ends = max(one[0], other[0], since), min(one[1], other[1])
        if begins < ends:
            yield f"both were blind for {ends - begins:.3f} s: {one[2]}, {other[2]}"


def _span(row: dict[str, Any]) -> tuple[float, float, str]:
    begins, ends = (datetime.fromisoformat(row[end]).timestamp() for end in ("begins", "ends"))
    return begins, ends, row["cause"]


def _unaware(made: World) -> Iterator[str]:
    """Yield who went on beside a version after it without a word: the second at first, the first when it was back."""
    yield from (
        f"{name} did not see that the store is newer" for name in NAMES if not _logged(made, name, "store_newer")
    )


def _logged(made: World, name: str, event: str) -> list[dict[str, Any]]:
    lines = (made.place / name / "log").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["msg"] == event]
