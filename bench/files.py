"""Measures what a look at a file costs with each method: GET or HEAD if missing; GET, ETag or HEAD
if present.

The publisher answers 404 with a page like GOV.UK's, and a file of 10 MB that the look cuts after 64
KB. A bare `httpx.AsyncClient`, which keeps its connection after HEAD, shows how much HEAD could
save at best.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from bench.figures import cpu_seconds, median
from bench.origin import run_beside
from monitor.clock import SystemClock
from monitor.look.fetch import Answer, Request
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from monitor.look.interpret import FILE_CAP

_ETAG = '"5f3a"'
_CASES = {
    "missing_get": (404, Request("https://h.example/missing", cap=FILE_CAP, may_cut=True)),
    "missing_head": (404, Request("https://h.example/missing", method="HEAD")),
    "there_get_cut": (200, Request("https://h.example/file", cap=FILE_CAP, may_cut=True)),
    "there_get_by_etag": (
        304,
        Request("https://h.example/file", cap=FILE_CAP, may_cut=True, etag=_ETAG),
    ),
    "there_head": (200, Request("https://h.example/file", method="HEAD")),
}
_PAGE = (
    b"<!DOCTYPE html><title>Page not found - GOV.UK</title>"
    + b"<p>If you entered an address, check it.</p>" * 200
)
_FILE = bytes(10_000_000)
_LINES = {404: b"404 Not Found", 200: b"200 OK", 304: b"304 Not Modified"}


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield milliseconds of CPU and connections a look for each method, and ratios of HEAD to
    GET.
    """
    with run_beside("bench.files") as program:
        yield asyncio.run(_measured(program.port, 20 if quick else 500, 1 if quick else 5))


async def _measured(port: int, looks: int, rounds: int) -> dict[str, float]:
    took: dict[str, list[float]] = {}
    figures: dict[str, float] = {}
    for _ in range(rounds):
        for name, (status, request) in _CASES.items():
            spent, opened = await _asked(port, looks, status, request)
            took.setdefault(name, []).append(1000 * spent / looks)
            took.setdefault(f"bare_{name}", []).append(
                1000 * await _bare(port, looks, request) / looks
            )
            figures[f"{name}_connections"] = opened / looks
    figures |= {f"{name}_ms": median(values) for name, values in took.items() if any(values)}
    for mark in ("", "bare_"):
        for head, get in (("missing_head", "missing_get"), ("there_head", "there_get_by_etag")):
            pairs = zip(took[mark + head], took[mark + get], strict=True)
            figures[f"{mark}{head}_ratio"] = median([one / other for one, other in pairs])
    return figures


async def _asked(port: int, looks: int, status: int, request: Request) -> tuple[float, int]:
    fetcher = HttpFetcher(SystemClock(), route=lambda *_: Route("127.0.0.1", port, tls=False))
    before = await _opened(fetcher)
    began = cpu_seconds()
    for _ in range(looks):
        answer = await fetcher.fetch(request)
        assert isinstance(answer, Answer)  # noqa: S101  # a failure measures nothing
        assert answer.status == status  # noqa: S101  # as above
    spent = cpu_seconds() - began
    opened = await _opened(fetcher) - before
    await fetcher.close()
    return spent, opened


async def _bare(port: int, looks: int, request: Request) -> float:
    if request.may_cut and "file" in request.url and not request.etag:
        return 0.0
    headers = {"If-None-Match": request.etag} if request.etag else {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        began = cpu_seconds()
        for _ in range(looks):
            await client.request(request.method, urlsplit(request.url).path)
        return cpu_seconds() - began


async def _opened(fetcher: HttpFetcher) -> int:
    answer = await fetcher.fetch(Request("https://count.example/opened"))
    assert isinstance(answer, Answer)  # noqa: S101  # as above
    return int(answer.body)


class _Publisher(asyncio.Protocol):
    """Answers GET and HEAD, and counts its connections, except those that only request
    `/opened`.
    """

    opened = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = transport
        self._is_counted = False

    def data_received(self, data: bytes) -> None:
        """Answer one request."""
        method, path, _ = data.split(b" ", 2)
        if path == b"/opened":
            self._answer(200, b"%d" % _Publisher.opened, is_head=False)
            return
        _Publisher.opened += not self._is_counted
        self._is_counted = True
        status = 404 if path == b"/missing" else 304 if b"if-none-match" in data.lower() else 200
        self._answer(status, {404: _PAGE, 200: _FILE, 304: b""}[status], is_head=method == b"HEAD")

    def _answer(self, status: int, body: bytes, *, is_head: bool) -> None:
        length = b"" if status == 304 else b"Content-Length: %d\r\n" % len(body)
        told = _LINES[status], _ETAG.encode(), length
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nETag: %b\r\n%b\r\n" % told
        self._transport.write(head + (b"" if is_head else body))  # type: ignore[attr-defined]  # TCP gives a Transport


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Publisher, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
