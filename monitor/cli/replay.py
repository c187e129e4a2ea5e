"""The verb `ninethirty replay`."""

from __future__ import annotations

from datetime import date

import click

from monitor.cli.common import Context, json_verb
from monitor.cli.dates import DAY
from monitor.cli.terminal import progress_line
from schedules.times.zone import span_of


@click.command("replay")
@click.option(
    "--from", "first", type=DAY, help="First day of slots; default the first in the store."
)
@click.option("--to", "last", type=DAY, help="Last day of slots; default the last in the store.")
@json_verb
def command(context: Context, *, first: date | None, last: date | None) -> None:
    """Judge every release again and compare with the stored verdicts. Exit status 1 if any differs.

    Example: ninethirty replay --from 2026-11-01 --to 2026-11-30
    """
    from monitor.app.options import make_policies
    from monitor.watch.rejudge import replay

    begin, end = span_of(first, last, context.settings.timezone)
    with context.store() as store, progress_line() as show:
        total = len(store.verdicts.judged_ids(begin, end))
        rows: list[tuple[str, list[str]]] = []
        for row in replay(store, make_policies(context.settings), begin, end):
            rows.append(row)
            show(f"{len(rows)} of {total} judged again")
    differing = {release: differences for release, differences in rows if differences}
    lines = [f"{release}: {'; '.join(differences)}" for release, differences in differing.items()]
    lines.append(
        f"{len(rows)} release{'' if len(rows) == 1 else 's'} judged again, {len(differing)} differ"
    )
    context.print_result({"releases": len(rows), "differences": differing}, lines, ok=not differing)
