"""Shared by all verbs: the configuration, the store, and how results are printed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from monitor.clock import SystemClock
from monitor.errors import EnvironmentFault, UserFault, why_unusable
from schedules.times.words import stamp
from schedules.times.zone import LONDON

if TYPE_CHECKING:
    # These are only for annotations. Importing them would delay `--help`.
    from monitor.config.settings import Settings
    from monitor.store.sql.engine import Store


P = ParamSpec("P")
V = TypeVar("V")

PATH = click.Path(path_type=Path)
file_argument = click.argument("file", type=PATH)

_WIDTH = 112


@dataclass
class Context:
    """The configuration that `--config` names, its store, and whether `--json` was given."""

    path: Path = Path()
    as_json: bool = False
    # The address of a monitor on another machine, or empty.
    url: str = ""
    # Removes secrets of configured addresses from a text. It removes none before `settings` is
    # read.
    hide: Callable[[str], str] = str

    @cached_property
    def settings(self) -> Settings:
        """Return the checked configuration. Raises `BadInput`."""
        from monitor.config.read import read_settings
        from monitor.config.secrets import redactor, secrets_in_addresses

        settings = read_settings(self.path)
        self.hide = redactor(secrets_in_addresses(settings)) or str
        return settings

    @property
    def settings_or_default(self) -> Settings:
        """Return the configuration, or the defaults if there is no file."""
        from monitor.config.settings import Settings

        return self.settings if self.path.is_file() else Settings()

    def name_of(self, producer: str) -> str:
        """Return the configured name of a producer, by default its id."""
        return next(
            (one.name for one in self.settings_or_default.producer if one.id == producer), producer
        )

    def now(self) -> datetime:
        """Return the current time."""
        return SystemClock().now()

    @property
    def has_store(self) -> bool:
        """Return whether there can be a store: its file exists, or it is in PostgreSQL."""
        from monitor.store.open import file_of

        file = file_of(self.settings.store.url)
        return file is None or file.exists()

    @contextmanager
    def store(self, *, upgrade: bool = False) -> Iterator[Store]:
        """Open the configured store inside this context. Raises `StoreFault`.

        An older store is upgraded if `upgrade`, else refused.
        """
        from monitor.store.open import open_store

        with closing(open_store(self.settings.store.url)) as store:
            store.upgrade(may_migrate=upgrade)
            yield store

    def print_result(
        self, value: object, text: str | Iterable[str], *, note: str = "", ok: bool = True
    ) -> None:
        """Print the result of a verb: with `--json` `value` as one line of JSON, else `text` (one
        line or more).

        `note` is for people, on standard error. If the result is not `ok`, the program ends with
        exit status 1.
        """
        if self.as_json:
            print_json(value)
        else:
            for line in [text] if isinstance(text, str) else text:
                click.echo(line)
            if note:
                click.echo(note, err=True)
        if not ok:
            raise SystemExit(1)


def json_verb(verb: Callable[Concatenate[Context, P], None]) -> Callable[P, None]:
    """Give a verb the context as its first argument, and the option `--json`."""

    def set_json(ctx: click.Context, _param: click.Parameter, as_json: bool) -> None:  # noqa: FBT001 # as click calls it
        ctx.ensure_object(Context).as_json = as_json

    text = "Print JSON for machines."
    add_option = click.option(
        "--json", is_flag=True, expose_value=False, callback=set_json, help=text
    )
    return add_option(click.pass_obj(verb))


class Parsed(click.ParamType[V]):
    """The type of an option or argument whose value a function reads from its text.

    `parse` raises ValueError with the reason if the text is wrong. Help shows `name` in capitals.
    """

    def __init__(self, name: str, parse: Callable[[str], V]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> V:  # noqa: ANN401 # click's own signature
        """Return the value, or fail with wrong usage."""
        try:
            return self._parse(value)
        except ValueError as exc:
            self.fail(f'{exc} (got "{value}")', param, ctx)


def print_json(value: object) -> None:
    """Print one JSON value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def line_width() -> int:
    """Return the maximum length of a line: the terminal's width, or 112 for other output."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((_WIDTH, 24)).columns
    return _WIDTH


def table_lines(
    rows: Sequence[Sequence[str]],
    heads: Sequence[str],
    is_loud: Callable[[Sequence[str]], bool] = lambda _: False,
    if_empty: str = "",
) -> Iterator[str]:
    """Yield the lines of a table: heads, then rows, in aligned columns. Without rows, yield only
    `if_empty`, if that is given.

    On a terminal, lines are cut at its width, and loud rows are bold unless NO_COLOR is set.
    """
    if not rows:
        yield from filter(None, [if_empty])
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for line in (heads, *rows):
        text = "  ".join(map(str.ljust, line, widths)).rstrip()
        # Output for programs is never cut.
        if sys.stdout.isatty() and len(text) > line_width():
            text = f"{text[: line_width() - 1]}…"
        if line is not heads and is_loud(line):
            text = click.style(text, bold=True)
        yield text


def json_stamp(at: str, timezone: str = LONDON) -> str:
    """Return an instant of JSON as local text."""
    return stamp(datetime.fromisoformat(at), timezone)


output_option = click.option(
    "--output", type=PATH, metavar="FILE", help="Write to this file; default the terminal."
)


def choose_format(kind: str | None, output: Path | None, known: Sequence[str]) -> str:
    """Return the format to write: `kind` if given, else that of the suffix of `output`, else the
    first that is known.
    """
    suffix = ""
    if output is not None:
        suffix = output.suffix.removeprefix(".")
    if suffix and not kind and suffix not in known:
        raise click.UsageError(f"no format .{suffix}, write .{', .'.join(known)}, or give --format")
    return kind or suffix or known[0]


def read_input(file: Path) -> bytes:
    """Return the content of a file that the user named. Raises `UserFault` if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UserFault(f"{file}: cannot be read: {why_unusable(exc)}") from exc


def write_output(
    content: bytes | Iterable[bytes], output: Path | None, kind: str, *, names_file: bool = True
) -> None:
    """Write a document, whole or in pieces, to a file, or to standard output if `output` is None.

    If `names_file`, print the file's name on standard error. Raises `EnvironmentFault` if it cannot
    be written, and a usage error if a binary `kind` would go to a terminal.
    """
    pieces = [content] if isinstance(content, bytes) else content
    if output is None:
        if kind in {"docx", "odt", "pdf", "sqlite"} and sys.stdout.isatty():
            raise click.UsageError(
                f"a {kind} cannot be shown on a terminal, write --output FILE.{kind}"
            )
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    try:
        _replace_file(output, pieces)
    except OSError as exc:
        raise EnvironmentFault(
            f"{output}: cannot be written: {why_unusable(exc, 'make its folder first')}"
        ) from exc
    if names_file:
        click.echo(f"{output}: written", err=True)


def _replace_file(output: Path, pieces: Iterable[bytes]) -> None:
    """Replace a file at once, so that no reader sees a part of it."""
    part = output.absolute().with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        part.replace(output.absolute())
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def log_only_errors(hide: Callable[[str], str] = str) -> Iterator[None]:
    """Log only errors inside this context, with secrets removed by `hide`."""
    from monitor.health import logs

    listener = logs.start_logging("ERROR", sys.stderr, as_json=False, hide=hide)
    try:
        yield
    finally:
        listener.stop()


def bullet_lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a bulleted list, with long items wrapped."""
    for text in texts:
        yield from wrap(
            text,
            min(line_width(), _WIDTH),
            initial_indent="  - ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def section_lines(heading: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield an empty line, a heading and a bulleted list. Without texts, yield none."""
    if lines := [*bullet_lines(texts)]:
        yield from ("", heading, *lines)
