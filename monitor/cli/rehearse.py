"""`ninethirty rehearse`: a script played through the real daemon."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeAlias

import click

from monitor.cli.common import Context, as_json, hushed
from monitor.cli.terminal import progress
from monitor.errors import BadInput, Fault

Tell: TypeAlias = Callable[[str], None]


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

    One that is shipped goes by its name alone, such as `ofqual-2018-01`.

    Example: ninethirty rehearse rehearsals/ofqual-2018-01.toml --keep var/rehearsal
    """
    from monitor.rehearse.demo import script_of

    del context
    ok = True
    named = tuple(own if not path.exists() and (own := script_of(path.name)).exists() else path for path in scripts)
    with progress() as tell:
        told = played(_readable(named), keep, speed=speed, as_json=as_json, tell=tell)
        for place, (played_well, lines) in enumerate(told, 1):
            tell("")
            click.echo(lines)
            tell(f"{place} of {len(named)} played")
            ok = ok and played_well
    if not ok:
        raise SystemExit(1)


def played(
    scripts: Sequence[Path],
    keep: Path | None,
    *,
    speed: float | None = None,
    as_json: bool = False,
    tell: Tell | None = None,
) -> Iterator[tuple[bool, str]]:
    """Play scripts side by side; yield as each ends whether it went as expected, and what to print of it.

    Of one alone `tell` is told how far it has got.
    """
    play = partial(_play, speed=speed, keep=keep, as_json=as_json)
    yield from _played(longest_first(scripts), play if len(scripts) > 1 else partial(play, tell=tell))


def longest_first(scripts: Sequence[Path]) -> list[Path]:
    """Return scripts by how long they last, so that the longest does not begin when all others have ended."""
    return sorted(scripts, key=_length, reverse=True)


def _length(path: Path) -> timedelta:
    script, _ = _read(path)
    lasts: timedelta = script.ends - script.begins
    return lasts


def _played(paths: Sequence[Path], play: Callable[[Path], tuple[bool, str]]) -> Generator[tuple[bool, str], None, None]:
    """Play scripts side by side, a process for each processor, and yield what came of each as it ends."""
    if len(paths) == 1:
        yield play(paths[0])
        return
    # A fresh process for each: a fork would take along threads and loops of this one.
    context, most = multiprocessing.get_context("spawn"), min(len(paths), os.cpu_count() or 1)
    with ProcessPoolExecutor(most, context, _as_player) as pool:
        try:
            for ended in as_completed([pool.submit(play, path) for path in paths]):
                yield ended.result()
        except BaseException:
            # Nobody waits for the rest any more: whoever pressed Ctrl-C has the prompt back now.
            for player in multiprocessing.active_children():
                player.terminate()
            raise


def _as_player() -> None:
    """Have this process end at Ctrl-C, and when whoever started it has ended, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=[multiprocessing.parent_process()], daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _play(
    path: Path, *, speed: float | None, keep: Path | None, as_json: bool, tell: Tell | None = None
) -> tuple[bool, str]:
    """Play one script; returns whether all was as expected, and what to print."""
    from monitor.rehearse.drive import play
    from monitor.rehearse.summary import told

    script, base = _read(path)
    with _folder(keep, path.stem) as folder, hushed():
        played = play(script, base, folder, speed, tell)
    return played.ok, json.dumps(played.as_json(), ensure_ascii=False) if as_json else told(
        played, kept=keep is not None
    )


def _readable(scripts: tuple[Path, ...]) -> tuple[Path, ...]:
    """Check every script before any is played, so that all faults are told in one go."""
    faults: list[Fault] = []
    for path in scripts:
        try:
            _read(path)
        except BadInput as exc:
            faults += exc.faults
    if faults:
        raise BadInput(faults)
    return scripts


def _read(path: Path):  # type: ignore[no-untyped-def] # noqa: ANN202 # its types are imported when it is called
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
