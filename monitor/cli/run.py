"""`ninethirty run`: the daemon."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

import click

from monitor.cli.common import Context
from monitor.health.system import settle

_STOPS = (signal.SIGTERM, signal.SIGINT)


@click.command("run")
@click.option("--log", type=click.Choice(["json", "console"]), default="json", help="How log lines look.")
@click.option("--level", type=click.Choice(["DEBUG", "INFO", "WARNING"]), default="INFO", help="Least level logged.")
@click.pass_obj
def command(context: Context, log: str, level: str) -> None:
    """Watch, record, alert and serve until told to stop.

    SIGTERM, SIGINT or SIGHUP stops in good order, a second SIGTERM or SIGINT at once.

    Example: ninethirty --config config.toml run
    """
    for number in _STOPS:
        signal.signal(number, _now)
    from monitor.app.build import Edges, build
    from monitor.config.secrets import secrets_of, veil
    from monitor.health import logs
    from monitor.health.system import service_manager

    settings = context.settings
    listener = logs.set_up(level, as_json=log == "json", hide=veil(secrets_of(settings)) or str)
    edges = Edges(manager=service_manager(os.environ, os.getpid()))
    try:
        asyncio.run(_live(lambda: build(settings, edges, folder=context.path.parent)))
    finally:
        listener.stop()


async def _live(make) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 # the program is made inside the loop it runs in
    settle()
    app = make()
    # Modules and parts stay for good: walking through all of them held up the looks at hand for a tenth of a second.
    gc.collect()
    gc.freeze()
    stop = asyncio.Event()
    listen(asyncio.get_running_loop(), stop)
    try:
        await app.run(stop)
    finally:
        await app.close()


def listen(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Have signals set `stop`: a second one ends the process at once."""
    for number in _STOPS:
        loop.add_signal_handler(number, _told, stop, number)
    # A terminal that closes may send it twice; `nohup` has it ignored.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop.set)


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
