"""Releases and addresses that people add on pages: stored content, refusals and permissions."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from alerts.by_hand import InvalidInput
from monitor.look.guard import Guard, RefusedAddress, make_guard
from monitor.look.http.resolve import Resolver, Route
from monitor.store.rows import Announced, CalendarRead
from monitor.web.by_hand import read_slot
from monitor.web.hand_calendar import (
    HandCalendar,
    add_address,
    add_release,
    remove_addition,
    write_toml,
)
from schedules.source import Page
from schedules.sources.toml import TomlSource, toml_faults
from tests.unit.monitor.web.board import WITH_TOKEN, Board
from tests.unit.monitor.web.people import (
    VIEWER,
    WITHOUT_ROLE,
    hidden_field,
    sign_in,
    signed_in_board,
)
from tests.worlds.calendars import calendar_settings
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.releases import PAGE_URL, a_promise, a_release

ADDED = {
    "title": "Widget statistics: January 2018",
    "producer": "Ofqual",
    "url": "https://stats.example/widgets",
    "day": "12/01/2018",
    "time": "9.30am",
}
NINE_THIRTY = datetime.fromisoformat("2018-01-12T09:30")
SLOT_OF_COMING = after_slot(10 * 86400)


def resolving(host: str, port: int, tls: bool) -> Route:  # noqa: FBT001 # as a router is called
    """Know the addresses of these hosts as a name server would."""
    if host == "inside.example":
        raise RefusedAddress("inside.example resolves to 10.1.2.3, which is not public")
    if host == "unknown.example":
        raise OSError(0, "no such name")
    return Route("192.0.2.1", port, tls)


def a_calendar(folder: Path, guard: Guard | None = None) -> HandCalendar:
    return HandCalendar(folder / "by-hand.toml", Resolver(guard or make_guard([]), resolving))


def add_hand_calendar(board: Board, folder: Path, fault: str = "") -> None:
    """Give a board a calendar to which people add, and a coming release.

    `fault`: why the calendar cannot be read.
    """
    board.queries.by_hand = a_calendar(folder)
    board.queries.producers = {"ofqual": "Ofqual"}
    board.judge_unwatched()

    async def read(calendar: str) -> CalendarRead:
        """Store the entries of the file as a read of it does, each as a release of its own or of
        `of`.
        """
        now, tables = board.clock.now(), read_entries(folder)
        rows = [
            Announced("by-hand", one["id"], {}, now, now, None, one.get("of") or one["id"])
            for one in tables
        ]
        own = [one for one in tables if not one.get("of")]
        with board.store.transaction() as tx:
            for one in own:
                tx.save(a_release(id=one["id"], title=one["title"], url=one["url"]))
            tx.add_promises([a_promise(SLOT_OF_COMING, release=one["id"]) for one in own])
            tx.save(*rows)
        return CalendarRead(calendar, now, now, usable=not fault, fault=fault)

    board.queries.read_calendar = read
    with board.store.transaction() as tx:
        tx.save(a_release(id="coming", title="Coming", url="https://stats.example/coming"))
        tx.add_promises([a_promise(SLOT_OF_COMING, release="coming")])


@asynccontextmanager
async def board_with_hand_calendar(
    users: Path, folder: Path, name: str = "anne", *, fault: str = ""
) -> AsyncIterator[Board]:
    """Open a board with a calendar to which people add, and with `name` signed in."""
    async with signed_in_board(users, name) as board:
        add_hand_calendar(board, folder, fault)
        yield board


@pytest.fixture
async def board(users: Path, tmp_path: Path) -> AsyncIterator[Board]:
    """Open a board with a calendar in `tmp_path` to which people add, and the duty statistician
    signed in.
    """
    async with board_with_hand_calendar(users, tmp_path) as board:
        yield board


def read_entries(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of the calendar file in a folder."""
    file = folder / "by-hand.toml"
    return tomllib.loads(file.read_text()).get("release", []) if file.exists() else []


def file_names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def send_by_hand_form(board: Board, path: str = "/by-hand", **fields: str) -> httpx.Response:
    guard = hidden_field(await board.client.get("/by-hand"), "guard")
    return await board.client.post(path, data={"guard": guard} | fields)


async def test_added_release_names_who_added_it_and_can_be_removed(
    board: Board, tmp_path: Path
) -> None:
    response = await send_by_hand_form(board, **ADDED)
    name = "widget-statistics-january-2018-2018-01-12"
    assert (response.status_code, response.headers["Location"]) == (303, f"/releases/{name}")
    (entry,) = read_entries(tmp_path)
    assert entry == {
        "id": name,
        "title": ADDED["title"],
        "producer": "ofqual",
        "url": ADDED["url"],
        "slot": NINE_THIRTY,
        "reason": "Added by hand: duty statistician, 5 Jan 2018 09:40 GMT",
    }
    page = await board.read_page("/by-hand")
    assert entry["reason"] in page
    assert "Remove this" in page


async def test_program_adds_and_removes_releases_and_addresses(
    board: Board, tmp_path: Path
) -> None:
    async def post(path: str, **body: object) -> httpx.Response:
        board.clock.seconds += 1
        return await board.client.post(f"/api/v1{path}", json=body, headers=WITH_TOKEN)

    release = {name: ADDED[name] for name in ("title", "producer", "url")}
    added = await post("/releases", **release, slot="2018-01-12T09:30:00Z")
    name = "widget-statistics-january-2018-2018-01-12"
    assert (added.status_code, added.json()["release"]) == (201, name)
    assert read_entries(tmp_path)[0]["slot"] == NINE_THIRTY
    address = await post("/releases/coming/addresses", url="https://stats.example/mirror")
    assert address.json()["release"] == "coming"
    (of_coming, _release) = address.json()["additions"]
    assert (await post("/releases/coming/addresses", url="widgets")).status_code == 409
    part = {"entry": of_coming["entry"], "part": of_coming["part"]}
    assert (await post("/additions/remove", **part)).status_code == 200
    removed = await post("/additions/remove", entry=name)
    assert (removed.status_code, removed.json()["additions"]) == (200, [])
    assert (await post("/additions/remove", entry=name)).status_code == 409
    acts = [*board.store.verdicts.acts(name), *board.store.verdicts.acts("coming")]
    assert {(act.account, act.role) for act in acts} == {("token:program", "program")}
    assert [act.what for act in acts] == ["added_by_hand", "removed_by_hand"] * 2


async def test_log_of_an_addition_names_no_address_before_the_slot(board: Board) -> None:
    address = {"url": "https://stats.example/secret"}
    with capture_logs() as logs:
        await board.client.post(
            "/api/v1/releases/coming/addresses", json=address, headers=WITH_TOKEN
        )
    assert "added_by_hand" in [line["event"] for line in logs]
    assert "stats.example" not in str(logs)


@pytest.mark.parametrize("slot", ["2018-01-04T09:30:00", "2018-01-12"])
async def test_program_adds_no_release_with_a_slot_that_cannot_be_watched(
    board: Board, tmp_path: Path, slot: str
) -> None:
    """A case lies in the past, or has no time."""
    body = {name: ADDED[name] for name in ("title", "producer", "url")} | {"slot": slot}
    refused = await board.client.post("/api/v1/releases", json=body, headers=WITH_TOKEN)
    assert refused.status_code in {400, 409}
    assert read_entries(tmp_path) == []


async def test_written_file_is_a_valid_calendar_of_the_typed_entries(
    board: Board, tmp_path: Path
) -> None:
    """A person adds a release, and an address to another release, `coming`.

    Both are read from the written file.
    """
    await send_by_hand_form(board, **ADDED | {"title": 'Prices: "gas" \\ heat'})
    await send_by_hand_form(board, release="coming", url="https://stats.example/mirror")
    settings = calendar_settings("toml", "https://stats.example/by-hand.toml")
    body, now = (tmp_path / "by-hand.toml").read_bytes(), board.clock.now()
    # It has no fault, and announces both entries.
    assert toml_faults(body, settings, now) == []
    release, address = (
        TomlSource(settings).read([Page(settings.address, 200, body)], now).announcements
    )
    # `of` is the release that an address belongs to. An added release has none.
    assert (release.title, release.of) == ('Prices: "gas" \\ heat', "")
    # The release was added for 12 January at 09:30, and SLOT is 5 January at 09:30.
    assert release.slot.instant == SLOT + timedelta(days=7)
    assert (address.of, [part.url for part in address.parts]) == (
        "coming",
        ["https://stats.example/mirror"],
    )


@pytest.mark.parametrize(
    ("changed", "box", "message"),
    [
        ({"title": ""}, "title", "Enter a title of at most 300"),
        ({"title": "x" * 301}, "title", "Enter a title of at most 300"),
        ({"producer": " "}, "producer", "Enter a producer of at most 300"),
        ({"url": "widgets"}, "url", "Enter a web address"),
        ({"url": "ftp://stats.example/x"}, "url", "Enter a web address"),
        ({"url": "https://anne:secret@stats.example/x"}, "url", "Enter a web address"),
        ({"url": "https://[::1"}, "url", "Enter a web address"),
        ({"url": "https://stats.example:99999/x"}, "url", "Enter a web address"),
        ({"url": "https://stats.example:8443/x"}, "url", "port 8443 is not allowed"),
        ({"url": "https://inside.example/x"}, "url", "resolves to 10.1.2.3, which is not public"),
        ({"url": PAGE_URL}, "url", "Another release is watched at this address: "),
        ({"day": "soon"}, "day", "Enter a day, such as"),
        ({"day": "31/02/2018"}, "day", "Enter a day, such as"),
        ({"day": ""}, "day", "Enter a day, such as"),
        ({"day": "4 Jan 2018"}, "day", "Enter a day in the future"),
        ({"day": "5 January 2018", "time": "09:40"}, "time", "Enter a time in the future"),
        ({"day": "12/01/2021"}, "day", "Enter a day in the next two years"),
        ({"time": ""}, "time", "Enter a local time"),
        ({"time": "25:00"}, "time", "Enter a local time"),
        ({"day": "25/03/2018", "time": "1.30am"}, "time", "and skip this time"),
        ({"day": "28/10/2018", "time": "1.30am"}, "time", "and show this time twice"),
    ],
)
async def test_invalid_field_gets_a_message_and_keeps_the_typed_text(
    board: Board, tmp_path: Path, changed: dict[str, str], box: str, message: str
) -> None:
    # One field of a valid form is changed. For example, the title is empty, or the day is in the
    # past. It is 5 January 2018, 09:40. Clocks change on 25 March and 28 October.
    typed = ADDED | changed
    refused = await send_by_hand_form(board, **typed)
    assert refused.status_code == 400
    assert message in refused.text.partition(f'id="{box}-fault">')[2].partition("</span>")[0]
    for name, text in typed.items():
        assert f'name="{name}" value="{text}"' in refused.text
    assert read_entries(tmp_path) == []


@pytest.mark.parametrize(
    ("day", "time"),
    [
        ("12 Jan", "9.30am"),
        ("12 January 2018", "0930"),
        ("Friday 12 January", "09:30"),
        ("12/1/18", "9.30"),
    ],
)
def test_british_days_and_times_are_understood(day: str, time: str) -> None:
    """A case is 12 January at 09:30, typed in another way.

    It is 5 January 2018, so a day without a year is of 2018.
    """
    assert read_slot(day, time, after_slot(600), "Europe/London") == NINE_THIRTY


async def test_address_added_before_slot_is_required_if_ticked(
    board: Board, tmp_path: Path
) -> None:
    """Before the slot, an address is an attachment that users expect.

    After it, people add alternatives.
    """
    assert 'name="required"' in await board.read_page("/by-hand?release=coming")
    await send_by_hand_form(
        board, release="coming", url="https://stats.example/tables.ods", required="on"
    )
    (part,) = read_entries(tmp_path)[0]["part"]
    assert part["role"] == "attachment"
    assert part["required"] is True


async def test_address_added_after_slot_is_an_optional_alternative(
    board: Board, tmp_path: Path
) -> None:
    # The monitor still watches this release, so an address can be added.
    board.running.bodies["r"] = board.stored_release().body
    assert 'name="required"' not in await board.read_page("/by-hand?release=r")
    # The sent form ticks `required`, which is ignored after the slot.
    await send_by_hand_form(board, release="r", url="https://stats.example/mirror", required="on")
    (part,) = read_entries(tmp_path)[0]["part"]
    assert (part["role"], part["required"]) == ("alternative", False)


async def test_address_that_is_watched_already_is_refused(board: Board, tmp_path: Path) -> None:
    # The release is watched at this address, without the slash at the end.
    refused = await send_by_hand_form(board, release="coming", url="https://stats.example/coming/")
    assert refused.status_code == 400
    assert "is watched for this release already" in refused.text
    assert read_entries(tmp_path) == []


async def test_address_for_a_release_no_longer_watched_is_refused(
    board: Board, tmp_path: Path
) -> None:
    # The slot of `r` has passed, and no monitor watches it any more.
    refused = await send_by_hand_form(board, release="r", url="https://stats.example/late")
    assert refused.status_code == 400
    assert "This release is over" in refused.text
    assert read_entries(tmp_path) == []


async def test_an_address_in_a_private_network_is_refused(board: Board, tmp_path: Path) -> None:
    # In these tests, inside.example resolves to 10.1.2.3.
    refused = await send_by_hand_form(board, release="coming", url="https://inside.example/x")
    assert refused.status_code == 400
    assert "which is not public" in refused.text
    assert read_entries(tmp_path) == []


async def test_added_release_and_added_address_can_be_removed_once(
    board: Board, tmp_path: Path
) -> None:
    await send_by_hand_form(board, **ADDED)
    await send_by_hand_form(board, release="coming", url="https://stats.example/mirror")
    name = read_entries(tmp_path)[0]["id"]
    # Without a part, the release itself is removed.
    for entry, part in ((name, ""), ("addresses-coming", "added-1")):
        assert (
            await send_by_hand_form(board, "/by-hand/remove", entry=entry, part=part)
        ).status_code == 303
    # The calendar must say what was removed, so the entries remain in it.
    release, addresses = read_entries(tmp_path)
    assert (release["state"], addresses["part"]) == ("cancelled", [])
    assert release["reason"].startswith("Removed by hand: duty statistician, ")
    again = await send_by_hand_form(board, "/by-hand/remove", entry=name, part="")
    assert again.status_code == 400
    assert "It was removed before" in again.text


async def test_hand_added_address_cannot_be_removed_after_the_slot(
    board: Board, tmp_path: Path
) -> None:
    await send_by_hand_form(board, release="coming", url="https://stats.example/mirror")
    board.clock.at = SLOT_OF_COMING
    await sign_in(board)
    assert "Remove this" not in await board.read_page("/by-hand")
    refused = await send_by_hand_form(
        board, "/by-hand/remove", entry="addresses-coming", part="added-1"
    )
    assert refused.status_code == 400
    assert "Its slot has passed" in refused.text
    # The calendar still has the address.
    assert len(read_entries(tmp_path)[0]["part"]) == 1


async def test_adding_to_an_unreadable_calendar_shows_its_fault(
    users: Path, tmp_path: Path
) -> None:
    async with board_with_hand_calendar(users, tmp_path, fault="by-hand.toml: not TOML") as board:
        refused = await send_by_hand_form(board, **ADDED)
        assert refused.status_code == 400
        assert "the calendar cannot be read: by-hand.toml: not TOML" in refused.text


@pytest.mark.parametrize(
    "content",
    [
        "[[release]",
        "[release]\nid = 'a'",
        "release = 1",
        "zone = 'UTC'",
        "[[release]]\nof = 'b'\npart = 1",
        f"a{'.a' * 7500} = 1",
    ],
    ids=["no TOML", "no list", "no table", "no release", "no parts", "deep"],
)
async def test_damaged_file_is_not_overwritten(board: Board, tmp_path: Path, content: str) -> None:
    """A case is the content of a file that is no TOML, or no calendar.

    A person adds a release to it with the form.
    """
    file = tmp_path / "by-hand.toml"
    file.write_text(content)
    page = await board.client.get("/by-hand")
    assert "cannot be read, so repair it first" in page.text
    guard = hidden_field(page, "guard")  # it proves the session of a form
    assert (await board.client.post("/by-hand", data={"guard": guard} | ADDED)).status_code == 400
    assert file.read_text() == content


async def test_viewer_cannot_add_by_hand(users: Path, tmp_path: Path) -> None:
    async with board_with_hand_calendar(users, tmp_path, VIEWER) as board:
        assert await board.status_of("/by-hand") == 403
        # The guard is a hidden field, by which a form is known to be of this session. It is right,
        # but a viewer has no right to add.
        guard = hidden_field(await board.client.get("/"), "guard")
        assert (
            await board.client.post("/by-hand", data=ADDED | {"guard": guard})
        ).status_code == 403
        assert read_entries(tmp_path) == []
        assert "/by-hand" not in await board.read_page("/")


async def test_form_with_a_wrong_guard_gives_its_text_back(board: Board, tmp_path: Path) -> None:
    """The guard of a form proves that it was made for the session that sends it."""
    await send_by_hand_form(board, release="coming", url="https://stats.example/mirror")
    entries, removal = read_entries(tmp_path), {"entry": "addresses-coming", "part": "added-1"}
    for path, typed in (("/by-hand", ADDED), ("/by-hand/remove", removal)):
        refused = await board.client.post(path, data=typed | {"guard": "x"})
        assert refused.status_code == 403
        assert all(text in refused.text for text in typed.values())
    assert read_entries(tmp_path) == entries


async def test_additions_name_the_role_of_the_right(users: Path, tmp_path: Path) -> None:
    # The users file has a role for everyone but noel.
    async with board_with_hand_calendar(users, tmp_path, WITHOUT_ROLE) as board:
        assert (await send_by_hand_form(board, **ADDED, role="press officer")).status_code == 303
        assert "duty officer" in read_entries(tmp_path)[0]["reason"]


async def test_pages_link_to_hand_forms_only_with_a_hand_calendar(board: Board) -> None:
    assert '"/by-hand"' in await board.read_page("/")
    assert '"/by-hand?release=coming"' in await board.read_page("/releases/coming")
    board.queries.by_hand = None
    assert "/by-hand" not in await board.read_page("/")
    assert await board.status_of("/by-hand") == 404


async def test_address_whose_host_no_name_server_knows_yet_is_accepted(tmp_path: Path) -> None:
    # The fake name server does not know this host. "" means no fault.
    assert await a_calendar(tmp_path).find_address_fault("https://unknown.example/x") == ""


async def test_only_a_host_in_an_allowed_network_is_accepted(tmp_path: Path) -> None:
    calendar = replace(
        a_calendar(tmp_path), resolver=Resolver(make_guard(networks=["127.0.0.1/32"], ports=[8080]))
    )
    # "" means no fault.
    assert await calendar.find_address_fault("http://127.0.0.1:8080/x") == ""
    assert "not public" in await calendar.find_address_fault("http://127.0.0.2:8080/x")


async def test_changes_at_the_same_time_are_all_written(tmp_path: Path) -> None:
    """Five releases that differ only in their slots are added at the same time."""
    calendar = a_calendar(tmp_path)
    calendar.make_file()
    slots = [NINE_THIRTY + timedelta(hours=hour) for hour in range(5)]

    async def add(slot: datetime) -> None:
        await calendar.edit(
            lambda tables: add_release(
                tables, "Same", "ofqual", "https://x.example/", slot, "added"
            )
        )

    await asyncio.gather(*map(add, slots))
    assert [entry["slot"] for entry in read_entries(tmp_path)] == slots
    assert len({entry["id"] for entry in read_entries(tmp_path)}) == 5
    # No temporary file remains.
    assert file_names(tmp_path) == ["by-hand.toml"]


def test_same_release_is_added_again_only_after_its_removal() -> None:
    calendar_by_hand: list[dict[str, Any]] = []
    release = ("Same", "ofqual", "https://x.example/", NINE_THIRTY, "added")
    id_of_first = add_release(calendar_by_hand, *release)
    with pytest.raises(InvalidInput, match="added before"):
        add_release(calendar_by_hand, *release)
    remove_addition(calendar_by_hand, id_of_first, part="", reason="removed")
    # The removed entry keeps its id, so the new one gets another.
    assert add_release(calendar_by_hand, *release) == f"{id_of_first}-2"


def test_entry_with_only_addresses_has_no_release_to_remove() -> None:
    """Another calendar announces the release `claims`.

    The entry in the calendar by hand only adds an address.
    """
    calendar_by_hand: list[dict[str, Any]] = []
    entry = {"id": "addresses-claims", "of": "claims", "title": "Claims", "reason": "added"}
    add_address(calendar_by_hand, entry, "https://stats.example/claims", required=False)
    # An empty `part` stands for the release itself. The message is the same as for a release that
    # was removed before.
    with pytest.raises(InvalidInput, match="removed before"):
        remove_addition(calendar_by_hand, "addresses-claims", part="", reason="removed")


def test_address_for_a_hand_added_release_goes_into_its_entry() -> None:
    """A person adds the release Widgets by hand, and later the address of a spreadsheet for it. The
    calendar file still has one entry: the release, with the address as a part.
    """
    calendar_by_hand: list[dict[str, Any]] = []
    page, spreadsheet = "https://stats.example/widgets", "https://stats.example/widgets.ods"
    release = add_release(calendar_by_hand, "Widgets", "ofqual", page, NINE_THIRTY, reason="added")
    # `of` is the release that gets the address. A release of another calendar would need an entry
    # of its own here.
    add_address(
        calendar_by_hand,
        {"id": release, "of": release, "title": "", "reason": "later"},
        spreadsheet,
        required=False,
    )
    (entry_of_release,) = calendar_by_hand
    (part,) = entry_of_release["part"]
    assert (part["id"], part["url"], part["reason"]) == ("added-1", spreadsheet, "later")


def test_toml_read_and_written_again_has_the_same_content() -> None:
    text = (
        '[source]\nname = "ours"\n\n[[release]]\ntitle = "A \\u007f"\n"odd key" = true\npart = [{'
        ' id = "x" }]\n'
    )
    data = tomllib.loads(text)
    assert tomllib.loads(write_toml(data)) == data
