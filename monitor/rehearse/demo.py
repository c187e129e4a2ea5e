"""The board on rehearsed incidents: their stores in one, only ever read, as of an instant of one's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.clock import VirtualClock
from monitor.errors import UserFault
from monitor.judge.policy import Policies, Policy
from monitor.store.sql.engine import SqlStore
from monitor.watch.rejudge import Explainer
from monitor.web.app import application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from monitor.web.running import Pulse
from monitor.web.server import WebServer, listen
from schedules.times.zone import LONDON

INCIDENTS = ("ipcc-2015", "moj-2016", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03")
"""The scripts of the five historical incidents, in the order in which they happened."""
STORE = "ninethirty.db"
"""The store in the folder of a kept rehearsal."""
_WORDS = "This is a demonstration: rehearsed incidents are shown, nothing is being watched, and nothing can be changed."


class NotWatching:
    """The monitor of a demonstration, as the web sees it: it has no state of its own."""

    def body(self, _release: str) -> dict[str, Any] | None:
        """Return None: every release is as it was stored."""
        return None

    def pulses(self) -> Mapping[str, Pulse]:
        """Return nothing: no release is watched."""
        return {}

    def storeless(self) -> bool:
        """Tell that there is a store."""
        return False

    def unready(self) -> Sequence[str]:
        """Return that it is a demonstration, which every board then says."""
        return (_WORDS,)

    def unable(self) -> Sequence[str]:
        """Return nothing: it can serve."""
        return ()

    def stuck(self) -> Sequence[str]:
        """Return nothing: there are no looks to be stuck."""
        return ()

    def status(self) -> dict[str, Any]:
        """Return nothing: it reads no calendar and has no clock to doubt."""
        return {}

    def metrics(self) -> Iterable[bytes]:
        """Return an empty page."""
        return ()


def script_of(incident: str) -> Path:
    """Return the script of an incident: the wheel carries the repository's rehearsals inside this package."""
    carried = Path(__file__).with_name("rehearsals")
    folder = carried if carried.is_dir() else Path(__file__).parents[2] / "rehearsals"
    return folder / f"{incident}.toml"


def merged(folders: Sequence[Path]) -> SqlStore:
    """Return a store of its own, deleted when it is let go, that holds what those of kept rehearsals hold.

    Raises `UserFault` where one of them is not there.
    """
    if lacking := [str(folder / STORE) for folder in folders if not (folder / STORE).is_file()]:
        raise UserFault(f"no rehearsal was kept there: {', '.join(lacking)}")
    made = SqlStore("sqlite:///:memory:", durable=False)
    made.upgrade()
    for folder in folders:
        old = SqlStore(f"sqlite:///{folder / STORE}")
        try:
            made.take_from(old)
        finally:
            old.close()
    return made


async def show(store: SqlStore, address: str, at: datetime, stop: asyncio.Event, told: Callable[[str], None]) -> None:
    """Serve the board of a store as of `at`, from when the clock goes on, until `stop`; `told` is told its address.

    Raises `PortTaken`.
    """
    clock = VirtualClock(at - timedelta(seconds=asyncio.get_running_loop().time()))
    explained = Explainer(store, Policies(Policy()), LONDON).explained
    queries = Queries(store, NotWatching(), clock, LONDON, throttle=Throttle(clock), local=True, explained=explained)
    server = WebServer(application(queries), listen(address))
    told(f"http://{server.address}/")
    serving = asyncio.create_task(server.run())
    try:
        await stop.wait()
    finally:
        server.stop()
        await serving
        queries.close()
