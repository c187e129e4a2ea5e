"""`ninethirty store`: migrations, integrity, online backup, restore, and moving between databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from monitor.cli.common import Context, as_json, print_json


@click.group("store")
def command() -> None:
    """Upgrade, check, back up, restore or move the store.

    Example: ninethirty store backup /backup/ninethirty.db
    """


@command.command("upgrade")
@as_json
@click.pass_obj
def upgrade(context: Context, *, as_json: bool) -> None:
    """Bring the store to this version's shape.

    Example: ninethirty store upgrade
    """
    with context.store(steps=True) as store:
        told = f"A newer version has made it {store.newer}, and this one may work on it." if store.newer else ""
        _tell({"upgraded": True}, told or "The store is of this version.", as_json=as_json)


@command.command("check")
@as_json
@click.pass_obj
def check(context: Context, *, as_json: bool) -> None:
    """Tell what is wrong with the store and the evidence it accounts for; exit status 1 when anything is.

    Where several monitors share a store, each reads the files on its own machine; of the others the chain is checked.

    Example: ninethirty store check
    """
    from monitor.store.evidence.chain import verify

    with context.store() as store:
        own = context.own_monitors(store)
        faults = store.check() or verify(store.evidence, Path(context.settings.evidence.folder), own)
        every = [] if own is None else store.evidence.monitors()
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


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def restore(context: Context, *, file: Path, as_json: bool) -> None:
    """Bring the backup FILE into the configured store, SQLite or PostgreSQL, which must be empty or not yet there.

    Stop the monitor first. The evidence is put back beside it, by hand; then `store check`.

    Example: ninethirty store restore /backup/ninethirty.db
    """
    from monitor.store.move import restore_store

    rows = restore_store(file, context.settings.store.url)
    _tell({"file": str(file), "rows": rows}, f"Restored {_rows_of(rows)} from {file}.", as_json=as_json)


@command.command("copy")
@click.argument("source", metavar="URL")
@click.argument("target", metavar="URL")
@as_json
@click.pass_obj
def copy(_context: Context, *, source: str, target: str, as_json: bool) -> None:
    """Copy the store at one URL to another that is empty or not yet there: SQLite to PostgreSQL, or back.

    Stop the monitor first: what it writes meanwhile is not copied. Then write the new URL into `[store] url`.

    Example: ninethirty store copy sqlite:///var/ninethirty.db postgresql+psycopg://ninethirty@db/ninethirty
    """
    from monitor.store.move import copy_store

    rows = copy_store(source, target)
    _tell({"rows": rows}, f"Copied {_rows_of(rows)}.", as_json=as_json)


def _rows_of(rows: Mapping[str, int]) -> str:
    each = ", ".join(f"{table} {count}" for table, count in rows.items() if count)
    return f"{sum(rows.values())} rows" + (f" ({each})" if each else "")


def _tell(body: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(body)
    else:
        click.echo(text)
