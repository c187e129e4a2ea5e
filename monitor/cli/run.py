"""`ninethirty run`: run the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context
from monitor.errors import NoLongerLeads, StoreDamaged, StoreFault
from monitor.health.system import pause_garbage_collection, resume_garbage_collection, tune_process

if TYPE_CHECKING:
    from monitor.app.build import App, Edges
    from monitor.config.settings import Settings
    from monitor.store.open import StoreLock

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command("run")
@click.option(
    "--log", type=click.Choice(["json", "console"]), default="json", help="Format of log lines."
)
@click.option(
    "--level",
    type=click.Choice(["DEBUG", "INFO", "WARNING"]),
    default="INFO",
    help="Lowest level that is logged.",
)
@click.pass_obj
def command(context: Context, log: str, level: str) -> None:
    """Watch, record, alert and serve until you stop it.

    SIGTERM or SIGINT stops it regularly, a second one at once. SIGHUP or `ninethirty reload`
    reloads the configuration. If it is refused, the faults are logged and nothing changes.

    Example: ninethirty --config config.toml run
    """
    # Until `_run_app` calls `handle_signals`, nothing runs that must be stopped regularly.
    for number in _STOP_SIGNALS:
        signal.signal(number, _exit_now)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # By default SIGHUP would end the process.
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    from monitor.app.build import Edges
    from monitor.config.secrets import SecretsOfAll
    from monitor.health import logs
    from monitor.health.system import find_service_manager
    from monitor.store.open import StoreLock

    settings = context.settings
    secrets = SecretsOfAll()
    secrets.add(settings)
    listener = logs.start_logging(level, as_json=log == "json", hide=secrets.hide)
    lock = StoreLock(settings.store.url)
    manager = find_service_manager(os.environ, os.getpid())
    edges = Edges(manager=manager, spools=True, configuration=context.path.resolve())

    def read_new_settings() -> Settings:
        from monitor.cli.check import settings_for_reload

        found = settings_for_reload(Context(context.path))
        secrets.add(found)
        return found

    try:
        asyncio.run(_run_app(context, edges, lock, read_new_settings))
    finally:
        lock.release()
        listener.stop()


async def _run_app(
    context: Context, edges: Edges, lock: StoreLock, read_settings: Callable[[], Settings]
) -> None:
    """Lock the store and run the daemon until a stop signal.

    A reload gets the configuration from `read_settings`.
    """
    from monitor.look.sandbox.confine import hide_memory

    tune_process()
    hide_memory()
    stop, settings = asyncio.Event(), context.settings
    app: App | None = None

    async def reload() -> list[str]:
        if app is None:
            return []
        return await app.reload(read_settings, context.path.name)

    # The event loop keeps only weak references to tasks.
    reloads = set[asyncio.Task[list[str]]]()

    def on_hangup() -> None:
        task = asyncio.create_task(reload(), name="reload")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    handle_signals(asyncio.get_running_loop(), stop, on_hangup)
    while not stop.is_set():
        # The spool of a running monitor must not be handed in.
        lock.lock()
        app = await _make_app(settings, edges, context.path.parent, stop)
        if app is None:
            return
        app.reload.parts.queries.reload = reload
        pause_garbage_collection()
        try:
            lock.lock()  # again, because a new store has its file only now
            await app.daemon.run(stop, resume_garbage_collection)
        except NoLongerLeads:
            # Begin again as a standby, with what the store has by now.
            settings = app.daemon.core.settings
        finally:
            await app.daemon.close()


async def _make_app(
    settings: Settings, edges: Edges, folder: Path, stop: asyncio.Event
) -> App | None:
    """Make the program. Wait while it cannot use its store. Return None if `stop` is set."""
    from monitor.app.build import build
    from monitor.app.waiting import FINAL_FAULTS, StoreWait

    store_wait = StoreWait(settings, manager=edges.manager)
    while not stop.is_set():
        try:
            return build(settings, edges, folder)
        except FINAL_FAULTS:
            raise
        except StoreDamaged as fault:
            await store_wait.report_damage(fault, stop)
            raise
        except StoreFault as fault:
            await store_wait.wait(fault, stop)
    return None


def handle_signals(
    loop: asyncio.AbstractEventLoop, stop: asyncio.Event, on_hangup: Callable[[], None]
) -> None:
    """Let the first stop signal set `stop`, and SIGHUP call `on_hangup`."""

    def stop_or_exit(number: int) -> None:
        if stop.is_set():
            _exit_now(number, None)
        stop.set()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop_or_exit, number)
    # Under `nohup` the signal is ignored, and stays so.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, on_hangup)


def _exit_now(number: int, _frame: object) -> None:
    """End the process at once, with the exit status of this signal."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    # The first process of a container ignores signals whose handler is the default, so it exits
    # here.
    os._exit(128 + number)
