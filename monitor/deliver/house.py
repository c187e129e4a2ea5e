"""What the configuration says of producers, routes and channels, as the alerts leaf wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.notice import Notice
from alerts.routes import Route, routes_for
from monitor.record.rows import Delivery, Standing


@dataclass(frozen=True, slots=True)
class House:
    """The rules of the house: who reports how, and who is told.

    `producers` maps a producer to its entries (`name`, `head_of_profession`, `contact`, `to`), `forms` to
    the form it uses where that is not decided by date.
    """

    timezone: str = "Europe/London"
    producers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    channels: Sequence[str] = ()

    def deliveries(self, notice: Notice, now: datetime) -> list[Delivery]:
        """Return the deliveries that a notice needs, each with the instant from which it may go out."""
        chosen = routes_for(notice, self.routes, self.channels, now, self.timezone)
        return [Delivery(notice.id, channel, Standing.WAITING, due) for channel, due in chosen]
