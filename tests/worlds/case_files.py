"""Case files: what happens, what is right, and one line that says why.

    ["a page that comes 90 s late is late"]
    why = "Up to 60 s are allowed."
    page = "absent, present from 90"
    at.400 = {verdict = "late", grade = "note"}

`usual` has keys of all cases of a file. `each` has variants of a case: what differs in them. `any`
has values of keys that change nothing: each combination of them is a variant. `texts` of a file has
texts that `$NAME` stands for, also in the texts after it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from textwrap import shorten
from typing import Any

Toml = Any
"""A value of a case file."""


@dataclass(frozen=True)
class FileCase:
    """A case of a file: its name, why its result is right, and its further keys."""

    file: str
    name: str
    why: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    @property
    def where(self) -> str:
        """Return what a failed test says of the case."""
        return f"{self}\nwhy: {self.why}"


def read_cases(folder: Path) -> list[FileCase]:
    """Return the cases of all case files of a folder."""
    cases: list[FileCase] = []
    for file in sorted(folder.glob("*.toml")):
        cases += _cases_of(file)
    return cases


def _cases_of(file: Path) -> Iterator[FileCase]:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    texts: dict[str, str] = {}
    for name, text in content.pop("texts", {}).items():
        texts[name] = _insert_texts(text, texts)
    content = _insert_texts(content, texts)
    usual = content.pop("usual", {})
    for name, case in content.items():
        why = case.pop("why", "")
        if not why:
            raise ValueError(f"{file.name}: {name}: say in one line `why` it is right")
        variants = case.pop("each", {"": {}})
        combined = case.pop("any", {})
        for variant, differs in variants.items():
            for values in product(*combined.values()):
                chosen = dict(zip(combined, values, strict=True))
                words = [variant, *(shorten(str(value), 50) for value in values)]
                full_name = ": ".join([name, *(word for word in words if word)])
                yield FileCase(file.name, full_name, why, usual | case | chosen | differs)


def _insert_texts(content: Toml, texts: Mapping[str, str]) -> Toml:
    if isinstance(content, dict):
        return {key: _insert_texts(value, texts) for key, value in content.items()}
    if isinstance(content, list):
        return [_insert_texts(each, texts) for each in content]
    if isinstance(content, str):
        for name, text in texts.items():
            content = content.replace(f"${name}", text)
    return content


def matches(pattern: str, text: str | None) -> bool:
    """Return whether a text is as a pattern has it: “… late …” contains “late”."""
    pieces = pattern.split("…")
    rest = "none" if text is None else text
    if len(pieces) == 1:
        return rest == pattern
    first, *middle, last = (piece.strip() for piece in pieces)
    if not rest.startswith(first) or not rest.endswith(last):
        return False
    rest = rest[len(first) :]
    for piece in middle:
        _, is_in, rest = rest.partition(piece)
        if piece and not is_in:
            return False
    return len(rest) >= len(last)
