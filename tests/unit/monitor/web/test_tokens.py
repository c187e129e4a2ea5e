"""Tokens of programs: what each scope allows, and that file and log contain none."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.web.credentials import TokenScope
from monitor.web.users import find_faults, make_token_line
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.test_acknowledge import acknowledged_by
from tests.unit.monitor.web.test_signin import rewrite

TAKE = "/api/v1/incidents/{}/acknowledge"
HOLD = {"of": "release", "name": "r", "until": "2018-01-05T12:00:00Z", "reason": "moves", "role": "web team"}


@pytest.fixture(scope="module")
def tokens() -> dict[TokenScope, tuple[str, str]]:
    return {scope: make_token_line(f"a-{scope}", scope) for scope in TokenScope}


@pytest.fixture
def users(tmp_path: Path, tokens: dict[TokenScope, tuple[str, str]]) -> Path:
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text("".join(f"{line}\n" for _, line in tokens.values()))
    return file


async def statuses(board: Board, token: str) -> list[int]:
    """Return what metrics, a page, the API, an acknowledgement and a silence answer to a token."""
    shown = {"Authorization": f"Bearer {token}"}
    found = [await board.client.get(path, headers=shown) for path in ("/metrics", "/status", "/api/v1/releases")]
    posted = ((TAKE.format(board.incident), {"role": "web team"}), ("/api/v1/silences", HOLD))
    found += [await board.client.post(path, json=body, headers=shown) for path, body in posted]
    return [one.status_code for one in found]


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        (TokenScope.METRICS, [200, 401, 401, 403, 401]),
        (TokenScope.READ, [200, 200, 200, 403, 403]),
        (TokenScope.DUTY, [200, 200, 200, 200, 201]),
        (None, [401] * 5),
    ],
)
async def test_token_allows_only_its_scope(
    users: Path, tokens: dict[TokenScope, tuple[str, str]], scope: TokenScope | None, opens: list[int]
) -> None:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        assert await statuses(board, tokens[scope][0] if scope else "wrong") == opens
        assert acknowledged_by(board) == (["web team"] if scope is TokenScope.DUTY else [])


async def test_token_ends_when_its_line_is_removed(users: Path, tokens: dict[TokenScope, tuple[str, str]]) -> None:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        token, line = tokens[TokenScope.READ]
        assert (await statuses(board, token))[2] == 200
        rewrite(users, f"# {line}\n")
        assert (await statuses(board, token))[2] == 401


async def test_log_and_file_contain_no_token(users: Path, tokens: dict[TokenScope, tuple[str, str]]) -> None:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        token, line = tokens[TokenScope.DUTY]
        with capture_logs() as logs:
            await statuses(board, token)
            await statuses(board, f"{token}x")
    assert token not in str(logs)
    assert token not in line
    assert all(entry["event"] != "users_faulty" for entry in logs)


async def test_a_token_does_not_allow_a_form_of_a_signed_in_person(
    users: Path, tokens: dict[TokenScope, tuple[str, str]]
) -> None:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        shown = {"Authorization": f"Bearer {tokens[TokenScope.DUTY][0]}"}
        form = {"guard": "", "role": "web team"}
        answer = await board.client.post(f"/incidents/{board.incident}/acknowledge", data=form, headers=shown)
        assert (answer.status_code, acknowledged_by(board)) == (403, [])


def test_file_with_only_programs_is_valid_and_faults_contain_no_hash(users: Path) -> None:
    assert list(find_faults(users)) == []
    users.write_text("a-b:$sha256$abc:read\n")
    (result, nobody) = find_faults(users)
    assert result == "users: line 1: the token of a-b is not one that `ninethirty user --token` makes"
    assert "no one can sign in" in nobody
