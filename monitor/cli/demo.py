"""`ninethirty demo`: show five historical incidents on the board, played through the real daemon."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from monitor.cli.common import Context, as_json, print_json
from monitor.cli.dates import Instant
from monitor.cli.rehearse import PlayedProgress, play_scripts
from monitor.cli.run import handle_signals
from monitor.cli.terminal import progress


@click.command("demo")
@click.option("--port", type=click.IntRange(0, 65535), default=9030, show_default=True, help="Port on this machine.")
@click.option("--at", type=Instant(), metavar="T", help="Open at this time; default 10:50am on 5 January 2018.")
@click.option(
    "--kept", type=click.Path(path_type=Path), metavar="DIR", help="Do not play; use what `rehearse --keep DIR` kept."
)
@as_json
@click.pass_obj
def command(_context: Context, port: int, at: datetime | None, kept: Path | None, *, as_json: bool) -> None:
    """Play the historical incidents, then open the board on them, read-only, until Ctrl-C.

    The board shows what was known at one moment. Links on it move to other moments.

    Example: ninethirty demo --port 9031 --at 2018-01-05T12:00:00Z
    """
    from monitor.rehearse.demo import INCIDENTS, OPENS_AT, merged, script_of, show

    scripts = [script_of(name) for name in INCIDENTS]
    there = [path for path in scripts if kept is not None and (kept / path.stem).is_dir()]
    scripts = there or scripts
    with tempfile.TemporaryDirectory(prefix="ninethirty-demo-") as made:
        folder = kept or Path(made)
        if kept is None:
            click.echo(f"Playing {len(scripts)} incidents through the real daemon, within a few minutes ...", err=True)
            scripts = _play_incidents(scripts, folder)
        store = merged([folder / path.stem for path in scripts])
        try:
            asyncio.run(
                _serve_until_stopped(
                    lambda stop: show(
                        store, f"127.0.0.1:{port}", at or OPENS_AT, stop, partial(_print_address, as_json=as_json)
                    )
                )
            )
        finally:
            store.close()


def _play_incidents(scripts: Sequence[Path], folder: Path) -> list[Path]:
    """Play scripts, print the result of each, and return those that left a store to show."""
    from monitor.rehearse.demo import STORE

    with progress() as tell:
        shown = PlayedProgress(len(scripts), tell)
        for ended in play_scripts(scripts, folder, shown=shown):
            tell("")
            click.echo(ended.text.splitlines()[0] if ended.ok else ended.text, err=True)
    return [path for path in scripts if (folder / path.stem / STORE).is_file()]


async def _serve_until_stopped(show) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 # its types are imported when it is called
    stop = asyncio.Event()
    handle_signals(asyncio.get_running_loop(), stop, stop.set)
    await show(stop)


def _print_address(address: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": address})
    else:
        click.echo(f"The board is at {address} - stop it with Ctrl-C.")
