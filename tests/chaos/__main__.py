"""`python -m tests.chaos [--seed N] [--count N] [--seconds S] [--faults NAME…] [--keep DIR]`: play
random faults and print what failed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.fleet import empty
from tests.chaos.database import run_database
from tests.chaos.play import FULL_DISK_SIZE, list_playable_faults, play


def main() -> int:
    """Play the seeds one after the other. Return 1 if anything was wrong.

    Of a wrong seed, `--keep` keeps the monitors' folders, the faults and a dump of the store.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path)
    playable = list_playable_faults()
    parser.add_argument("--faults", nargs="+", choices=playable, default=playable)
    chosen, wrong = parser.parse_args(), 0
    with run_database(FULL_DISK_SIZE if "full" in chosen.faults else "") as database:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            empty(database.address)
            with tempfile.TemporaryDirectory(prefix="chaos-") as name:
                folder = Path(name)
                found = play(seed, folder, database, seconds=chosen.seconds, faults=chosen.faults)
                if found and chosen.keep:
                    shutil.copytree(folder, chosen.keep / str(seed), ignore_dangling_symlinks=True)
                    database.dump(chosen.keep / str(seed) / "store.sql")
            sys.stdout.write(f"seed {seed}: {'; '.join(found) or 'passed'}\n")
            sys.stdout.flush()
            wrong += bool(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
