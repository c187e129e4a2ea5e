"""The web application on the store of a monitor that does not run, for commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from alerts.channel import Outcome
from alerts.rota import Rota
from monitor.app.options import (
    evidence_owner,
    make_judge_at,
    make_reporting_rules,
    make_stored_judge,
    open_channels,
    page_settings,
)
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.deliver.channel_test import send_test
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.verdicts import VerdictRecorder
from monitor.store.kept_sessions import KeptSessions
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.monitor_view import MonitorView
from monitor.web.queries import Queries
from monitor.web.sessions import Sessions
from monitor.web.users import Users
from schedules.times.json import Json


class StoredMonitor(MonitorView):
    """What the store shows of a monitor that does not run. Verdicts are judged again, as of now."""

    reasons = ("no monitor runs here",)

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store

    def body(self, release: str) -> Json | None:
        """Return the JSON of a judged release as of now, or None if it was not judged yet."""
        row = self._store.verdicts.judged_one(release)
        if row is None:
            return None
        return make_stored_judge(self._settings, self._store).body_of(row, SystemClock().now())


@contextmanager
def open_application(
    settings: Settings, folder: Path, store: Store, rotas: dict[str, Rota]
) -> Iterator[ASGIApp]:
    """Yield the web application on a store. `rotas` say who is on call.

    Notices that an act causes wait in the store until a monitor runs. Relative files start at
    `folder`.
    """
    clock = SystemClock()
    channels = [channel.name for channel in settings.channel]
    rules = replace(make_reporting_rules(settings, channels, folder), rotas=rotas)
    current = CurrentIncidents(store, make_judge_at(settings), VerdictRecorder(rules))
    writer, throttle = Writer(store, clock), Throttle(clock)
    desk = Desk(
        current,
        writer,
        clock,
        evidence=Path(settings.evidence.folder),
        evidence_owner=evidence_owner(settings),
    )
    file, sessions = settings.web.users_file, None
    if settings.web.signs_in:
        # The users file only shows who runs this process: no one signs in.
        users = Users(None if file is None else folder / file)
        sessions = Sessions(users, KeptSessions(store, writer, clock), throttle)
    queries = Queries(
        store,
        StoredMonitor(settings, store),
        clock,
        settings.timezone,
        desk=desk,
        sessions=sessions,
        throttle=throttle,
        send_test=partial(_send_test, settings, clock),
        **page_settings(settings, folder, store, rules),
    )
    try:
        yield make_application(queries)
    finally:
        writer.abandon()
        queries.close()


async def _send_test(settings: Settings, clock: Clock, name: str) -> Outcome:
    async with open_channels(settings, clock) as channels:
        return await send_test(channels, name, clock.now())


def as_own_user(application: ASGIApp) -> ASGIApp:
    """Return an application in which every request comes from the user of this process."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["peer"] = os.getuid()
        await application(scope, receive, send)

    return answer
