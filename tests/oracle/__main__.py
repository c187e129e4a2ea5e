"""`python -m tests.oracle --seed 1 --count 100` plays random worlds, and prints and keeps each
wrong one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from secrets import randbelow

import click

from tests.oracle.hunt import check_seeds, check_world, contradictions
from tests.oracle.kinds import KINDS
from tests.oracle.outline import outline
from tests.oracle.scripts import random_world
from tests.oracle.shrink import shrink_world
from tests.oracle.text import read_world, write_script
from tests.oracle.world import World

FINDS = Path(__file__).parent / "finds"


def main() -> int:
    """Play one kept world or many random ones. Return 1 if any contradicts its truth, else 0."""
    options = _parse_arguments()
    return _check_case(options.case) if options.case else _check_many(options)


def _check_case(case: Path) -> int:
    made = read_world(case.read_text(encoding="utf-8"))
    found = check_world(made)
    click.echo("\n".join([outline(made), *map(str, found)]))
    return len(contradictions(found)) > 0


def _check_many(options: argparse.Namespace) -> int:
    began, levels, wrong_worlds = time.monotonic(), Counter[str](), 0
    for seed, found in check_seeds(
        range(options.seed, options.seed + options.count), options.workers, options.kind
    ):
        wrong = contradictions(found)
        levels.update(f"{one.level}: {one.what}" for one in found)
        wrong_worlds += bool(wrong)
        shown = found if options.timid else wrong
        if shown:
            click.echo(
                "\n".join(
                    [
                        *(f"{seed}: {one}" for one in shown),
                        outline(random_world(seed, options.kind)),
                    ]
                )
            )
        if wrong:
            options.finds.mkdir(exist_ok=True)
            kept = random_world(seed, options.kind)
            if options.shrink:
                kept = _shrink_and_print(kept, wrong[-1].what)
            click.echo(f"kept as {write_script(kept, options.finds, f'seed-{seed}')}")
    for what, count in levels.most_common():
        click.echo(f"{count:5} {what}")
    took = time.monotonic() - began
    click.echo(
        f"{wrong_worlds} of {options.count} worlds from seed {options.seed} contain a contradiction"
        f" ({took:.0f} s)"
    )
    return wrong_worlds > 0


def _shrink_and_print(made: World, what: str) -> World:
    """Return the smallest world with the same kind of contradiction, and print its outline."""
    least = shrink_world(
        made, lambda one: any(found.what == what for found in contradictions(check_world(one)))
    )
    click.echo(f"smallest world that shows {what}:\n{outline(least)}")
    return least


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="oracle", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=randbelow(10**9), help="the first seed (default: a random one)"
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", choices=KINDS, help="a kind of trouble that every world contains")
    parser.add_argument(
        "--timid", action="store_true", help="print timid claims of easy worlds too"
    )
    parser.add_argument(
        "--finds", type=Path, default=FINDS, help="the folder for scripts of wrong worlds"
    )
    parser.add_argument("--case", type=Path, help="play this kept script only")
    parser.add_argument("--shrink", action="store_true", help="shrink each world before it is kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
