"""`ninethirty store`: migrations, integrity, online backup."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import Context, as_json, print_json


@click.group("store")
def command() -> None:
    """Upgrade, check or back up the store.

    Example: ninethirty store backup /backup/ninethirty.db
    """


@command.command("upgrade")
@as_json
@click.pass_obj
def upgrade(context: Context, *, as_json: bool) -> None:
    """Bring the store to this version's shape.

    Example: ninethirty store upgrade
    """
    with context.store():
        _tell({"upgraded": True}, "The store is of this version.", as_json=as_json)


@command.command("check")
@as_json
@click.pass_obj
def check(context: Context, *, as_json: bool) -> None:
    """Tell what is wrong with the store and the evidence it accounts for; exit status 1 when anything is.

    Where several monitors share a store, each answers for the evidence on its own machine.

    Example: ninethirty store check
    """
    from monitor.record.chain import verify

    settings = context.settings
    own = context.own_monitors
    with context.store() as store:
        faults = store.check() or verify(store, Path(settings.evidence.folder), own)
    whose = "its evidence" if own is None else f"the evidence of the monitor {', '.join(own)}"
    _tell({"faults": faults}, "\n".join(faults) or f"The store is whole, and so is {whose}.", as_json=as_json)
    if faults:
        raise SystemExit(1)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def backup(context: Context, *, file: Path, as_json: bool) -> None:
    """Copy the store to FILE while it is in use.

    Example: ninethirty store backup /backup/ninethirty.db
    """
    with context.store() as store:
        store.backup(file)
    _tell({"file": str(file)}, f"Backed up to {file}.", as_json=as_json)


def _tell(body: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(body)
    else:
        click.echo(text)
