"""`ninethirty rehearse`: play scripts through the real daemon."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import PATH, Context, Parsed, json_verb, log_only_errors, print_json
from monitor.cli.terminal import progress_line
from monitor.clock import SystemClock
from monitor.errors import BadInput, Fault, NinethirtyError, unknown_name
from monitor.rehearse.parallel import ALL_PLAYED, play_in_parallel

if TYPE_CHECKING:
    from monitor.config.settings import Settings
    from monitor.rehearse.drive import RehearsalOutcome
    from monitor.rehearse.script.script import Script


def _parse_speed(text: str) -> float | None:
    """Return how many times as fast as real time to play, None for as fast as possible (`max`).

    Raises `ValueError`.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise ValueError('not a speed, write "max" or a number above 0')
    return speed


_SPEED = Parsed("max|N", _parse_speed)


@click.command("rehearse")
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT...", type=PATH)
@click.option(
    "--speed", type=_SPEED, default="max", help="As fast as possible (max), or N times real time."
)
@click.option("--keep", type=PATH, metavar="DIR", help="Keep store, evidence and drafts here.")
@json_verb
def command(
    context: Context, *, scripts: tuple[Path, ...], speed: float | None, keep: Path | None
) -> None:
    """Play scripts through the real monitor on a virtual clock.

    Exit status 1 if an expectation is not met.

    For a shipped script you can write only its name, such as `ofqual-2018-01`. A script that cannot
    be played to its end counts as not met. The others are still played.

    Example: ninethirty rehearse rehearsals/ofqual-2018-01.toml --keep var/rehearsal
    """
    from monitor.rehearse.demo import INCIDENTS, script_of
    from monitor.rehearse.summary import summary_lines

    paths = [path if path.exists() else script_of(path.name) for path in scripts]
    for given, path in zip(scripts, paths, strict=True):
        if not path.exists():
            raise unknown_name("rehearsal", str(given), INCIDENTS)
    is_met = True
    for outcome in play_scripts(paths, keep, speed=speed, quiet=context.as_json):
        is_met &= outcome.ok
        if context.as_json:
            print_json(outcome.as_json())
        else:
            click.echo("\n".join([*summary_lines(outcome, kept=keep is not None), ""]))
    if not is_met:
        raise SystemExit(1)


def play_scripts(
    paths: Sequence[Path], keep: Path | None, *, speed: float | None = None, quiet: bool = False
) -> Iterator[RehearsalOutcome]:
    """Play scripts in parallel, and yield the outcome of each when it ends.

    Raises `BadInput` before any is played.

    `keep` is the folder for their files (None: they are deleted). `speed` is that of
    `_parse_speed`. On a terminal, one updated line shows the progress. Elsewhere each start is a
    line, unless `quiet` or for a single script.
    """
    from monitor.rehearse.drive import RehearsalOutcome

    scripts: dict[Path, Script] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            scripts[path], _ = _read_script(path)
        except BadInput as exc:
            faults += exc.faults
    if faults:
        raise BadInput(faults)
    percents: dict[str, int] = {}
    prints_starts = not (quiet or len(paths) == 1 or sys.stderr.isatty())

    def make_lost(path: Path, reason: str) -> RehearsalOutcome:
        """Return the outcome of a script whose process ended without one."""
        return RehearsalOutcome.of_failure(scripts[path], reason)

    with progress_line() as show:

        def show_progress(path: Path, percent: int) -> None:
            if prints_starts and path.stem not in percents:
                click.echo(f"playing {path.stem} ...", err=True)
            percents[path.stem] = percent
            playing = [f"{name} {part} %" for name, part in percents.items() if part < ALL_PLAYED]
            ended = f"{len(percents) - len(playing)} of {len(paths)} played"
            show(", ".join([ended, *playing]))

        play_one = partial(_play_script, speed, keep)
        order = longest_first(scripts)
        for outcome in play_in_parallel(order, play_one, make_lost, show_progress):
            show("")
            yield outcome


def longest_first(scripts: Mapping[Path, Script]) -> list[Path]:
    """Return scripts with the longest first, so that it does not run alone at the end."""
    return sorted(scripts, key=lambda path: scripts[path].ends - scripts[path].begins, reverse=True)


def _play_script(
    speed: float | None, keep: Path | None, path: Path, report: Callable[[int], None]
) -> RehearsalOutcome:
    """Play one script and return its outcome, even if it fails."""
    from monitor.rehearse.drive import RehearsalOutcome, play

    script, base = _read_script(path)
    began = SystemClock().monotonic()
    with log_only_errors():
        try:
            with _play_folder(keep, path.stem) as folder:
                return play(script, base, folder, speed, report)
        except Exception as exc:  # noqa: BLE001 # one script that fails must not lose the others; its outcome says why
            wall_seconds = SystemClock().monotonic() - began
            return RehearsalOutcome.of_failure(script, _fault_text(exc), wall_seconds)


def _fault_text(fault: Exception) -> str:
    """Return one line that says why a script could not be played to its end.

    An unexpected fault is also logged.
    """
    import structlog

    from monitor.rehearse.virtual_loop import Deadlock

    if isinstance(fault, NinethirtyError | Deadlock):
        return "; ".join(str(fault).splitlines())
    if isinstance(fault, OSError):
        return f"{fault.filename or 'system'}: {fault.strerror or fault}"
    structlog.get_logger(__name__).error("rehearsal_broke", exc_info=fault)
    return f"the program broke with {type(fault).__name__}: {fault}"


def _read_script(path: Path) -> tuple[Script, Settings]:
    """Return a script and the configuration that it names, or else the default settings.

    Raises `BadInput`.
    """
    from monitor.config.read import read_settings
    from monitor.config.settings import Settings
    from monitor.rehearse.script.script import read_script

    script = read_script(path)
    return script, Settings() if script.config is None else read_settings(script.config)


@contextmanager
def _play_folder(keep: Path | None, name: str) -> Iterator[Path]:
    """Yield a folder for a script's files: `keep`/`name`, or a temporary one if `keep` is None."""
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
