"""`python -m tests.chaos.next_version --config FILE run …`: the daemon of a version with one step more."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from monitor.app.app import App
from monitor.app.build import Edges, build
from monitor.cli.run import _live
from monitor.config.read import read_settings
from monitor.health import logs
from monitor.store.open import Alone
from monitor.store.sql.engine import SqlStore
from tests.contracts.later import NEXT


def main() -> None:
    """Run until told to stop."""
    config = Path(sys.argv[2])
    settings = read_settings(config)
    listener = logs.set_up("INFO", as_json=True)
    edges = Edges(store=SqlStore(settings.store.url, shape=NEXT))

    def made() -> App:
        return build(settings, edges, folder=config.parent)

    try:
        asyncio.run(_live(made, Alone(settings.store.url), settings, lambda: settings, config.name))
    finally:
        listener.stop()


if __name__ == "__main__":
    main()
