"""Users of the machine who connect to the Unix socket: who they are, and what each may do."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from monitor.errors import PortTaken
from monitor.web.local_socket import (
    CONFIGURATION_HEADER,
    LocalSocket,
    bind_local,
    default_paths,
    own_name,
    paths_to_try,
    read_peer,
)
from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import SILENCE_OF_R, WITH_TOKEN, Board, a_board

CONFIGURATION = Path("/etc/ninethirty/config.toml")
Served = tuple[Board, httpx.AsyncClient]


@asynccontextmanager
async def served(folder: Path, users: str = "") -> AsyncIterator[Served]:
    """Serve a board on a socket to this process, with a users file of these lines."""
    file = folder / "users"
    file.touch(0o600)
    file.write_text(users)
    path = folder / "socket"
    async with a_board(public=False, users=file) as board:
        local = LocalSocket(bind_local(path), path, CONFIGURATION)
        server = WebServer(board.app, bind_address("127.0.0.1:0"), local=local)
        serving = asyncio.create_task(server.run())
        local.bound.listen()
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                yield board, client
        finally:
            server.stop()
            await serving
    assert not path.exists()


async def acknowledge(board: Board, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(f"/api/v1/incidents/{board.incident}/acknowledge", json={})


async def test_user_without_a_line_acts_as_the_operator(tmp_path: Path) -> None:
    async with served(tmp_path) as (board, client):
        answer = await acknowledge(board, client)
        assert answer.json()["acknowledged"]["by"] == "operator of the monitor"
        (act,) = board.store.verdicts.acts(board.incident)
        assert (act.account, act.role) == (f"system:{own_name()}", "operator of the monitor")
        assert (await client.get("/status")).status_code == 200


async def test_who_comes_through_a_proxy_is_not_the_user_of_the_proxy(tmp_path: Path) -> None:
    async with served(tmp_path) as (board, client):
        client.headers["X-Forwarded-For"] = "192.0.2.1"
        assert (await acknowledge(board, client)).status_code == 401
        assert (await client.get("/api/v1/releases")).status_code == 401


@pytest.mark.parametrize("faults", [[], ["config.toml: listen: must be a port"]])
async def test_user_of_the_machine_reloads_the_configuration(
    tmp_path: Path, faults: list[str]
) -> None:
    async def reload() -> list[str]:
        return faults

    async with served(tmp_path) as (board, client):
        assert (await client.post("/api/v1/reload", json={})).status_code == 409  # none runs
        board.queries.reload = reload
        answer = await client.post("/api/v1/reload", json={})
        assert answer.json() == {"taken": not faults, "faults": faults}
        refused = await board.client.post("/api/v1/reload", json={}, headers=WITH_TOKEN)
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "line",
    [
        'anne:system = "{user}":duty statistician',
        'anne:$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA${digest}:duty statistician:system="{user}"',
    ],
)
async def test_line_of_the_users_file_names_the_user(tmp_path: Path, line: str) -> None:
    """A case is a line that says who a user of the machine is, without or with a password."""
    users = line.format(user=own_name(), digest="A" * 43)
    async with served(tmp_path, users) as (board, client):
        answer = await acknowledge(board, client)
        assert answer.json()["acknowledged"]["by"] == "duty statistician"
        (act,) = board.store.verdicts.acts(board.incident)
        assert act.account == "user:anne"


async def test_viewer_neither_acts_nor_reads_what_is_for_staff(tmp_path: Path) -> None:
    users = f'vic:system = "{own_name()}":reader:viewer'
    async with served(tmp_path, users) as (board, client):
        assert (await acknowledge(board, client)).status_code == 403
        assert (await client.post("/api/v1/silences", json=SILENCE_OF_R)).status_code == 403
        assert (await client.get("/status")).status_code == 403
        assert (await client.get("/api/v1/releases/r")).status_code == 200
        assert not board.store.verdicts.acts(board.incident)


async def test_command_for_another_configuration_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as (_board, client):
        for configuration, status in ((CONFIGURATION, 200), (Path("other.toml"), 421)):
            headers = {CONFIGURATION_HEADER: str(configuration)}
            answer = await client.get("/api/v1/incidents", headers=headers)
            assert answer.status_code == status


async def test_no_header_makes_a_client_of_the_port_a_user_of_the_machine(tmp_path: Path) -> None:
    async with served(tmp_path) as (board, _client):
        headers = {"X-Forwarded-User": own_name(), "Host": "localhost"}
        asked = await board.client.get("/status", headers=headers)
        assert asked.status_code == 401


def test_socket_is_for_its_owner_and_group(tmp_path: Path) -> None:
    with bind_local(tmp_path / "new" / "socket"):
        mode = (tmp_path / "new" / "socket").stat().st_mode
    assert stat.S_IMODE(mode) == 0o660


def test_socket_of_a_killed_monitor_is_replaced_but_not_that_of_a_running_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "socket"
    bind_local(path).close()
    with bind_local(path) as bound:
        bound.listen()
        with pytest.raises(PortTaken, match="another monitor does"):
            bind_local(path)


def test_path_that_cannot_be_a_socket_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 120), tmp_path):
        with pytest.raises(PortTaken):
            bind_local(path)


def test_file_that_is_no_socket_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("rows")
    with pytest.raises(PortTaken, match="it is a file, but not a socket"):
        bind_local(file)
    with socket.socket(socket.AF_UNIX) as unused:
        LocalSocket(unused, file, CONFIGURATION).remove()
    assert file.read_text() == "rows"


EVIDENCE = Path("var/evidence")


@pytest.mark.parametrize(
    ("environ", "first"),
    [
        ({"RUNTIME_DIRECTORY": "/run/ninethirty"}, "/run/ninethirty/socket"),
        ({"RUNTIME_DIRECTORY": "/run/x", "XDG_RUNTIME_DIR": "/run/user/1"}, "/run/x/socket"),
        ({"XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/ninethirty/socket"),
        ({}, "var/evidence/web.sock"),
    ],
)
def test_socket_is_in_the_folder_of_the_service_of_the_user_or_of_the_evidence(
    environ: dict[str, str], first: str
) -> None:
    paths = list(default_paths(environ, EVIDENCE))
    assert (paths[0], paths[-1]) == (Path(first), EVIDENCE / "web.sock")
    # A command of any user finds the socket of the service too.
    assert list(paths_to_try(environ, EVIDENCE)) == [Path("/run/ninethirty/socket"), *paths]


def test_clients_of_other_sockets_have_no_user() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs, socket.socket(socket.AF_INET) as other:
        assert read_peer(ours) is not None
        assert read_peer(other) is None
