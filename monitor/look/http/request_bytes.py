"""Writes requests as bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from monitor.look.fetch import Request
from monitor.look.guard import Guard, Origin, RefusedAddress
from schedules.patterns import quick

Headers = list[tuple[bytes, bytes]]

_MOST_SHARED = 4096
_BREAKS = (b"\r", b"\n", b"\x00")
# URLs that need no normalisation, unless a segment of their path begins with a dot.
_PLAIN = quick(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(/[A-Za-z0-9_~!$&()*+,;=:@/.?-]*)(?<!\?)")


@dataclass(slots=True)
class RequestBytes:
    """A request as it is sent, in `data`.

    `head` is the part that all requests to its origin with the same `Accept` share: headers, and
    the end of the first line. `unique` is the number in a query that no cache has seen, None if it
    has none.
    """

    origin: Origin
    head: bytes
    unique: int | None
    data: bytes


class RequestWriter:
    """Writes the requests of looks, with the headers `always`.

    Numbers in unique queries count up from `first`.
    """

    def __init__(self, guard: Guard, always: Headers, first: int) -> None:
        self._guard = guard
        self._always = always
        self._shared: dict[tuple[str, str], tuple[Origin, bytes]] = {}
        self._unique = itertools.count(first)

    def write(self, request: Request) -> RequestBytes:
        """Return a request as bytes.

        Raises `RefusedAddress`, and `httpx.InvalidURL` if its URL cannot be read.
        """
        # `request.bust` demands that no cache answers. So its query gets a number that no earlier
        # request had.
        unique = next(self._unique) if request.bust else None
        site, path = self._split_url(request, unique)
        # `shared_head` begins with " HTTP/1.1\r\n". It is also returned, for evidence of what was
        # sent.
        origin, shared_head = self._shared_head_for(site, request.accept)
        is_conditional = bool(request.etag or request.modified)
        conditions = b""
        if is_conditional:
            conditions = header_lines(list(conditional_headers(request)))
        data = b"%s %s%s%s\r\n" % (request.method.encode("ascii"), path, shared_head, conditions)
        return RequestBytes(origin, shared_head, unique, data)

    def _split_url(self, request: Request, unique: int | None) -> tuple[str, bytes]:
        """Return the site of a request, and its path with the query, including `unique` unless it
        is None.
        """
        plain = None
        if "/." not in request.url:
            plain = _PLAIN.fullmatch(request.url)
        if plain is not None and (unique is None or "?" not in plain[2]):
            # `requested_url` would give the same, at twenty times the cost.
            site, path = plain[1], plain[2]
            if unique is not None:
                path += f"?{cache_buster_key(path)}={unique:x}"
            return site, path.encode("ascii")
        url = requested_url(request.url, unique)
        if url.userinfo:
            raise RefusedAddress("a name and password in the address")
        return f"{url.scheme}://{url.netloc.decode('ascii')}", url.raw_path

    def _shared_head_for(self, site: str, accept: str) -> tuple[Origin, bytes]:
        """Return the origin of a `site` such as `https://a.uk`, and its shared headers.

        Raises `RefusedAddress`.
        """
        shared = self._shared.get((site, accept))
        if shared is None:
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            url = httpx.URL(site)
            origin = self._guard.origin_of(url.scheme, url.host, url.port)
            headers = [
                (b"Host", url.netloc),
                *self._always,
                (b"Accept", accept.encode("ascii", "replace")),
            ]
            shared = (origin, b" HTTP/1.1\r\n" + header_lines(headers))
            self._shared[site, accept] = shared
        return shared


def requested_url(url: str, unique: int | None) -> httpx.URL:
    """Return the URL to request, with `unique`, unless None, as a query that no cache has seen.

    Raises `InvalidURL`.
    """
    parsed = httpx.URL(url)
    if unique is None:
        return parsed
    return parsed.copy_merge_params({cache_buster_key(parsed.path): format(unique, "x")})


def header_lines(headers: Headers) -> bytes:
    """Return headers as they are sent.

    Raises `httpx.LocalProtocolError` if one contains a line break.
    """
    lines = [b"%s: %s\r\n" % header for header in headers]
    if any(break_ in line[:-2] for line in lines for break_ in _BREAKS):
        raise httpx.LocalProtocolError("a line break in the request")
    return b"".join(lines)


def cache_buster_key(path: str) -> str:
    """Return the name of the query that bypasses caches. GOV.UK's search accepts only `c`."""
    return "c" if path.endswith("/api/search.json") else "ninethirty"


def conditional_headers(request: Request) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers that make a request conditional."""
    if request.etag:
        yield b"If-None-Match", request.etag.encode("latin-1", "replace")
    if request.modified:
        yield b"If-Modified-Since", request.modified.encode("latin-1", "replace")
