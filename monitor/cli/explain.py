"""`ninethirty explain`: show a verdict with every fact behind it, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from monitor.cli import complete
from monitor.cli.common import Context, bullet_lines, json_verb, release_of
from monitor.cli.dates import INSTANT
from monitor.cli.terminal import page_output
from monitor.cli.text import release_lines
from monitor.judge.explain.explain import Explanation, explanation_json, group_by_heading


@click.command("explain")
@click.argument("release", shell_complete=complete.releases)
@click.option("--at", "moment", type=INSTANT, metavar="T", help="Judge at this time; default now.")
@json_verb
@page_output
def command(context: Context, *, release: str, moment: datetime | None) -> None:
    """Show the verdict on RELEASE with each fact behind it, and what would change it.

    Example: ninethirty explain malpractice-2017 --at 2018-01-05T10:00:00Z
    """
    from monitor.app.reporting_options import make_explainer

    with context.store() as store:
        known = release_of(store.ledger, release)
        explained = make_explainer(context.settings, store).explain_release(
            known.id, moment or context.now()
        )
    assert explained is not None  # noqa: S101 # the release is known
    body = {**explained.body, "explanation": explanation_json(explained.explanation)}
    name = context.name_of(explained.body["producer"])
    lines = [*release_lines(explained.body, name), *_explanation_lines(explained.explanation)]
    context.print_result(body, lines)


def _explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Yield the facts behind a verdict under headings, what would change it, and its evidence."""
    for heading, texts in group_by_heading(explanation):
        yield from ("", heading)
        yield from bullet_lines(texts)
    yield from ("", "What would change the verdict")
    yield from bullet_lines(explanation.would_change)
    if explanation.records:
        yield from ("", f"Evidence: {', '.join(explanation.records)}")
