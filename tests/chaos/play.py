"""Play a random sequence of faults on running monitors, then check verdicts, notices, store and
request rates.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.database import Database
from tests.chaos.publisher import HOSTS, TRAP
from tests.chaos.world import NAMES, WWW, Truth, World, running_world

_FIRST_SLOT_AFTER = 14.0
_SLOT_SPACING = 4.0
_SETTLING_TIME = 20.0
_LONGEST_FAULT = 5.0
_STARVED, _SLOW = (0.098, 0.002), (1.3, 0.05)
"""For how many seconds a process is stopped and then runs. `_STARVED`: a monitor has a fiftieth of
a core. `_SLOW`: a commit of the store takes more than a second.
"""
_OUTAGE = 2.5 * _SLOT_SPACING
"""For how many seconds the store is down: at least one slot is in this time."""
_REFUSAL = 4
"""For how many seconds a host wants no request after a 429."""
_WAIT_STORED_WITHIN = 1.0
"""After so many seconds, the leader has stored that a host asked it to wait."""
_RESEND_TIME = 3.0
"""For how many seconds after packets were lost TCP still sends some of them again."""
_CLOCK_OFFSETS = (-3600.0, -90.0, -30.0, -2.0, -0.4, 0.4, 2.0, 30.0, 90.0, 3600.0)
"""Seconds by which a clock is set wrong for a while."""
BASIC_FAULTS = ("kill", "stop", "hang", "away", "rest", "slow", "hush", "delay")
CUTS = ("cut-store", "cut-publisher", "cut-both")
"""One monitor cannot reach the store, the publisher, or both."""
OUTAGES = ("down", "die-in-outage", "die-cut-off", "refuse")
"""The store is down over a slot, or a monitor is killed without it. `refuse`: a host answers 429,
and the leader is killed.
"""
_STORE_FAULTS = ("hang", "down", "slow", "deny", "crash", "forget", "promote", "full")
_KILLS = ("kill", "poison", "away", "die-in-outage", "die-cut-off", "refuse")
ALL_FAULTS = (
    *(*BASIC_FAULTS, *CUTS, *OUTAGES),
    *("starve", "step", "loss", "deny", "crash", "forget", "promote", "full", "poison"),
)
"""The faults of monitors, store and publisher. On a busy machine, monitors that are starved or have
wrong clocks often take each other for dead. Use `ALL_FAULTS` only on a machine that does nothing
else.
"""
_PROBE_COMMANDS = {"loss": ("nft", "list", "ruleset"), "full": ("unshare", "--mount", "true")}
"""The command that succeeds if this machine allows a fault. Most of them need root."""
FULL_DISK_SIZE = "300m"
"""Size of the disk of a store that is filled."""
CLOCK_TOLERANCE = 0.25
"""Seconds between the publisher's clock reading and the instant at which it answered, at most."""


def list_playable_faults() -> tuple[str, ...]:
    """Return the faults of `ALL_FAULTS` that this machine allows."""
    return tuple(filter(_is_allowed, ALL_FAULTS))


def _is_allowed(fault: str) -> bool:
    command = _PROBE_COMMANDS.get(fault)
    if command is None:
        return True
    is_installed = shutil.which(command[0]) is not None
    return (
        is_installed and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def play(
    seed: int,
    folder: Path,
    database: Database,
    *,
    seconds: float,
    faults: Sequence[str] = BASIC_FAULTS,
) -> list[str]:
    """Play `seconds` of slots with random `faults`.

    Return everything that was wrong, one line each.
    """
    rng = Random(seed)  # noqa: S311  # the same seed plays the same sequence
    begins = time.time() + _FIRST_SLOT_AFTER
    truths = dict(_make_truths(rng, begins, seconds, WWW if "poison" in faults else HOSTS[0]))
    means = {
        "has_own_clocks": "step" in faults,
        "has_slow_network": "delay" in faults,
        "resolves_names": "poison" in faults,
    }
    with running_world(World(folder, database, truths, **means)) as world:
        ready = time.time()
        kills = _play_faults(rng, world, begins, begins + seconds, faults)
        lines = "".join(f"{at:.2f} {fault} {name}\n" for fault, name, at, _ in world.faults_played)
        (folder / "faults").write_text(lines, encoding="ascii")
        for name in NAMES:
            world.start(name)
        # After the last fault, monitors need time to read again what they missed.
        last = max(time.time(), *(truth.out for truth in truths.values())) + _SETTLING_TIME
        world.wait_for_time(last, last - time.time())
        world.wait_until_delivered(_SETTLING_TIME)
        world.stop_all()
        return [
            *_find_wrong_verdicts(world, truths, watched_since=ready),
            *_find_wrong_notices(world, kills),
            *find_store_faults(world),
            *_find_budget_overruns(world),
            *_find_requests_in_waits(world),
            *(
                f"{one.by} sent a request to a forbidden address: {one.path}"
                for one in world.requests
                if one.host == TRAP
            ),
        ]


def _make_truths(
    rng: Random, begins: float, seconds: float, host: str
) -> Iterator[tuple[str, Truth]]:
    for number in range(int(seconds / _SLOT_SPACING)):
        slot = float(round(begins + number * _SLOT_SPACING))
        yield f"r{number}", Truth(slot, slot + rng.choice([0.2, 0.7, 1.5, 7.0, 12.0]), host)


def _play_faults(
    rng: Random, world: World, begins: float, ends: float, faults: Sequence[str]
) -> int:
    """Play random faults from `begins` until `ends`. Return how many monitors were killed."""
    kills, remaining = 0, list[str]()
    world.wait_for_time(begins, begins - time.time())
    while time.time() < ends:
        name, requests = rng.choice(NAMES), rng.randrange(4, 5 * world.rate)
        # Play each fault once before any is played again.
        remaining = remaining or rng.sample(faults, len(faults))
        fault = remaining.pop()
        world.faults_played.append((fault, name, time.time(), requests))
        if fault in _KILLS:
            kills += 1
            _play_kill(rng, world, fault, name, requests)
        elif fault in (*CUTS, "stop", "starve", "step"):
            _play_fault_of_one(rng, world, fault, name, requests)
        elif fault in _STORE_FAULTS:
            _play_store_fault(world, fault, requests)
        else:
            _play_shared_fault(rng, world, fault, requests)
    return kills


def _play_kill(rng: Random, world: World, fault: str, name: str, requests: int) -> None:
    """Kill a monitor, most often while something else fails, and start it again."""
    _begin_trouble(rng, world, fault, name, requests)
    world.send_signal(name, signal.SIGKILL)
    if fault == "kill":
        world.wait_for_requests(requests, _LONGEST_FAULT)
    if fault == "away":
        # It waits until its store answers.
        world.start(name)
        world.wait_for_requests(requests, 3 * _LONGEST_FAULT)
    world.signal_store(signal.SIGCONT)
    world.join_store(name)
    world.start(name)
    world.wait_until_ready(name)
    if fault == "poison":
        world.wait_for_requests(requests, 2 * _LONGEST_FAULT)
        world.resolve_names_to(HOSTS[0])


def _begin_trouble(rng: Random, world: World, fault: str, name: str, requests: int) -> None:
    """Begin what fails while a monitor is killed."""
    match fault:
        case "poison":
            world.resolve_names_to(rng.choice([TRAP, "169.254.169.254", ""]))
        case "away":
            world.signal_store(signal.SIGSTOP)
        case "die-in-outage":
            # It spools what it sees.
            world.signal_store(signal.SIGSTOP)
            world.wait_for_requests(requests, 3 * _LONGEST_FAULT)
        case "die-cut-off":
            # Another monitor leads by then, and later gets the facts from the spool.
            world.cut_off_store(name)
            world.wait_for_requests(requests, 3 * _LONGEST_FAULT)
        case "refuse":
            known = _count_refusals(world)
            world.control_publisher(f"/wait/{_REFUSAL}/{name}")
            world.wait_until(lambda: _count_refusals(world) > known, _REFUSAL)
            world.wait_until(lambda: False, _WAIT_STORED_WITHIN)


def _count_refusals(world: World) -> int:
    return sum(one.status == HTTPStatus.TOO_MANY_REQUESTS for one in world.requests)


def _play_fault_of_one(rng: Random, world: World, fault: str, name: str, requests: int) -> None:
    """Suspend one monitor, set its clock wrong, or cut it off from store or publisher."""
    match fault:
        case "stop":
            world.send_signal(name, signal.SIGSTOP)
            world.wait_for_requests(requests, _LONGEST_FAULT)
            world.send_signal(name, signal.SIGCONT)
        case "starve":
            world.pause_repeatedly(
                partial(world.send_signal, name), requests, _LONGEST_FAULT, _STARVED
            )
        case "step":
            world.set_clock_offset(name, rng.choice(_CLOCK_OFFSETS))
            world.wait_for_requests(requests, _LONGEST_FAULT)
            world.set_clock_offset(name, 0.0)
        case _:
            if fault != "cut-publisher":
                world.cut_off_store(name)
            if fault != "cut-store":
                world.control_publisher(f"/cut/{name}")
            world.wait_for_requests(requests, 2 * _LONGEST_FAULT)
            world.control_publisher(f"/join/{name}")
            world.join_store(name)


def _play_shared_fault(rng: Random, world: World, fault: str, requests: int) -> None:
    """Play a fault of the network or publisher. With `rest` nothing fails."""
    match fault:
        case "rest":
            world.wait_for_requests(requests, _LONGEST_FAULT)
        case "loss":
            world.drop_packets(
                rng.choice([world.port, world.store_port]), requests, 2 * _LONGEST_FAULT
            )
        case "delay":
            # A commit sends a dozen messages to the store, so its network gets less delay.
            network, longest = rng.choice([("far", 1500), ("far-store", 400)])
            world.slow_network(network, rng.randrange(50, longest), requests, 2 * _LONGEST_FAULT)
        case _:
            world.silence_publisher(rng.uniform(0.2, _LONGEST_FAULT))


def _play_store_fault(world: World, fault: str, requests: int) -> None:
    match fault:
        case "hang" | "down":
            world.signal_store(signal.SIGSTOP)
            world.wait_for_requests(requests, _LONGEST_FAULT)
            world.wait_until(lambda: False, _OUTAGE if fault == "down" else 0.0)
            world.signal_store(signal.SIGCONT)
        case "slow":
            world.pause_repeatedly(world.signal_store, requests, 2 * _LONGEST_FAULT, _SLOW)
        case "deny":
            world.set_store_parameters("default_transaction_read_only = on")
            world.wait_for_requests(requests, 2 * _LONGEST_FAULT)
            world.set_store_parameters("default_transaction_read_only = off")
        case "crash":
            world.crash_store()
            world.wait_for_requests(requests, _LONGEST_FAULT)
        case "forget":
            world.set_store_parameters("synchronous_commit = off", "wal_writer_delay = '10s'")
            world.wait_for_requests(requests, _LONGEST_FAULT)
            world.crash_store()
            world.set_store_parameters("synchronous_commit = on", "wal_writer_delay = '200ms'")
        case "promote":
            world.database.fail_over(lambda: world.wait_for_requests(requests, _LONGEST_FAULT))
        case "full":
            with world.fill_store_disk():
                world.wait_for_requests(requests, 2 * _LONGEST_FAULT)


def _find_wrong_verdicts(
    world: World, truths: Mapping[str, Truth], watched_since: float
) -> Iterator[str]:
    """Yield each release with a wrong verdict or first-seen time, or without a verdict."""
    rows = _read_verdicts(world)
    for name, truth in truths.items():
        row = rows.get(name)
        if row is None or row["verdict"] == "pending":
            # A monitor that becomes ready after a slot needs a few looks before it judges.
            if truth.slot > watched_since:
                yield f"{name}: it has no verdict"
            continue
        after, by = (_parse_seconds(row["first_seen"][key]) for key in ("after", "by"))
        if (after is not None and after > truth.out + CLOCK_TOLERANCE) or (
            by is not None and by < truth.out - CLOCK_TOLERANCE
        ):
            yield f"{name}: first seen {row['first_seen']} does not contain {truth.out}"
        late = truth.out - truth.slot
        if row["verdict"] not in ("unproven", "on_time" if late <= 5 else "late"):
            verdict = f"{row['verdict']} {row['unproven_because'] or ''}".strip()
            yield f"{name}: {verdict}, though it came {late:g} s after its slot"


def _read_verdicts(world: World) -> dict[str, dict[str, Any]]:
    """Return the exported row of every judged release, by its id."""
    status, output = world.run_command(NAMES[0], "export", "--format", "json")
    assert status == 0, output
    return {row["id"]: row for row in json.loads(output)}


def _parse_seconds(instant: str | None) -> float | None:
    return None if instant is None else datetime.fromisoformat(instant).timestamp()


def _find_wrong_notices(world: World, kills: int) -> Iterator[str]:
    # A promoted standby can lack the last attempt, because its replication does not wait for it.
    may_repeat = kills + sum(fault == "promote" for fault, *_ in world.faults_played)
    sent = Counter(path.stem for path in world.folder.glob("*/outbox/*/*.json"))
    twice = [name for name, count in sent.items() if count > 1]
    if len(twice) > may_repeat:
        yield (
            f"{len(twice)} messages were sent twice, with {may_repeat} kills and promotions:"
            f" {', '.join(sorted(twice)[:5])}"
        )
    messages = " ".join(
        path.read_text(encoding="utf-8") for path in world.folder.glob("*/outbox/*/*.[jt]*")
    )
    for name, row in _read_verdicts(world).items():
        truth = world.truths[name]
        if (
            row["verdict"] == "late"
            and row["grade"] != "none"
            and not re.search(rf"/{name}\b", messages)
        ):
            yield f"{name}: late by {truth.out - truth.slot:g} s and no one was notified"


def find_store_faults(world: World) -> Iterator[str]:
    # Each monitor checks the evidence files of its own machine.
    for name, *words in ((NAMES[0], "replay"), *((name, "store", "check") for name in NAMES)):
        status, output = world.run_command(name, *words)
        if status:
            yield f"{name}: {' '.join(words)}: {output}"


def _find_requests_in_waits(world: World) -> Iterator[str]:
    """Yield requests to a host before the end of its Retry-After, from any monitor."""
    refused = [one for one in world.requests if one.status == HTTPStatus.TOO_MANY_REQUESTS]
    for first in refused:
        for later in world.requests:
            waited = later.at - first.at
            if later.host == first.host and _WAIT_STORED_WITHIN < waited < _REFUSAL:
                yield f"{later.by} sent a request {waited:.1f} s after {first.by} got a 429"
                break


def _find_budget_overruns(world: World) -> Iterator[str]:
    requests = sorted(world.requests, key=lambda one: one.at)
    for place, (first, later) in enumerate(zip(requests, requests[world.rate :], strict=False)):
        if any(
            begins <= later.at and first.at <= ends + _RESEND_TIME
            for begins, ends in world.irregular_periods
        ):
            continue
        if later.at - first.at < 1.0 - CLOCK_TOLERANCE / 2:
            crowd = ", ".join(
                f"{one.by} {one.at - first.at:.3f}"
                for one in requests[place : place + world.rate + 1]
            )
            before = [
                f"{fault} {name} {first.at - at:.1f} s before for {count} requests"
                for fault, name, at, count in world.faults_played
            ]
            span = f"{later.at - first.at:.3f} s"
            yield (f"{world.rate + 1} requests in {span} ({crowd}; {'; '.join(before)})")
            return
