"""`ninethirty check`: configuration, store, templates and channels, every fault in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from monitor.cli.common import Context, as_json, print_json
from monitor.config.settings import Settings
from monitor.config.values import Secret
from monitor.errors import BadInput, SurroundingsFault


@click.command("check")
@click.option("--online", is_flag=True, help="Also read every calendar once.")
@as_json
@click.pass_obj
def command(context: Context, *, online: bool, as_json: bool) -> None:
    """Check configuration, store, templates and channels; every fault in one go, exit status 1 with any.

    Example: ninethirty --config config.toml check --online
    """
    try:
        faults = list(_faults(context))
        if online and not faults:
            faults += asyncio.run(_online(context))
    except BadInput as exc:
        faults = [str(fault) for fault in exc.faults]
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    for fault in [] if as_json else faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"{context.config}: in order")


def _faults(context: Context) -> Iterator[str]:
    settings, file = context.settings, context.path.name
    for key, secret in secrets(settings):
        missing = secret.missing()
        if missing:
            yield f"{file}: {key}: {missing}"
    try:
        with context.store() as store:
            yield from (f"{file}: store.url: {fault}" for fault in store.check())
    except SurroundingsFault as exc:
        yield f"{file}: store.url: {exc}"


def secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """Yield the place of every secret and where it is found."""
    for place, channel in enumerate(settings.channel, 1):
        for name in type(channel).model_fields:
            value = getattr(channel, name)
            if isinstance(value, Secret):
                yield f"channel[{place}].{name}", value


async def _online(context: Context) -> list[str]:
    from monitor.build import Edges, build

    daemon = build(context.settings, Edges(serve=False), context.path.parent)
    faults = []
    try:
        for reader, _ in daemon.readers:
            read = (await reader.read()).read
            click.echo(f"calendar {reader.name}: {read.entries} entries" if read.usable else read.fault, err=True)
            if not read.usable:
                faults.append(f"calendar {reader.name}: {read.fault}")
    finally:
        daemon.abandon()
        await daemon.close()
    return faults
