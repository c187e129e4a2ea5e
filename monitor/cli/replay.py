"""The verb `ninethirty replay`."""

from __future__ import annotations

from datetime import date

import click

from monitor.cli.common import Context, json_verb
from monitor.cli.dates import period_options
from monitor.cli.terminal import progress_line
from schedules.times.words import count
from schedules.times.zone import span_of


@click.command("replay")
@period_options("slots")
@json_verb
def command(context: Context, /, **days: date | None) -> None:
    """Judge every release again and compare with the stored verdicts. Exit status 1 if any differs.

    Example: ninethirty replay --from 2026-11-01 --to 2026-11-30
    """
    from monitor.app.options import make_policies
    from monitor.watch.rejudge import replay

    begin, end = span_of(days["from"], days["to"], context.settings.timezone)
    with context.store() as store, progress_line() as show:
        total = len(store.verdicts.judged_ids(begin, end))
        number, differing, lines = 0, {}, []
        for release, differences in replay(store, make_policies(context.settings), begin, end):
            number += 1
            show(f"{number} of {total} judged again")
            if differences:
                differing[release] = differences
                lines.append(f"{release}: {'; '.join(differences)}")
    lines.append(f"{count(number, 'release')} judged again, {len(differing)} differ")
    context.print_result({"releases": number, "differences": differing}, lines, ok=not differing)
