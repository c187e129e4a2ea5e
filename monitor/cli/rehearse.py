"""`ninethirty rehearse`: play scripts through the real daemon."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, as_json, log_only_errors
from monitor.cli.terminal import progress
from monitor.clock import SystemClock
from monitor.errors import BadInput, Fault, NinethirtyError, unknown
from monitor.rehearse.side_by_side import ALL, Ended, Progress, alone, side_by_side

if TYPE_CHECKING:
    from monitor.config.settings import Settings
    from monitor.rehearse.drive import Played
    from monitor.rehearse.script.script import Script


class Speed(click.ParamType[float | None]):
    """`max`, or how many times as fast as real time."""

    name = "max|N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Read a speed, or fail with wrong usage."""
        if value == "max":
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed < math.inf:
            self.fail(f'not a speed, write "max" or a number above 0 (got "{value}")', param, ctx)
        return speed


@click.command("rehearse")
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT...", type=click.Path(path_type=Path))
@click.option("--speed", type=Speed(), default="max", help="As fast as possible (max), or N times real time.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep store, evidence and drafts here.")
@as_json
@click.pass_obj
def command(
    context: Context, *, scripts: tuple[Path, ...], speed: float | None, keep: Path | None, as_json: bool
) -> None:
    """Play scripts through the real daemon on a virtual clock. Exit status 1 if an expectation is not met.

    For a shipped script you can write only its name, such as `ofqual-2018-01`. A script that cannot be played to its
    end counts as not met. The others are still played.

    Example: ninethirty rehearse rehearsals/ofqual-2018-01.toml --keep var/rehearsal
    """
    from monitor.rehearse.demo import INCIDENTS, script_of

    del context
    named = [own if not path.exists() and (own := script_of(path.name)).exists() else path for path in scripts]
    if missing := [path for path in named if not path.exists()]:
        raise unknown("rehearsal", str(missing[0]), INCIDENTS)
    with progress() as tell:
        shown = PlayedProgress(len(named), tell, quiet=as_json)
        results = []
        for ended in play_scripts(named, keep, speed=speed, as_json=as_json, shown=shown):
            shown.print(ended.text)
            results.append(ended)
    exit_by_results(results)


class PlayedProgress(Progress):
    """Shows the progress of scripts: one updated line on a terminal, otherwise one line for each start.

    `tell` is that of `progress`. With `quiet`, progress is shown only on a terminal.
    """

    def __init__(self, count: int, tell: Callable[[str], None], *, quiet: bool = False) -> None:
        self._count = count
        self._tell = tell
        self._quiet = quiet or count == 1 or sys.stderr.isatty()
        self._parts: dict[str, int] = {}

    def started(self, path: Path) -> None:
        """Show that a script starts."""
        if not self._quiet:
            click.echo(f"playing {path.stem} ...", err=True)
        self.report(path, 0)

    def report(self, path: Path, percent: int) -> None:
        """Show how many per cent of a script are played."""
        self._parts[path.stem] = percent
        playing = [f"{name} {part} %" for name, part in self._parts.items() if part < ALL]
        self._tell(", ".join([f"{len(self._parts) - len(playing)} of {self._count} played", *playing]))

    def print(self, text: str) -> None:
        """Print a result in place of the progress line."""
        self._tell("")
        click.echo(text)


def exit_by_results(results: Sequence[Ended]) -> None:
    """Exit with status 1 if a script failed. If one left a thread that hangs, exit at once."""
    if any(ended.hangs for ended in results):
        sys.stdout.flush()
        os._exit(1)
    if not all(ended.ok for ended in results):
        raise SystemExit(1)


def play_scripts(
    paths: Sequence[Path],
    keep: Path | None,
    *,
    speed: float | None = None,
    as_json: bool = False,
    shown: Progress | None = None,
) -> Iterator[Ended]:
    """Play scripts in parallel, and yield the result of each when it ends. Raises `BadInput` before any is played."""
    scripts = _read_all(paths)
    play = partial(_play_script, speed=speed, keep=keep, as_json=as_json)
    lost = partial(_lost_result, scripts, as_json=as_json)
    shown = shown or Progress()
    yield from (
        side_by_side(longest_first(scripts), play, lost, shown) if len(paths) > 1 else alone(paths[0], play, shown)
    )


def longest_first(scripts: Mapping[Path, Script]) -> list[Path]:
    """Return scripts with the longest first, so that it does not run alone at the end."""
    return sorted(scripts, key=lambda path: scripts[path].ends - scripts[path].begins, reverse=True)


def _play_script(
    path: Path, report: Callable[[int], None], *, speed: float | None, keep: Path | None, as_json: bool
) -> Ended:
    """Play one script and return its result, also if it fails."""
    from monitor.rehearse.drive import Played, play
    from monitor.rehearse.virtual_loop import Deadlock

    script, base = _read_script(path)
    began, hangs = SystemClock().monotonic(), False
    with log_only_errors():
        try:
            with _play_folder(keep, path.stem) as folder:
                done = play(script, base, folder, speed, report)
        except Exception as exc:  # noqa: BLE001 # one script that fails must not lose the others; its result says why
            done = Played.failed(script, _fault_text(exc), SystemClock().monotonic() - began)
            hangs = isinstance(exc, Deadlock)
    return _make_result(done, kept=keep is not None, as_json=as_json, hangs=hangs)


def _lost_result(scripts: Mapping[Path, Script], path: Path, reason: str, *, as_json: bool) -> Ended:
    from monitor.rehearse.drive import Played

    return _make_result(Played.failed(scripts[path], reason), kept=False, as_json=as_json)


def _make_result(done: Played, *, kept: bool, as_json: bool, hangs: bool = False) -> Ended:
    from monitor.rehearse.summary import format_summary

    text = json.dumps(done.as_json(), ensure_ascii=False) if as_json else format_summary(done, kept=kept)
    return Ended(done.ok, text, hangs=hangs)


def _fault_text(fault: Exception) -> str:
    """Return one line that says why a script could not be played to its end."""
    import structlog

    from monitor.rehearse.virtual_loop import Deadlock

    if isinstance(fault, NinethirtyError | Deadlock):
        return "; ".join(str(fault).splitlines())
    if isinstance(fault, OSError):
        return f"{fault.filename or 'system'}: {fault.strerror or fault}"
    structlog.get_logger(__name__).error("rehearsal_broke", exc_info=fault)
    return f"the program broke with {type(fault).__name__}: {fault}"


def _read_all(paths: Sequence[Path]) -> dict[Path, Script]:
    """Return every script. Raises `BadInput` with the faults of all of them."""
    scripts: dict[Path, Script] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            scripts[path], _ = _read_script(path)
        except BadInput as exc:
            faults += exc.faults
    if faults:
        raise BadInput(faults)
    return scripts


def _read_script(path: Path) -> tuple[Script, Settings]:
    from monitor.config.read import read_settings
    from monitor.config.settings import Settings
    from monitor.rehearse.script.script import read_script

    script = read_script(path)
    return script, read_settings(script.config) if script.config is not None else Settings()


@contextmanager
def _play_folder(keep: Path | None, name: str) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="ninethirty-") as made:
            yield Path(made)
        return
    folder = keep / name
    if (folder / "ninethirty.db").is_file():
        # The store of an earlier rehearsal would count as the past of this one.
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
