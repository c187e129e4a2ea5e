"""`python -m bench [NAME …] [--json] [--quick]`: each bench in a process of its own, one after the other."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import import_module

BENCHES = {
    "looks": "bench.looks",
    "budget": "bench.budget",
    "pool": "bench.pool",
    "files": "bench.files",
    "store": "bench.store",
    "upkeep": "bench.upkeep",
    "judge": "bench.judge",
    "calendar": "bench.calendar",
    "board": "bench.board",
    "live": "bench.live",
    "detect": "bench.detect",
    "start": "bench.start",
    "memory": "bench.memory",
    "hostile": "bench.hostile",
    "scale": "bench.scale",
    "fleet": "bench.fleet",
    "wide": "bench.wide",
    "rules": "bench.rules",
}


def main() -> int:
    """Run what is asked for, everything when nothing is; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios and percentiles.")
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(BENCHES)}; all of them when none is given")
    parser.add_argument("--json", action="store_true", help="one JSON object a bench")
    parser.add_argument("--quick", action="store_true", help="as little as still gives figures, to see that it works")
    chosen = parser.parse_args()
    names = chosen.name or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no bench of that name: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if len(names) == 1:
        _print(names[0], import_module(BENCHES[names[0]]).run(quick=chosen.quick), as_json=chosen.json)
        return 0
    options = [flag for flag, is_set in (("--json", chosen.json), ("--quick", chosen.quick)) if is_set]
    return max(subprocess.call([sys.executable, "-m", "bench", name, *options]) for name in names)


def _print(name: str, figures: dict[str, float], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"bench": name, **figures}), flush=True)
        return
    print(name)
    for key, figure in figures.items():
        print(f"  {key:<32} {figure:g}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
