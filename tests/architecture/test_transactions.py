"""What runs in a transaction reads there too: the store does not show what the block has written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = {"ledger", "runs", "verdicts", "outbox", "sessions", "evidence", "leases"}


def takes_transaction(function: ast.FunctionDef | ast.Lambda) -> bool:
    return any(given.arg in {"tx", "transaction"} for given in function.args.args)


def find_reads_of_store(function: ast.AST) -> Iterator[str]:
    """Yield the reads of a part of the store, such as `self.store.verdicts`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in PARTS:
            owner = ast.unparse(node.value)
            if owner.rpartition(".")[2].lstrip("_") == "store":
                yield f"{owner}.{node.attr}"


def test_functions_with_a_transaction_do_not_read_the_store_beside_it() -> None:
    found = []
    for file in sorted((ROOT / "monitor").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.Lambda) and takes_transaction(node):
                found += [f"{file.name}:{node.lineno}: {one}" for one in find_reads_of_store(node)]
    assert found == []
