"""Completion of ids at a shell's prompt: what the configuration names, and what its store knows.

The shell asks for it through click: `eval "$(_NINETHIRTY_COMPLETE=bash_source ninethirty)"`.
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
"""What may be written, and a word on each, which zsh and fish show beside it."""

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

NEAR = timedelta(days=120)
"""How far from now a release lies at most to be offered: ten years of them would fill the screen."""
_MOST_INCIDENTS = 200


def _completing(words: Callable[[Context], Words]) -> Complete:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # While completing, the program's own function does not run, which would have set the configuration.
        context = Context(ctx.find_root().params["config"])
        try:
            return [CompletionItem(word, help=told) for word, told in words(context) if word.startswith(incomplete)]
        except (NinethirtyError, OSError):
            # Nothing was asked yet that could fail: the verb tells what is wrong when it runs.
            return []

    return complete


def _of_store(words: Callable[[Store, datetime], Words]) -> Callable[[Context], Words]:
    def found(context: Context) -> Words:
        from monitor.store.open import file_of, open_store

        file = file_of(context.settings.store.url)
        if file is not None and not file.exists():
            return []
        store = open_store(context.settings.store.url)
        try:
            store.accept()
            return list(words(store, context.now()))
        finally:
            store.close()

    return found


def _releases(store: Store, now: datetime) -> Words:
    return ((one.id, one.title) for one in store.ledger.releases(now - NEAR, now + NEAR))


def _incidents(store: Store, _now: datetime) -> Words:
    return ((one.id, f"{one.grade}, {one.kind.value}") for one in store.verdicts.incidents(limit=_MOST_INCIDENTS))


def _announcing(store: Store, now: datetime) -> Words:
    return ((producer, "") for one in store.ledger.releases(now - NEAR, now + NEAR) for producer in one.producers)


def _configured(context: Context) -> dict[str, str]:
    return {one.id: one.name for one in context.settings.producer}


def _silences(store: Store, now: datetime) -> Words:
    return ((one.id, one.reason) for one in store.outbox.silences(now) if one.is_on(now))


releases = _completing(_of_store(_releases))
incidents = _completing(_of_store(_incidents))
silences = _completing(_of_store(_silences))
producers = _completing(lambda context: {**dict(_of_store(_announcing)(context)), **_configured(context)}.items())
calendars = _completing(lambda context: ((one.name, one.kind) for one in context.settings.calendar))
channels = _completing(lambda context: ((one.name, one.kind) for one in context.settings.channel))

of_producer = click.option(
    "--producer", metavar="SLUG", shell_complete=producers, help="Only what this producer releases."
)
