"""A typo in an address for programs is refused. Addresses for people are forgiving."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message

from monitor.errors import UserFault
from monitor.web import api
from monitor.web.operations import describe_api
from monitor.web.request import read_form_with_files
from tests.unit.monitor.web.board import Board
from tests.worlds.releases import a_release

DAY = "2018-01-05"
UNKNOWN = "unknown parameter, known are format, from, to, producer, after, limit"
FOR_PROGRAMS = [one for one in api.ROUTES if one.path.startswith("/api/")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date=2018-01-04", f"date: {UNKNOWN}"),
        ("from=2018-01-04&producr=ofqual", f"producr: {UNKNOWN}"),
        ("From=2018-01-04", f"From: {UNKNOWN}"),
        ("from=2018-01-04&from=2018-01-05", "from: given more than once"),
        ("=2018-01-04", f"(no name): {UNKNOWN}"),
        (f"{'x' * 500}=%0d%0a", f"{'x' * 39}…: {UNKNOWN}"),
    ],
)
async def test_unknown_or_repeated_parameter_is_refused(
    board: Board, query: str, expected: str
) -> None:
    """For example, `From=2018-01-04` is refused, because the name of the parameter is `from`. A
    very long name is cut to 40 characters in the reason.
    """
    answer = await board.client.get(f"/api/v1/releases?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (400, expected)


@pytest.mark.parametrize("route", FOR_PROGRAMS, ids=lambda route: route.path)
async def test_every_api_address_refuses_unknown_parameters(board: Board, route: Route) -> None:
    path = (
        route.path_format.replace("{release}", "r")
        .replace("{incident}", board.incident)
        .replace("{ending}", "md")
        .replace("{kind}", "csv")
    )
    method = "POST" if "POST" in (route.methods or ()) else "GET"
    # Parameters are checked before the token and the body of a POST.
    # No address has a parameter `verdict`.
    answer = await board.client.request(method, path, params={"verdict": "late"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("verdict: unknown parameter, ")


@pytest.mark.parametrize("path", ["/api/v1/releases", "/api/v1/incidents"])
async def test_days_in_the_wrong_order_are_refused(board: Board, path: str) -> None:
    """A case is the list of releases or of incidents."""
    answer = await board.client.get(path, params={"from": "2018-01-05", "to": "2018-01-04"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "to: must not be a day before `from`"


async def test_every_described_parameter_is_accepted(board: Board) -> None:
    """Each address that a program can read is requested once, with a valid value for each of its
    parameters.
    """
    (first, *_) = (await board.read_json("/api/v1/events"))["events"]
    valid = {"producer": "ofqual", "open": "true", "release": first["release"], "limit": "5"}
    valid |= {"document": "evidence", "format": "json", "from": DAY, "to": DAY, "date": DAY}
    valid |= {"version": "1", "incident": board.incident, "include": "all", "drafts": "true"}
    valid |= {
        "at": "2018-01-05T10:00:00Z",
        "host": "www.gov.uk",
        "series": a_release().title,
        "what": "events",
    }
    # `after` is the position in a list at which its page before ended. Each list has its own kind
    # of position.
    valid_after = {
        "releases": f"{DAY}T09:00:00.000Z/r",
        "incidents": board.incident,
        "events": first["id"],
    }
    for path, operations in describe_api(api.ROUTES)["paths"].items():
        parameters = operations.get("get", {}).get("parameters", ())
        names = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]
        last_part = path.rpartition("/")[2]
        values = {
            name: valid_after[last_part] if name == "after" else valid[name] for name in names
        }
        if values:
            address = path.replace("{incident}", board.incident).replace("{ending}", "md")
            address = address.replace("{release}", "r").replace("{kind}", "csv")
            assert (await board.client.get(address, params=values)).status_code == 200


async def test_page_for_people_ignores_unknown_parameters(board: Board) -> None:
    for page in ("/incidents?utm=1", f"/incidents/{board.incident}?x", "/status?x=1"):
        assert await board.status_of(page) == 200


def form_body(*texts: tuple[str, str], mail: bytes) -> bytes:
    """Return a form with boundary `b`: named texts, the file `mail`, and a field in which no file
    was chosen.
    """
    begins, ends = "--b\r\nContent-Disposition: form-data; ", b"\r\n"
    fields = [f'{begins}name="{name}"\r\n\r\n{text}'.encode() for name, text in texts]
    fields.append(f'{begins}name="mail"; filename="a.eml"\r\n\r\n'.encode() + mail)
    fields.append(f'{begins}name="none"; filename=""\r\n\r\n'.encode())
    return b"".join(field + ends for field in fields) + b"--b--\r\n"


FORM = form_body(("text", "Dŵr."), ("text", "again"), mail=b"From: a\r\n")
MULTIPART = "multipart/form-data; boundary=b"


def request_with_form(body: bytes, content_type: str = MULTIPART) -> Request:
    pieces = iter([body[start : start + 7] for start in range(0, len(body), 7)])

    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return Request(
        {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]},
        receive,
    )


FORM_FIELDS = 4
LIMITS = {"longest": 1000, "most": FORM_FIELDS, "longest_with_files": 1000}


async def test_form_keeps_file_bytes_and_first_value_of_a_field() -> None:
    """A form has the field `text` twice, a file, and a field in which no file was chosen.

    The last one is left out.
    """
    # The line "--b" separates the fields of the form. So "--c" is only a part of the file.
    mail = b"\x00\xff\r\n--c\r\n"
    form = form_body(("text", "Dŵr."), ("text", "again"), mail=mail)
    fields, files = await read_form_with_files(request_with_form(form), **LIMITS)
    assert fields == {"text": "Dŵr.", "mail.filename": "a.eml"}
    assert files == {"mail": mail}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (FORM, "multipart/form-data"),
        (FORM, "multipart/form-data; boundary=other"),
        (b"--b\r\nno header\r\n\r\n", MULTIPART),
        (FORM.replace(b'name="mail"; ', b""), MULTIPART),
        (FORM[:-20], MULTIPART),
    ],
    ids=["no boundary", "another boundary", "no header", "no name", "cut off"],
)
async def test_damaged_form_is_refused(body: bytes, content_type: str) -> None:
    """`FORM` is valid and of type `MULTIPART`.

    In each case, its type or its body is damaged, for example cut off.
    """
    with pytest.raises(UserFault, match="arrived damaged"):
        await read_form_with_files(request_with_form(body, content_type), **LIMITS)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"most": 1}, "too many fields"),
        ({"most": FORM_FIELDS - 1}, "too many fields"),
        ({"longest": 100}, "the texts must not be longer than 100 bytes"),
        ({"longest_with_files": 100}, "the body must not be longer than 100 bytes"),
    ],
    ids=str,
)
async def test_form_over_a_limit_is_refused(limit: dict[str, int], message: str) -> None:
    """`FORM` has four fields.

    A case lowers one limit: on fields, on bytes of text, or on bytes with files.
    """
    with pytest.raises(UserFault, match=message):
        await read_form_with_files(request_with_form(FORM), **LIMITS | limit)


async def test_id_with_slashes_has_a_page(board: Board) -> None:
    """People may give a release an id such as `births/2026/july`."""
    for path in ("/releases/births/2026/july", "/api/v1/releases/births/2026/july"):
        answer = await board.client.get(path)
        # Not "There is nothing at": the page knows which release was meant.
        assert "births/2026/july" in answer.text
        assert "no release" in answer.text
