"""Strings made to hurt one pattern: each repeated piece of it over and over, then something that
does not fit.
"""

from __future__ import annotations

import re._constants as op
import re._parser as parser
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any, TypeAlias

Node: TypeAlias = Any
"""Of the trees that `re` makes of patterns; they have no public type."""

_MOST = 6
_ENDS = ("", "\x00", "!", " !", "\n", "0x")
_CATEGORIES = {
    op.CATEGORY_DIGIT: "05",
    op.CATEGORY_NOT_DIGIT: "a -",
    op.CATEGORY_SPACE: " \n",
    op.CATEGORY_NOT_SPACE: "a0-",
    op.CATEGORY_WORD: "a0_",
    op.CATEGORY_NOT_WORD: " -.",
}


def pumped(pattern: str | bytes, flags: int) -> Iterator[tuple[str, str, str]]:
    """Yield head, piece and end: head, many pieces and end make a string that costs the pattern
    most.
    """
    tree = parser.parse(pattern, flags)
    yield from dict.fromkeys(_slow_texts(tree))


def _slow_texts(tree: Node) -> Iterator[tuple[str, str, str]]:
    repeats = list(_find_repeats(tree, ""))
    pieces = {piece for _, body in repeats for piece in _matching_texts(body)}
    for head, body in repeats:
        for piece in _matching_texts(body):
            for before, end in product({"", head}, _ENDS):
                yield before, piece, end
    # Two repeats that take the same, one after the other, are tried in every way to share it.
    for one, other in product(sorted(pieces)[:12], repeat=2):
        yield "", one + other, "!"
    whole = next(_matching_texts(tree), "")
    for end in _ENDS:
        yield "", whole, end
        yield "", whole[:-1], end


def _find_repeats(tree: Node, head: str) -> Iterator[tuple[str, Node]]:
    for kind, value in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            if value[1] > 3:
                yield head, value[2]
            yield from _find_repeats(value[2], head)
        for inner in _inner_trees(kind, value):
            yield from _find_repeats(inner, head)
        head += next(_matching_texts([(kind, value)]), "")


def _inner_trees(kind: Node, value: Node) -> Sequence[Node]:
    if kind is op.SUBPATTERN:
        return (value[3],)
    if kind is op.BRANCH:
        return tuple(value[1])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return (value[1],)
    return ()


def _matching_texts(tree: Node) -> Iterator[str]:
    """Yield a few strings that a sequence of nodes matches."""
    choices = [list(islice(_texts_of_node(kind, value), _MOST)) or [""] for kind, value in tree]
    seen = islice(product(*choices), _MOST * _MOST)
    yield from islice((text for text in dict.fromkeys("".join(each) for each in seen)), _MOST * 2)


def _texts_of_node(kind: Node, value: Node) -> Iterator[str]:  # noqa: C901  # one line for each kind of node
    if kind is op.LITERAL:
        yield chr(value)
    elif kind is op.NOT_LITERAL:
        yield from (char for char in 'a 0<"' if ord(char) != value)
    elif kind is op.ANY:
        yield from "a 0"
    elif kind is op.IN:
        yield from _characters_in(value)
    elif kind is op.BRANCH:
        for branch in value[1]:
            yield from islice(_matching_texts(branch), 2)
    elif kind is op.SUBPATTERN:
        yield from _matching_texts(value[3])
    elif kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        for text in _matching_texts(value[2]):
            yield text * max(value[0], 1)
        if value[0] == 0:
            yield ""
    elif kind is op.CATEGORY:
        yield from _CATEGORIES[value]


def _characters_in(items: Node) -> Iterator[str]:
    if items[0][0] is op.NEGATE:
        banned = set("".join(_characters_in(items[1:]))) if len(items) > 1 else set()
        spans = [value for kind, value in items if kind is op.RANGE]
        yield from (
            c
            for c in 'a 0<"-;,/(\n'
            if c not in banned and not any(lo <= ord(c) <= hi for lo, hi in spans)
        )
        return
    for kind, value in items:
        if kind is op.LITERAL:
            yield chr(value)
        elif kind is op.RANGE:
            yield chr(value[0])
        elif kind is op.CATEGORY:
            yield from _CATEGORIES[value]
