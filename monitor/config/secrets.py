"""Every secret that a configuration leads to, so that none is ever written down."""

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
    """Return the values that must not appear in a log: secrets, secret addresses, and the password of the store."""
    hidden = [channel.url for channel in settings.channel if isinstance(channel, WebhookSettings)]
    told = [*_revealed(settings), *filter(None, [settings.deadman.url, _password(settings.store.url)]), *hidden]
    return frozenset(found for one in told if one for found in (one, *_tail(one))) | in_addresses(settings)


def in_addresses(settings: Settings) -> frozenset[str]:
    """Return what configured addresses hold besides host and path, and the paths that are declared secret."""
    calendars = [(table.url, table.secret) for table in settings.calendar if table.url]
    calendars += [(table.url, table.secret) for table in settings.rota if table.url]
    listings = [(url, table.secret) for table in settings.producer for url in (*table.newest, *table.press)]
    parts = [(table.url, table.secret) for table in settings.part]
    addresses = (*calendars, *listings, *parts)
    return frozenset(each for url, is_secret in addresses for each in _held(url, is_secret=is_secret))


def _held(url: str, *, is_secret: bool) -> Iterator[str]:
    """Yield what an address holds that may be a key, in one piece and in those that others may make of it."""
    split = urlsplit(url)
    # A redirect may give the pairs in another order; short ones are no keys, but "page=1".
    yield from (pair for pair in split.query.split("&") if len(pair.partition("=")[2]) >= _SHORTEST_KEY)
    # Links relative to a secret path lie below its folder.
    folder = split.path.rpartition("/")[0]
    for text in (split.query, split.fragment, *((split.path, f"{folder}/") if is_secret else ())):
        yield from _BRACED.split(text)


def redactor(secrets: Iterable[str]) -> Callable[[str], str] | None:
    """Return what takes these out of a text, however they are written there; None where there is nothing to hide."""
    told = [one for one in secrets if len(one) >= _SHORTEST]
    forms = {
        form for one in told for form in (one, json.dumps(one)[1:-1], escape(one), quote(one), quote(one, safe=""))
    }
    if not forms:
        return None
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    def hidden(text: str) -> str:
        # iCalendar breaks its lines wherever they are long.
        whole = text.replace(_FOLD, "")
        return known.sub("[redacted]", whole if whole != text and known.search(whole) else text)

    return hidden


def _revealed(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _revealed(getattr(value, name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _revealed(one)


def _tail(secret: str) -> Iterator[str]:
    # Of an address it is the path that is the secret, and libraries tell paths apart from hosts.
    path, query = urlsplit(secret)[2:4] if "://" in secret else ("", "")
    yield from (part for part in (path, query) if len(part) > 8)  # a short one guards nothing


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
