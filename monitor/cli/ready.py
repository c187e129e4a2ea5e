"""`ninethirty ready`: show what is not ready for the next slots, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from monitor.cli.common import Context, bullet_lines, json_verb
from monitor.cli.dates import DAY
from monitor.cli.on_call import read_rotas
from monitor.cli.terminal import page_output

if TYPE_CHECKING:
    from monitor.readiness.line import Line
    from monitor.readiness.reader import Assessment


@click.command("ready")
@click.option("--date", "day", type=DAY, help="Day to assess; default the next one with a slot.")
@json_verb
@page_output
def command(context: Context, *, day: date | None) -> None:
    """Show what is not ready for the slots of a day that are still ahead, and what to do.

    Exit status 1 if anything is not ready.

    Example: ninethirty ready --date 2026-11-26
    """
    from monitor.readiness.line import Readiness
    from monitor.readiness.text import describe_assessment

    assessment = _assess_day(context, day)
    headline = describe_assessment(assessment, context.settings.timezone)
    is_ready = all(line.state is not Readiness.NOT_READY for line in assessment.lines)
    text = [headline, *_listed_lines(assessment.lines)]
    context.print_result(assessment.as_json(), text, ok=is_ready)


def _assess_day(context: Context, day: date | None) -> Assessment:
    from monitor.app.options import make_readiness_reader, make_reporting_rules

    channels = [table.name for table in context.settings.channel]
    rules = make_reporting_rules(context.settings, channels, context.path.parent)
    rules.rotas.update({rota.name: rota for rota in read_rotas(context)})
    with context.store() as store:
        reader = make_readiness_reader(context.settings, store, rules)
        now = context.now()
        return reader.assess_next(now) if day is None else reader.assess_day(day, now)


def _listed_lines(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the lines that are not ready or not known, by state, each with its remedy."""
    from monitor.readiness.line import Readiness
    from monitor.readiness.text import STATE_WORDS, describe_line

    for state in (Readiness.NOT_READY, Readiness.NOT_KNOWN):
        found = [describe_line(line) for line in lines if line.state is state]
        if found:
            yield from ("", STATE_WORDS[state].upper(), *bullet_lines(found))
