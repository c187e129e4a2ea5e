"""Scripted faults: how a request fails, and the broken, replaced or stale responses that it
gets.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from random import Random

import httpx

from monitor.rehearse.publisher.govuk.pages import error_page
from monitor.rehearse.publisher.reply import ReceivedRequest, Reply, html_reply, to_bytes
from monitor.rehearse.script.script import ScriptFault

_MEGABYTE = 1 << 20
_BOMB_MEGABYTES = 1024


class SendMode(StrEnum):
    """How the bytes of a response are sent."""

    WHOLE = "whole"
    RESET = "reset"
    SILENT = "silent"
    CUT = "cut"
    DRIP = "drip"


@dataclass(frozen=True, slots=True)
class RawResponse:
    """The bytes of one response, how to send them, and the delay before.

    `CUT` closes the connection after them.
    """

    data: bytes = b""
    mode: SendMode = SendMode.WHOLE
    latency: timedelta = timedelta()


def fault_for(
    faults: Sequence[ScriptFault], request: ReceivedRequest, now: datetime
) -> ScriptFault | None:
    """Return the fault that affects a request at `now`, or None.

    A fault of its address precedes one of its host.
    """
    affecting = [
        fault
        for fault in faults
        if fault.begins <= now < fault.ends and fault.affects(request.host, request.path)
    ]
    return min(affecting, key=lambda fault: fault.url is None, default=None)


def refuse_connection(faults: Sequence[ScriptFault], host: str, now: datetime) -> None:
    """Refuse a new connection to a host at `now`.

    Raises `gaierror` during a `dns` fault, and `httpx.ConnectError` during a `tls` fault.
    """
    for fault in faults:
        if fault.host != host or not fault.begins <= now < fault.ends:
            continue
        if fault.kind == "dns":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if fault.kind == "tls":
            reason = ssl.SSLCertVerificationError("certificate has expired")
            raise httpx.ConnectError(str(reason)) from reason


def find_certificates(faults: Sequence[ScriptFault]) -> dict[str, datetime]:
    """Return for each host with a `tls` fault when its certificate ends."""
    return {
        fault.host: fault.begins
        for fault in faults
        if fault.kind == "tls" and fault.host is not None
    }


def apply_fault(
    fault: ScriptFault, request: ReceivedRequest, reply: Reply, now: datetime, seed: int
) -> RawResponse:
    """Return what a request gets instead of `reply` during a fault.

    `seed` makes random bytes repeatable.
    """
    match fault.kind:
        # A fault of new connections resets an open one.
        case "reset" | "dns" | "tls":
            return RawResponse(mode=SendMode.RESET)
        case "timeout":
            return RawResponse(mode=SendMode.SILENT)
        case "garbage":
            return RawResponse(Random(f"{seed} {request.url}").randbytes(512), SendMode.CUT)  # noqa: S311  # no secret
        case "truncated":
            return RawResponse(_truncate_response(to_bytes(reply, request, now)), SendMode.CUT)
        case "slow":
            return RawResponse(to_bytes(reply, request, now), SendMode.DRIP)
    return RawResponse(to_bytes(_replace_reply(fault, request, reply), request, now))


def _truncate_response(data: bytes) -> bytes:
    """Return a response with half of its body, or with half of its headers if it has no body."""
    head, gap, body = data.partition(b"\r\n\r\n")
    return head + gap + body[: len(body) // 2] if len(body) > 1 else head[: len(head) // 2]


def _replace_reply(fault: ScriptFault, request: ReceivedRequest, reply: Reply) -> Reply:
    """Return the reply that a fault sends instead of `reply`; for a stale copy that is `reply`
    itself.
    """
    match fault.kind:
        case "429" | "503":
            delay = fault.retry_after
            header = {} if delay is None else {"Retry-After": str(int(delay.total_seconds()))}
            return error_page(int(fault.kind)).with_default_headers(header)
        case "redirect_loop":
            previous = request.query.removeprefix("turn=")
            turn = int(previous) + 1 if previous.isdecimal() else 1
            return Reply(302, b"", {"Location": f"{request.path}?turn={turn}"})
        case "challenge":
            headers = {"Server": "cloudflare", "cf-mitigated": "challenge"}
            return html_reply(403, _CHALLENGE_PAGE).with_default_headers(headers)
        case "mirror":
            return _copy_from_mirror(reply)
        case "stale":
            return reply
    # The only other kind is `bomb`.
    return Reply(
        200, _gzip_bomb(), {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}
    )


def _copy_from_mirror(reply: Reply) -> Reply:
    """Return the mirror's copy of a page with status 200, and the proxy's own 503 page for any
    other reply.
    """
    copy = reply if reply.status == 200 else error_page(503)
    backend = "mirrorS3" if copy is reply else "error"
    kept = {
        name: value
        for name, value in copy.headers.items()
        if name not in {"Age", "X-Cache", "ETag"}
    }
    added = {"Fastly-Backend-Name": backend, "Fastly-Restarts": "1", "Cache-Control": "max-age=900"}
    return Reply(copy.status, copy.body, {**kept, **added})


@cache
def _gzip_bomb() -> bytes:
    """Return about 1 MB of gzip data that unpacks to 1 GB: one compressed block of zeros,
    repeated.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(bytes(_MEGABYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    header = gzip.compress(b"")[:10]
    return header + block * _BOMB_MEGABYTES + compressor.flush()


_CHALLENGE_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Just a moment...</title>
<meta name="robots" content="noindex,nofollow"></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript>
<script>window._cf_chl_opt={};</script></body></html>
"""
