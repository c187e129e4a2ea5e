"""`ninethirty explain`: a verdict with every fact it rests on, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Context, Instant, as_json, items, print_json, unknown
from monitor.cli.text import release_lines

if TYPE_CHECKING:
    from monitor.judge.explain.explain import Explanation
    from monitor.judge.explain.looks import Fact
    from monitor.store.interface import Store
    from monitor.store.rows import Record

_HEADS = {
    "promise": "Promised",
    "policy": "Held against",
    "run": "Looks",
    "blind": "Blind",
    "evidence": "Evidence that is gone",
}


@click.command("explain")
@click.argument("release")
@click.option("--at", "moment", type=Instant(), metavar="T", help="As of another instant than now.")
@as_json
@click.pass_obj
def command(context: Context, *, release: str, moment: datetime | None, as_json: bool) -> None:
    """Tell the verdict on RELEASE with each fact it rests on, and what would change it.

    Example: ninethirty explain malpractice-2017 --at 2018-01-05T10:00:00Z
    """
    from monitor.judge.explain.explain import explanation_json

    with context.store() as store:
        body, explanation = explained(context, store, release, moment or context.now())
    if as_json:
        print_json({**body, "explanation": explanation_json(explanation)})
        return
    for line in [*release_lines(body), *_why(explanation)]:
        click.echo(line)


def explained(context: Context, store: Store, release: str, now: datetime) -> tuple[dict[str, Any], Explanation]:
    """Return the JSON of a release as of an instant, and why it is so. Raises `UnknownName`."""
    from monitor.app.options import policies_of
    from monitor.app.reporting_options import book_of
    from monitor.deliver.verdicts import body_of
    from monitor.judge.explain.explain import explain, title_facts
    from monitor.watch.rejudge import stored_case, titles_of_release, with_those_late_too

    case = stored_case(store, release)
    if case is None:
        raise unknown("release", release, (one.id for one in store.ledger.releases()))
    policies = policies_of(context.settings)
    verdict = with_those_late_too(store, policies, case.verdict(policies, now))
    opened = [one for one in store.verdicts.incidents_of(release) if one.opened <= now]
    body = body_of(verdict, opened[-1] if opened else None, book_of(context.settings))
    policy = policies.of(*case.release.producers)
    told = explain(verdict, case.release, case.promises, case.runs, case.blind, policy)
    titles = title_facts(titles_of_release(store.ledger, case.release), now, context.settings.timezone)
    return body, replace(told, facts=(*told.facts, *titles, *_gone(store.evidence.records(told.records))))


def _gone(records: Iterable[Record]) -> Iterator[Fact]:
    from monitor.judge.explain.looks import Fact

    for record in records:
        if record.expired is not None:
            why = "could not be kept, the disk refused them" if record.is_lost else "were given up for want of room"
            when = f"{record.expired:%d %B %Y %H:%M} UTC"
            yield Fact("evidence", f"{record.id}: its bytes {why}, {when}", record.expired, evidence=(record.id,))


def _why(explanation: Explanation) -> Iterator[str]:
    for kind, head in _HEADS.items():
        facts = [fact for fact in explanation.facts if fact.kind == kind]
        if facts:
            yield from ("", head)
            yield from items(fact.text for fact in facts)
    yield from ("", "What would change it")
    yield from items(explanation.would_change)
    if explanation.records:
        yield from ("", f"Evidence: {', '.join(explanation.records)}")
