"""`ninethirty rehearse`: a script played through the real daemon."""

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

from monitor.cli.common import Context, as_json, hushed
from monitor.cli.terminal import progress
from monitor.clock import SystemClock
from monitor.errors import BadInput, Fault, NinethirtyError
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
@click.option("--speed", type=Speed(), default="max", help="As fast as may be (max), or N times real time.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep store, evidence and drafts here.")
@as_json
@click.pass_obj
def command(
    context: Context, *, scripts: tuple[Path, ...], speed: float | None, keep: Path | None, as_json: bool
) -> None:
    """Play scripts through the real daemon on a virtual clock; exit status 1 when an expectation is not met.

    A script that ships goes by its name alone, such as `ofqual-2018-01`. A script that cannot be played to its end
    counts as one that did not meet what it expects; the others are played.

    Example: ninethirty rehearse rehearsals/ofqual-2018-01.toml --keep var/rehearsal
    """
    from monitor.rehearse.demo import script_of

    del context
    named = [own if not path.exists() and (own := script_of(path.name)).exists() else path for path in scripts]
    with progress() as tell:
        shown = Shown(len(named), tell, quiet=as_json)
        results = []
        for ended in played(named, keep, speed=speed, as_json=as_json, shown=shown):
            shown.print(ended.text)
            results.append(ended)
    end_with(results)


class Shown(Progress):
    """Shows how far scripts are played: in a line of its own at a terminal, else in a line as each starts.

    `tell` is that of `progress`; `quiet` shows nothing but at a terminal.
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
        """Print a result in the place of the line that shows progress."""
        self._tell("")
        click.echo(text)


def end_with(results: Sequence[Ended]) -> None:
    """End the process with status 1 if a script failed, at once if a thread of it is left that never ends."""
    if any(ended.hangs for ended in results):
        sys.stdout.flush()
        os._exit(1)
    if not all(ended.ok for ended in results):
        raise SystemExit(1)


def played(
    paths: Sequence[Path],
    keep: Path | None,
    *,
    speed: float | None = None,
    as_json: bool = False,
    shown: Progress | None = None,
) -> Iterator[Ended]:
    """Play scripts side by side, and yield what each came to as it ends. Raises `BadInput` before any is played."""
    scripts = _readable(paths)
    play = partial(_play, speed=speed, keep=keep, as_json=as_json)
    lost = partial(_lost, scripts, as_json=as_json)
    shown = shown or Progress()
    yield from (
        side_by_side(longest_first(scripts), play, lost, shown) if len(paths) > 1 else alone(paths[0], play, shown)
    )


def longest_first(scripts: Mapping[Path, Script]) -> list[Path]:
    """Return scripts by how long they last, so that the longest does not begin when all others have ended."""
    return sorted(scripts, key=lambda path: scripts[path].ends - scripts[path].begins, reverse=True)


def _play(path: Path, report: Callable[[int], None], *, speed: float | None, keep: Path | None, as_json: bool) -> Ended:
    """Play one script, and return what it came to, whatever happens."""
    from monitor.rehearse.drive import Played, play
    from monitor.rehearse.virtual_loop import Deadlock

    script, base = _read(path)
    began, hangs = SystemClock().monotonic(), False
    with hushed():
        try:
            with _folder(keep, path.stem) as folder:
                done = play(script, base, folder, speed, report)
        except Exception as exc:  # noqa: BLE001 # one script that fails must not lose the others; its result says why
            done = Played.failed(script, _reason(exc), SystemClock().monotonic() - began)
            hangs = isinstance(exc, Deadlock)
    return _ended(done, kept=keep is not None, as_json=as_json, hangs=hangs)


def _lost(scripts: Mapping[Path, Script], path: Path, reason: str, *, as_json: bool) -> Ended:
    from monitor.rehearse.drive import Played

    return _ended(Played.failed(scripts[path], reason), kept=False, as_json=as_json)


def _ended(done: Played, *, kept: bool, as_json: bool, hangs: bool = False) -> Ended:
    from monitor.rehearse.summary import format_summary

    text = json.dumps(done.as_json(), ensure_ascii=False) if as_json else format_summary(done, kept=kept)
    return Ended(done.ok, text, hangs=hangs)


def _reason(fault: Exception) -> str:
    """Return in one line why a script could not be played to its end."""
    import structlog

    from monitor.rehearse.virtual_loop import Deadlock

    if isinstance(fault, NinethirtyError | Deadlock):
        return "; ".join(str(fault).splitlines())
    if isinstance(fault, OSError):
        return f"{fault.filename or 'system'}: {fault.strerror or fault}"
    structlog.get_logger(__name__).error("rehearsal_broke", exc_info=fault)
    return f"the program broke with {type(fault).__name__}: {fault}"


def _readable(paths: Sequence[Path]) -> dict[Path, Script]:
    """Return every script, read before any is played, so that all faults are reported at once."""
    scripts: dict[Path, Script] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            scripts[path], _ = _read(path)
        except BadInput as exc:
            faults += exc.faults
    if faults:
        raise BadInput(faults)
    return scripts


def _read(path: Path) -> tuple[Script, Settings]:
    from monitor.config.read import read_settings
    from monitor.config.settings import Settings
    from monitor.rehearse.script.script import read_script

    script = read_script(path)
    return script, read_settings(script.config) if script.config is not None else Settings()


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="ninethirty-") as made:
            yield Path(made)
        return
    folder = keep / name
    if (folder / "ninethirty.db").is_file():
        # An earlier rehearsal's: its store would be taken for the past of this one.
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
