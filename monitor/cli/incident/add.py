"""`ninethirty incident add`: log what no monitor can see, such as a leak or an e-mail to the wrong list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from monitor.cli.calendar.history import release_of
from monitor.cli.common import Context, as_json, print_json
from monitor.cli.complete import producers, releases
from monitor.cli.incident.store import as_of_now, by_role, is_attended
from monitor.errors import UserFault

if TYPE_CHECKING:
    from alerts.finding import ReleaseFacts
    from alerts.incident import Incident
    from monitor.store.sql.engine import Store

_SORTS = ("leak", "access", "early_exposure", "late", "partial", "swapped", "unannounced")
_QUESTIONS = {
    "title": "Which statistics (their title)",
    "producer": "Which producer",
    "what": "What happened",
    "when": "When (2016-10-01 or 2017-03-20T17:00, several with commas)",
}


@click.command("add")
@click.option("--release", shell_complete=releases, help="The release it is about, if watched: fills in the rest.")
@click.option("--title", help="Which statistics, when no watched release is named.")
@click.option("--producer", shell_complete=producers, help="Whose, when no watched release is named.")
@click.option("--what", help="What happened, in a sentence.")
@click.option("--when", help="Local dates or times, several with commas; the first is the occurrence.")
@click.option("--until", help="Local date-time at which it was over.")
@click.option("--url", "urls", multiple=True, help="Where it stood; once for each address.")
@click.option("--sort", type=click.Choice(_SORTS), help="What sort of breach, for clause and guidance; default leak.")
@click.option("--grade", type=click.Choice(["none", "note", "report"]), help="Default report.")
@by_role
@as_json
@click.pass_obj
def add(context: Context, /, *, urls: tuple[str, ...], as_json: bool, **words: str | None) -> None:
    """Log an incident that a person saw. What is missing is asked for on a terminal.

    Example: ninethirty incident add --release malpractice-2017 --what "sent to the wrong list" --when 2018-01-04T16:20
    """
    from alerts.incident import MONITOR
    from monitor.deliver.incident_json import incident_json

    given = {key: text for key, text in {**words, "url": "\n".join(urls)}.items() if text}
    with context.store() as store:
        facts = _facts(context, store, given.get("release"))
        given = _asked(given, facts)
        incident, is_new = _log(context, store, given, facts)
        drafts = store.verdicts.drafts(incident.id)
    for entry in (one for one in incident.timeline if one.by == MONITOR):
        click.echo(entry.text, err=True)
    if as_json:
        print_json(incident_json(incident, drafts))
        return
    click.echo(f"{incident.id}: {'logged' if is_new else 'was logged already'}")
    click.echo(f"Complete its draft: ninethirty incident draft {incident.id} --fields", err=True)


def _log(context: Context, store: Store, words: Mapping[str, str], facts: ReleaseFacts | None) -> tuple[Incident, bool]:
    """Write an incident with its draft and its notice; returns it and whether it is new. Raises `UserFault`."""
    from alerts.by_hand import InvalidInput
    from monitor.deliver.by_hand import log_by_hand

    record = as_of_now(context, store).record
    with store.transaction() as tx:
        try:
            return log_by_hand(tx, record, words, facts, context.now())
        except InvalidInput as exc:
            raise UserFault(str(exc)) from exc


def _facts(context: Context, store: Store, release: str | None) -> ReleaseFacts | None:
    """Return what was measured of a release, None when the incident is about none. Raises `UnknownName`."""
    if release is None:
        return None
    from monitor.app.options import policies_of
    from monitor.watch.rejudge import facts_of

    name, settings = release_of(store.ledger, release).id, context.settings
    return facts_of(store, policies_of(settings), settings.watch.vantage, name, context.now())


def _asked(given: Mapping[str, str], facts: ReleaseFacts | None) -> dict[str, str]:
    """Return the words with those that were missing, asked for one by one when somebody is there to answer."""
    needed = [key for key in _QUESTIONS if facts is None or key in {"what", "when"}]
    missing = [key for key in needed if key not in given]
    if not missing or not is_attended():
        return dict(given)
    return {**given, **{key: str(click.prompt(_QUESTIONS[key], err=True)) for key in missing}}
