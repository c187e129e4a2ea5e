"""One seeded sequence of faults, and what must be so after it whatever it was."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.publisher import HOSTS, TRAP
from tests.chaos.world import NAMES, WWW, Truth, World, living

_BEFORE = 14.0
_BETWEEN = 4.0
_SETTLES = 20.0
_LONGEST = 5.0
_STARVED, _SLOW = (0.098, 0.002), (1.3, 0.05)
"""A monitor has a fiftieth of a core; a store commits what comes in more than a second."""
_SENT_ANEW = 3.0
"""For so many seconds after packets were lost some still come that were sent before."""
_STEPS = (-3600.0, -30.0, -2.0, -0.4, 0.4, 2.0, 30.0, 3600.0)
"""By how many seconds a clock is set wrong for a while."""
FEW = ("kill", "stop", "hang", "away", "rest", "slow", "hush", "delay")
ALL = (*FEW, "starve", "step", "loss", "deny", "crash", "forget", "full", "poison")
"""What monitors, their store and the publisher are hurt by. Starved and set back and forth, a busy machine's monitors
take each other for dead all the while: `ALL` is for a machine that does nothing else."""
_TRIED_BY = {"loss": ("nft", "list", "ruleset"), "full": ("unshare", "--mount", "true")}
"""What tells whether this machine lets us hurt them so: mostly, whether we are root."""
ROOM = "300m"
"""How much a store has that gets full."""
NEAR = 0.25
"""Seconds by which the publisher's clock reading may lie off the instant an answer was made."""


def playable() -> tuple[str, ...]:
    """Return those of `ALL` that this machine lets us play."""
    return tuple(what for what in ALL if what not in _TRIED_BY or _works(_TRIED_BY[what]))


def _works(command: Sequence[str]) -> bool:
    is_here = shutil.which(command[0]) is not None
    return is_here and subprocess.run(command, capture_output=True, check=False).returncode == 0


def play(seed: int, place: Path, database: str, *, seconds: float, hurts: Sequence[str] = FEW) -> list[str]:
    """Return what was wrong after faults of a seed over so many seconds of slots; nothing when all held."""
    rng = Random(seed)  # noqa: S311  # a sequence that can be played again
    mode, begins = rng.choice(["redundant", "shared"]), time.time() + _BEFORE
    truths = dict(_truths(rng, begins, seconds, WWW if "poison" in hurts else HOSTS[0]))
    able = {"sets_clocks": "step" in hurts, "is_far": "delay" in hurts, "has_names": "poison" in hurts}
    with living(World(place, database, mode, truths, **able)) as made:
        kills = _hurt(rng, made, begins, begins + seconds, hurts)
        for name in NAMES:
            made.start(name)
        # Whatever was hurt has time to find out what became of it.
        last = max(time.time(), *(truth.out for truth in truths.values())) + _SETTLES
        made.until(last, last - time.time())
        made.end()
        return [
            *wrong_words(made, truths, ("unproven", "pending")),
            *_wrong_notices(made, kills),
            *wrong_store(made),
            *_over_budget(made),
            *(f"{one.by} asked where nobody may: {one.path}" for one in made.asked if one.host == TRAP),
        ]


def _truths(rng: Random, begins: float, seconds: float, host: str) -> Iterator[tuple[str, Truth]]:
    for number in range(int(seconds / _BETWEEN)):
        slot = float(round(begins + number * _BETWEEN))
        yield f"r{number}", Truth(slot, slot + rng.choice([0.2, 0.7, 1.5, 7.0, 12.0]), host)


def _hurt(rng: Random, made: World, begins: float, ends: float, hurts: Sequence[str]) -> int:
    """Hurt monitors and their store until an instant; return how many monitors were killed."""
    kills, left = 0, list[str]()
    made.until(begins, begins - time.time())
    while time.time() < ends:
        name, many = rng.choice(NAMES), rng.randrange(4, 5 * made.rate)
        # None comes again before each of them came.
        left = left or rng.sample(hurts, len(hurts))
        what = left.pop()
        made.hurt.append((what, name, time.time(), many))
        match what:
            case "kill":
                made.send(name, signal.SIGKILL)
                kills += 1
                made.until_asked(many, _LONGEST)
                made.start(name)
                # Without its store it could not know that the other had its turns meanwhile.
                made.until_up(name)
            case "poison":
                made.lead_names_to(rng.choice([TRAP, "169.254.169.254", ""]))
                made.send(name, signal.SIGKILL)
                kills += 1
                made.start(name)
                made.until_up(name)
                made.until_asked(many, 2 * _LONGEST)
                made.lead_names_to(HOSTS[0])
            case "stop":
                made.send(name, signal.SIGSTOP)
                made.until_asked(many, _LONGEST)
                made.send(name, signal.SIGCONT)
            case "starve":
                made.starve(partial(made.send, name), many, _LONGEST, _STARVED)
            case "step":
                made.step(name, rng.choice(_STEPS))
                made.until_asked(many, _LONGEST)
                made.step(name, 0.0)
            case "away":
                made.store(signal.SIGSTOP)
                made.send(name, signal.SIGKILL)
                kills += 1
                # It starts without its store, and watches.
                made.start(name)
                made.until_asked(many, 3 * _LONGEST)
                made.store(signal.SIGCONT)
            case _:
                _hurt_others(rng, made, what, many)
    return kills


def _hurt_others(rng: Random, made: World, what: str, many: int) -> None:
    """Hurt what all monitors ask, or rest."""
    match what:
        case "hang":
            made.store(signal.SIGSTOP)
            made.until_asked(many, _LONGEST)
            made.store(signal.SIGCONT)
        case "slow":
            made.starve(made.store, many, 2 * _LONGEST, _SLOW)
        case "loss":
            made.lose(rng.choice([made.port, made.store_port]), many, 2 * _LONGEST)
        case "delay":
            # A commit asks the store a dozen times.
            what, most = rng.choice([("far", 1500), ("far-store", 400)])
            made.delay(what, rng.randrange(50, most), many, 2 * _LONGEST)
        case "deny":
            made.store_is("default_transaction_read_only = on")
            made.until_asked(many, 2 * _LONGEST)
            made.store_is("default_transaction_read_only = off")
        case "crash":
            made.crash()
            made.until_asked(many, _LONGEST)
        case "forget":
            made.store_is("synchronous_commit = off", "wal_writer_delay = '10s'")
            made.until_asked(many, _LONGEST)
            made.crash()
            made.store_is("synchronous_commit = on", "wal_writer_delay = '200ms'")
        case "full":
            with made.full():
                made.until_asked(many, 2 * _LONGEST)
        case "hush":
            made.hush(rng.uniform(0.2, _LONGEST))
        case _:
            made.until_asked(many, _LONGEST)


def wrong_words(made: World, truths: Mapping[str, Truth], unproved: Collection[str]) -> Iterator[str]:
    """Yield each release of which something is said that is not so; `unproved` are words that claim nothing."""
    rows = _verdicts(made)
    for name, truth in truths.items():
        if (row := rows.get(name)) is None:
            # What came under watch after its slot is not judged before it was looked at for a while.
            if "pending" not in unproved:
                yield f"{name}: nothing was said of it"
            continue
        after, by = (_seconds(row["first_seen"][key]) for key in ("after", "by"))
        if (after is not None and after > truth.out + NEAR) or (by is not None and by < truth.out - NEAR):
            yield f"{name}: first seen {row['first_seen']} does not hold {truth.out}"
        late = truth.out - truth.slot
        if row["verdict"] not in {*unproved, "on_time" if late <= 5 else "late"}:
            yield f"{name}: {row['verdict']}, though it came {late:g} s after its slot"


def _verdicts(made: World) -> dict[str, dict[str, Any]]:
    """Return what is said now of every release that was judged."""
    status, said = made.says(NAMES[0], "export", "--format", "json")
    assert status == 0, said
    return {row["id"]: row for row in json.loads(said)}


def _seconds(instant: str | None) -> float | None:
    return None if instant is None else datetime.fromisoformat(instant).timestamp()


def _wrong_notices(made: World, kills: int) -> Iterator[str]:
    sent = Counter(path.stem for path in made.place.glob("*/outbox/*/*.json"))
    twice = [name for name, many in sent.items() if many > 1]
    if len(twice) > kills:
        yield f"{len(twice)} messages were sent twice, with {kills} kills: {', '.join(sorted(twice)[:5])}"
    told = " ".join(path.read_text(encoding="utf-8") for path in made.place.glob("*/outbox/*/*.[jt]*"))
    for name, row in _verdicts(made).items():
        truth = made.truths[name]
        if row["verdict"] == "late" and row["grade"] != "none" and not re.search(rf"/{name}\b", told):
            yield f"{name}: late by {truth.out - truth.slot:g} s and nobody was told"


def wrong_store(made: World) -> Iterator[str]:
    """Yield what commands find wrong with the store and with what is judged from it."""
    # Each reads the files of its own machine.
    for name, *words in ((NAMES[0], "replay"), *((name, "store", "check") for name in NAMES)):
        status, said = made.says(name, *words)
        if status:
            yield f"{name}: {' '.join(words)}: {said}"


def _over_budget(made: World) -> Iterator[str]:
    asked = sorted(made.asked, key=lambda one: one.at)
    for place, (first, later) in enumerate(zip(asked, asked[made.rate :], strict=False)):
        if any(begins <= later.at and first.at <= ends + _SENT_ANEW for begins, ends in made.lossy):
            continue
        if later.at - first.at < 1.0 - NEAR / 2:
            crowd = ", ".join(f"{one.by} {one.at - first.at:.3f}" for one in asked[place : place + made.rate + 1])
            before = [
                f"{what} {name} {first.at - at:.1f} s before for {many} requests" for what, name, at, many in made.hurt
            ]
            yield f"{made.rate + 1} requests in {later.at - first.at:.3f} s ({crowd}; {made.mode}; {'; '.join(before)})"
            return
