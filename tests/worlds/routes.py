"""Tables of `[[route]]` for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from alerts.routes import Route


def a_route(
    *channels: str,
    escalate: Sequence[str] = (),
    quiet: tuple[time, time] | None = None,
    **match: str,
) -> Route:
    """Return the table of a route. `match` are its patterns."""
    route = Route.model_validate({"channels": [*channels], "escalate": [*escalate], "match": match})
    return route.model_copy(update={"quiet": quiet})
