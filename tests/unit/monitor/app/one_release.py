"""A real publisher of one release, and the configuration of a monitor that watches it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Publisher(ThreadingHTTPServer):
    """Answers 404 until its release is published."""

    daemon_threads = True
    published_at: datetime | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Publisher

    def do_GET(self) -> None:
        body = b"<h1>Example claims</h1>" * 20
        self.send_response(404 if self.server.published_at is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@contextmanager
def publishing() -> Iterator[Publisher]:
    server = Publisher(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configured(folder: Path, publisher: Publisher, slot: datetime) -> Path:
    """Write what a monitor goes by whose store is `store/store.db` in a folder; return the file."""
    port = publisher.server_address[1]
    (folder / "calendar.toml").write_text(
        '[[release]]\nid = "claims"\ntitle = "Example claims"\nproducer = "example"\nurl ='
        f' "http://127.0.0.1:{port}/claims"\nslot = {slot.isoformat().replace("+00:00", "Z")}\n'
    )
    config = folder / "config.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{folder}/store/store.db"\nspool = "{folder}/spool"\n'
        f'[evidence]\nfolder = "{folder}/evidence"\n'
        f'[web]\nlisten = "127.0.0.1:0"\n[network]\nallow = ["127.0.0.1/32"]\nports = [{port}]\n'
        '[policy]\non_time_within = "1s"\nnote_within = "2s"\n[budget]\ndefault = "8/s"\n'
        '[[calendar]]\nname = "own"\nkind = "toml"\nfile = "calendar.toml"\n'
        f'[[channel]]\nname = "drawer"\nkind = "folder"\nfolder = "{folder}/drawer"\n'
    )
    return config
