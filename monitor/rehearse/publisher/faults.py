"""What goes wrong between a publisher and those who ask it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from random import Random

from monitor.rehearse.publisher.govuk.pages import error_page
from monitor.rehearse.publisher.reply import Asked, Reply, html, to_bytes
from monitor.rehearse.script.script import ScriptFault

_MEGABYTE = 1 << 20
_BOMB_MEGABYTES = 1024


class Manner(StrEnum):
    """How the bytes of an answer go out."""

    WHOLE = "whole"
    RESET = "reset"
    SILENT = "silent"
    CUT = "cut"
    DRIP = "drip"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The bytes of one answer and how they go out. `CUT` hangs up after the last of them."""

    data: bytes = b""
    manner: Manner = Manner.WHOLE
    latency: timedelta = timedelta()


def fault_for(faults: Sequence[ScriptFault], asked: Asked, now: datetime) -> ScriptFault | None:
    """Return the fault that a request meets; one for its very address goes before one for its host."""
    met = [fault for fault in faults if fault.begins <= now < fault.ends and fault.is_about(asked.host, asked.path)]
    return min(met, key=lambda fault: fault.url is None, default=None)


def is_without_address(faults: Sequence[ScriptFault], host: str, now: datetime) -> bool:
    """Tell whether the name of a host leads nowhere just now."""
    return any(fault.kind == "dns" and fault.host == host and fault.begins <= now < fault.ends for fault in faults)


def spoilt(fault: ScriptFault, asked: Asked, reply: Reply, now: datetime, seed: int) -> Delivery:
    """Return what a request gets instead of `reply` while a fault holds."""
    match fault.kind:
        case "reset" | "dns":
            return Delivery(manner=Manner.RESET)
        case "timeout":
            return Delivery(manner=Manner.SILENT)
        case "garbage":
            return Delivery(Random(f"{seed} {asked.url}").randbytes(512), Manner.CUT)  # noqa: S311  # no secret
        case "truncated":
            return Delivery(_cut(to_bytes(reply, asked, now)), Manner.CUT)
        case "slow":
            return Delivery(to_bytes(reply, asked, now), Manner.DRIP)
    return Delivery(to_bytes(_replaced(fault, asked, reply), asked, now))


def _cut(data: bytes) -> bytes:
    head, gap, body = data.partition(b"\r\n\r\n")
    # An answer without a body is cut in its headers.
    return head + gap + body[: len(body) // 2] if len(body) > 1 else head[: len(head) // 2]


def _replaced(fault: ScriptFault, asked: Asked, reply: Reply) -> Reply:
    match fault.kind:
        case "429" | "503":
            return error_page(int(fault.kind)).having(_retry_after(fault))
        case "redirect_loop":
            turn = asked.query.removeprefix("turn=")
            turns = int(turn) + 1 if turn.isdecimal() else 1
            return Reply(302, b"", {"Location": f"{asked.path}?turn={turns}"})
        case "challenge":
            return html(403, _CHALLENGE).having({"Server": "cloudflare", "cf-mitigated": "challenge"})
        case "mirror":
            return _mirrored(reply)
        case "stale":
            return reply
    return Reply(200, _bomb(), {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"})


def _mirrored(reply: Reply) -> Reply:
    """Return last night's copy: a 200 for all that ever was one, the proxy's own error for anything else."""
    copy = reply if reply.status == 200 else error_page(503)
    backend = "mirrorS3" if copy is reply else "error"
    kept = {name: value for name, value in copy.headers.items() if name not in {"Age", "X-Cache", "ETag"}}
    told = {**kept, "Fastly-Backend-Name": backend, "Fastly-Restarts": "1", "Cache-Control": "max-age=900"}
    return Reply(copy.status, copy.body, told)


def _retry_after(fault: ScriptFault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": str(int(fault.retry_after.total_seconds()))}


@cache
def _bomb() -> bytes:
    """Return a megabyte that unpacks to a gigabyte: one packed block of nothing, many times over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(_MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = gzip.compress(b"")[:10]
    return header + block * _BOMB_MEGABYTES + packer.flush()


_CHALLENGE = """<!DOCTYPE html>
<html lang="en"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript>
<script>window._cf_chl_opt={};</script></body></html>
"""
