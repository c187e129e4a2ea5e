"""Judging again what a store has."""

from __future__ import annotations

from monitor.app.options import make_policies
from monitor.config.settings import Settings
from monitor.store.sql.engine import Store
from monitor.watch.rejudge import replay


def differences_in_replay(store: Store, settings: Settings | None = None) -> dict[str, list[str]]:
    """Judge each release again from its stored looks.

    Return how the result differs from its stored verdict, by id.
    """
    return dict(replay(store, make_policies(settings or Settings()), begin=None, end=None))
