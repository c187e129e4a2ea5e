"""Which addresses show whether the parts of a release are out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class View(StrEnum):
    """How a target is looked at.

    `EDGE` is what users get, `ORIGIN` the same address with a query no cache has seen, `CONTENT` the
    content-API twin of a GOV.UK page, `TRIPWIRE` a listing or feed that is not a part.
    """

    EDGE = "edge"
    ORIGIN = "origin"
    CONTENT = "content"
    TRIPWIRE = "tripwire"


@dataclass(frozen=True, slots=True)
class Target:
    """One address to look at. `release` and `part` are empty for a tripwire shared by many releases.

    `title` is what a recogniser may look for; `file` is True when the part is a file whose bytes count.
    """

    id: str
    release: str
    part: str
    view: View
    url: str
    host: str
    recognise: str
    title: str = ""
    file: bool = False
