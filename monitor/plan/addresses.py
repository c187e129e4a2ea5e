"""Where the page of a release stands: at its announced address, at one made from its announcement, or elsewhere."""

from __future__ import annotations

ELSEWHERE = "elsewhere-"
"""How the ids of parts begin that a listing showed."""


def may_change_places(part: str) -> bool:
    """Tell whether a part is the page, or an address from a listing that may prove to be it."""
    return part == "page" or part.startswith(ELSEWHERE)
