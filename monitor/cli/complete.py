"""Shell completion of ids, from the configuration and its store.

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

Words: TypeAlias = Iterable[tuple[str, str]]
"""The possible words, each with a description that zsh and fish show beside it."""

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

NEAR = timedelta(days=120)
"""Only releases within this time of now are offered, because a store can contain ten years of them."""
_MOST_INCIDENTS = 200


def _complete_with(words: Callable[[Context], Words]) -> Complete:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # During completion the main command does not run, so the configuration is taken from its parameters.
        context = Context(ctx.find_root().params["config"])
        try:
            return [CompletionItem(word, help=text) for word, text in words(context) if word.startswith(incomplete)]
        except (NinethirtyError, OSError):
            # The verb will report the fault when it runs.
            return []

    return complete


def _from_store(words: Callable[[Store, datetime], Words]) -> Callable[[Context], Words]:
    def found(context: Context) -> Words:
        from monitor.store.open import file_of, open_store

        file = file_of(context.settings.store.url)
        if file is not None and not file.exists():
            return []
        store = open_store(context.settings.store.url)
        try:
            store.check_schema()
            return list(words(store, context.now()))
        finally:
            store.close()

    return found


def _announced_producers(store: Store, now: datetime) -> Words:
    return ((producer, "") for one in store.ledger.releases(now - NEAR, now + NEAR) for producer in one.producers)


def _all_producers(context: Context) -> Words:
    configured = {one.id: one.name for one in context.settings.producer}
    return {**dict(_from_store(_announced_producers)(context)), **configured}.items()


releases = _complete_with(
    _from_store(lambda store, now: ((one.id, one.title) for one in store.ledger.releases(now - NEAR, now + NEAR)))
)
incidents = _complete_with(
    _from_store(
        lambda store, _now: (
            (one.id, f"{one.grade}, {one.kind.value}") for one in store.verdicts.incidents(limit=_MOST_INCIDENTS)
        )
    )
)
silences = _complete_with(
    _from_store(lambda store, now: ((one.id, one.reason) for one in store.outbox.silences(now) if one.is_on(now)))
)
producers = _complete_with(_all_producers)
calendars = _complete_with(lambda context: ((one.name, one.kind) for one in context.settings.calendar))
channels = _complete_with(lambda context: ((one.name, one.kind) for one in context.settings.channel))

producer_option = click.option(
    "--producer", metavar="SLUG", shell_complete=producers, help="Only releases of this producer."
)
