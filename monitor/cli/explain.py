"""`ninethirty explain`: a verdict with every fact it rests on, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import complete
from monitor.cli.common import Context, as_json, items, print_json, unknown_release
from monitor.cli.dates import Instant
from monitor.cli.terminal import by_the_page
from monitor.cli.text import release_lines

if TYPE_CHECKING:
    from monitor.judge.explain.explain import Explanation


@click.command("explain")
@click.argument("release", shell_complete=complete.releases)
@click.option("--at", "moment", type=Instant(), metavar="T", help="As of another instant than now.")
@as_json
@click.pass_obj
@by_the_page
def command(context: Context, *, release: str, moment: datetime | None, as_json: bool) -> None:
    """Tell the verdict on RELEASE with each fact it rests on, and what would change it.

    Example: ninethirty explain malpractice-2017 --at 2018-01-05T10:00:00Z
    """
    from monitor.app.reporting_options import explainer_of
    from monitor.judge.explain.explain import explanation_json

    with context.store() as store:
        told = explainer_of(context.settings, store).explain_release(release, moment or context.now())
        if told is None:
            raise unknown_release(release, store.ledger)
    if as_json:
        print_json({**told.body, "explanation": explanation_json(told.explanation)})
        return
    for line in [*release_lines(told.body, context.name_of(told.body["producer"])), *_why(told.explanation)]:
        click.echo(line)


def _why(explanation: Explanation) -> Iterator[str]:
    from monitor.judge.explain.explain import by_head

    for head, texts in by_head(explanation):
        yield from ("", head)
        yield from items(texts)
    yield from ("", "What would change it")
    yield from items(explanation.would_change)
    if explanation.records:
        yield from ("", f"Evidence: {', '.join(explanation.records)}")
