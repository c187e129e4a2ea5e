"""`python -m tests.chaos [--seed N] [--count N] [--seconds S]`: chaos at length, with what broke and its seed.

With `--before COMMIT` monitors of the program at that commit are upgraded instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.fleet import empty
from bench.postgres import running
from tests.chaos.play import ROOM, play, playable
from tests.chaos.upgrade import PACKAGES, upgrade
from tests.chaos.world import ROOT


def main() -> int:
    """Play sequence after sequence; returns 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--before", metavar="COMMIT", help="upgrade monitors of the program at a commit")
    chosen, hurts, wrong = parser.parse_args(), playable(), 0
    with running(ROOM if "full" in hurts else "") as database:
        if chosen.before:
            with tempfile.TemporaryDirectory(prefix="chaos-") as place:
                faults = upgrade(Path(place), database, _program(chosen.before, Path(place) / "before"))
            sys.stdout.write(f"{chosen.before}: {'; '.join(faults) or 'held'}\n")
            return 1 if faults else 0
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            empty(database)
            with tempfile.TemporaryDirectory(prefix="chaos-") as place:
                faults = play(seed, Path(place), database, seconds=chosen.seconds, hurts=hurts)
            sys.stdout.write(f"seed {seed}: {'; '.join(faults) or 'held'}\n")
            sys.stdout.flush()
            wrong += bool(faults)
    return 1 if wrong else 0


def _program(commit: str, place: Path) -> Path:
    packed = subprocess.run(["git", "archive", commit, *PACKAGES], cwd=ROOT, check=True, capture_output=True).stdout
    place.mkdir()
    subprocess.run(["tar", "--extract", "--directory", str(place)], input=packed, check=True)
    return place


if __name__ == "__main__":
    sys.exit(main())
