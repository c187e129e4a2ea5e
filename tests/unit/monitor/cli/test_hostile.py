"""Commands that use the network read publishers' answers in a process that can be stopped, as the
daemon does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.monitor.cli.conftest import RunCli, append_config, serving

TABLE = "<table><tr><th>Title<th>Date<tr><td>Births<td>23 July 2026 9:30am</table>"


class SilentHandler(SimpleHTTPRequestHandler):
    """Serves the files of a folder, and logs no request."""

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """Serve the folder on loopback, with a configuration that may ask there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(folder)))
    network = f'[network]\nallow = ["127.0.0.0/8"]\nports = [{server.server_port}]\n'
    calendar = f'[[calendar]]\nname = "web"\nkind = "html"\nurl = "http://127.0.0.1:{server.server_port}/c.html"\n'
    append_config(folder, network + calendar)
    with serving(server):
        yield server.server_port


@pytest.mark.slow
def test_probe_gives_up_on_a_page_slow_to_parse(run_cli: RunCli, folder: Path, port: int) -> None:
    (folder / "page.html").write_text("<a></a>" * 60_000)
    quadratic_selector = "css:a ~ a ~ b"
    result = run_cli(
        "probe", f"http://127.0.0.1:{port}/page.html", "--as", quadratic_selector, "--json"
    )
    assert (result.status, result.json["state"], result.json["why"]) == (0, "unknown", "too_costly")


@pytest.mark.usefixtures("port")
def test_entries_of_a_calendar_on_the_web_are_printed(run_cli: RunCli, folder: Path) -> None:
    # The calendar `web` is an HTML page on this machine. TABLE has one release, "Births".
    (folder / "c.html").write_text(TABLE)
    result = run_cli("calendar", "read", "web")
    assert (result.status, [line["title"] for line in result.lines]) == (0, ["Births"])
