"""`python -m tests.mutants --seed 7 --count 300` changes the program in small ways, one at a time,
and prints which changes no test notices.

Each mutant meets every fast test of `tests/unit` and `tests/contracts` that runs its statement.
Which test does is recorded once, by running all of them. Another test cannot notice the mutant,
so no kill is lost. A property gets twenty examples, the same each time.
Once a test has killed a mutant, only a few seconds of others run, so "killed by 3 of 40" names the
tests that ran. A mutant that ten seconds of its tests have not killed counts as alive. Code outside functions is not changed.

Results are kept in `var/mutants/`, under the seed and a digest of the sources and tests. The same
command continues where it was stopped. Files of the project are never written: the changed code replaces
that of the functions in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from tests.mutants.mutations import Mutant, find_mutants
from tests.mutants.session import MutantSession, read_lines
from tests.mutants.statements import StatementRecorder

ROOT = Path(__file__).parents[2]
MUTATED = ("monitor/judge", "schedules", "monitor/ledger", "alerts")
TESTS = ("tests/unit", "tests/contracts")
# Two results can be compared only if they are of the same code and tests.
COMPARED = ("monitor", "schedules", "alerts", "tests")
PYTEST = (
    *("-q", "-m", "not slow", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
    *("--capture=no", "-o", "faulthandler_timeout=120"),
)


def main() -> int:
    """Run the drawn mutants and print what became of each. Return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--seed", type=int, default=1, help="which mutants are drawn")
    parser.add_argument("--count", type=int, default=300, help="how many")
    options = parser.parse_args()
    began = time.monotonic()
    mutants = draw_mutants(options.seed, options.count)
    name = f"{digest_sources()}-{options.seed}-{options.count}"
    folder = ROOT / "var" / "mutants" / name
    folder.mkdir(parents=True, exist_ok=True)
    plugin = MutantSession(ROOT, folder, StatementRecorder(ROOT, mutants), mutants)
    status = pytest.main([*PYTEST, *(str(ROOT / place) for place in TESTS)], [plugin])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return int(status)
    results = {line["name"]: line for line in read_lines(folder / "mutants.jsonl")}
    click.echo("\n".join(describe(mutants, results)))
    click.echo(f"{time.monotonic() - began:.0f} s, kept in {folder.relative_to(ROOT)}")
    return 0


def draw_mutants(seed: int, count: int) -> list[Mutant]:
    """Return random mutants of the mutated packages, in the order of their files."""
    files = sorted(file for folder in MUTATED for file in (ROOT / folder).rglob("*.py"))
    mutants = [mutant for file in files for mutant in find_mutants(ROOT, file)]
    drawn = random.Random(seed).sample(range(len(mutants)), min(count, len(mutants)))  # noqa: S311
    return [mutants[place] for place in sorted(drawn)]


def digest_sources() -> str:
    """Return a short digest of all code, tests and case files."""
    digest = hashlib.sha256()
    for folder in COMPARED:
        files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.toml")]
        for file in sorted(files):
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def describe(mutants: Sequence[Mutant], results: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line for each mutant, killed ones first, and the sums."""
    killed, alive, unmet = list[str](), list[str](), 0
    for mutant in mutants:
        result = results[mutant.name]
        place = f"{mutant.file}:{mutant.line} {mutant.function}: {mutant.change}"
        ran, meeting = result["ran"], result["meeting"]
        not_run = f" ({meeting - ran} more not run)" if meeting > ran else ""
        if result["killed_by"]:
            killed.append(f"killed by {len(result['killed_by'])} of {ran}{not_run}  {place}")
        else:
            alive.append(f"alive after {ran} tests{not_run}  {place}")
            unmet += meeting == 0
    total = f"killed {len(killed)} of {len(mutants)}, {unmet} of the others met by no test"
    return [*killed, *alive, total]


if __name__ == "__main__":
    sys.exit(main())
