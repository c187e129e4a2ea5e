"""Acknowledging an incident by link, button or token, and refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from markupsafe import escape

from alerts.signed_link import sign_token
from monitor.deliver.rules import Links
from monitor.web.credentials import Keys, SignedLink
from tests.unit.monitor.web.board import KEYS, WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import VIEWER, hidden_field, signed_in_board
from tests.worlds.instants import after_slot

WEEK = timedelta(days=7)


def late_incident_token(board: Board, key: bytes = KEYS.link) -> str:
    return sign_token(board.incident, after_slot(400) + WEEK, key)


async def test_opening_the_link_shows_a_button_and_changes_nothing(board: Board) -> None:
    for method in ("GET", "HEAD"):
        answer = await board.client.request(
            method, "/acknowledge", params={"token": late_incident_token(board)}
        )
        assert answer.status_code == 200
    page = await board.client.get("/acknowledge", params={"token": late_incident_token(board)})
    assert "I'm on it" in page.text
    assert 'method="post"' in page.text
    assert board.acknowledged_by() == []


async def test_button_acknowledges_the_incident_once(board: Board) -> None:
    form = {"token": late_incident_token(board), "role": "head of profession"}
    answer = await board.client.post("/acknowledge", data=form, follow_redirects=True)
    assert answer.status_code == 200
    # The role is that of the channel to which the link was sent, whatever the form says.
    assert board.acknowledged_by() == ["on call"]
    # The second press changes nothing.
    await board.client.post("/acknowledge", data=form)
    assert board.acknowledged_by() == ["on call"]


async def test_cause_is_given_on_the_link_without_a_password(board: Board) -> None:
    form = {"token": late_incident_token(board)}
    await board.client.post("/acknowledge", data=form)
    cause = form | {"cause": "certificate expired"}
    page = await board.client.post("/acknowledge", data=cause, follow_redirects=True)
    assert 'value="certificate expired"' in page.text
    assert board.late_incident().words["cause"] == "certificate expired"


async def test_link_with_a_wrong_token_is_refused(board: Board) -> None:
    signed_with_another_key, cut_off = (
        late_incident_token(board, b"another key"),
        late_incident_token(board)[:-2],
    )
    for token in ("", "nonsense", "%00", signed_with_another_key, cut_off):
        opened = await board.client.get("/acknowledge", params={"token": token})
        pressed = await board.client.post("/acknowledge", data={"token": token})
        assert (opened.status_code, pressed.status_code) == (403, 403)
    assert board.acknowledged_by() == []


async def test_expired_link_is_refused(board: Board) -> None:
    # The token lasts until a week after second 400. The clock of the board is already at second
    # 600.
    expired = late_incident_token(board)
    board.clock.seconds += WEEK.total_seconds()
    answer = await board.client.post("/acknowledge", data={"token": expired})
    assert answer.status_code == 403


async def test_every_link_is_refused_if_no_key_is_configured() -> None:
    async with a_board(keys=Keys()) as board:
        # Anyone can sign a token with an empty key.
        answer = await board.client.get(
            "/acknowledge", params={"token": late_incident_token(board, b"")}
        )
        assert answer.status_code == 403


async def test_client_must_wait_a_minute_after_twenty_wrong_link_tokens(board: Board) -> None:
    statuses = [await board.status_of("/acknowledge?token=x") for _ in range(25)]
    assert statuses == [403] * 20 + [429] * 5
    refused = await board.client.get("/acknowledge?token=x")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    board.clock.seconds += 61
    # The wait is over, so a wrong token is refused as such again.
    assert await board.status_of("/acknowledge?token=x") == 403


async def test_program_acknowledges_with_its_token(board: Board) -> None:
    answer = await board.client.post(
        f"/api/v1/incidents/{board.incident}/acknowledge",
        headers=WITH_TOKEN,
    )
    assert answer.status_code == 200
    assert answer.json()["acknowledged"]["by"] == "program"
    # The answer is the whole incident.
    assert answer.json()["drafts"]
    assert board.acknowledged_by() == ["program"]


@pytest.mark.parametrize(
    ("authorization", "body", "status"),
    [
        ("", "{}", 401),
        ("Bearer wrong", "{}", 401),
        ("Basic a token for programs", "{}", 401),
        ("Bearer a token for programs", "not JSON", 400),
        ("Bearer a token for programs", '["role"]', 400),
        ("Bearer a token for programs", '{"role": "' + "x" * 9000 + '"}', 400),
    ],
)
async def test_acknowledgement_by_a_program_is_refused_with_a_reason(
    board: Board, authorization: str, body: str, status: int
) -> None:
    """A case has a wrong token (401), or the right one with a body that is no JSON object, or too
    long (400).
    """
    address = f"/api/v1/incidents/{board.incident}/acknowledge"
    answer = await board.client.post(
        address, content=body, headers={"Authorization": authorization}
    )
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert board.acknowledged_by() == []


async def test_program_cannot_acknowledge_if_no_token_is_configured() -> None:
    async with a_board(keys=Keys()) as board:
        address = f"/api/v1/incidents/{board.incident}/acknowledge"
        # Anyone can send an empty token.
        answer = await board.client.post(address, json={}, headers={"Authorization": "Bearer "})
        assert answer.status_code == 401


async def test_unknown_incident_cannot_be_acknowledged(board: Board) -> None:
    answer = await board.client.post(
        "/api/v1/incidents/none/acknowledge", json={}, headers=WITH_TOKEN
    )
    assert answer.status_code == 404


async def test_acknowledge_link_opens_although_the_board_is_closed() -> None:
    async with a_board(public=False) as board:
        assert await board.status_of("/incidents") == 401
        page = await board.client.get("/acknowledge", params={"token": late_incident_token(board)})
        assert page.status_code == 200
        # The page of the link needs its styles.
        assert await board.status_of("/style.css") == 200


async def test_link_in_a_notice_names_its_incident_and_notice(board: Board) -> None:
    notice = board.store.outbox.notices(board.incident)[0]
    links = Links("https://board.example/", key=KEYS.link, lasts=WEEK)
    link = urlsplit(links.acknowledge_link(notice, "mail"))
    assert link.path == "/acknowledge"
    (token,) = parse_qs(link.query)["token"]
    # A link names its notice by the first characters, because it must be short.
    assert KEYS.read_link(token, board.clock.now()) == SignedLink(
        board.incident, notice.id[:8], "mail"
    )


async def test_link_of_a_notice_shows_that_notice_and_no_other() -> None:
    """Two notices are about one incident: the first with measurements, and a later one with the
    text A LATER WORD. Each has a link, which shows only that notice.
    """
    # The board is closed, because the reader of a link need not be signed in.
    async with a_board(public=False) as board:
        first = board.store.outbox.notices(board.incident)[0]
        later = replace(
            first, id="f" * 32, at=after_slot(500), subject="A LATER WORD", text="A LATER WORD"
        )
        with board.store.transaction() as tx:
            tx.add_notice(later, deliveries=())
        pages = {}
        for notice in (first, later):
            links = Links("https://board.example", key=KEYS.link, lasts=WEEK)
            link = links.acknowledge_link(notice, "mail")
            pages[notice.id] = await board.read_page(link.removeprefix("https://board.example"))
        assert str(escape(first.subject)) in pages[first.id]
        assert later.subject not in pages[first.id]
        assert later.subject in pages[later.id]
        # These words are in the measurements of the first notice.
        assert "still absent" in first.text
        assert "still absent" not in pages[later.id]


async def test_link_that_names_only_an_incident_shows_no_measurements() -> None:
    """Strangers may use a link, but it shows them only the measurements of the notice that it
    names.
    """
    async with a_board(public=False) as board:
        token = late_incident_token(board)
        page = (await board.client.get("/acknowledge", params={"token": token})).text
        assert "I'm on it" in page
        assert "Measured so far" not in page


async def test_link_leads_to_the_incident_if_no_key_is_configured(board: Board) -> None:
    notice = board.store.outbox.notices(board.incident)[0]
    links_without_key = Links(url="https://board.example", key=b"")
    assert (
        links_without_key.acknowledge_link(notice, "mail")
        == f"https://board.example/incidents/{board.incident}"
    )


async def test_notice_has_no_link_if_no_board_address_is_configured(board: Board) -> None:
    notice = board.store.outbox.notices(board.incident)[0]
    assert Links(url="", key=KEYS.link).acknowledge_link(notice, "mail") == ""


def test_repr_of_keys_and_links_shows_no_key() -> None:
    shown = repr(KEYS) + repr(Links("https://b.example", KEYS.link))
    assert [key for key in (KEYS.link, KEYS.token) if key.decode() in shown] == []


async def test_link_acknowledges_at_once_for_a_person_who_is_signed_in(users: Path) -> None:
    """Only as a page that a person opens: no preview, and no viewer."""
    link = "/acknowledge"
    async with signed_in_board(users) as board:
        token = {"token": late_incident_token(board)}
        await board.client.get(link, params=token, headers={"Sec-Purpose": "prefetch"})
        await board.client.head(link, params=token)
        assert board.acknowledged_by() == []
        page = await board.client.get(link, params=token)
        assert board.acknowledged_by() == ["duty statistician"]
        assert f'href="{board.incident_page}#draft"' in page.text
        await board.client.get(link, params=token)
        assert board.acknowledged_by() == ["duty statistician"]
    async with signed_in_board(users, VIEWER) as board:
        await board.client.get(link, params={"token": late_incident_token(board)})
        assert board.acknowledged_by() == []


async def test_all_incidents_are_acknowledged_by_one_confirmation(users: Path) -> None:
    """The early incident is closed, so only the late one waits."""
    async with signed_in_board(users) as board:
        assert 'href="/acknowledge-all">Acknowledge it</a>' in await board.read_page("/")
        page = await board.client.get("/acknowledge-all")
        form = {name: hidden_field(page, name) for name in ("guard", "incidents")}
        assert form["incidents"] == board.incident
        assert (await board.client.post("/acknowledge-all", data=form)).status_code == 303
        assert len(board.acknowledged_by()) == 1
        # A second press, or someone else in the meantime, changes nothing.
        await board.client.post("/acknowledge-all", data=form)
        assert len(board.acknowledged_by()) == 1
        assert "Every incident is acknowledged" in await board.read_page("/acknowledge-all")
        assert "/acknowledge-all" not in await board.read_page("/")


async def test_viewers_cannot_acknowledge_all(users: Path) -> None:
    async with signed_in_board(users, VIEWER) as board:
        assert "/acknowledge-all" not in await board.read_page("/")
        assert await board.status_of("/acknowledge-all") == 403
