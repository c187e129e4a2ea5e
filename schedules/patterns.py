"""Regular expressions over text that others wrote: each takes time in proportion to the text, whatever the text.

`linear` compiles with RE2, which cannot take longer; `quick` with Python's own engine, which is several times
faster and may take for ever: only for patterns that `tests/unit/patterns` proves harmless. Nothing else of the product
compiles a pattern for foreign text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, AnyStr

import re2


class Faulty(ValueError):
    """What is no expression, or needs what RE2 cannot do: to look ahead or back, or refer back."""


QUICK: list[re.Pattern[Any]] = []
LINEAR: list[Linear] = []


class Linear:
    """A pattern compiled with RE2. Its classes and word boundaries know the ASCII characters alone."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        """Compile; `.` matches line breaks too. Raises `Faulty`."""
        options = re2.Options()
        options.case_sensitive = not ignore_case
        options.dot_nl = True
        options.log_errors = False
        self.text = text
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as exc:
            told = exc.args[0]
            raise Faulty(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)) from exc

    def search(self, text: str) -> Any | None:  # noqa: ANN401  # re2's matches have no public type
        """Return the first match anywhere."""
        return self._compiled.search(sound(text))

    def match(self, text: str) -> Any | None:  # noqa: ANN401  # as above
        """Return the match at the beginning."""
        return self._compiled.match(sound(text))

    def fullmatch(self, text: str) -> Any | None:  # noqa: ANN401  # as above
        """Return the match of the whole text."""
        return self._compiled.fullmatch(sound(text))

    def finditer(self, text: str) -> Iterator[Any]:
        """Return the matches one after the other."""
        found: Iterator[Any] = self._compiled.finditer(sound(text))
        return found

    def sub(self, by: str | Callable[[Any], str], text: str) -> str:
        """Return the text with every match replaced."""
        replaced: str = self._compiled.sub(by, sound(text))
        return replaced


def linear(text: str, *, ignore_case: bool = False) -> Linear:
    """Compile a pattern of the product with RE2."""
    made = Linear(text, ignore_case=ignore_case)
    LINEAR.append(made)
    return made


def quick(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Compile a pattern of the product that needs no RE2, as a test proves."""
    made = re.compile(text, flags)
    QUICK.append(made)
    return made


def glob(pattern: str) -> Linear:
    """Return what finds a pattern of the operator's anywhere in a text, whatever its case.

    `*` stands for anything, `?` for one character.
    """
    parts = (".*" if char == "*" else "." if char == "?" else re2.escape(char) for char in pattern.strip())
    return Linear("".join(parts), ignore_case=True)


def sound(text: str) -> str:
    """Return a text that can be encoded: halves of a pair that stands for one character are replaced by `?`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
