"""`python -m bench [NAME …] [--json] [--quick]` runs each bench in its own process, one after the
other.

Each figure that has a goal (`bench/goals.py`) is printed with it. The exit status is 0 if all goals
are met, 1 if one is missed, and 2 if one could not be measured. A bench that fails prints the
figures measured until then and an `error`. With `--quick` figures mean nothing, so there are no
goals.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module

from bench.figures import round_figures
from bench.goals import GOALS, Goal

MET, MISSED, NOT_MEASURED = 0, 1, 2
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
    "readiness": "bench.readiness",
    "detect": "bench.detect",
    "start": "bench.start",
    "memory": "bench.memory",
    "hostile": "bench.hostile",
    "scale": "bench.scale",
    "fleet": "bench.fleet",
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
        [name] = names
        bench = import_module(BENCHES[name]).run(quick=chosen.quick)
        goals = {} if chosen.quick else GOALS[name]
        return print_figures(name, bench, goals, as_json=chosen.json)
    options = [
        flag for flag, is_set in (("--json", chosen.json), ("--quick", chosen.quick)) if is_set
    ]
    return worst_status(
        subprocess.call([sys.executable, "-m", "bench", name, *options]) for name in names
    )


def worst_status(statuses: Iterable[int]) -> int:
    """Return the status of several benches: a missed goal counts before one not measured."""
    found = set(statuses)
    return MISSED if MISSED in found else max(found)


def print_figures(
    name: str, bench: Iterator[Mapping[str, float]], goals: Mapping[str, Goal], *, as_json: bool
) -> int:
    """Print the figures of a bench with their goals, and the error if it failed.

    Return the exit status.
    """
    figures, error = dict[str, float](), dict[str, str]()
    try:
        for some in bench:
            figures |= round_figures(some)
    except Exception as fault:  # noqa: BLE001  # figures measured before the error are still printed
        error["error"] = f"{type(fault).__name__}: {fault}"
    if as_json:
        described = {key: _goal_json(goal, figures.get(key)) for key, goal in goals.items()}
        print(json.dumps({"bench": name, **figures, "goals": described, **error}), flush=True)
    else:
        lines = _describe_figures(figures, goals) + [f"error {text}" for text in error.values()]
        print("\n  ".join([name, *lines]), flush=True)
    if any(key in figures and not goal.is_met(figures[key]) for key, goal in goals.items()):
        return MISSED
    return NOT_MEASURED if error or not goals.keys() <= figures.keys() else MET


def _goal_json(goal: Goal, figure: float | None) -> dict[str, float | bool | None]:
    return {**goal.as_json(), "met": None if figure is None else goal.is_met(figure)}


def _describe_figures(figures: Mapping[str, float], goals: Mapping[str, Goal]) -> list[str]:
    lines = []
    for key in [*figures, *(goal for goal in goals if goal not in figures)]:
        line = f"{key:<32} {figures[key]:g}" if key in figures else f"{key:<32} not measured"
        if key in goals:
            line += f"  (goal: {goals[key]})"
            if key in figures and not goals[key].is_met(figures[key]):
                line += "  MISSED"
        lines.append(line)
    return lines


if __name__ == "__main__":
    sys.exit(main())
