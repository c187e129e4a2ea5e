"""Commands of people by the socket, by an address with a token, and without a monitor."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from monitor.app.offline import open_application
from monitor.app.options import make_rotas
from monitor.cli.client import OFFLINE, Api, RefusedByMonitor
from monitor.cli.common import log_only_errors
from monitor.cli.main import status_of
from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.store.open import locked_store, open_store
from monitor.store.rows import CHANNEL_TESTED, LEADER, Leader
from monitor.web.credentials import TokenScope
from monitor.web.local_socket import LocalSocket, bind_local, own_name
from monitor.web.server import WebServer, bind_address
from monitor.web.users import OPERATOR, make_token_line
from tests.unit.monitor.cli.conftest import (
    INCIDENT,
    RunCli,
    append_config,
    opened_store,
    replace_in_config,
    write_store,
)

WEB = '[web]\nusers_file = "users"\nsocket = "socket"\n'
ACTION = ("--text", "Renew the certificate", "--owner", "web team", "--due", "2100-01-01")
COMMANDS = [
    ("incident", "list"),
    ("incident", "note", INCIDENT, "web team called", "--at", "2018-01-05T09:41"),
    ("incident", "note", INCIDENT, "--assign", "press office"),
    ("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--text", "Checked."),
    ("incident", "draft", INCIDENT, "--fields"),
    ("incident", "draft", INCIDENT),
    ("incident", "step", INCIDENT),
    ("incident", "step", INCIDENT, "ask-platform", "ticket 1234", "--at", "2018-01-05T09:35"),
    ("incident", "action", "add", INCIDENT, *ACTION),
    ("incident", "action", "list"),
    ("incident", "action", "done", INCIDENT, "1"),
    ("incident", "grade", INCIDENT, "note", "--reason", "agreed"),
    ("incident", "add", "--release", "births-2016", "--what", "leaked", "--when", "2018-01-04"),
    ("incident", "close", INCIDENT, "--text", "over"),
    ("incident", "show", INCIDENT),
    ("silence", "add", "--producer", "ons", "--for", "2h", "--reason", "their site moves"),
    ("silence", "list"),
    ("explain", "births-2016"),
    ("explain", "birth-2016"),
    ("calendar", "history", "births-2016"),
    ("calendar", "history", "births"),
    ("calendar", "diff", "mine"),
    ("channel", "test", "disk"),
    ("today",),
    ("today", "--date", "2018-01-05"),
    ("today", "--date", "2030-01-04", "--json"),
    ("today", "--producer", "on"),
    ("ready", "--date", "2030-01-04"),
    ("incident", "note", "births"),
    ("incident", "action", "done", INCIDENT, "7"),
]
SIGN = ("incident", "sign", INCIDENT, "--anyway", "asked for", "--format", "md")


@contextmanager
def monitor_of(
    folder: Path, socket: str = "socket", configuration: str = "config.toml"
) -> Iterator[str]:
    """Serve the store of a folder on a socket and a port, in a thread. Return the address."""
    started, running = threading.Event(), list[tuple[asyncio.AbstractEventLoop, WebServer]]()

    async def serve() -> None:
        settings, path = read_settings(folder / "config.toml"), folder / socket
        local = LocalSocket(bind_local(path), path, (folder / configuration).resolve())
        with (
            closing(open_store(settings.store.url, durable=False)) as store,
            open_application(settings, folder, store, make_rotas(settings)) as application,
        ):
            bound = bind_address("127.0.0.1:0")
            for each in (bound, local.bound):
                each.listen()
            server = WebServer(application, bound, local=local)
            running.append((asyncio.get_running_loop(), server))
            started.set()
            await server.run()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    with log_only_errors():
        thread.start()
        assert started.wait(20)
        ((loop, server),) = running
        try:
            yield f"http://{server.address}"
        finally:
            loop.call_soon_threadsafe(server.stop)
            thread.join()


def with_users(folder: Path, *lines: str) -> None:
    users = folder / "users"
    users.touch(0o600)
    users.write_text("".join(f"{line}\n" for line in lines))
    append_config(folder, WEB)


def without_times(text: str, role: str) -> str:
    """Return what a command printed without what depends on the moment or on who acts."""
    without_clock = re.sub(r"\d\d?:\d\d(:\d\d)?(\.\d+)?|\d{8}T\d+|-[0-9a-f]{6}\b", "", text)
    # The length of the role decides where lines are wrapped.
    return " ".join(without_clock.replace(role, "ROLE").split())


def play(run_cli: RunCli, role: str, *options: str) -> list[tuple[int, str, str]]:
    """Run every command, and return its exit status and what it printed."""
    results = [run_cli(*options, *command) for command in COMMANDS]
    return [
        (one.status, without_times(one.out, role), without_times(one.err, role)) for one in results
    ]


def accounts(folder: Path) -> set[tuple[str, str]]:
    with opened_store(folder) as store:
        return {(act.account, act.role) for act in store.verdicts.acts(INCIDENT)}


def keep_store(folder: Path) -> bytes:
    return (folder / "store.db").read_bytes()


def test_commands_print_the_same_by_socket_by_token_and_without_a_monitor(
    run_cli: RunCli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way begins with the same store. The account is that of the way."""
    token, line = make_token_line("pager", TokenScope.DUTY)
    with_users(folder, line)
    store, before = folder / "store.db", keep_store(folder)
    without_monitor = play(run_cli, OPERATOR)
    operator = {(f"system:{own_name()}", OPERATOR)}
    assert accounts(folder) == operator
    store.write_bytes(before)
    with monitor_of(folder):
        assert play(run_cli, OPERATOR) == without_monitor
    assert accounts(folder) == operator
    store.write_bytes(before)
    with monitor_of(folder) as address:
        monkeypatch.setenv("NINETHIRTY_TOKEN", token)
        # No proxy gets a token in a request to this machine.
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        assert play(run_cli, "pager", "--url", address) == without_monitor
        refused = run_cli("--url", address, *SIGN, "--output", str(folder))
        assert (refused.status, refused.out) == (1, "")
        assert "token:pager may not sign" in refused.err
    assert accounts(folder) == {("token:pager", "pager")}


@pytest.mark.parametrize(
    "command",
    [
        ("today",),
        ("incident", "note", INCIDENT),
        ("calendar", "diff", "mine"),
        ("channel", "test", "desk"),
        ("silence", "add", "--producer", "ons", "--for", "2h", "--reason", "moves"),
        ("report", "series", "Births 2016"),
        ("export",),
    ],
)
def test_command_beside_a_monitor_opens_no_store(
    run_cli: RunCli, folder: Path, command: tuple[str, ...]
) -> None:
    with_users(folder)
    with monitor_of(folder):
        replace_in_config(folder, "/store.db", "/away/store.db")
        assert run_cli(*command).status == 0
    assert not (folder / "away").exists()


def test_monitor_remembers_who_tested_a_channel(run_cli: RunCli, folder: Path) -> None:
    with_users(folder, f'anne:system = "{own_name()}":duty statistician')
    with monitor_of(folder):
        assert run_cli("channel", "test", "desk").status == 0
        (folder / "outbox").rename(folder / "moved")
        (folder / "outbox").touch()
        assert run_cli("channel", "test", "desk").status == 1
    with opened_store(folder) as store:
        (act,) = store.verdicts.acts("desk")
    assert (act.account, act.what) == ("user:anne", CHANNEL_TESTED)


def test_head_signs_by_the_socket_but_duty_staff_do_not(run_cli: RunCli, folder: Path) -> None:
    with_users(folder, f'anne:system = "{own_name()}":duty statistician')
    with monitor_of(folder):
        refused = run_cli(*SIGN, "--output", str(folder))
        assert (refused.status, refused.out) == (1, "")
        assert "user:anne may not sign" in refused.err
        assert not (folder / INCIDENT).exists()
        (folder / "users").write_text(f'hope:system = "{own_name()}":deputy head:head\n')
        assert run_cli(*SIGN, "--output", str(folder)).status == 0
    assert "deputy head" in (folder / INCIDENT / "report.md").read_text(encoding="utf-8")
    assert accounts(folder) == {("user:hope", "deputy head")}


def test_status_shows_why_the_monitor_is_not_reliable(run_cli: RunCli, folder: Path) -> None:
    with_users(folder)
    with monitor_of(folder):
        shown, body = run_cli("status"), run_cli("status", "--json")
    assert (shown.status, shown.out) == (1, "NOT READY:\n  - no monitor runs here\n")
    assert (body.status, body.json) == (1, {"unready": ["no monitor runs here"], "status": {}})


def test_viewer_reads_neither_status_nor_history(run_cli: RunCli, folder: Path) -> None:
    with_users(folder, f'vic:system = "{own_name()}":reader:viewer')
    with monitor_of(folder):
        for verb in (
            ("status",),
            ("explain", "births-2016"),
            ("calendar", "history", "births-2016"),
        ):
            refused = run_cli(*verb)
            assert (refused.status, refused.out) == (1, "")


def test_viewer_sees_the_board_of_the_day(run_cli: RunCli, folder: Path) -> None:
    with_users(folder, f'vic:system = "{own_name()}":reader:viewer')
    with monitor_of(folder):
        shown, empty = (run_cli("today", "--date", f"2018-01-0{day}") for day in (5, 6))
    assert (shown.status, empty.status, shown.err + empty.err) == (0, 0, "")
    assert "births-2016" in shown.out
    assert "no release that is watched is promised for this day" in empty.out


def test_a_wrong_token_is_refused(
    run_cli: RunCli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_users(folder)
    with monitor_of(folder) as address:
        monkeypatch.setenv("NINETHIRTY_TOKEN", "wrong")
        answer = run_cli("--url", address, "incident", "list")
    assert (answer.status, answer.out, answer.err.count("\n")) == (1, "", 1)


def test_command_says_that_it_works_on_the_store_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["--config", str(folder / "config.toml"), "incident", "list", "--json"]) == 0
    assert capsys.readouterr().err == f"{OFFLINE}\n"


def test_socket_of_another_configuration_is_not_used(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case of both: the monitor of the default socket has another configuration, or this one."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    arguments = ["--config", str(folder / "config.toml"), "incident", "list"]
    for configuration, said in (("other.toml", f"{OFFLINE}\n"), ("config.toml", "")):
        with monitor_of(folder, configuration=configuration):
            assert status_of(arguments) == 0
        assert capsys.readouterr().err == said


def test_command_stops_beside_a_monitor_without_a_socket(run_cli: RunCli, folder: Path) -> None:
    with locked_store(f"sqlite:///{folder}/store.db"):
        refused = run_cli("incident", "list")
    assert (refused.status, refused.out) == (3, "")
    assert "name its [web] socket" in refused.err


def test_command_names_the_address_of_a_monitor_elsewhere(run_cli: RunCli, folder: Path) -> None:
    append_config(folder, '[web]\npublic_url = "https://board.example"\n')
    now = SystemClock().now()
    leader = Leader(LEADER, "a process", "north", 1, now, now + timedelta(hours=1))
    with write_store(folder) as tx:
        tx.save(leader)
    refused = run_cli("incident", "note", INCIDENT)
    assert (refused.status, refused.out, refused.err.count("\n")) == (3, "", 1)
    assert "the monitor north leads" in refused.err
    assert "--url https://board.example" in refused.err


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("monitor.example", "must begin with https://"),
        ("ftp://monitor.example", "must begin with https://"),
        ("https://monitor.example:port", "not an address"),
        ("http://monitor.example", "a token is sent by https only"),
    ],
)
def test_address_to_which_no_request_should_go_is_refused(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    monkeypatch.setenv("NINETHIRTY_TOKEN", "secret")
    refused = run_cli("--url", address, "incident", "list")
    assert (refused.status, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert reason in refused.err
    assert "secret" not in refused.err


def test_unreachable_address_is_an_environment_fault(run_cli: RunCli) -> None:
    refused = run_cli("--url", "http://127.0.0.1:9", "incident", "list")
    assert (refused.status, refused.out, refused.err.count("\n")) == (3, "", 1)


def test_a_release_that_is_not_known_is_none_and_any_other_refusal_is_told() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 404 if request.url.path.endswith("gone") else 401
        return httpx.Response(status, json={"status": status, "detail": "Sign in first."})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://monitor")
    with asyncio.Runner() as runner:
        api = Api(runner, client)
        assert api.get_unless(httpx.codes.NOT_FOUND, "/releases/gone") is None
        with pytest.raises(RefusedByMonitor, match="Sign in first"):
            api.get_unless(httpx.codes.NOT_FOUND, "/releases/births-2016")
        runner.run(client.aclose())
