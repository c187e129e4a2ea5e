"""`python -m bench [NAME …] [--json] [--quick]` runs each bench in its own process, one after the
other.

A bench that fails prints the figures measured until then and an `error`. The exit status is then 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module

from bench.figures import round_figures

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
    """Run the named benches, or all of them if none is named. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios and percentiles.")
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object a bench")
    parser.add_argument(
        "--quick", action="store_true", help="measure very little, only to test the benches"
    )
    chosen = parser.parse_args()
    names = chosen.name or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(
            f"no bench of that name: {', '.join(unknown)}; choose from {', '.join(BENCHES)}"
        )
    if len(names) == 1:
        return print_figures(
            names[0], import_module(BENCHES[names[0]]).run(quick=chosen.quick), as_json=chosen.json
        )
    options = [
        flag for flag, is_set in (("--json", chosen.json), ("--quick", chosen.quick)) if is_set
    ]
    return max(subprocess.call([sys.executable, "-m", "bench", name, *options]) for name in names)


def print_figures(name: str, bench: Iterator[Mapping[str, float]], *, as_json: bool) -> int:
    """Print the figures of a bench, and the error if it failed. Return the exit status."""
    figures, error = dict[str, float](), dict[str, str]()
    try:
        for some in bench:
            figures |= round_figures(some)
    except Exception as fault:  # noqa: BLE001  # figures measured before the error are still printed
        error["error"] = f"{type(fault).__name__}: {fault}"
    if as_json:
        print(json.dumps({"bench": name, **figures, **error}), flush=True)
    else:
        told = {key: f"{figure:g}" for key, figure in figures.items()} | error
        print(
            "\n  ".join([name, *(f"{key:<32} {value}" for key, value in told.items())]), flush=True
        )
    return len(error)


if __name__ == "__main__":
    sys.exit(main())
