"""`python -m tests.chaos [--seed N] [--count N] [--seconds S]`: chaos at length, with what broke and its seed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.fleet import empty
from bench.postgres import running
from tests.chaos.play import play


def main() -> int:
    """Play sequence after sequence; returns 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen, wrong = parser.parse_args(), 0
    with running() as database:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            empty(database)
            with tempfile.TemporaryDirectory(prefix="chaos-") as place:
                faults = play(seed, Path(place), database, seconds=chosen.seconds)
            sys.stdout.write(f"seed {seed}: {'; '.join(faults) or 'held'}\n")
            sys.stdout.flush()
            wrong += bool(faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
