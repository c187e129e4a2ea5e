"""`ninethirty reload` and SIGHUP to a real process: the output, and people stay signed in."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from monitor.cli.common import Context
from monitor.cli.main import cli
from monitor.config.read import read_settings
from monitor.errors import UserFault
from monitor.web.users import make_line
from tests.unit.monitor.app.process import alive, wait_for_log_line

PASSWORD = "a long enough word"
CONFIG = """
[store]
url = "sqlite:///{folder}/ninethirty.db"
[evidence]
folder = "{folder}/evidence"
[web]
listen = "127.0.0.1:{port}"
users_file = "users"
public_url = "http://127.0.0.1:{port}"
[[calendar]]
name = "ours"
kind = "toml"
file = "releases.toml"
"""
RELEASES = """
[[release]]
id = "claims"
title = "Example claims: July to September 2026"
producer = "example-office"
url = "https://stats.example/claims"
slot = 2030-11-26T09:30:00
"""
MAIL_WITH_PASSWORD = """
[[channel]]
name = "mail"
kind = "mail"
host = "127.0.0.1"
sender = "a@example"
to = ["b@example"]
user = "desk"
password = {{ file = "{file}" }}
"""
ANOTHER_CALENDAR = '[[calendar]]\nname = "theirs"\nkind = "toml"\nfile = "releases.toml"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "releases.toml").write_text(RELEASES)
    (tmp_path / "users").write_text(f"{make_line('anne', PASSWORD, 'duty statistician')}\n")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(folder=tmp_path, port=port))
    return path


def reload(config: Path) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "reload"], obj=Context())


@contextmanager
def signed_in_browser(config: Path) -> Iterator[httpx.Client]:
    """Yield a client that has signed in to the running monitor as anne."""
    url = read_settings(config).web.public_url
    assert url is not None
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as browser:
        (mark,) = re.findall(r'name="mark" value="([^"]+)"', browser.get("/sign-in").text)
        browser.post("/sign-in", data={"name": "anne", "password": PASSWORD, "mark": mark})
        yield browser


@pytest.mark.slow
def test_running_monitor_reloads_only_a_good_configuration(config: Path) -> None:
    """The configuration of a running monitor is changed three times. One more calendar is taken.
    Another store and a file that is not TOML are refused, and the monitor goes on.
    """
    good = config.read_text()
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        with signed_in_browser(config) as browser:
            # First, a calendar is added.
            config.write_text(good + ANOTHER_CALENDAR)
            loaded = reload(config)
            assert (loaded.output, loaded.exit_code) == ("configuration reloaded\n", 0)
            assert wait_for_log_line(child, "reloaded")["changed"] == ["calendar"]
            assert "theirs" in browser.get("/status").text  # the name of the added calendar
            # Then the store is replaced.
            another_store = good.replace("sqlite:///", "sqlite:////tmp/")
            config.write_text(another_store + ANOTHER_CALENDAR)
            refused = reload(config)
            fault_of_store = (
                "config.toml: store.url: cannot be changed while the monitor runs: restart the"
                " monitor"
            )
            assert isinstance(refused.exception, UserFault)  # exit status 1
            assert str(refused.exception) == fault_of_store
            assert wait_for_log_line(child, "reload_refused")["faults"] == [fault_of_store]
            # Finally, a damaged file is read, at the signal SIGHUP.
            not_toml = "[[calendar\n"
            config.write_text(not_toml)
            child.send_signal(signal.SIGHUP)
            (fault,) = wait_for_log_line(child, "reload_refused")["faults"]
            assert fault.startswith("config.toml: is not TOML")
            assert "ninethirty_config_last_reload_successful 0.0" in browser.get("/metrics").text
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    assert child.returncode == 0
    assert not list((config.parent / "evidence").glob("*.sock"))


@pytest.mark.slow
def test_password_of_an_earlier_reload_stays_hidden(config: Path) -> None:
    """The password of a channel is replaced twice. Then a calendar has the second one as name."""
    file = config.parent / "password"
    file.write_text("first-password")
    with config.open("a") as text:
        text.write(MAIL_WITH_PASSWORD.format(file=file))
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        for password in ("second-password", "third-password"):
            file.write_text(password)
            assert reload(config).output == "configuration reloaded\n"
        with config.open("a") as text:
            text.write(ANOTHER_CALENDAR.replace("theirs", "second-password"))
        assert reload(config).output == "configuration reloaded\n"
        assert wait_for_log_line(child, "calendar_read", calendar="[redacted]")


@pytest.mark.slow
def test_a_reload_with_an_empty_calendar_file_is_refused(config: Path) -> None:
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        (config.parent / "releases.toml").write_text("")
        refused = reload(config)
        assert isinstance(refused.exception, UserFault)  # exit status 1
        assert str(refused.exception) == "calendar ours: releases.toml: is empty"


@pytest.mark.parametrize("verb", ["status", "reload"])
def test_status_and_reload_without_a_running_monitor_say_so(config: Path, verb: str) -> None:
    result = CliRunner().invoke(cli, ["--config", str(config), verb], obj=Context())
    assert (
        f'no monitor named "edge" runs here with its evidence in {config.parent}/evidence'
        in str(result.exception)
    )
