"""Checks of `[web]`, so that a mistake neither locks people out nor lets them claim another name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.config.people import WebSettings
from schedules.values import is_loopback, quote_value

_LISTEN = WebSettings().listen
Row = Mapping[str, Any]
CrossFault = tuple[str, str, str | None]


def web_faults(web: Row, folder: Path) -> Iterator[CrossFault]:
    """Yield `(key, reason, value)` for each fault of the table. Relative files start from `folder`."""
    listen, users, header = web.get("listen"), web.get("users_file"), web.get("proxy_header")
    yield from _proxy_header_faults(web)
    yield from _provider_faults(web)
    if isinstance(listen, str) and not _is_listenable(listen):
        yield "web.listen", 'not an address to listen on, write "127.0.0.1:9030"', quote_value(listen)
    elif isinstance(listen, str) and not (is_loopback(listen) or users or header or web.get("oidc")):
        yield "web.listen", "others can reach this address but cannot sign in: name a users_file", quote_value(listen)
    own = web.get("metrics_listen")
    if isinstance(own, str) and not _is_listenable(own):
        yield "web.metrics_listen", 'not an address to listen on, write "127.0.0.1:9031"', quote_value(own)
    elif isinstance(own, str) and own.rpartition(":")[2] == str(listen or _LISTEN).rpartition(":")[2]:
        yield "web.metrics_listen", "needs another port: the pages use that one", quote_value(own)
    if isinstance(users, str) and not (folder / users).is_file():
        yield "web.users_file", "no such file", quote_value(users)


def _proxy_header_faults(web: Row) -> Iterator[CrossFault]:
    header, proxies = web.get("proxy_header"), web.get("proxies")
    if header is None:
        if web.get("proxy_rights"):
            yield "web.proxy_rights", "is for people whom a proxy signs in: name its proxy_header", None
        return
    if not proxies:
        yield "web.proxy_header", "no proxy is trusted: name the proxies that set it", quote_value(header)
    elif isinstance(proxies, list) and any(str(one).endswith("/0") for one in proxies):
        yield "web.proxies", "anyone could claim to be anyone: name only the proxies", None
    if not web.get("proxy_rights"):
        yield "web.proxy_header", "no one has rights: name people in proxy_rights", quote_value(header)


def _provider_faults(web: Row) -> Iterator[CrossFault]:
    oidc = web.get("oidc")
    if not isinstance(oidc, dict):
        return
    issuer = oidc.get("issuer")
    if isinstance(issuer, str) and (why := _why_unusable(issuer)):
        yield "web.oidc.issuer", why, quote_value(issuer)
    if not web.get("public_url"):
        yield "web.oidc", "needs public_url, to which people return after they sign in", None


def _why_unusable(issuer: str) -> str:
    try:
        split, _ = urlsplit(issuer), urlsplit(issuer).port
    except ValueError:
        return 'not an address, write "https://host/path"'
    is_open = split.scheme == "http" and not is_loopback(f"{split.hostname}:0")
    return "who comes from there is believed: write https" if is_open else ""


def _is_listenable(listen: str) -> bool:
    found = re.fullmatch(r"([^\s:]*|\[[0-9a-fA-F:]+\]):(\d{1,5})", listen)
    return found is not None and int(found[2]) <= 65535
