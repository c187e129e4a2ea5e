"""A process that receives webhooks on loopback, and prints path, release number and monotonic time
of each.

Requests to `/hangs` are never answered.
"""

from __future__ import annotations

import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

SERIES = re.compile(r"\bSeries (\d+)\b")


class Posted(BaseHTTPRequestHandler):
    """Accepts all requests with 202, as PagerDuty's Events API does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # http.server's name
        """Accept a message and print each release number in it."""
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/hangs":
            Event().wait()
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        at, first = time.monotonic(), dict.fromkeys(SERIES.findall(text))
        sys.stdout.write("".join(f"{self.path[1:]} {number} {at}\n" for number in first))
        sys.stdout.flush()

    def log_message(self, *_told: object) -> None:
        """Log nothing."""


def _serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Posted)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve()
