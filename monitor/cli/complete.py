"""Shell completion of ids and names, from the configuration and its store.

A shell loads it through click: `eval "$(_NINETHIRTY_COMPLETE=bash_source ninethirty)"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import click
from click.shell_completion import CompletionItem

from monitor.cli.common import Context
from monitor.errors import NinethirtyError, StoreFault

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store
    from schedules.release import Release

Words: TypeAlias = Iterable[tuple[str, str]]
"""Every word that can be written at one place, with a description that zsh and fish show beside
it.
"""
Completion: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

NEAR = timedelta(days=120)
"""Only releases within this time of now are listed, because a store can contain ten years of
them.
"""
_MOST_INCIDENTS = 200


def _completion(list_words: Callable[[Context], Words]) -> Completion:
    """Return click's completion function for the words that `list_words` returns for a
    configuration.
    """

    def complete(
        ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the words that begin with `incomplete`.

        If the configuration or store cannot be read, return none.
        """
        # During completion the main command does not run, so the configuration is taken from its
        # parameters.
        context = Context(ctx.find_root().params["config"])
        try:
            words = [*list_words(context)]
        except (NinethirtyError, OSError):
            return []  # the verb will report the fault when it runs
        return [
            CompletionItem(word, help=text) for word, text in words if word.startswith(incomplete)
        ]

    return complete


@contextmanager
def _open_store(context: Context) -> Iterator[Store]:
    """Open the store inside this context, and do not change it.

    Raises `StoreFault` if there is none yet, or for one with another schema.
    """
    from monitor.store.open import open_store

    if not context.has_store:
        raise StoreFault("there is no store yet")
    with closing(open_store(context.settings.store.url)) as store:
        store.check_schema()
        yield store


def _list_releases(context: Context) -> list[Release]:
    now = context.now()
    with _open_store(context) as store:
        return [*store.ledger.releases(now - NEAR, now + NEAR)]


@_completion
def releases(context: Context) -> Words:
    """List the ids and titles of releases near now."""
    return [(one.id, one.title) for one in _list_releases(context)]


@_completion
def producers(context: Context) -> Words:
    """List the producers of releases near now, and those of the configuration."""
    words: dict[str, str] = {}
    with suppress(StoreFault):
        for release in _list_releases(context):
            words |= dict.fromkeys(release.producers, "")
    words |= {one.id: one.name for one in context.settings.producer}
    return words.items()


@_completion
def incidents(context: Context) -> Words:
    """List the ids of the latest incidents, with grade and kind."""
    with _open_store(context) as store:
        latest = store.verdicts.incidents(limit=_MOST_INCIDENTS)
        return [(one.id, f"{one.grade}, {one.kind.value}") for one in latest]


@_completion
def silences(context: Context) -> Words:
    """List the ids and reasons of active silences."""
    now = context.now()
    with _open_store(context) as store:
        return [(one.id, one.reason) for one in store.outbox.silences(now) if one.is_on(now)]


calendars = _completion(lambda context: ((one.name, one.kind) for one in context.settings.calendar))
channels = _completion(lambda context: ((one.name, one.kind) for one in context.settings.channel))

incident_argument = click.argument("incident", shell_complete=incidents)
release_argument = click.argument("release", shell_complete=releases)
producer_option = click.option(
    "--producer", metavar="SLUG", shell_complete=producers, help="Only releases of this producer."
)
