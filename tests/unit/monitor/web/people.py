"""People of a board who may act, and the forms that they send."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from monitor.web.sessions import Sessions
from monitor.web.users import Password, Right
from tests.unit.monitor.web.board import Board, a_board

SECRET = "correct horse battery"
SESSION_COOKIE = "ninethirty"
DUTY, HEAD, VIEWER, WITHOUT_ROLE = "anne", "hope", "vic", "noel"
PEOPLE = {
    DUTY: ("duty statistician", Right.DUTY),
    HEAD: ("head of profession", Right.HEAD),
    VIEWER: ("reader", Right.VIEWER),
    WITHOUT_ROLE: ("", Right.DUTY),
}


def rewrite_file(file: Path, text: str) -> None:
    """Replace a file from a test that runs on the event loop."""
    file.write_text(text)


def hidden_field(page: httpx.Response, name: str) -> str:
    """Return the value of a hidden field of a form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None
    return found[1]


async def sign_in(
    board: Board, name: str = DUTY, password: str = SECRET, where: str = "/"
) -> httpx.Response:
    """Sign in by the form. `where` is the page to go to afterwards."""
    page = await board.client.get("/sign-in", params={"next": where})
    mark, next_page = hidden_field(page, "mark"), hidden_field(page, "next")
    form = {"name": name, "password": password, "mark": mark, "next": next_page}
    return await board.client.post("/sign-in", data=form)


async def session_headers(sessions: Sessions | None, name: str) -> dict[str, str]:
    """Sign a person in, and return the headers of their requests."""
    assert sessions is not None
    key = await sessions.sign_in(name, SECRET, "127.0.0.1")
    return {"Cookie": f"{SESSION_COOKIE}={key}", "Accept": "*/*"}


def users_file(folder: Path) -> Path:
    """Write a file of people of every right."""
    file = folder / "users"
    file.touch(0o600)
    # As weak as is still taken: a hundred tests sign in.
    kept = Password(bytes(16), ln=14, p=1)
    salt, digest = (b64encode(part).decode().rstrip("=") for part in (kept.salt, kept.hash(SECRET)))
    hashed = f"$scrypt$ln=14,r=8,p=1${salt}${digest}"
    file.write_text(
        "".join(f"{name}:{hashed}:{role}:{right}\n" for name, (role, right) in PEOPLE.items())
    )
    return file


@asynccontextmanager
async def signed_in_board(users: Path, name: str = DUTY) -> AsyncIterator[Board]:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        await sign_in(board, name)
        yield board


ACCESS = {
    (200, 200, 200): "every page",
    (200, 200, 403): "every page but /status",
    (303, 303, 303): "no page before sign-in",
    (401, 401, 401): "no page",
}


async def read_access(client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> str:
    """Return in words which of the board, the incidents and the status page a client may read."""
    paths = ("/", "/incidents", "/status")
    statuses = tuple([(await client.get(path, headers=headers)).status_code for path in paths])
    return ACCESS.get(statuses, str(statuses))  # type: ignore[arg-type] # as many as paths


async def read_form(board: Board, where: str) -> dict[str, str]:
    """Return what the form of a page sends if no one edits it, with all boxes."""
    page = await board.client.get(where)
    found = {
        name: hidden_field(page, name)
        for name in ("guard", "version")
        if f'name="{name}"' in page.text
    }
    texts = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n([^<]*)</textarea>', page.text)
    steps = re.findall(r'<input [^>]*name="((?:at|note)\.[^"]+)"[^>]* value="([^"]*)"', page.text)
    ticks = re.findall(r'name="(tick[^"]+)"[^>]* checked', page.text)
    return found | dict(texts) | dict(steps) | dict.fromkeys(ticks, "on")


async def send_incident_form(
    board: Board,
    *changes: dict[str, str],
    form: dict[str, str] | None = None,
    mail: bytes | None = None,
    attachment: tuple[str, bytes] | None = None,
) -> httpx.Response:
    """Send the form of the late incident as it is now, or `form`, with changes and an e-mail if one
    is given.
    """
    sent = form if form is not None else await read_form(board, board.incident_page)
    for change in changes:
        sent = sent | change
    files: dict[str, tuple[str, bytes, str]] = {}
    if mail is not None:
        files["mail"] = ("alert.eml", mail, "message/rfc822")
    if attachment is not None:
        files["attachment"] = (*attachment, "application/octet-stream")
    return await board.client.post(f"{board.incident_page}/draft", data=sent, files=files or None)
