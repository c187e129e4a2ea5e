"""`ninethirty check`: configuration, store, templates and channels, every fault in one go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli.calendar.read import read_once
from monitor.cli.common import Context, as_json, print_json
from monitor.config.read import load
from monitor.config.secrets import in_addresses, veil
from monitor.config.settings import Settings
from monitor.config.values import Secret, shown
from monitor.errors import BadInput, NinethirtyError
from monitor.web.users import faults_of


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
            faults += _online(context)
    except BadInput as exc:
        faults = [*map(str, exc.faults), *_unfound(context)]
    if as_json:
        print_json({"ok": not faults, "faults": faults, "seen": [] if faults else who_sees(context.settings)})
    for fault in [] if as_json else faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    if not as_json:
        click.echo(f"{context.config}: in order")
        for told in who_sees(context.settings):
            click.echo(told)


def who_sees(settings: Settings) -> list[str]:
    """Return what the web shows to whom, one line each."""
    web = settings.web
    board = "promises, and what became of each release once its slot has passed; no address before, no status, no leak"
    strangers = board if web.public == "board" else "whether the monitor lives and is ready"
    machine = ["whoever sits at this machine sees: everything"] if not web.users_file else []
    people = [f"viewers who sign in see: {board}", "staff who sign in see: everything"] if web.users_file else []
    token = ["programs with the token see: everything"] if web.token else []
    metrics = ["programs with the metrics token see: the metrics"] if web.metrics_token else []
    told = ", ".join(settings.alert.open_channels)
    channels = [f"told nothing that is embargoed: the channels {told}"] if told else []
    return [f"strangers see: {strangers}", *machine, *people, *token, *metrics, *channels]


def _faults(context: Context) -> Iterator[str]:
    from monitor.store.open import file_of

    settings, file = context.settings, context.path.name
    for key, secret in secrets(settings):
        missing = secret.missing()
        if missing:
            yield f"{file}: {key}: {missing}"
    if settings.web.users_file is not None:
        yield from faults_of(context.path.parent / settings.web.users_file)
    for key, folder in _folders(settings):
        if not _can_be_written(folder):
            yield f"{file}: {key}: the folder cannot be written (got {shown(str(folder))})"
    store_file = file_of(settings.store.url)
    if store_file is not None and not store_file.exists():
        # Whoever only asks makes nothing: the first start does.
        if not _can_be_written(store_file.parent):
            yield f"{file}: store.url: the folder cannot be written (got {shown(str(store_file.parent))})"
        return
    if store_file is not None and not (os.access(store_file, os.W_OK) and _can_be_written(store_file.parent)):
        # SQLite keeps two files beside it while it is in use.
        yield f"{file}: store.url: the file may not be written (got {shown(str(store_file))})"
    try:
        with context.store() as store:
            yield from (f"{file}: store.url: {fault}" for fault in store.check())
    except NinethirtyError as exc:
        yield f"{file}: store.url: {exc}"


def _unfound(context: Context) -> Iterator[str]:
    """Yield each secret that is not where a configuration with other faults says it is."""
    try:
        tables = load(context.path)
    except BadInput:
        return
    for key, place in _places(tables, ""):
        missing = Secret(**place).missing()
        if missing:
            yield f"{context.path.name}: {key}: {missing}"


def _places(value: object, key: str) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(value, list):
        for place, one in enumerate(value, 1):
            yield from _places(one, f"{key}[{place}]")
    elif (
        isinstance(value, dict)
        and value.keys() in ({"env"}, {"file"})
        and all(isinstance(v, str) for v in value.values())
    ):
        yield key, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, f"{key}.{name}".removeprefix("."))


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    yield "evidence.folder", Path(settings.evidence.folder)
    for place, channel in enumerate(settings.channel, 1):
        if channel.kind == "folder":
            yield f"channel[{place}].folder", Path(channel.folder)


def _can_be_written(folder: Path) -> bool:
    """Tell whether a folder, or the nearest one above it that is there, may be written."""
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """Yield the place of every secret and where it is found."""
    for place, channel in enumerate(settings.channel, 1):
        for name in type(channel).model_fields:
            value = getattr(channel, name)
            if isinstance(value, Secret):
                yield f"channel[{place}].{name}", value
    for name in type(settings.web).model_fields:
        value = getattr(settings.web, name)
        if isinstance(value, Secret):
            yield f"web.{name}", value


def _online(context: Context) -> Iterator[str]:
    """Read every calendar once, telling each as it comes; yields those that could not be read."""
    hide = veil(in_addresses(context.settings)) or str
    for table in context.settings.calendar:
        read = asyncio.run(read_once(context, table)).read
        told = f"{read.entries} entries" if read.usable else hide(read.fault)
        click.echo(f"calendar {table.name}: {told}", err=True)
        if not read.usable:
            yield f"calendar {table.name}: {told}"
