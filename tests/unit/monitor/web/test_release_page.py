from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.by_hand import log_by_hand
from alerts.claim import NO_PROOF, Claim
from tests.unit.monitor.web.board import Board
from tests.worlds.instants import after_slot


async def test_release_page_shows_the_reasons_for_its_verdict_and_what_would_change_it(board: Board) -> None:
    text = await board.read_page("/releases/r")
    # The looks at this page began an hour before its slot of 09:30.
    assert "page, edge view: absent by Fri 5 Jan 2018 08:30:00 GMT" in text
    assert "needs a report: more than 5 min late" in text
    what_would_change_it = text.partition("What would change the verdict")[2]
    assert "page: late as soon as a look shows it" in what_would_change_it


async def test_observations_are_drawn_and_listed(board: Board) -> None:
    text = await board.read_page("/releases/early")
    picture, _, table = text.partition('<figure class="timeline">')[2].partition("</figure>")
    assert all(f'<rect class="{state}"' in picture for state in ("absent", "present", "early", "blind"))
    # The content security policy forbids style attributes.
    assert "style=" not in picture
    assert "slot 09:30 GMT" in picture
    assert '<td data-head="Seen">out early</td>' in table
    # This monitor was stalled for a while before the slot.
    assert "blind (stalled)" in table


async def test_release_page_shows_the_claim_of_the_publisher_apart_from_proof(board: Board) -> None:
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


async def test_release_page_links_to_an_incident_that_was_logged_by_hand_for_the_release(board: Board) -> None:
    words = {"what": "A leak", "when": "2018-01-04", "title": "T", "producer": "ofqual", "release": "r"}
    logged = log_by_hand(words, facts=None, now=after_slot(600))
    board.save_incident(logged)
    assert f'href="/incidents/{logged.id}"' in await board.read_page("/releases/r")


async def test_the_release_page_says_that_its_address_is_from_its_calendar(board: Board) -> None:
    text = await board.read_page("/releases/r")
    assert "page, named by its calendar" in text


REASONS, TIMELINE_OF_LOOKS, VIEW_OF_A_LOOK = "Why this verdict", "timeline", "edge view"


async def test_strangers_see_no_reasons_and_no_looks_before_the_slot(board: Board) -> None:
    board.clock.at = after_slot(-60)
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    for_strangers = await board.read_page("/releases/early")
    for words in (REASONS, TIMELINE_OF_LOOKS):
        assert words in for_staff
        assert words not in for_strangers


async def test_strangers_see_reasons_but_no_looks_after_the_slot(board: Board) -> None:
    for_staff = await board.read_page("/releases/early")
    board.view_as_stranger()
    for_strangers = await board.read_page("/releases/early")
    assert VIEW_OF_A_LOOK in for_staff
    assert VIEW_OF_A_LOOK not in for_strangers
    assert REASONS in for_strangers


@pytest.mark.parametrize(
    ("ended", "words_of_release", "words_of_exposure"),
    [
        ("slot", "out when its time came, since before", "still public when its slot came"),
        ("removed", "out between 5 Jan 2018 09:29:58 and 09:30:00 GMT", "removed between"),
        ("unknown", "out between 5 Jan 2018 09:29:58 and 09:30:00 GMT", "for an unknown reason"),
        (None, "out between 5 Jan 2018 09:29:58 and 09:30:00 GMT", "for an unknown reason"),
    ],
)
async def test_release_page_says_why_an_exposure_ended_and_when_the_release_was_out_as_promised(
    board: Board, ended: str | None, words_of_release: str, words_of_exposure: str
) -> None:
    row = board.stored_release("early")
    (exposure,) = row.body["exposures"]
    # The JSON of an exposure can be without `ended`.
    exposure.pop("ended", None)
    if ended is not None:
        exposure["ended"] = ended
    # After the exposure, it was absent at 09:29:58 and there at its slot of 09:30:00, so it was out as promised.
    released = {"after": "2018-01-05T09:29:58.000Z", "by": row.body["slot"]["start"]}
    with board.store.transaction() as tx:
        tx.save(replace(row, final=True, body=row.body | {"released": released, "exposures": [exposure]}))
    text = await board.read_page("/releases/early")
    assert f"<dt>As promised</dt><dd>{words_of_release}</dd>" in text
    assert words_of_exposure in text.partition("<dt>Out early</dt><dd>")[2].partition("</dd>")[0]
