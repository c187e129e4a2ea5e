"""`ninethirty reload` and SIGHUP, asked of a real process: what people see, and that who signed in stays in."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from monitor.app.control import serve_control_socket
from monitor.cli.common import Context
from monitor.cli.main import cli
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.errors import StoreFault
from monitor.web.users import make_line
from tests.unit.monitor.app.process import alive, until_said

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
ANOTHER = '[[calendar]]\nname = "theirs"\nkind = "toml"\nfile = "releases.toml"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "releases.toml").write_text(RELEASES)
    (tmp_path / "users").write_text(f"{make_line('anne', 'a long enough word', 'duty statistician')}\n")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(folder=tmp_path, port=port))
    return path


def reload(config: Path) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "reload"], obj=Context())


@pytest.mark.slow
def test_a_running_monitor_loads_a_good_configuration_and_refuses_a_faulty_one(config: Path) -> None:
    good = config.read_text()
    with alive(config) as child:
        until_said(child, "calendar_read")
        base = good.split('public_url = "')[1].split('"')[0]
        with httpx.Client(base_url=base, trust_env=False, follow_redirects=True) as browser:
            (mark,) = re.findall(r'name="mark" value="([^"]+)"', browser.get("/sign-in").text)
            browser.post("/sign-in", data={"name": "anne", "password": "a long enough word", "mark": mark})
            config.write_text(good + ANOTHER)
            loaded = reload(config)
            assert (loaded.output, loaded.exit_code) == ("taken\n", 0)
            assert until_said(child, "reloaded")["changed"] == ["calendar"]
            assert "theirs" in browser.get("/status").text

            config.write_text(good.replace("sqlite:///", "sqlite:////tmp/") + ANOTHER)
            refused = reload(config)
            assert refused.exit_code == 1
            fault_of_store = "config.toml: store.url: cannot be changed while the monitor runs: restart the monitor"
            assert refused.output == f"{fault_of_store}\n"
            assert until_said(child, "reload_refused")["faults"] == [fault_of_store]

            config.write_text("[[calendar\n")
            child.send_signal(signal.SIGHUP)
            (fault,) = until_said(child, "reload_refused")["faults"]
            assert fault.startswith("config.toml: is not TOML")
            assert "ninethirty_config_last_reload_successful 0.0" in browser.get("/metrics").text
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    assert child.returncode == 0
    assert not list((config.parent / "evidence").glob("*.sock"))


@pytest.mark.slow
def test_a_reload_with_an_unreadable_calendar_file_is_refused(config: Path) -> None:
    with alive(config) as child:
        until_said(child, "calendar_read")
        (config.parent / "releases.toml").write_text("")
        refused = reload(config)
        assert refused.exit_code == 1
        assert refused.output.startswith("calendar ours: ")


def sockets(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.sock")]


def test_no_socket_is_left_by_a_monitor_that_fails(tmp_path: Path) -> None:
    settings, found = Settings.model_validate({"evidence": {"folder": str(tmp_path)}}), []

    async def nothing() -> list[str]:
        return []

    async def fail() -> None:
        async with serve_control_socket(settings, nothing, dict):
            found.extend(sockets(tmp_path))
            raise StoreFault("the disk is gone")

    with pytest.raises(StoreFault):
        asyncio.run(fail())
    assert (found, sockets(tmp_path)) == (["edge.sock"], [])


def test_an_unknown_request_is_not_answered_and_does_not_reload(tmp_path: Path) -> None:
    settings, reloads = Settings.model_validate({"evidence": {"folder": str(tmp_path)}}), []

    async def record_reload() -> list[str]:
        reloads.append("reload")
        return []

    async def answer_to(request: bytes) -> bytes:
        async with serve_control_socket(settings, record_reload, dict):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "edge.sock")
            writer.write(request)
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(answer_to(b"restart")) == b""
    assert reloads == []


def test_status_shows_the_health_that_the_running_monitor_reports(config: Path) -> None:
    settings = read_settings(config)
    health: dict[str, Any] = {"unready": [], "status": {"Clock": {"offset": "0.01 s"}, "Calendars, faults": {}}}

    async def nothing() -> list[str]:
        return []

    async def run_cli(*words: str) -> Result:
        async with serve_control_socket(settings, nothing, lambda: health):
            arguments = ["--config", str(config), "status", *words]
            return await asyncio.to_thread(CliRunner().invoke, cli, arguments, obj=Context())

    ready = asyncio.run(run_cli())
    assert (ready.exit_code, ready.output) == (0, "Ready.\n\nClock\n  - offset: 0.01 s\n")
    health["unready"] = ["store: it does not answer"]
    unready = asyncio.run(run_cli())
    assert (unready.exit_code, unready.output.splitlines()[:2]) == (1, ["NOT READY:", "  - store: it does not answer"])
    assert json.loads(asyncio.run(run_cli("--json")).output) == health


@pytest.mark.parametrize("verb", ["status", "reload"])
def test_status_and_reload_without_a_running_monitor_say_so(config: Path, verb: str) -> None:
    result = CliRunner().invoke(cli, ["--config", str(config), verb], obj=Context())
    assert f'no monitor named "edge" runs here with its evidence in {config.parent}/evidence' in str(result.exception)
