"""A typo in an address for programs never gives other data; addresses for people forgive."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message

from monitor.errors import UserFault
from monitor.web import api
from monitor.web.operations import describe_api
from monitor.web.request import read_form_with_files
from tests.unit.monitor.web.board import a_board

DAY = "2018-01-05"
FOR_PROGRAMS = [one for one in api.ROUTES if one.path.startswith("/api/")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?date=2018-01-04", "date: unknown parameter, known are format, from, to, producer, after, limit"),
        (
            "?from=2018-01-04&producr=ofqual",
            "producr: unknown parameter, known are format, from, to, producer, after, limit",
        ),
        ("?From=2018-01-04", "From: unknown parameter, known are format, from, to, producer, after, limit"),
        ("?from=2018-01-04&from=2018-01-05", "from: given more than once"),
        ("?=2018-01-04", "(no name): unknown parameter, known are format, from, to, producer, after, limit"),
        (f"?{'x' * 500}=%0d%0a", f"{'x' * 39}…: unknown parameter, known are format, from, to, producer, after, limit"),
    ],
)
async def test_unknown_parameter_is_refused_with_the_known_ones(query: str, expected: str) -> None:
    async with a_board() as board:
        answer = await board.client.get(f"/api/v1/releases{query}")
        assert (answer.status_code, answer.json()["detail"]) == (400, expected)


@pytest.mark.parametrize("route", FOR_PROGRAMS, ids=lambda route: route.path)
async def test_every_api_address_refuses_unknown_parameters(route: Route) -> None:
    async with a_board() as board:
        path = route.path.replace("{release}", "r").replace("{incident}", board.incident).replace("{ending}", "md")
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        answer = await board.client.request(method, path, params={"verdict": "late"})
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("verdict: unknown parameter, ")


@pytest.mark.parametrize("path", ["/api/v1/releases", "/api/v1/incidents"])
async def test_days_in_the_wrong_order_give_an_empty_list(path: str) -> None:
    async with a_board() as board:
        answer = await board.client.get(path, params={"from": "2018-01-05", "to": "2018-01-04"})
        assert (answer.status_code, answer.json()[path.rpartition("/")[2]], answer.json()["next"]) == (200, [], None)


async def test_every_described_parameter_is_accepted() -> None:
    async with a_board() as board:
        (first, *_) = (await board.client.get("/api/v1/events")).json()["events"]
        asked = {"producer": "ofqual", "open": "true", "release": first["release"], "limit": "5"}
        places = {"releases": f"{DAY}T09:00:00.000Z/r", "incidents": board.incident, "events": first["id"]}
        asked |= {"document": "evidence", "format": "json"}
        for path, result in describe_api(api.ROUTES)["paths"].items():
            names = [one["name"] for one in result.get("get", {}).get("parameters", ()) if one["in"] == "query"]
            values = {name: asked.get(name, DAY) for name in names}
            values |= {"after": places[path.rpartition("/")[2]]} if "after" in names else {}
            if values:
                address = path.replace("{incident}", board.incident).replace("{ending}", "md")
                assert (await board.client.get(address, params=values)).status_code == 200


async def test_page_without_parameters_ignores_unknown_ones() -> None:
    async with a_board() as board:
        for page in ("/incidents?utm=1", f"/incidents/{board.incident}?x", "/status?x=1"):
            assert (await board.client.get(page)).status_code == 200


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nD\xc5\xb5r.\r\n'
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nagain\r\n'
    b'--b\r\nContent-Disposition: form-data; name="mail"; filename="a.eml"\r\n\r\n\x00\xff\r\n--c\r\n\r\n'
    b'--b\r\nContent-Disposition: form-data; name="none"; filename=""\r\n\r\n\r\n--b--\r\n'
)


def a_form(body: bytes, sent_as: str = "multipart/form-data; boundary=b") -> Request:
    """Return a request that sends a form in pieces of 7 bytes."""
    pieces = iter([body[start : start + 7] for start in range(0, len(body), 7)])

    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", sent_as.encode())]}, receive)


async def test_form_with_a_file_keeps_every_byte_of_it_and_the_first_value_of_a_field() -> None:
    fields, files = await read_form_with_files(a_form(FORM), 1000, 4, 1000)
    assert fields == {"text": "Dŵr."}
    assert files == {"mail": b"\x00\xff\r\n--c\r\n"}


@pytest.mark.parametrize(
    ("body", "sent_as", "limits", "line"),
    [
        (FORM, "multipart/form-data", (1000, 4, 1000), "arrived damaged"),
        (FORM, "multipart/form-data; boundary=other", (1000, 4, 1000), "arrived damaged"),
        (b"--b\r\nno header\r\n\r\n", "multipart/form-data; boundary=b", (1000, 4, 1000), "arrived damaged"),
        (FORM.replace(b'name="mail"; ', b""), "multipart/form-data; boundary=b", (1000, 4, 1000), "arrived damaged"),
        (FORM[:-20], "multipart/form-data; boundary=b", (1000, 4, 1000), "arrived damaged"),
        (FORM, "multipart/form-data; boundary=b", (1000, 1, 1000), "too many fields"),
        (FORM, "multipart/form-data; boundary=b", (1000, 3, 1000), "too many fields"),
        (FORM, "multipart/form-data; boundary=b", (100, 4, 1000), "the texts must not be longer than 100 bytes"),
        (FORM, "multipart/form-data; boundary=b", (1000, 4, 100), "the body must not be longer than 100 bytes"),
    ],
    ids=["no boundary", "another", "no header", "no name", "cut off", "fields", "with files", "texts", "body"],
)
async def test_form_that_is_damaged_or_too_large_is_one_clear_line(
    body: bytes, sent_as: str, limits: tuple[int, int, int], line: str
) -> None:
    with pytest.raises(UserFault, match=line):
        await read_form_with_files(a_form(body, sent_as), *limits)
