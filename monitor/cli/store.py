"""`ninethirty store`: migrations, integrity, online backup."""

from __future__ import annotations

from collections.abc import Sequence
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

    Where several monitors share a store, each reads the files on its own machine; of the others the chain is checked.

    Example: ninethirty store check
    """
    from monitor.store.evidence.chain import verify

    own = context.own_monitors
    with context.store() as store:
        faults = store.check() or verify(store, Path(context.settings.evidence.folder), own)
        every = [] if own is None else store.evidence_monitors()
    others = [name for name in every if name not in (own or ())]
    told = faults or [f"The store is whole, and so is {_evidence_of(own, every)}."]
    if others:
        told.append(f"Files of {', '.join(others)} lie with them and were not read, only their chain in the store.")
    _tell({"faults": faults, "not_read": others}, "\n".join(told), as_json=as_json)
    if faults:
        raise SystemExit(1)


def _evidence_of(own: Sequence[str] | None, every: Sequence[str]) -> str:
    if own is None:
        return "its evidence"
    kept = [name for name in own if name in every]
    return f"the evidence of {', '.join(own)}" if kept else f"what it knows, which is no evidence of {', '.join(own)}"


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
