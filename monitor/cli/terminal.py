"""What a person at a terminal gets besides: long answers by the page, and how far long work has got."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from typing import Concatenate, ParamSpec

import click

from monitor.cli.common import Context

P = ParamSpec("P")
_WIPE = "\x1b[K"


def by_the_page(verb: Callable[Concatenate[Context, P], None]) -> Callable[Concatenate[Context, P], None]:
    """Have a verb's answer shown by $PAGER, or less, where it is longer than the terminal is high."""

    @wraps(verb)
    def shown(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not sys.stdout.isatty():
            verb(context, *args, **kwargs)
            return
        answer = _Terminal()
        try:
            with redirect_stdout(answer):
                verb(context, *args, **kwargs)
        finally:
            # A pager is written to directly, past what veils the terminal.
            _show(context.hide(answer.getvalue()))

    return shown


def _show(text: str) -> None:
    if text.count("\n") < shutil.get_terminal_size().lines:
        click.echo(text, nl=False)
    else:
        click.echo_via_pager(text)


class _Terminal(io.StringIO):
    """Keeps what a verb prints to a terminal: as wide, and in the same colours."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Hand out what shows in a line of its own, at a terminal alone, how far work has got; it is wiped at the end."""

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{text}{_WIPE}", nl=False, err=True)

    try:
        yield tell
    finally:
        tell("")
