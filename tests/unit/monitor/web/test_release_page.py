from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.by_hand import log_by_hand
from alerts.claim import NO_PROOF, Claim
from monitor.files.facts import FileSign, NotRead
from schedules.contract.verdict import FindingKind
from tests.unit.monitor.web.board import Board
from tests.worlds.instants import after_slot
from tests.worlds.looks import PRESENT, a_run


async def test_release_page_shows_reasons_and_what_would_change_the_verdict(board: Board) -> None:
    text = await board.read_page("/releases/r")
    # The looks at this page began an hour before its slot of 09:30.
    assert "page, edge view: absent by Fri 5 Jan 2018 08:30:00 GMT" in text
    assert "needs a report: more than 5 min late" in text
    what_would_change_it = text.partition("What would change the verdict")[2]
    assert "page: late as soon as a look shows it" in what_would_change_it


async def test_observations_are_drawn_and_listed(board: Board) -> None:
    """The page of a release has a picture with a bar for each time in which it was absent, present,
    early or not watched. A table lists the same.
    """
    text = await board.read_page("/releases/early")
    picture, _, table = text.partition('<figure class="timeline">')[2].partition("</figure>")
    assert all(
        f'<rect class="{state}"' in picture for state in ("absent", "public", "early", "blind")
    )
    # The content security policy forbids style attributes.
    assert "style=" not in picture
    assert "announced 09:30 GMT" in picture
    assert '<td data-head="Seen">public before the announced time</td>' in table
    # This monitor was stalled for a while before the slot.
    assert '<td data-head="Note">stalled</td>' in table


async def test_release_page_shows_the_publishers_claim_apart_from_proof(board: Board) -> None:
    release = board.store.ledger.release("r")
    assert release is not None
    claim = Claim(
        producer="ofqual",
        url=release.url,
        at=after_slot(180),
        title=release.title,
        slot=None,
        slot_source="",
        source="https://www.gov.uk/api/content/x",
        read=after_slot(600),
    )
    with board.store.transaction() as tx:
        tx.add(claim)
    text = await board.read_page("/releases/r")
    claimed = text.partition("What the publisher claims")[2]
    assert NO_PROOF in claimed
    # It claims to have published 180 s after the slot of 09:30.
    assert "first published 5 Jan 2018 09:33:00 GMT" in claimed


async def test_release_page_says_whether_its_address_was_named_or_guessed(board: Board) -> None:
    assert "page, named by its calendar" in await board.read_page("/releases/r")
    board.change_release(address="guessed")
    text = await board.read_page("/releases/r")
    assert "guessed from its announcement" in text
    assert "named by its calendar" not in text


async def test_incident_logged_with_a_day_is_shown_without_a_time(board: Board) -> None:
    words = {
        "what": "A leak",
        "when": "2018-01-04",
        "title": "T",
        "producer": "ofqual",
        "release": "r",
    }
    logged = log_by_hand(words, facts=None, now=after_slot(600))
    board.save_incident(logged)
    pages = [await board.read_page(path) for path in ("/", "/incidents", f"/incidents/{logged.id}")]
    assert all("4 Jan 2018" in page and "4 Jan 2018 00:00" not in page for page in pages)


async def test_release_page_links_to_its_hand_logged_incident(board: Board) -> None:
    words = {
        "what": "A leak",
        "when": "2018-01-04",
        "title": "T",
        "producer": "ofqual",
        "release": "r",
    }
    logged = log_by_hand(words, facts=None, now=after_slot(600))
    board.save_incident(logged)
    assert f'href="/incidents/{logged.id}"' in await board.read_page("/releases/r")


async def test_release_page_says_its_address_is_from_a_calendar(board: Board) -> None:
    text = await board.read_page("/releases/r")
    assert "page, named by its calendar" in text


REASONS, TIMELINE_OF_LOOKS, VIEW_OF_A_LOOK = "Why this verdict", "timeline", "edge view"


async def test_strangers_see_no_reasons_and_no_looks_before_the_slot(board: Board) -> None:
    """Reasons and looks would show a stranger that the release is out early."""
    board.clock.at = after_slot(-60)
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    for_strangers = await board.read_page("/releases/early")
    for words in (REASONS, TIMELINE_OF_LOOKS):
        assert words in for_staff
        assert words not in for_strangers


async def test_strangers_see_reasons_but_no_looks_after_the_slot(board: Board) -> None:
    """Strangers see why the verdict is so (REASONS), but not how the monitor looked
    (VIEW_OF_A_LOOK).
    """
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    for_strangers = await board.read_page("/releases/early")
    assert VIEW_OF_A_LOOK in for_staff
    assert VIEW_OF_A_LOOK not in for_strangers
    assert REASONS in for_strangers


async def test_only_staff_see_whom_a_file_names(board: Board) -> None:
    inside = (FileSign(FindingKind.PERSONAL_METADATA, "Jane Smith"),)
    with board.store.transaction() as tx:
        tx.save(a_run("early/page/edge", PRESENT, 400, 401, digest="f", inside=inside))
    finding = {"kind": "personal_metadata", "part": None, "detail": "a name"}
    board.change_release("early", findings=[finding])
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    assert "Jane Smith" in for_staff
    assert "Jane Smith" not in await board.read_page("/releases/early")


async def test_only_staff_see_which_files_could_not_be_read(board: Board) -> None:
    run = a_run("early/page/edge", PRESENT, 400, 401, digest="f", inside=NotRead("it is damaged"))
    with board.store.transaction() as tx:
        tx.save(replace(run, address="https://files.example/tables.ods"))
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    assert "https://files.example/tables.ods</a> (it is damaged)" in for_staff
    assert "it is damaged" not in await board.read_page("/releases/early")


async def read_page_of_early_release(board: Board, exposure_ended: str | None) -> str:
    """Return the page of a release that was public early.

    `exposure_ended`: why that ended (None: not recorded).
    """
    row = board.stored_release("early")
    (exposure,) = row.body["exposures"]
    exposure.pop("ended", None)
    if exposure_ended is not None:
        exposure["ended"] = exposure_ended
    # The look before its slot of 09:30:00 was at 09:29:58.
    released = {"after": "2018-01-05T09:29:58.000Z", "by": "2018-01-05T09:30:00.000Z"}
    with board.store.transaction() as tx:
        tx.save(
            replace(
                row, final=True, body=row.body | {"released": released, "exposures": [exposure]}
            )
        )
    return await board.read_page("/releases/early")


@pytest.mark.parametrize(
    ("exposure_ended", "words"),
    [
        ("slot", "still public when its slot came"),
        ("removed", "removed between"),
        ("unknown", "for an unknown reason"),
        (None, "for an unknown reason"),
    ],
)
async def test_page_of_an_early_release_says_why_exposure_ended(
    board: Board, exposure_ended: str | None, words: str
) -> None:
    """A case is the recorded reason (None: not recorded) and its words on the page, such as
    "removed between".
    """
    page = await read_page_of_early_release(board, exposure_ended)
    assert words in page.partition("<dt>Out early</dt><dd>")[2].partition("</dd>")[0]


async def test_early_release_still_public_at_slot_is_out_since_before(board: Board) -> None:
    page = await read_page_of_early_release(board, exposure_ended="slot")
    assert "<dt>As promised</dt><dd>out when its time came, since before</dd>" in page


@pytest.mark.parametrize("exposure_ended", ["removed", "unknown", None])
async def test_republished_release_is_shown_with_its_second_time(
    board: Board, exposure_ended: str | None
) -> None:
    """The release was out early, absent again at 09:29:58, and public at its slot, 09:30:00. A case
    is the recorded reason why it was absent again (None: not recorded).
    """
    page = await read_page_of_early_release(board, exposure_ended)
    assert "<dt>As promised</dt><dd>out between 5 Jan 2018 09:29:58 and 09:30:00 GMT</dd>" in page


async def test_incident_page_links_to_its_release_above_its_steps(board: Board) -> None:
    """The steps ask the reader to open the address of the release, which the page of the release
    shows.
    """
    page = await board.read_page(f"/incidents/{board.incident}")
    assert page.index('href="/releases/r"') < page.index("What to do now")
