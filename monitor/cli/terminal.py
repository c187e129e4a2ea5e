"""For people at a terminal: long output in a pager, and the progress of long work."""

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
_CLEAR_LINE = "\x1b[K"


def is_attended() -> bool:
    """Return whether a person at a terminal can answer questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def page_output(
    verb: Callable[Concatenate[Context, P], None],
) -> Callable[Concatenate[Context, P], None]:
    """Show a verb's output in $PAGER, by default less, if it is longer than the terminal."""

    @wraps(verb)
    def run_paged(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the verb.

        On a terminal, collect what it prints, and page it if it is longer than the terminal.
        """
        if not sys.stdout.isatty():
            verb(context, *args, **kwargs)
            return
        printed = _TerminalBuffer()
        try:
            with redirect_stdout(printed):
                verb(context, *args, **kwargs)
        finally:
            # A pager is written to directly, without the redaction of the terminal.
            text = context.hide(printed.getvalue())
            if text.count("\n") < shutil.get_terminal_size().lines:
                click.echo(text, nl=False)
            else:
                click.echo_via_pager(text)

    return run_paged


class _TerminalBuffer(io.StringIO):
    """Collects what a verb prints, with the width and colours of a terminal."""

    def isatty(self) -> bool:
        """Return True, so that verbs print as on a terminal."""
        return True


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows progress in one updated line, only on a terminal.

    The line is cleared at the end.
    """

    def show(text: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{text}{_CLEAR_LINE}", nl=False, err=True)

    try:
        yield show
    finally:
        show("")
