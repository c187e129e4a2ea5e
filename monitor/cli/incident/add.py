"""`ninethirty incident add`: log an incident that the monitor cannot see, such as a leak."""

from __future__ import annotations

from collections.abc import Mapping

import click

from alerts.incident import MONITOR
from monitor.cli.client import open_api
from monitor.cli.common import Context, json_verb, refuse_role
from monitor.cli.complete import producers, releases
from monitor.cli.dates import to_local_iso
from monitor.cli.terminal import is_attended
from monitor.errors import UserFault

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
@click.option(
    "--sort", type=click.Choice(_KINDS), default="leak", help="Kind of breach; default leak."
)
@click.option("--grade", type=click.Choice(["none", "note", "report"]), help="Default report.")
@refuse_role
@json_verb
def add(context: Context, /, *, urls: tuple[str, ...], **words: str | None) -> None:
    """Log an incident that a person saw. On a terminal it asks you for absent options.

    Example: ninethirty incident add --release malpractice-2017 --what "sent to the wrong list"
    --when 2018-01-04T16:20
    """
    texts = {**words, "url": " ".join(urls)}
    given = _ask_missing({key: text for key, text in texts.items() if text})
    # Several times are separated by commas.
    times: dict[str, str] = {
        key: ",".join(map(to_local_iso, given[key].split(",")))
        for key in ("when", "until", "due")
        if key in given
    }
    with open_api(context) as api:
        logged = api.post("/incidents", **(given | times))
    is_new = logged.pop("is_new")
    # The monitor's own entries say what is doubtful about the texts.
    for entry in logged["timeline"]:
        if entry["by"] == MONITOR:
            click.echo(entry["text"], err=True)
    text = f"{logged['id']}: {'logged' if is_new else 'was logged already'}"
    note = f"Complete its draft: ninethirty incident draft {logged['id']} --fields"
    context.print_result(logged, text, note=note)


def _ask_missing(given: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of the options with those that are absent, which it asks for on a terminal.

    Elsewhere it raises `UserFault` if any is absent.
    """
    # A release has its title and producer.
    needed = ("what", "when") if "release" in given else tuple(_QUESTIONS)
    missing = [key for key in needed if key not in given]
    if missing and not is_attended():
        raise UserFault("\n".join(f"{key}: is missing" for key in missing))
    return {**given, **{key: str(click.prompt(_QUESTIONS[key], err=True)) for key in missing}}
