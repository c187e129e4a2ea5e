"""The table `[deadman]`."""

from __future__ import annotations

from datetime import timedelta

from monitor.config.names import Address
from monitor.config.values import Spacing, Table


class DeadmanSettings(Table):
    """Who is told, every so often, that all is well; None tells nobody. Whoever knows the address can say so too."""

    url: Address | None = None
    every: Spacing = timedelta(seconds=60)
