"""`python -m tests.oracle --seed 1 --count 100`: random worlds, played and judged; finds are printed and kept."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from secrets import randbelow

import click

from tests.oracle.hunt import contradictions, found_in, hunt
from tests.oracle.kinds import KINDS
from tests.oracle.outline import outline
from tests.oracle.scripts import world
from tests.oracle.shrink import shrunk
from tests.oracle.text import world_of, write
from tests.oracle.world import World

FINDS = Path(__file__).parent / "finds"


def main() -> int:
    """Search, print and keep; 1 when anything was said that the truth denies."""
    asked = _arguments()
    return _one(asked.case) if asked.case else _many(asked)


def _one(case: Path) -> int:
    made = world_of(case.read_text(encoding="utf-8"))
    found = found_in(made)
    click.echo("\n".join([outline(made), *map(str, found)]))
    return len(contradictions(found)) > 0


def _many(asked: argparse.Namespace) -> int:
    began, levels, wrong = time.monotonic(), Counter[str](), 0
    for seed, found in hunt(range(asked.seed, asked.seed + asked.count), asked.workers, asked.kind):
        denied = contradictions(found)
        levels.update(f"{one.level}: {one.what}" for one in found)
        wrong += bool(denied)
        shown = found if asked.timid else denied
        if shown:
            click.echo("\n".join([*(f"{seed}: {one}" for one in shown), outline(world(seed, asked.kind))]))
        if denied:
            asked.finds.mkdir(exist_ok=True)
            kept = _least(world(seed, asked.kind), denied[-1].what) if asked.shrink else world(seed, asked.kind)
            click.echo(f"kept as {write(kept, asked.finds, f'seed-{seed}')}")
    for what, count in levels.most_common():
        click.echo(f"{count:5} {what}")
    took = time.monotonic() - began
    click.echo(f"{wrong} of {asked.count} worlds from seed {asked.seed} hold a contradiction ({took:.0f} s)")
    return wrong > 0


def _least(made: World, what: str) -> World:
    """Return the smallest world that still finds the same, and say what is left of it."""
    least = shrunk(made, lambda one: any(found.what == what for found in contradictions(found_in(one))))
    click.echo(f"enough to find {what}:\n{outline(least)}")
    return least


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="oracle", description=__doc__)
    asked.add_argument("--seed", type=int, default=randbelow(10**9), help="the first seed; a fresh one by default")
    asked.add_argument("--count", type=int, default=100)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--kind", choices=KINDS, help="a kind of trouble that every world contains")
    asked.add_argument("--timid", action="store_true", help="print what was kept back in easy worlds, too")
    asked.add_argument("--finds", type=Path, default=FINDS, help="where scripts that found something are kept")
    asked.add_argument("--case", type=Path, help="play one kept script instead")
    asked.add_argument("--shrink", action="store_true", help="leave out of each find whatever it does not need")
    return asked.parse_args()


if __name__ == "__main__":
    sys.exit(main())
