"""`ninethirty run`: the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context
from monitor.health.system import hold_sweeps, settle, sweep_again

if TYPE_CHECKING:
    from monitor.app.app import App
    from monitor.config.settings import Settings
    from monitor.store.open import StoreLock

_STOPS = (signal.SIGTERM, signal.SIGINT)


@click.command("run")
@click.option("--log", type=click.Choice(["json", "console"]), default="json", help="How log lines look.")
@click.option("--level", type=click.Choice(["DEBUG", "INFO", "WARNING"]), default="INFO", help="Least level logged.")
@click.pass_obj
def command(context: Context, log: str, level: str) -> None:
    """Watch, record, alert and serve until told to stop.

    SIGTERM or SIGINT stops in good order, a second one at once. SIGHUP has the configuration read again, as does
    `ninethirty reload`: what `check` would refuse is logged, and changes nothing.

    Example: ninethirty --config config.toml run
    """
    for number in _STOPS:
        signal.signal(number, _now)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Until there is something to be replaced, it ends nothing.
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    from monitor.app.build import Edges, build
    from monitor.config.secrets import redactor, secrets_of
    from monitor.health import logs
    from monitor.health.system import service_manager
    from monitor.store.open import StoreLock

    settings = context.settings
    secrets = secrets_of(settings)
    hide = _Hiding(redactor(secrets))
    listener = logs.set_up(level, as_json=log == "json", hide=hide)
    alone = StoreLock(settings.store.url)
    edges = Edges(manager=service_manager(os.environ, os.getpid()), journal=True, hold=alone.hold)

    def again() -> Settings:
        from monitor.cli.check import taken

        found = taken(Context(context.config))
        # What was a secret before is none to be told now.
        hide.redactor = redactor(secrets | secrets_of(found))
        return found

    try:
        asyncio.run(
            _live(lambda: build(settings, edges, folder=context.path.parent), alone, settings, again, context.path.name)
        )
    finally:
        alone.let_go()
        listener.stop()


@dataclass
class _Hiding:
    """Takes the secrets that are known by now out of a line."""

    redactor: Callable[[str], str] | None

    def __call__(self, line: str) -> str:
        return line if self.redactor is None else self.redactor(line)


async def _live(
    make: Callable[[], App], alone: StoreLock, settings: Settings, again: Callable[[], Settings], file: str
) -> None:
    from monitor.app.control import listening

    settle()
    app = make()
    hold_sweeps()
    stop = asyncio.Event()

    async def reload() -> list[str]:
        return await app.reload(again, file)

    under_way = set[asyncio.Task[list[str]]]()

    def hung_up() -> None:
        task = asyncio.create_task(reload(), name="reload")
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    listen(asyncio.get_running_loop(), stop, hung_up)
    try:
        alone.hold()
        async with listening(settings, reload, app.status.as_json):
            await app.run(stop, sweep_again)
    finally:
        await app.close()


def listen(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, hung_up: Callable[[], None]) -> None:
    """Have signals set `stop`, a second one end the process at once, and SIGHUP call `hung_up`."""
    for number in _STOPS:
        loop.add_signal_handler(number, _told, stop, number)
    # `nohup` has it ignored.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, hung_up)


def _told(stop: asyncio.Event, number: int) -> None:
    if stop.is_set():
        _now(number, None)
    stop.set()


def _now(number: int, _frame: object) -> None:
    """End at once, as a process that this signal ended."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    # The first process of a container is not ended by a signal that it does not handle itself.
    os._exit(128 + number)
