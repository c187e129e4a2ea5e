"""A mail server process on loopback that prints the monotonic time at which it accepted each
message.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP

from bench.posted import SERIES

_NUMBER = re.compile(r"/release/(\d+)")


class Mailbox:
    """Accepts all messages."""

    async def handle_DATA(self, *told: Any) -> str:  # noqa: ANN401, N802  # aiosmtpd's name and arguments
        """Print the release number in the message, its time, and whether a draft was attached."""
        at = time.monotonic()
        mail = message_from_bytes(told[2].content, policy=policy.default)
        body = mail.get_body(["plain"])
        text = body.get_content() if body is not None else ""
        found = _NUMBER.search(text)
        word = "drafted" if any(True for _ in mail.iter_attachments()) else "bare"
        sys.stdout.write(f"{word} {found.group(1) if found else '?'} {at}\n")
        sys.stdout.write(
            "".join(f"series {number} {at}\n" for number in dict.fromkeys(SERIES.findall(text)))
        )
        sys.stdout.flush()
        return "250 accepted"


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Mailbox(), loop=loop), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
