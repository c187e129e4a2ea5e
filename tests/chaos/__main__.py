"""`python -m tests.chaos [--seed N] [--count N] [--seconds S] [--faults NAME…]`: play random faults
and print what failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.fleet import empty
from tests.chaos.database import run_database
from tests.chaos.play import FULL_DISK_SIZE, list_playable_faults, play


def main() -> int:
    """Play the seeds one after the other. Return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    playable = list_playable_faults()
    parser.add_argument("--faults", nargs="+", choices=playable, default=playable)
    chosen, wrong = parser.parse_args(), 0
    with run_database(FULL_DISK_SIZE if "full" in chosen.faults else "") as database:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            empty(database.address)
            with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
                found = play(
                    seed, Path(folder), database, seconds=chosen.seconds, faults=chosen.faults
                )
            sys.stdout.write(f"seed {seed}: {'; '.join(found) or 'passed'}\n")
            sys.stdout.flush()
            wrong += bool(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
