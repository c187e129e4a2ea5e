"""`ninethirty incident add`: log an incident that the monitor cannot see, such as a leak."""

from __future__ import annotations

from collections.abc import Mapping

import click

from alerts.finding import ReleaseFacts
from alerts.incident import MONITOR
from monitor.cli.common import Context, json_verb, release_of
from monitor.cli.complete import producers, releases
from monitor.cli.dates import to_local_iso
from monitor.cli.incident.store import (
    current_incidents,
    is_attended,
    record_act,
    refuse_invalid_input,
    refuse_role,
)
from monitor.deliver.by_hand import log_by_hand
from monitor.deliver.incident_json import incident_json

_KINDS = ("leak", "access", "early_exposure", "late", "partial", "swapped", "unannounced")
_QUESTIONS = {
    "title": "Which statistics (their title)",
    "producer": "Which producer",
    "what": "What happened",
    "when": "When (1 Oct 2016 or 20/3/2017 5pm, several with commas)",
}


@click.command("add")
@click.option(
    "--release", shell_complete=releases, help="Its watched release; fills in title and producer."
)
@click.option("--title", help="Title of the statistics, without --release.")
@click.option("--producer", shell_complete=producers, help="Their producer, without --release.")
@click.option("--what", help="What happened, in a sentence.")
@click.option(
    "--when", help="Local dates or times, several with commas; the first is the occurrence."
)
@click.option("--until", help="Local date and time when it ended.")
@click.option("--due", help="Local date and time when the release was due, or the day.")
@click.option("--page", help="The page of the statistics, without --release.")
@click.option("--url", "urls", multiple=True, help="Where it was seen; repeat it for several.")
@click.option("--sort", type=click.Choice(_KINDS), help="Kind of breach; default leak.")
@click.option("--grade", type=click.Choice(["none", "note", "report"]), help="Default report.")
@refuse_role
@json_verb
def add(context: Context, /, *, urls: tuple[str, ...], **words: str | None) -> None:
    """Log an incident that a person saw. On a terminal it asks you for absent options.

    Example: ninethirty incident add --release malpractice-2017 --what "sent to the wrong list"
    --when 2018-01-04T16:20
    """
    given = {key: text for key, text in {**words, "url": "\n".join(urls)}.items() if text}
    given["by"] = context.actor().role
    with context.store() as store:
        current = current_incidents(context, store)
        release = given.get("release")
        facts = (
            current.find_facts(release_of(store.ledger, release).id, context.now())
            if release
            else None
        )
        given = _ask_missing(given, facts)
        # Several times are separated by commas. `log_by_hand` needs each in ISO format.
        times = {
            key: ",".join(map(to_local_iso, given[key].split(",")))
            for key in ("when", "until", "due")
            if key in given
        }
        with store.transaction() as tx, refuse_invalid_input():
            incident, is_new = log_by_hand(tx, current.record, given | times, facts, context.now())
            record_act(context, tx, "logged_by_hand", incident.id, context.now())
        drafts = store.verdicts.drafts(incident.id)
    # The monitor's own entries say what is doubtful about the texts.
    for warning in (entry.text for entry in incident.timeline if entry.by == MONITOR):
        click.echo(warning, err=True)
    text = f"{incident.id}: {'logged' if is_new else 'was logged already'}"
    note = f"Complete its draft: ninethirty incident draft {incident.id} --fields"
    context.print_result(incident_json(incident, drafts), text, note=note)


def _ask_missing(given: Mapping[str, str], facts: ReleaseFacts | None) -> dict[str, str]:
    """Return the texts of the options.

    On a terminal, ask for those that are absent, if `facts` do not have them.
    """
    # The facts of a release have its title and producer.
    needed = _QUESTIONS if facts is None else ("what", "when")
    missing = [key for key in needed if key not in given]
    if not missing or not is_attended():
        return dict(given)
    return {**given, **{key: str(click.prompt(_QUESTIONS[key], err=True)) for key in missing}}
