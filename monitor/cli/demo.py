"""`ninethirty demo`: show five historical incidents on the board, played through the real
daemon.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import PATH, Context, json_verb, log_only_errors
from monitor.cli.dates import INSTANT
from monitor.cli.rehearse import play_scripts
from monitor.cli.run import handle_signals

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store


@click.command("demo")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9030,
    show_default=True,
    help="Port on this machine.",
)
@click.option(
    "--at", type=INSTANT, metavar="T", help="Open at this time; default a moment of an incident."
)
@click.option(
    "--kept", type=PATH, metavar="DIR", help="Do not play; use what `rehearse --keep DIR` kept."
)
@click.option("--live", is_flag=True, help="Play a late release, minutes from now, to act on.")
@json_verb
def command(
    context: Context, port: int, at: datetime | None, kept: Path | None, *, live: bool
) -> None:
    """Play the historical incidents, then open the board on them until Ctrl-C.

    With --kept it only opens the board. The board shows what was known at one moment. You can
    acknowledge incidents and sign reports, until you choose another moment.

    With --live, the real monitor watches a release that is due in a few minutes and comes late. You
    see its notices, acknowledge the incident and sign its report.

    Example: ninethirty demo --port 9031 --at 2018-01-05T12:00:00Z
    """
    from monitor.rehearse.demo import INCIDENTS, STORE, merge_kept_stores, opening_time, script_of
    from monitor.rehearse.live import run_live

    with tempfile.TemporaryDirectory(prefix="ninethirty-demo-") as temporary:
        if live:
            with log_only_errors():
                run_live(Path(temporary), port, click.echo, _stop_at_signals)
            return
        folder, scripts = kept or Path(temporary), [script_of(name) for name in INCIDENTS]
        if kept is None:
            _play_incidents(scripts, folder)
        played = [folder / path.stem for path in scripts]
        stored = [each for each in played if (each / STORE).is_file()]
        # Without any store, this raises a fault that names the absent ones.
        with closing(merge_kept_stores(stored or played)) as store, log_only_errors():
            asyncio.run(_show_until_stopped(context, store, port, at or opening_time(store)))


def _play_incidents(scripts: Sequence[Path], folder: Path) -> None:
    """Play scripts, and print the result of each."""
    from monitor.rehearse.summary import summary_lines

    intro = f"Playing {len(scripts)} incidents through the real monitor, within a few minutes ..."
    click.echo(intro, err=True)
    for outcome in play_scripts(scripts, folder):
        summary = [outcome.script.title] if outcome.ok else summary_lines(outcome, kept=True)
        click.echo("\n".join(summary), err=True)


def _stop_at_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    handle_signals(loop, stop, stop.set)


async def _show_until_stopped(context: Context, store: Store, port: int, at: datetime) -> None:
    """Serve the board on `port` until a signal, and print its address."""
    from monitor.rehearse.demo import serve_board

    def print_address(url: str) -> None:
        context.print_result({"url": url}, f"The board is at {url} - stop it with Ctrl-C.")

    stop = asyncio.Event()
    _stop_at_signals(asyncio.get_running_loop(), stop)
    await serve_board(store, f"127.0.0.1:{port}", at, stop, print_address)
