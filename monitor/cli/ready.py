"""The verb `ninethirty ready`."""

from __future__ import annotations

from datetime import date

import click

from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb, section_lines
from monitor.cli.dates import day_option
from monitor.cli.terminal import page_output
from monitor.cli.today import why_unread
from monitor.readiness.line import Readiness, ReadinessAssessment
from monitor.readiness.text import STATE_WORDS, describe_assessment, describe_line


@click.command("ready")
@day_option("Day to assess; default the next one with a slot.")
@json_verb
@page_output
def command(context: Context, *, day: date | None) -> None:
    """Show what is not ready for the slots of a day that are still ahead, and what to do.

    Exit status 1 if anything is not ready.

    Example: ninethirty ready --date 2026-11-26
    """
    with open_api(context) as api:
        found = api.get("/readiness", date=day)
        assessment = ReadinessAssessment.from_json(found)
        headline = describe_assessment(assessment, context.settings_or_default.timezone)
        if not assessment.slots:
            headline = why_unread(api) or headline
    text = [headline]
    for state in (Readiness.NOT_READY, Readiness.NOT_KNOWN):
        lines = (describe_line(line) for line in assessment.lines if line.state == state)
        text += section_lines(STATE_WORDS[state].upper(), lines)
    context.print_result(found, text, ok=found["ready"])
