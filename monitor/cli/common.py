"""What the verbs share: the configuration, the store, and how answers are printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.record.store import Store

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@dataclass
class Context:
    """What `--config` chose."""

    config: str

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
        return self.settings if self.path.is_file() else Settings()

    def now(self) -> datetime:
        """Return the time."""
        return SystemClock().now()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the configured store for the length of a block. Raises `StoreFault`."""
        from monitor.record.open import open_store

        store = open_store(self.settings.store.url)
        try:
            store.upgrade()
            yield store
        finally:
            store.close()


class Day(click.ParamType[date]):
    """A day: `2026-11-26`, `today`, `yesterday` or `tomorrow` (in London)."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401 # click's own signature
        """Read a day, or fail with wrong usage."""
        if isinstance(value, date):
            return value
        if value in _DAYS:
            return today() + timedelta(days=_DAYS[value])
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f'not a day, write "2026-11-26" (got "{value}")', param, ctx)


_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}


def today(timezone: str = "Europe/London") -> date:
    """Return the local date of now."""
    return SystemClock().now().astimezone(ZoneInfo(timezone)).date()


def midnight(day: date, timezone: str) -> datetime:
    """Return the instant (UTC) at which a local day begins."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def print_json(value: object) -> None:
    """Print one JSON value on one line, as every `--json` does."""
    click.echo(json.dumps(value, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print rows under heads, each column as wide as its widest cell; the last one is left ragged."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)]
        click.echo("  ".join([*cells, line[-1]]).rstrip())
