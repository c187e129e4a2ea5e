"""The verbs of `ninethirty store`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from monitor.cli.common import Context, file_argument, json_verb


@click.group("store")
def command() -> None:
    """Upgrade, check, back up, restore or move the store.

    Example: ninethirty store backup /backup/ninethirty.db
    """


@command.command("upgrade")
@json_verb
def upgrade(context: Context) -> None:
    """Upgrade the store to the schema of this version.

    Example: ninethirty store upgrade
    """
    with context.store(upgrade=True):
        context.print_result({"upgraded": True}, "The store has the schema of this version.")


@command.command("check")
@json_verb
def check(context: Context) -> None:
    """Check the store, and if that is whole, its evidence. Exit status 1 if there is a fault.

    If several monitors share a store, run this on each machine, because it reads only the files
    there. The evidence of other monitors is checked by its chain of hashes.

    Example: ninethirty store check
    """
    from monitor.app.options import evidence_owner
    from monitor.store.evidence.chain import is_kept_by, verify_evidence

    owner = evidence_owner(context.settings)
    with context.store() as store:
        faults = store.check() or verify_evidence(
            store.evidence, Path(context.settings.evidence.folder), owner
        )
        monitors = [] if owner is None else store.evidence.monitors()
    others = [name for name in monitors if not is_kept_by(owner, name)]
    checked = "its evidence"
    if owner is not None and len(others) < len(monitors):
        checked = f"the evidence of {owner}"
    elif owner is not None:
        checked = f"its record: no evidence is stored of {owner}"
    lines = faults or [f"The store is whole, and so is {checked}."]
    lines += [
        f"The evidence of {name} is kept at {name}: its chain was checked." for name in others
    ]
    context.print_result({"faults": faults, "not_read": others}, lines, ok=not faults)


@command.command("backup")
@file_argument
@json_verb
def backup(context: Context, *, file: Path) -> None:
    """Copy the store to FILE while it is in use.

    Example: ninethirty store backup /backup/ninethirty.db
    """
    with context.store() as store:
        store.backup(file)
    context.print_result({"file": str(file)}, f"Backed up to {file}.")


@command.command("restore")
@file_argument
@json_verb
def restore(context: Context, *, file: Path) -> None:
    """Restore the backup FILE into the configured store, SQLite or PostgreSQL, which must be empty
    or not exist.

    Stop the monitor first. Copy the evidence back yourself, then run `store check`.

    Example: ninethirty store restore /backup/ninethirty.db
    """
    from monitor.store.move import restore_store

    rows = restore_store(file, context.settings.store.url)
    context.print_result(
        {"file": str(file), "rows": rows}, f"Restored {_rows_text(rows)} from {file}."
    )


@command.command("copy")
@click.argument("source", metavar="URL")
@click.argument("target", metavar="URL")
@json_verb
def copy(context: Context, *, source: str, target: str) -> None:
    """Copy the store at one URL to another that is empty or does not exist: SQLite to PostgreSQL,
    or back.

    Stop the monitor first, because later writes are not copied. Then write the new URL into
    `[store] url`.

    Example: ninethirty store copy sqlite:///var/ninethirty.db
    postgresql+psycopg://ninethirty@db/ninethirty
    """
    from monitor.store.move import copy_store

    rows = copy_store(source, target)
    context.print_result({"rows": rows}, f"Copied {_rows_text(rows)}.")


def _rows_text(rows: Mapping[str, int]) -> str:
    """Return the number of rows, in total and by table."""
    each = ", ".join(f"{table} {count}" for table, count in rows.items() if count)
    return f"{sum(rows.values())} rows" + (f" ({each})" if each else "")
