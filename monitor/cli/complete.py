"""Shell completion of ids and names, from the configuration and its store.

A shell loads it through click: `eval "$(_NINETHIRTY_COMPLETE=bash_source ninethirty)"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import click
from click.shell_completion import CompletionItem

from monitor.cli.common import Context
from monitor.errors import NinethirtyError

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


def _make_completion(list_words: Callable[[Context], Words]) -> Completion:
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
            words = list_words(context)
            return [
                CompletionItem(word, help=text)
                for word, text in words
                if word.startswith(incomplete)
            ]
        except (NinethirtyError, OSError):
            return []  # the verb will report the fault when it runs

    return complete


def _words_in_store(context: Context, list_words: Callable[[Store, datetime], Words]) -> Words:
    """Return the words that `list_words` finds in the store now; empty if the store does not exist
    yet.

    Raises `StoreFault` for a store with another schema, because completion must not change it.
    """
    from monitor.store.open import open_store

    if not context.has_store:
        return []
    store = open_store(context.settings.store.url)
    try:
        store.check_schema()
        return list(list_words(store, context.now()))
    finally:
        store.close()


def _complete_from_store(list_words: Callable[[Store, datetime], Words]) -> Completion:
    return _make_completion(lambda context: _words_in_store(context, list_words))


def _releases_near(store: Store, now: datetime) -> Iterable[Release]:
    return store.ledger.releases(now - NEAR, now + NEAR)


@_complete_from_store
def releases(store: Store, now: datetime) -> Words:
    """List the ids and titles of releases near now."""
    return ((one.id, one.title) for one in _releases_near(store, now))


@_make_completion
def producers(context: Context) -> Words:
    """List the producers of releases near now, and those of the configuration."""
    announced = _words_in_store(
        context,
        lambda store, now: (
            (each, "") for one in _releases_near(store, now) for each in one.producers
        ),
    )
    return {**dict(announced), **{one.id: one.name for one in context.settings.producer}}.items()


@_complete_from_store
def incidents(store: Store, _now: datetime) -> Words:
    """List the ids of the latest incidents, with grade and kind."""
    return (
        (one.id, f"{one.grade}, {one.kind.value}")
        for one in store.verdicts.incidents(limit=_MOST_INCIDENTS)
    )


@_complete_from_store
def silences(store: Store, now: datetime) -> Words:
    """List the ids and reasons of active silences."""
    return ((one.id, one.reason) for one in store.outbox.silences(now) if one.is_on(now))


calendars = _make_completion(
    lambda context: ((one.name, one.kind) for one in context.settings.calendar)
)
channels = _make_completion(
    lambda context: ((one.name, one.kind) for one in context.settings.channel)
)

producer_option = click.option(
    "--producer", metavar="SLUG", shell_complete=producers, help="Only releases of this producer."
)
