"""What the verbs share: the configuration, the store, and how answers are printed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from monitor.clock import SystemClock
from monitor.errors import SurroundingsFault, UnknownName, unknown

if TYPE_CHECKING:
    # Only annotations want these, and `--help` should not wait for them.
    from monitor.config.settings import Settings
    from monitor.store.sql.engine import Store
    from monitor.store.sql.read_ledger import LedgerStore


J = TypeVar("J")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
json_anyway = click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: it always prints JSON.")

_WIDTH = 112


@dataclass
class Context:
    """What `--config` chose."""

    config: str = ""

    @property
    def path(self) -> Path:
        """Return the path of the configuration file."""
        return Path(self.config)

    @cached_property
    def settings(self) -> Settings:
        """Return the checked configuration. Raises `BadInput`."""
        from monitor.config.read import read_settings

        return read_settings(self.path)

    @property
    def settings_or_default(self) -> Settings:
        """Return the configuration, or the defaults where nobody has written one."""
        from monitor.config.settings import Settings

        return self.settings if self.path.is_file() else Settings()

    def name_of(self, producer: str) -> str:
        """Return what a producer is called, its id where nobody has named it."""
        return next((one.name for one in self.settings_or_default.producer if one.id == producer), producer)

    def hide(self, text: str) -> str:
        """Return a text without what configured addresses hold besides host and path, and without secret paths."""
        # Before the configuration is read, nothing is known that could be told.
        return self.redactor(text) if "settings" in self.__dict__ and self.redactor is not None else text

    def speaking(self) -> ExitStack:
        """Have nothing of that told to the terminal, for the length of a block, whatever goes wrong."""
        stack = ExitStack()
        stack.enter_context(redirect_stdout(cast("TextIO", Redacting(sys.stdout, self.hide))))
        stack.enter_context(redirect_stderr(cast("TextIO", Redacting(sys.stderr, self.hide))))
        return stack

    @cached_property
    def redactor(self) -> Callable[[str], str] | None:
        """Return what takes those out of a text, None where there are none."""
        from monitor.config.secrets import redactor, secrets_in_addresses

        return redactor(secrets_in_addresses(self.settings))

    def own_monitors(self, store: Store) -> list[str] | None:
        """Return the monitors whose evidence lies on this machine: None for all, where the store is its alone too.

        What ours kept while its store was away it kept under a name of its own.
        """
        from monitor.store.open import is_shared
        from monitor.store.rows import APART

        name = self.settings.watch.vantage
        if not is_shared(self.settings.store.url):
            return None
        return [name, *(one for one in store.evidence.monitors() if one.startswith(name + APART))]

    def now(self) -> datetime:
        """Return the time."""
        return SystemClock().now()

    @contextmanager
    def store(self, *, steps: bool = False) -> Iterator[Store]:
        """Open the configured store for the length of a block. Raises `StoreFault`.

        One of an older shape is refused; with `steps` it is brought to this version's.
        """
        from monitor.store.open import open_store

        store = open_store(self.settings.store.url)
        try:
            store.upgrade(steps=steps)
            yield store
        finally:
            store.close()


def print_json(value: object) -> None:
    """Print one JSON value on one line, as every `--json` does."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """Print JSON objects, one a line."""
    for value in values:
        print_json(value)


def width() -> int:
    """Return how many characters a line may have: those of the terminal, and as many as are read well elsewhere."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH


def table(
    rows: Sequence[Sequence[str]], heads: Sequence[str], is_loud: Callable[[Sequence[str]], bool] = lambda _: False
) -> None:
    """Print rows under heads, each column as wide as its widest cell; the last one is left ragged.

    At a terminal it is cut where the line ends, and rows that are loud stand out, unless NO_COLOR is set.
    """
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)]
        told = _cut("  ".join([*cells, line[-1]]).rstrip())
        click.echo(click.style(told, bold=True) if is_loud(line) else told)


def _cut(line: str) -> str:
    most = width()
    # Whatever is read by a program is whole.
    return line if len(line) <= most or not sys.stdout.isatty() else f"{line[: most - 1]}…"


def deliver(content: bytes | Iterable[bytes], output: Path | None, kind: str, *, told: bool = True) -> None:
    """Write a document, whole or in pieces, to a file, or to standard output.

    Raises `SurroundingsFault` when the file cannot be written, wrong usage when `kind` is no text and would go to a
    terminal.
    """
    pieces = [content] if isinstance(content, bytes) else content
    if output is None:
        if kind in {"docx", "odt", "pdf", "sqlite"} and sys.stdout.isatty():
            raise click.UsageError(f"a {kind} is not for a terminal, write --output FILE.{kind}")
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    try:
        _replace(output, pieces)
    except OSError as exc:
        raise SurroundingsFault(f"{output}: cannot be written: {exc.strerror}") from exc
    if told:
        click.echo(f"{output}: written", err=True)


def _replace(output: Path, pieces: Iterable[bytes]) -> None:
    # Whoever reads the file meanwhile gets the old one whole.
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def hushed(hide: Callable[[str], str] = str) -> Iterator[None]:
    """Write no log lines but errors for the length of a block, and none of what `hide` takes out."""
    from monitor.health import logs

    listener = logs.set_up("ERROR", sys.stderr, as_json=False, hide=hide)
    try:
        yield
    finally:
        listener.stop()


class Redacting:
    """A stream that tells nothing of what `hide` takes out of a text; a line is written in one piece."""

    def __init__(self, stream: TextIO, hide: Callable[[str], str]) -> None:
        self._stream = stream
        self._hide = hide

    def write(self, text: str) -> int:
        """Write a text."""
        # To find out what a stream takes, bytes are tried as well.
        return self._stream.write(self._hide(text) if isinstance(text, str) else text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the stream has
        """Return what the stream has."""
        return getattr(self._stream, name)


def unknown_release(name: str, ledger: LedgerStore) -> UnknownName:
    """Return the fault for a release that is not known, with the one that has the nearest id or title."""
    releases = ledger.releases()
    return unknown("release", name, [one.id for one in releases], {one.title: one.id for one in releases})


def items(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list, each item wrapped."""
    for text in texts:
        yield from wrap(
            text,
            min(width(), _WIDTH),
            initial_indent="  - ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
