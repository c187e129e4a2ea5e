"""Verbs that ask the network: what a publisher answers is read in a process that may be stopped, as in the daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[..., Any]
TABLE = "<table><tr><th>Title<th>Date{}</table>"
ROW = "<tr><td>Births<td>23 July 2026 9:30am"


class Silent(SimpleHTTPRequestHandler):
    """Serves the files of a folder, and says nothing of it."""

    def log_message(self, *_told: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """Serve the folder on loopback, with a configuration that may ask there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        network = f'[network]\nallow = ["127.0.0.0/8"]\nports = [{server.server_port}]\n'
        calendar = f'[[calendar]]\nname = "web"\nkind = "html"\nurl = "http://127.0.0.1:{server.server_port}/c.html"\n'
        (folder / "config.toml").write_text((folder / "config.toml").read_text() + network + calendar)
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_probe_gives_up_on_a_page_that_takes_too_long_to_parse(ask: Ask, folder: Path, port: int) -> None:
    (folder / "page.html").write_text("<a></a>" * 60_000)
    told = ask("probe", f"http://127.0.0.1:{port}/page.html", "--as", "css:a ~ a ~ b", "--json")
    assert (told.status, told.json["state"], told.json["why"]) == (0, "unknown", "too_costly")


def test_a_calendar_is_read_and_its_lines_are_printed(ask: Ask, folder: Path, port: int) -> None:
    (folder / "c.html").write_text(TABLE.format(ROW))
    told = ask("calendar", "read", "web")
    assert (port > 0, told.status, [line["title"] for line in told.lines]) == (True, 0, ["Births"])
