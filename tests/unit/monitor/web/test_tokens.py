"""Tokens of programs: what each scope allows, and that file and log contain none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from monitor.web.credentials import TokenScope
from monitor.web.users import find_faults, make_token_line
from tests.unit.monitor.web.board import SILENCE_OF_R, Board, a_board
from tests.unit.monitor.web.people import rewrite_file


class Token(NamedTuple):
    """A token, and the line of the users file that allows it."""

    text: str
    line: str


Tokens = dict[TokenScope, Token]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return {scope: Token(*make_token_line(f"a-{scope}", scope)) for scope in TokenScope}


@pytest.fixture
def users(tmp_path: Path, tokens: Tokens) -> Path:
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text("".join(f"{token.line}\n" for token in tokens.values()))
    return file


@pytest.fixture
async def board(users: Path) -> AsyncIterator[Board]:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        yield board


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def statuses_with_token(board: Board, token: str) -> dict[str, int]:
    """Request metrics, a page, the API, an acknowledgement and a silence with a token.

    Return each status by name.
    """
    statuses = {}
    for name, path in (("metrics", "/metrics"), ("page", "/status"), ("api", "/api/v1/releases")):
        statuses[name] = (await board.client.get(path, headers=bearer(token))).status_code
    acknowledge = f"/api/v1/incidents/{board.incident}/acknowledge"
    for name, path, body in (
        ("acknowledge", acknowledge, {}),
        ("silence", "/api/v1/silences", SILENCE_OF_R),
    ):
        statuses[name] = (
            await board.client.post(path, json=body, headers=bearer(token))
        ).status_code
    return statuses


@pytest.mark.parametrize(
    ("scope", "status_by_request"),
    [
        (
            TokenScope.METRICS,
            {"metrics": 200, "page": 401, "api": 401, "acknowledge": 403, "silence": 401},
        ),
        (
            TokenScope.EMBARGOED,
            {"metrics": 401, "page": 401, "api": 401, "acknowledge": 403, "silence": 401},
        ),
        (
            TokenScope.READ,
            {"metrics": 200, "page": 200, "api": 200, "acknowledge": 403, "silence": 403},
        ),
        (
            TokenScope.DUTY,
            {"metrics": 200, "page": 200, "api": 200, "acknowledge": 200, "silence": 201},
        ),
    ],
)
async def test_token_allows_only_what_its_scope_covers(
    board: Board, tokens: Tokens, scope: TokenScope, status_by_request: dict[str, int]
) -> None:
    """A case is a scope and the status of each request. For example, a token with the scope READ
    reads the API (200) but cannot acknowledge (403).
    """
    assert await statuses_with_token(board, tokens[scope].text) == status_by_request
    assert board.acknowledged_by() == (["a-duty"] if scope is TokenScope.DUTY else [])


async def test_unknown_token_opens_nothing(board: Board) -> None:
    assert set((await statuses_with_token(board, "wrong")).values()) == {401}


async def test_token_ends_when_its_line_is_removed(
    board: Board, users: Path, tokens: Tokens
) -> None:
    token, line = tokens[TokenScope.READ]
    assert (await board.client.get("/api/v1/releases", headers=bearer(token))).status_code == 200
    rewrite_file(users, f"# {line}\n")
    assert (await board.client.get("/api/v1/releases", headers=bearer(token))).status_code == 401


async def test_log_and_users_file_contain_no_token(board: Board, tokens: Tokens) -> None:
    """A program sends its token, and then the token with a letter too many. The log must have
    neither. The line for the users file has only a hash of the token.
    """
    token, line = tokens[TokenScope.DUTY]
    with capture_logs() as logs:
        await statuses_with_token(board, token)
        await statuses_with_token(board, f"{token}x")
    assert token not in str(logs)
    assert token not in line
    # The line of a token is valid in a users file.
    assert all(entry["event"] != "users_faulty" for entry in logs)


async def test_token_of_a_program_cannot_send_a_form_for_people(
    board: Board, tokens: Tokens
) -> None:
    # The form of a person has a guard, a hidden field of their session. A program has no session.
    address, form = f"{board.incident_page}/acknowledge", {"guard": ""}
    answer = await board.client.post(
        address, data=form, headers=bearer(tokens[TokenScope.DUTY].text)
    )
    assert (answer.status_code, board.acknowledged_by()) == (403, [])


def test_users_file_with_only_tokens_is_valid(users: Path) -> None:
    assert list(find_faults(users)) == []


def test_fault_of_a_token_line_does_not_contain_its_hash(users: Path) -> None:
    users.write_text("a-b:$sha256$abc:read\n")
    (fault_of_line, fault_of_file) = find_faults(users)
    assert (
        fault_of_line
        == "users: line 1: the token of a-b is not one that `ninethirty user --token` makes"
    )
    assert "no one can sign in" in fault_of_file  # it has no valid line
