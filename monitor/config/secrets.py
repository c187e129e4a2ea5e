"""Finds every secret of a configuration, so that logs and messages can leave them out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel

from alerts.channels.settings import WebhookSettings
from monitor.config.settings import Settings
from schedules.values import Secret

_SHORTEST = 4
_SHORTEST_KEY = 8
_BRACED = re.compile(r"\{[^{}]*\}")
_FOLD = "\r\n "


def secrets_of(settings: Settings) -> frozenset[str]:
    """Return the values that must not be logged: secrets, secret addresses, and the password of the store."""
    hidden = [channel.url for channel in settings.channel if isinstance(channel, WebhookSettings)]
    values = [*_reveal_all(settings), *filter(None, [settings.deadman.url, _password(settings.store.url)]), *hidden]
    return frozenset(found for one in values if one for found in (one, *_path_and_query(one))) | secrets_in_addresses(
        settings
    )


def secrets_in_addresses(settings: Settings) -> frozenset[str]:
    """Return the queries and fragments of configured addresses, and the paths that are declared secret."""
    calendars = [(table.url, table.secret) for table in settings.calendar if table.url]
    calendars += [(table.url, table.secret) for table in settings.rota if table.url]
    listings = [(url, table.secret) for table in settings.producer for url in (*table.newest, *table.press)]
    parts = [(table.url, table.secret) for table in settings.part]
    addresses = (*calendars, *listings, *parts)
    return frozenset(each for url, is_secret in addresses for each in _find_pieces(url, is_secret=is_secret))


def _find_pieces(url: str, *, is_secret: bool) -> Iterator[str]:
    """Yield the parts of an address that may be a key, whole and in the pieces that redirects can make of them."""
    split = urlsplit(url)
    # A redirect may reorder the pairs. Short ones such as "page=1" are not keys.
    yield from (pair for pair in split.query.split("&") if len(pair.partition("=")[2]) >= _SHORTEST_KEY)
    # Relative links resolve to the folder of a secret path.
    folder = split.path.rpartition("/")[0]
    for text in (split.query, split.fragment, *((split.path, f"{folder}/") if is_secret else ())):
        yield from _BRACED.split(text)


def redactor(secrets: Iterable[str]) -> Callable[[str], str] | None:
    """Return a function that replaces these in a text, however they are escaped. None if there are none."""
    replaced = [one for one in secrets if len(one) >= _SHORTEST]
    forms = {
        form for one in replaced for form in (one, json.dumps(one)[1:-1], escape(one), quote(one), quote(one, safe=""))
    }
    if not forms:
        return None
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    def hidden(text: str) -> str:
        # iCalendar folds long lines, also inside a secret.
        whole = text.replace(_FOLD, "")
        return known.sub("[redacted]", whole if whole != text and known.search(whole) else text)

    return hidden


def _reveal_all(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _reveal_all(getattr(value, name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _reveal_all(one)


def _path_and_query(secret: str) -> Iterator[str]:
    # The secret of an address is its path, which libraries log without the host.
    path, query = urlsplit(secret)[2:4] if "://" in secret else ("", "")
    yield from (part for part in (path, query) if len(part) > 8)  # a short one cannot be a secret


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
