"""Requests as bytes: what those to one host have in common is made once, and nothing is kept for each address."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from monitor.look.fetch import Request
from monitor.look.guard import Guard, Origin, RefusedAddress
from schedules.patterns import quick

Headers = list[tuple[bytes, bytes]]

_MOST = 4096
_NO_BODY = httpx.ByteStream(b"")
_BREAKS = (b"\r", b"\n", b"\x00")
# Addresses that go out as they are written, once it is seen that no segment begins with a dot.
_PLAIN = quick(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(/[A-Za-z0-9_~!$&()*+,;=:@/.?-]*)(?<!\?)")
_LAZY = frozenset({"url", "headers", "stream", "extensions"})


@dataclass(frozen=True, slots=True)
class Common:
    """What all requests to one origin with one `Accept` share; `place` is their URL up to its path."""

    origin: Origin
    place: str
    headers: Headers
    head: bytes
    timeout: dict[str, float | None]


class Asked(httpx.Request):
    """A request that is bytes already. What httpx's own transport reads besides is made when it reads it."""

    __slots__ = ("_body", "_more", "_path", "common", "method", "unique", "wire")

    def __init__(
        self, method: str, common: Common, path: bytes, more: Headers, unique: int | None = None, body: bytes = b""
    ) -> None:
        """Make the bytes. `more` are headers besides the common ones; raises httpx's fault for a line break in them.

        `unique` is the number in a path that no cache has seen.
        """
        self.method, self.common, self._path, self._more, self.unique = method, common, path, more, unique
        self._body, told = body, lines_of(more) if more else b""
        self.wire = b"%s %s%s%s\r\n%s" % (method.encode("ascii"), path, common.head, told, body)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever httpx keeps there
        """Make the rest of the request. Left out above: with it a look would take a tenth longer."""
        if name not in _LAZY:
            raise AttributeError(name)
        address, headers = f"{self.common.place}{self._path.decode('ascii')}", [*self.common.headers, *self._more]
        told = {"timeout": self.common.timeout}
        stream = httpx.ByteStream(self._body) if self._body else _NO_BODY
        super().__init__(self.method, address, headers=headers, stream=stream, extensions=told)
        return getattr(self, name)


class Asker:
    """Makes requests ready to be sent. `always` are the headers of every one."""

    def __init__(self, guard: Guard, always: Headers, seconds: float, first: int) -> None:
        """Know no host yet. Queries that no cache has seen count up from `first`; `seconds` bounds each wait."""
        self._guard = guard
        self._always = always
        self._timeout = httpx.Timeout(seconds).as_dict()
        self._common: dict[tuple[str, str], Common] = {}
        self._unique = itertools.count(first)

    def asked(self, request: Request, more: Headers | None = None, body: bytes = b"") -> Asked:
        """Return a request as it is sent. Raises `RefusedAddress`, and httpx's own fault for what is no address."""
        unique = next(self._unique) if request.bust else None
        common, path = self._addressed(request, unique)
        is_plain = request.etag is None and request.modified is None
        besides = (more or []) if is_plain else [*conditions_of(request), *(more or [])]
        if body:
            besides = [*besides, (b"Content-Length", b"%d" % len(body))]
        return Asked(request.method, common, path, besides, unique, body)

    def _addressed(self, request: Request, unique: int | None) -> tuple[Common, bytes]:
        plain = None if "/." in request.url else _PLAIN.fullmatch(request.url)
        if plain is not None and (unique is None or "?" not in plain[2]):
            # What httpx would make of it, at a twentieth of the cost.
            place, path = plain[1], plain[2] if unique is None else f"{plain[2]}?{bust_key(plain[2])}={unique:x}"
            common = self._common.get((place, request.accept)) or self._shared(place, request.accept)
            return common, path.encode("ascii")
        url = address(request.url, unique)
        if url.userinfo:
            raise RefusedAddress("a name and password in the address")
        self._guard.origin(url.scheme, url.host, url.port)
        return self._shared(f"{url.scheme}://{url.netloc.decode('ascii')}", request.accept), url.raw_path

    def _shared(self, place: str, accept: str) -> Common:
        common = self._common.get((place, accept))
        if common is None:
            if len(self._common) >= _MOST:
                self._common.clear()
            common = self._common[place, accept] = self._made(httpx.URL(place), place, accept)
        return common

    def _made(self, url: httpx.URL, place: str, accept: str) -> Common:
        origin = self._guard.origin(url.scheme, url.host, url.port)
        headers = [(b"Host", url.netloc), *self._always, (b"Accept", accept.encode("ascii", "replace"))]
        return Common(origin, place, headers, b" HTTP/1.1\r\n" + lines_of(headers), self._timeout)


def address(url: str, unique: int | None) -> httpx.URL:
    """Return an address as it goes out: `unique`, where there is one, makes a query that no cache has seen.

    Raises httpx's own fault for what is no address.
    """
    asked = httpx.URL(url)
    return asked if unique is None else asked.copy_merge_params({bust_key(asked.path): format(unique, "x")})


def lines_of(headers: Headers) -> bytes:
    """Return headers as they are sent. Raises httpx's own fault for a line break in one."""
    lines = [b"%s: %s\r\n" % header for header in headers]
    if any(break_ in line[:-2] for line in lines for break_ in _BREAKS):
        raise httpx.LocalProtocolError("a line break in the request")
    return b"".join(lines)


def bust_key(path: str) -> str:
    """Return the query key that misses caches: GOV.UK's search refuses every other than its own."""
    return "c" if path.endswith("/api/search.json") else "ninethirty"


def conditions_of(request: Request) -> Iterator[tuple[bytes, bytes]]:
    """Return the headers that make a request conditional."""
    if request.etag:
        yield b"If-None-Match", request.etag.encode("latin-1", "replace")
    if request.modified:
        yield b"If-Modified-Since", request.modified.encode("latin-1", "replace")
