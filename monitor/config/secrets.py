"""Finds every secret of a configuration, so that logs and messages can leave them out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import chain
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from alerts.channels.settings import WebhookSettings
from monitor.config.settings import Settings
from monitor.store.open import password_of
from schedules.values import Secret

_SHORTEST_SECRET = 4
_SHORTEST_KEY_IN_ADDRESS = 8
_BRACED = re.compile(r"\{[^{}]*\}")
_FOLD_OF_ICALENDAR = "\r\n "
"""iCalendar folds long lines so, also inside a secret."""


def secrets_of(settings: Settings) -> frozenset[str]:
    """Return what must not be logged: secrets, secret addresses, and the store's password."""
    values = [secret.reveal() for _, secret in find_secrets(settings)]
    values += [settings.deadman.url or "", password_of(settings.store.url)]
    values += [channel.url for channel in settings.channel if isinstance(channel, WebhookSettings)]
    secrets = {value for value in values if value}
    secrets.update(*map(_path_and_query, secrets))
    return secrets_in_addresses(settings) | secrets


def secrets_in_addresses(settings: Settings) -> frozenset[str]:
    """Return queries, fragments and secret paths of configured addresses."""
    addresses = [(table.url, table.secret) for table in settings.calendar if table.url]
    addresses += [(table.url, table.secret) for table in settings.rota if table.url]
    for producer in settings.producer:
        addresses += [(url, producer.secret) for url in (*producer.newest, *producer.press)]
    addresses += [(table.url, table.secret) for table in settings.part]
    texts = (_find_secret_parts(url, is_secret=is_secret) for url, is_secret in addresses)
    return frozenset(chain.from_iterable(texts))


def _find_secret_parts(url: str, *, is_secret: bool) -> Iterator[str]:
    """Yield what may be a key in an address: its query and fragment, each long pair of the query,
    and, if `is_secret`, its path.

    Placeholders such as `{slug}`, filled in later, split a text.
    """
    split = urlsplit(url)
    # A redirect may reorder the pairs. Short ones such as "page=1" are not keys.
    yield from (
        pair
        for pair in split.query.split("&")
        if len(pair.partition("=")[2]) >= _SHORTEST_KEY_IN_ADDRESS
    )
    # Relative links resolve to the folder of a secret path.
    folder = split.path.rpartition("/")[0]
    for text in (split.query, split.fragment, *((split.path, f"{folder}/") if is_secret else ())):
        yield from _BRACED.split(text)


def redactor(secrets: Iterable[str]) -> Callable[[str], str] | None:
    """Return a function that replaces these secrets by "[redacted]", however they are escaped.

    Those shorter than four characters stay, because most texts contain them by chance. None if no
    other is left.
    """
    forms = set[str]()
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            forms |= {secret, json.dumps(secret)[1:-1], escape(secret)}
            forms |= {quote(secret), quote(secret, safe="")}
    if not forms:
        return None
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    def redact(text: str) -> str:
        # Unfold the text only if a fold of iCalendar hides a secret.
        unfolded = text.replace(_FOLD_OF_ICALENDAR, "")
        has_folded_secret = unfolded != text and pattern.search(unfolded)
        return pattern.sub("[redacted]", unfolded if has_folded_secret else text)

    return redact


class SecretsOfAll:
    """Hides the secrets of every configuration that it was given, in any text."""

    def __init__(self) -> None:
        self._secrets = frozenset[str]()
        self._redact: Callable[[str], str] | None = None

    def add(self, settings: Settings) -> None:
        """Hide the secrets of these settings too from now on."""
        self._secrets |= secrets_of(settings)
        self._redact = redactor(self._secrets)

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        return text if self._redact is None else self._redact(text)


def find_secrets(value: object, key: str = "") -> Iterator[tuple[str, Secret]]:
    """Yield every secret in settings (a model) or in TOML (a dict), with its key, such as
    `channel[2].token`. `key` is that of the value itself, "" for a whole file.
    """
    match value:
        case Secret():
            yield key, value
        # The place of a secret.
        case {"env": str(name), **other} if not other:
            yield key, Secret(env=name)
        case {"file": str(path), **other} if not other:
            yield key, Secret(file=path)
        case list():
            for place, entry in enumerate(value, 1):
                yield from find_secrets(entry, f"{key}[{place}]")
        case BaseModel() | dict():
            for name, inner in dict(value).items():
                # In a model, secrets are `Secret` objects. People chose the keys of its dicts, such
                # as roles in `who`, so {env = "NAME"} is a role called env there.
                if not (isinstance(value, BaseModel) and isinstance(inner, dict)):
                    yield from find_secrets(inner, f"{key}.{name}".removeprefix("."))


def _path_and_query(secret: str) -> Iterator[str]:
    """Yield path and query of a secret address, unless short: libraries log them without host."""
    split = urlsplit(secret if "://" in secret else "")
    yield from (part for part in (split.path, split.query) if len(part) > _SHORTEST_KEY_IN_ADDRESS)
