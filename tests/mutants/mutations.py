"""Small changes of functions: what a mistake of a programmer could look like."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
Change = tuple[str, Callable[[ast.AST], None]]
"""What a change does, in words, and the function that makes it in a copy of the node."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """One change in one function.

    `first` and `last` are the lines of the whole function or method, its decorators included.
    `statement` holds the lines of the statement around the change, without those of its blocks.
    `number` is the place of the change among all changes of its file.
    """

    file: str
    function: str
    first: int
    last: int
    statement: range
    line: int
    number: int
    change: str

    @property
    def name(self) -> str:
        """Return an id that stays the same as long as the file does."""
        return f"{self.file}:{self.number}"


def find_mutants(root: Path, file: Path) -> list[Mutant]:
    """Return every change that can be made in the functions of a file.

    Code outside functions (constants, tables, defaults of arguments) is left as it is: it has
    already run when a test begins.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: list[Mutant] = []
    for function, name in _find_functions(tree):
        first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
        last = function.end_lineno or function.lineno
        for node, (change, _), statement in _find_changes(function):
            line = getattr(node, "lineno", statement.start)
            place = str(file.relative_to(root))
            found.append(Mutant(place, name, first, last, statement, line, len(found), change))
    return found


def make_mutated_tree(source: str, number: int) -> ast.Module:
    """Return the syntax tree of a file after the change with that number."""
    tree = ast.parse(source)
    changes = [each for function, _ in _find_functions(tree) for each in _find_changes(function)]
    node, (_, make), _ = changes[number]
    make(node)
    return ast.fix_missing_locations(tree)


def _find_functions(tree: ast.Module) -> Iterator[tuple[Function, str]]:
    """Yield functions and methods with their names. Inner functions belong to the outer one."""
    places: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    while places:
        prefix, body = places.pop(0)
        for statement in body:
            if isinstance(statement, Function):
                yield statement, prefix + statement.name
            elif isinstance(statement, ast.ClassDef):
                places.append((f"{prefix}{statement.name}.", statement.body))


def _find_changes(function: Function) -> Iterator[tuple[ast.AST, Change, range]]:
    for statement in function.body:
        for node, lines in _walk_code(statement, _own_lines(statement)):
            for change in _changes_of(node):
                yield node, change, lines


def _walk_code(node: ast.AST, lines: range) -> Iterator[tuple[ast.AST, range]]:
    """Yield a node and all below it, each with the lines of the statement that it belongs to.

    Annotations are left out: they are never evaluated.
    """
    yield node, lines
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.stmt | ast.match_case):
                yield from _walk_code(child, _own_lines(child))
            elif isinstance(child, ast.AST):
                yield from _walk_code(child, lines)


def _own_lines(statement: ast.stmt | ast.match_case) -> range:
    """Return the lines of a statement up to its first block."""
    if isinstance(statement, ast.match_case):
        return range(statement.pattern.lineno, statement.body[0].lineno)
    first = statement.lineno
    end = (statement.end_lineno or first) + 1
    if isinstance(statement, ast.Match):
        end = statement.cases[0].pattern.lineno
    block = getattr(statement, "body", None)
    if block:
        end = block[0].lineno
    return range(first, max(end, first + 1))


def _changes_of(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        yield from _comparison_changes(node)
    elif isinstance(node, ast.BoolOp):
        is_and = isinstance(node.op, ast.And)
        yield _set("and → or" if is_and else "or → and", op=ast.Or() if is_and else ast.And())
    elif isinstance(node, ast.Constant):
        yield from _constant_changes(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{_short(node)} → {_short(node.operand)}", _drop_not
    elif isinstance(node, ast.If | ast.IfExp):
        yield _set(f"branch of `if {_short(node.test)}` dropped", test=ast.Constant(value=False))
    elif isinstance(node, ast.match_case):
        yield (_set(f"`case {_short(node.pattern)}` dropped", guard=ast.Constant(value=False)))
    elif isinstance(node, ast.Call):
        yield from _argument_changes(node)


def _comparison_changes(node: ast.Compare) -> Iterator[Change]:
    for place, before in enumerate(node.ops):
        after = COMPARISONS[type(before)]()
        ops = [after if index == place else op for index, op in enumerate(node.ops)]
        changed = copy.copy(node)
        changed.ops = ops
        yield _set(f"{_short(node)} → {_short(changed)}", ops=ops)


def _constant_changes(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield _set(f"{node.value} → {not node.value}", value=not node.value)
    elif isinstance(node.value, int):
        for value in (node.value + 1, node.value - 1):
            yield _set(f"{node.value} → {value}", value=value)


def _argument_changes(node: ast.Call) -> Iterator[Change]:
    for place in range(len(node.args) - 1):
        left, right = node.args[place : place + 2]
        if isinstance(left, ast.Starred) or isinstance(right, ast.Starred):
            continue
        if ast.dump(left) != ast.dump(right):
            swapped = [*node.args[:place], right, left, *node.args[place + 2 :]]
            change = f"{_short(left)}, {_short(right)} → swapped in {_short(node.func)}(…)"
            yield _set(change, args=swapped)


def _set(change: str, **fields: object) -> Change:
    def make(node: ast.AST) -> None:
        for field, value in fields.items():
            setattr(node, field, value)

    return change, make


def _drop_not(node: ast.AST) -> None:
    """Turn `not x` into `not not x`, which is true exactly if x is."""
    node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)  # type: ignore[attr-defined]


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else f"{text[:69]}…"
