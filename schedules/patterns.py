"""Regular expressions for text from other sites.

None can take longer than in proportion to the text.

`linear` compiles with RE2, which guarantees that. `quick` compiles with Python's own engine, which
is several times faster but can hang. `tests/unit/patterns` proves each such pattern harmless. No
other module compiles a pattern for such text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, AnyStr

import re2


class BadPattern(ValueError):
    """Not a regular expression, or one that RE2 cannot compile (lookaround, back references)."""


QUICK: list[re.Pattern[Any]] = []
LINEAR: list[Linear] = []


class Linear:
    """A pattern compiled with RE2. Its classes and word boundaries know only ASCII characters."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        """Compile a pattern. `.` also matches line breaks. Raises `BadPattern`."""
        options = re2.Options()
        options.case_sensitive = not ignore_case
        options.dot_nl = True
        options.log_errors = False
        self.text = text
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as exc:
            reason = exc.args[0]
            raise BadPattern(
                reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            ) from exc

    def search(self, text: str) -> Any | None:  # noqa: ANN401  # re2's matches have no public type
        """Return the first match anywhere."""
        return self._compiled.search(make_encodable(text))

    def sub(self, by: str | Callable[[Any], str], text: str) -> str:
        """Return the text with every match replaced."""
        replaced: str = self._compiled.sub(by, make_encodable(text))
        return replaced


def linear(text: str) -> Linear:
    """Compile a pattern of the product with RE2."""
    made = Linear(text)
    LINEAR.append(made)
    return made


def quick(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Compile a pattern of the product that needs no RE2, as a test proves."""
    made = re.compile(text, flags)
    QUICK.append(made)
    return made


def glob(pattern: str) -> Linear:
    """Compile a pattern of the configuration, in which `*` is any text and `?` one character.

    It ignores case.
    """
    wildcards = {"*": ".*", "?": "."}
    parts = [wildcards.get(char) or re2.escape(char) for char in pattern.strip()]
    return Linear("".join(parts), ignore_case=True)


def make_encodable(text: str) -> str:
    """Return a text that can be encoded as UTF-8: lone surrogates become `?`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
