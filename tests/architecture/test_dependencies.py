"""`pyproject.toml` declares each library that the program imports, and no other."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("monitor", "schedules", "alerts")
# Loaded by name: lxml finds cssselect, zoneinfo finds tzdata, SQLAlchemy its driver, and Starlette
# the reader of forms.
LOADED_BY_OTHERS = {"cssselect", "tzdata", "psycopg", "python-multipart"}
# pydantic demands one version of it, and no other.
PARTS_OF_OTHERS = {"pydantic-core": "pydantic"}


def imported() -> Iterator[str]:
    """Yield the top module of every import of the program."""
    for folder in OURS:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module is not None:
                    yield node.module.partition(".")[0]


def distribution(name: str) -> str:
    """Return the name under which a library is declared."""
    plain = name.lower().replace("_", "-")
    return PARTS_OF_OTHERS.get(plain, plain)


def test_every_library_that_is_imported_is_declared_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["postgres"], *extras["parquet"]]
    declared = {re.split(r"[\[<>=~!; ]", line, maxsplit=1)[0].lower() for line in lines}
    known = packages_distributions()
    libraries = {name for name in imported() if name not in {*OURS, *sys.stdlib_module_names}}
    owners = {name: {distribution(owner) for owner in known.get(name, ())} for name in libraries}
    assert {name for name, its in owners.items() if not its & declared} == set()
    assert (
        declared - LOADED_BY_OTHERS - {owner for its in owners.values() for owner in its} == set()
    )
