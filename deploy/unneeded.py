# ruff: noqa: INP001 # a script of its own, run while the image is built
"""Names the installed packages that a package and its extras do not need, one a line: `unneeded.py NAME [EXTRA…]`.

The lock names what developers need as well. Taking that out again keeps the image small, and all that is left was
installed by its hash.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOOLS = {"pip", "setuptools", "wheel"}


def needed(name: str, extras: Iterable[str] = ()) -> set[str]:
    """Return the canonical names of a package and everything it needs with these extras, here and on this Python."""
    found: set[str] = set()
    asked: set[tuple[str, str]] = set()
    open_ends = [(canonicalize_name(name), extra) for extra in ("", *extras)]
    while open_ends:
        package, extra = end = open_ends.pop()
        if end in asked:
            continue
        asked.add(end)
        found.add(package)
        wanted = [Requirement(text) for text in _requires(package)]
        open_ends += [
            (canonicalize_name(one.name), inner)
            for one in wanted
            if one.marker is None or one.marker.evaluate({"extra": extra})
            for inner in ("", *one.extras)
        ]
    return found


def _requires(package: str) -> list[str]:
    try:
        return distribution(package).requires or []
    except PackageNotFoundError:
        # An extra that nobody installed.
        return []


def main(arguments: list[str]) -> None:
    """Print the names."""
    kept = needed(arguments[0], arguments[1:]) | TOOLS
    installed = {str(canonicalize_name(one.metadata["Name"])) for one in distributions()}
    sys.stdout.writelines(f"{name}\n" for name in sorted(installed - kept))


if __name__ == "__main__":
    main(sys.argv[1:])
