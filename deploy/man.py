# ruff: noqa: INP001 # a script of its own
"""Writes a man page for the program and for each verb, from the texts that `--help` tells: `man.py
FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click import Command, Context
from click_man.core import write_man_pages

from monitor import __version__
from monitor.cli.main import VERBS, cli


def _told_whole(command: Command) -> Command:
    """Have a page say in its first line what the help does, which is cut there otherwise."""
    command.short_help = command.short_help or (command.help or "").partition("\n\n")[0]
    for inner in getattr(command, "commands", {}).values():
        _told_whole(inner)
    return command


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    # Verbs are imported when they are asked for; here all are.
    cli.commands = {name: cli.get_command(Context(cli), name) for name in VERBS}  # type: ignore[attr-defined]
    write_man_pages("ninethirty", _told_whole(cli), version=__version__, target_dir=str(folder))
