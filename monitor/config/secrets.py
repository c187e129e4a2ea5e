"""Every secret that a configuration leads to, so that none is ever written down."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from monitor.config.channels import WebhookChannel
from monitor.config.settings import Settings
from monitor.config.values import Secret


def secrets_of(settings: Settings) -> frozenset[str]:
    """Return the values that must not appear in a log: secrets, secret addresses, and the password of the store."""
    hidden = [channel.url for channel in settings.channel if isinstance(channel, WebhookChannel)]
    told = [*_revealed(settings), *filter(None, [settings.deadman.url, _password(settings.store.url)]), *hidden]
    return frozenset(found for one in told if one for found in (one, *_tail(one)))


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
