"""Builds the program from settings, as the command line, rehearsals and benches use it.

Only here are all real edges joined.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

import structlog

from alerts.incident import Incident
from monitor.app.core import REAL, Core, Edges
from monitor.app.daemon import Daemon
from monitor.app.jobs import Jobs, count_failures
from monitor.app.parts import Parts
from monitor.app.reload import Reload
from monitor.app.status import Status
from monitor.config.settings import Settings
from monitor.deliver.by_hand import log_by_hand
from monitor.errors import PortTaken
from monitor.store.writer import STALLED_AFTER
from monitor.web.queries import Queries
from schedules.times.json import Json

if TYPE_CHECKING:
    from monitor.web.local_socket import LocalSocket
    from monitor.web.server import WebServer

__all__ = ["REAL", "App", "Edges", "build"]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LookedOnce:
    """The result of `run_once`: the JSON of each release, and the faults of calendar reads by
    calendar.
    """

    releases: list[Json]
    faults: dict[str, str]


@dataclass(frozen=True, slots=True)
class App:
    """One monitor. Run its daemon in the event loop in which it was built."""

    daemon: Daemon
    status: Status
    reload: Reload

    async def run_once(self, day: date | None) -> LookedOnce:
        """Look once at each release of a local day (None: all).

        Calendars are read first, due notices are sent, and everything is committed before the
        daemon is finished. Raises `EnvironmentFault` while a monitor runs on the same store.
        """
        daemon, parts = self.daemon, self.daemon.parts
        await daemon.lead_now()
        await daemon.start_watching()
        await parts.calendar_reads.read_all()
        for target in parts.admission.targets_on(day):
            sighting, outcome = await parts.poller.look_once(target)
            # counts the look and passes it to the judge
            parts.intake.see(target, sighting, outcome)
        await parts.intake.files.finish()
        await parts.watch.judging.judge_all(list(parts.watch.releases))
        for channel in parts.channels:
            await parts.outbox.send_due(channel.name)
        # Looks and verdicts may have changed the targets, so they are listed again.
        releases = {target.release for target in parts.admission.targets_on(day)}
        found = [self.status.body(release) for release in releases]
        bodies = [body for body in found if body is not None]  # None: not watched or withheld
        # Writes of many rows, such as a long calendar, are made in portions. `finish` does not wait
        # for all of them.
        await daemon.core.writer.backlog.finish_large(patience=STALLED_AFTER)
        await daemon.finish()
        return LookedOnce(bodies, dict(daemon.core.health.faults))

    async def log_by_hand(self, release: str, words: Mapping[str, str]) -> Incident:
        """Save an incident that a person reports.

        `words` has the answers by box of the form. Raises `InvalidInput`.
        """
        core, judging = self.daemon.core, self.daemon.parts.watch.judging
        now = core.clock.now()
        known = await core.ledger.load_release(release)
        facts = None if known is None else judging.facts(known, core.ledger.promises(release))
        answers = {"release": release, **words}
        incident, _is_new = await core.writer.write(
            lambda tx: log_by_hand(tx, judging.events, answers, facts, now)
        )
        self.daemon.parts.outbox.wake()
        return incident

    async def redraft_all(self) -> None:
        """Write a new version of every draft that is no longer current."""
        core, current_incidents = self.daemon.core, self.daemon.parts.current_incidents
        ask, now = core.threads.ask, core.clock.now()
        for incident in await ask(core.store.verdicts.incidents):
            save_redraft = await ask(partial(current_incidents.prepare_redraft, incident.id, now))
            if save_redraft is not None:  # the draft is not current
                await core.writer.write(save_redraft)


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> App:
    """Return a program to run in this event loop. Raises `UserFault`, `StoreFault` and `PortTaken`.

    `edges` replace the real clock, network, store or channels in rehearsals and tests. Relative
    files are in `folder`.
    """
    bound = _bind_ports(settings.web.listen, settings.web.metrics_listen) if edges.serve else ()
    local = _bind_local_socket(settings, edges.configuration, folder)
    core = Core(settings, edges, folder)
    parts = Parts(core)
    web = _make_web_server(parts.queries, bound, settings.web.proxies, local)
    daemon = Daemon(parts, Jobs(core.clock, count_failures(core.metrics)), web)
    return App(daemon, parts.status, Reload(daemon, parts))


def _bind_ports(*addresses: str | None) -> tuple[socket, ...]:
    # takes 6 MB, so only if pages are served
    from monitor.web.server import bind_address  # noqa: PLC0415

    return tuple(bind_address(address) for address in addresses if address is not None)


def _bind_local_socket(
    settings: Settings, configuration: Path | None, folder: Path
) -> LocalSocket | None:
    """Return the socket for users of this machine, or None without a `configuration`.

    None too if no default place can be used. A place that `[web] socket` names must be usable.
    """
    if configuration is None:
        return None
    from monitor.web.local_socket import LocalSocket, bind_local, default_paths  # noqa: PLC0415

    named = settings.web.socket
    if named is not None:
        return LocalSocket(bind_local(folder / named), folder / named, configuration)
    for path in default_paths(os.environ, Path(settings.evidence.folder)):
        try:
            return LocalSocket(bind_local(path), path, configuration)
        except PortTaken as fault:
            _log.warning("socket_unusable", fault=str(fault))
    return None


def _make_web_server(
    queries: Queries,
    bound: Sequence[socket],
    proxies: Sequence[str],
    local: LocalSocket | None,
) -> WebServer | None:
    """Return the server for these sockets: the first of `bound` serves pages, the second metrics.

    None without sockets.
    """
    if not bound:
        return None
    from monitor.web.app import make_application  # noqa: PLC0415
    from monitor.web.server import WebServer  # noqa: PLC0415

    return WebServer(
        make_application(queries),
        bound[0],
        proxies,
        metrics=next(iter(bound[1:]), None),
        local=local,
    )
