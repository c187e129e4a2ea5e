"""Write requests as bytes. The part that all requests to one host share is made once."""

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
# URLs that are sent exactly as they are written, unless a segment of their path begins with a dot.
_PLAIN = quick(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(/[A-Za-z0-9_~!$&()*+,;=:@/.?-]*)(?<!\?)")


@dataclass(frozen=True, slots=True)
class SharedHead:
    """What all requests to one origin with the same `Accept` have in common: every header, and the end of line one."""

    origin: Origin
    head: bytes


@dataclass(slots=True)
class RequestBytes:
    """A request as it is sent. `unique` is the number in a query that no cache has seen, None without one."""

    shared: SharedHead
    unique: int | None
    data: bytes


class RequestWriter:
    """Writes the requests of looks. `always` are the headers of every request."""

    def __init__(self, guard: Guard, always: Headers, first: int) -> None:
        """Begin. The queries that no cache has seen count up from `first`."""
        self._guard = guard
        self._always = always
        self._shared: dict[tuple[str, str], SharedHead] = {}
        self._unique = itertools.count(first)

    def write(self, request: Request) -> RequestBytes:
        """Return a request as bytes. Raises `RefusedAddress`, and `httpx.InvalidURL` for what is no address."""
        unique = next(self._unique) if request.bust else None
        shared, path = self._split_url(request, unique)
        is_plain = request.etag is None and request.modified is None
        conditions = b"" if is_plain else lines_of(list(conditions_of(request)))
        data = b"%s %s%s%s\r\n" % (request.method.encode("ascii"), path, shared.head, conditions)
        return RequestBytes(shared, unique, data)

    def _split_url(self, request: Request, unique: int | None) -> tuple[SharedHead, bytes]:
        plain = None if "/." in request.url else _PLAIN.fullmatch(request.url)
        if plain is not None and (unique is None or "?" not in plain[2]):
            # The same as httpx would make of it, at a twentieth of the cost.
            place, path = plain[1], plain[2] if unique is None else f"{plain[2]}?{bust_key(plain[2])}={unique:x}"
            shared = self._shared.get((place, request.accept)) or self._shared_head(place, request.accept)
            return shared, path.encode("ascii")
        url = address(request.url, unique)
        if url.userinfo:
            raise RefusedAddress("a name and password in the address")
        self._guard.origin(url.scheme, url.host, url.port)
        return self._shared_head(f"{url.scheme}://{url.netloc.decode('ascii')}", request.accept), url.raw_path

    def _shared_head(self, place: str, accept: str) -> SharedHead:
        shared = self._shared.get((place, accept))
        if shared is None:
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            url = httpx.URL(place)
            origin = self._guard.origin(url.scheme, url.host, url.port)
            headers = [(b"Host", url.netloc), *self._always, (b"Accept", accept.encode("ascii", "replace"))]
            shared = self._shared[place, accept] = SharedHead(origin, b" HTTP/1.1\r\n" + lines_of(headers))
        return shared


def address(url: str, unique: int | None) -> httpx.URL:
    """Return an address as it is sent. With `unique` it gets a query that no cache has seen.

    Raises `httpx.InvalidURL` for what is no address.
    """
    parsed = httpx.URL(url)
    return parsed if unique is None else parsed.copy_merge_params({bust_key(parsed.path): format(unique, "x")})


def lines_of(headers: Headers) -> bytes:
    """Return headers as they are sent. Raises `httpx.LocalProtocolError` for a line break in one."""
    lines = [b"%s: %s\r\n" % header for header in headers]
    if any(break_ in line[:-2] for line in lines for break_ in _BREAKS):
        raise httpx.LocalProtocolError("a line break in the request")
    return b"".join(lines)


def bust_key(path: str) -> str:
    """Return the query key that makes an address new to caches. GOV.UK's search accepts only `c`."""
    return "c" if path.endswith("/api/search.json") else "ninethirty"


def conditions_of(request: Request) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers that make a request conditional."""
    if request.etag:
        yield b"If-None-Match", request.etag.encode("latin-1", "replace")
    if request.modified:
        yield b"If-Modified-Since", request.modified.encode("latin-1", "replace")
