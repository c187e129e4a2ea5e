from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.by_hand import acknowledge_incident
from alerts.incident import Action
from monitor.health.hosts import SilentHost
from monitor.web.board import group_rows
from monitor.web.queries import MOST_INCIDENTS
from tests.unit.monitor.web.board import Board, ids_of
from tests.worlds.instants import after_slot

REPORT_WAIVED = {"waived": "none is called for"}
"""The words of an incident for which a head waived the report, so none is owed."""
NEEDS_ACTION = 'class="now'
"""The section of the board that lists what needs a person. It is absent on other days if nothing
does.
"""
ANOTHER_DAY = "/?date=2018-02-01"


def close_all_incidents_with_an_action_due_today(board: Board) -> None:
    """Close both incidents of the board without a report.

    The late one still has an action, which is due today.
    """
    for incident in board.store.verdicts.incidents():
        board.save_incident(replace(incident, closed=after_slot(1500), words=REPORT_WAIVED))
    action = Action("Renew it", owner="web team", due=board.queries.today())
    board.save_incident(replace(board.late_incident(), actions=(action,)))


async def read_needing_action(board: Board, path: str = "/") -> str:
    """Return the HTML of the section of the board that lists what needs a person."""
    return (await board.read_page(path)).partition(NEEDS_ACTION)[2].partition("</section>")[0]


def add_on_time_release(board: Board) -> str:
    """Add a release that was on time, with the slot of the others and no incident, and return its
    id.
    """
    same_slot = board.stored_release("r").body["slot"]
    return board.add_past_release("ofqual", "on_time", days_ago=0, slot=same_slot, incident=None)


def releases_table(page: str) -> str:
    """Return the HTML of the board from the first heading of its table of releases on."""
    return page.partition(">Promised<")[2]


async def test_board_lists_releases_with_problems_first(board: Board) -> None:
    """The board has the overdue release `r` and the release `early`. One that was on time is
    added.
    """
    on_time = add_on_time_release(board)
    table = releases_table(await board.read_page("/?date=2018-01-05"))
    assert re.findall('href="/releases/([^"]+)"', table) == ["r", "early", on_time]


async def test_board_links_each_release_to_its_incident(board: Board) -> None:
    """The board has the overdue release `r` and the release `early`, each with an incident.

    A third one has none.
    """
    add_on_time_release(board)
    table = releases_table(await board.read_page("/?date=2018-01-05"))
    assert re.findall('href="/incidents/([^"#]+)[#"]', table) == [
        board.incident,
        board.early_incident,
    ]


async def test_board_counts_verdicts_above_the_list(board: Board) -> None:
    text = await board.read_page("/?date=2018-01-05")
    rows = (await board.read_json("/api/v1/releases?from=2018-01-05"))["releases"]
    counts = re.sub("<[^>]*>", "", text.partition('<p class="counts">')[2].partition("</p>")[0])
    assert counts.startswith(f"{len(rows)} promised: ")
    assert sum(int(number) for number in re.findall(r"\d+", counts.partition(":")[2])) == len(rows)


async def test_host_without_usable_answers_is_named_at_the_top(board: Board) -> None:
    before = await board.read_page("/?date=2018-01-05")
    # The host is silent since three minutes before the slot of 09:30.
    silent = SilentHost(since=after_slot(-180), until=after_slot(60), looks=812, why="503")
    board.queries.silent_hosts = lambda _now: {"www.gov.uk": silent}
    pages = [await board.read_page(path) for path in ("/?date=2018-01-05", "/status")]
    assert "no look proves anything" not in before
    # The warning is above the first section.
    for page in pages:
        warning, _, rest = page.partition(
            "www.gov.uk, since 5 Jan 2018 09:27:00 GMT (503), 812 looks"
        )
        assert "no look proves anything" in warning
        assert "<h2" in rest
        assert "<h2" not in warning


async def test_open_incidents_are_listed_before_closed_ones(board: Board) -> None:
    known = board.late_incident()
    newer = known.occurred + timedelta(days=1)
    board.save_incident(
        replace(known, id="newer", occurred=newer, closed=newer + timedelta(hours=1))
    )
    text = await board.read_page("/incidents")
    assert text.index(f'href="/incidents/{board.incident}"') < text.index('href="/incidents/newer"')


@pytest.mark.parametrize(("is_final", "words"), [(False, "what to do"), (True, "what happened")])
async def test_incident_link_changes_its_words_after_the_final_verdict(
    board: Board, *, is_final: bool, words: str
) -> None:
    """Until the verdict is final, the link to an incident that needs no action offers what to do.
    From then on, it offers what happened.
    """
    board.save_incident(
        replace(board.late_incident(), closed=after_slot(1500), words=REPORT_WAIVED)
    )
    board.change_release(final=is_final)
    text = await board.read_page("/?date=2018-01-05")
    assert (
        re.findall(f'href="/incidents/{board.incident}" aria-label[^>]*>([^<]*)<', text)[0] == words
    )


async def test_producer_has_its_currently_configured_name(board: Board) -> None:
    before = await board.read_page("/?date=2018-01-05")
    board.queries.producers = {board.stored_release().producer: "The Renamed Office"}
    after = await board.read_page("/?date=2018-01-05")
    assert "The Renamed Office" not in releases_table(before)
    assert "The Renamed Office" in releases_table(after)


async def test_id_with_reserved_characters_is_escaped_in_links(board: Board) -> None:
    board.change_release(id="prices #3?")
    assert 'href="/releases/prices%20%233%3F"' in await board.read_page("/?date=2018-01-05")


async def test_release_with_unwatched_parts_says_so(board: Board) -> None:
    before = await board.read_page("/?date=2018-01-05")
    # This finding says that a release has more parts than are watched.
    cut = {"kind": "parts_cut", "part": None, "detail": "60 of 2,000", "seconds": None}
    board.change_release(findings=[*board.stored_release().body["findings"], cut])
    after = await board.read_page("/?date=2018-01-05")
    assert "not all of its parts are watched" not in before
    assert after.count("not all of its parts are watched") == 1


async def test_invalid_board_query_is_refused_with_the_reason(board: Board) -> None:
    answers = [
        await board.client.get(f"/?{query}") for query in ("date=rubbish", "dates=2018-01-05")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert "Date must be a real date" in answers[0].text
    assert "dates: unknown parameter, known are date" in answers[1].text


@pytest.mark.parametrize(
    "typed", ["day=5&month=1&year=2018", "day=05&month=01&year=2018", "day=+5&month=1&year=2018"]
)
async def test_a_day_is_chosen_by_day_month_and_year(board: Board, typed: str) -> None:
    """A case has the three numbers, with or without a zero or a sign.

    Without a choice, the board is of today.
    """
    board.clock.seconds += timedelta(days=9).total_seconds()
    page = await board.read_page(f"/?{typed}")
    assert "<h1>Friday 5 January 2018</h1>" in page


@pytest.mark.parametrize(
    "typed", ["day=31&month=2&year=2018", "day=&month=1&year=2018", "day=5&month=1&year=18"]
)
async def test_invalid_day_shows_an_error_and_keeps_the_typed_text(
    board: Board, typed: str
) -> None:
    """A case is a day that does not exist, no day, or a year of two digits, as in
    `day=31&month=2&year=2018`.
    """
    answer = await board.client.get(f"/?{typed}")
    assert answer.status_code == 400
    form = answer.text.partition('<details class="date" open>')[2].partition("</details>")[0]
    assert "Date must be a real date" in form
    for name, value in (pair.split("=") for pair in typed.split("&")):
        assert f'name="{name}" inputmode="numeric" value="{value}"' in form


async def test_titles_of_incident_and_release_pages_differ(board: Board) -> None:
    pages = [await board.read_page(path) for path in ("/releases/r", board.incident_page)]
    titles = [re.findall("<title>([^<]*)</title>", page)[0] for page in pages]
    assert titles[1] == f"Incident: {titles[0]}"


async def test_incident_stays_on_the_board_until_it_needs_no_action(board: Board) -> None:
    """The board of 1 February still lists the incident of 5 January. The incident leaves the board
    when it is closed and its report is waived: someone decided that no report is needed.
    """
    needing = await read_needing_action(board, "/?date=2018-02-01")
    assert f'href="/incidents/{board.incident}"' in needing
    assert "not acknowledged" in needing
    for known in board.store.verdicts.incidents():
        board.save_incident(replace(known, closed=after_slot(1500), words=REPORT_WAIVED))
    assert NEEDS_ACTION not in await board.read_page(ANOTHER_DAY)


async def test_board_names_each_release_with_a_problem_once_and_those_not_acknowledged_first(
    board: Board,
) -> None:
    """The strip is above the list. `r` is graver, but someone is on it, so `early` comes first."""
    acknowledged = acknowledge_incident(board.late_incident(), "duty officer", after_slot(410))
    board.save_incident(acknowledged)
    early = board.store.verdicts.incident(board.early_incident)
    assert early is not None
    board.save_incident(replace(early, closed=None))
    page = await board.read_page("/")
    below_the_strip = page.partition('class="strip')[2].partition("</table>")[2]
    assert re.findall('href="/releases/([^"]+)"', below_the_strip) == ["early", "r"]


async def test_overdue_release_has_one_delay_until_when_it_is_proved_absent(board: Board) -> None:
    """It was absent 400 s after its slot of 09:30. The monitor looks again at 09:40."""
    needing = await read_needing_action(board)
    [shown] = [line for line in needing.splitlines() if "not seen; proved to 09:36:40 GMT" in line]
    assert "at least" not in shown


@pytest.mark.parametrize(
    ("is_acknowledged", "closed", "step", "anchor"),
    [
        (False, None, "Acknowledge it", "acknowledge"),
        (True, None, "See what to do now", "now"),
        (True, after_slot(1500), "Complete the report", "draft"),
    ],
)
async def test_an_incident_that_needs_action_has_one_next_step(
    board: Board,
    is_acknowledged: bool,  # noqa: FBT001 # a column of the table
    closed: datetime | None,
    step: str,
    anchor: str,
) -> None:
    """For example, an acknowledged open incident has the step "See what to do now", which links to
    `#now` on its page. A closed incident still needs its report.
    """
    known = board.late_incident()
    if is_acknowledged:
        known = acknowledge_incident(known, "duty statistician", after_slot(410))
    board.save_incident(replace(known, closed=closed))
    needing = await read_needing_action(board)
    link = f'href="/incidents/{board.incident}#{anchor}" aria-label="{step}: '
    assert needing.count(link) == 1
    elsewhere = await read_needing_action(board, ANOTHER_DAY)
    assert f'href="/incidents/{board.incident}#{anchor}">{step}' in elsewhere


async def test_lists_show_exposure_if_early_and_delay_if_late(board: Board) -> None:
    # Early: seen for 595 s, and absent 5 s before and 5 s after. Late: absent for 400 s, which are
    # 6 min 40 s.
    for page in [await board.read_page(path) for path in (ANOTHER_DAY, "/incidents")]:
        assert "early, public for 9 min 55 s to 10 min 5 s" in page
        assert "late, at least 6 min 40 s" in page
        # An early incident has no delay.
        assert not re.search(r"early, (at least )?\d+ (h|min|s)\b", page)


async def test_closed_incident_needs_action_once_its_action_is_overdue(board: Board) -> None:
    close_all_incidents_with_an_action_due_today(board)
    assert NEEDS_ACTION not in await board.read_page(ANOTHER_DAY)
    board.clock.seconds += 86_400  # the day after
    page = await board.read_page(ANOTHER_DAY)
    assert NEEDS_ACTION in page
    # The board calls a closed incident over.
    assert "over, <strong>1 action overdue</strong>" in page


async def test_incident_lists_show_an_overdue_action_of_a_closed_incident(board: Board) -> None:
    close_all_incidents_with_an_action_due_today(board)
    board.clock.seconds += 86_400  # the day after
    assert "closed, 1 action overdue" in await board.read_page("/incidents")
    # In the API, `open=true` selects the incidents that still need someone to act.
    needing_action = (await board.read_json("/api/v1/incidents?open=true"))["incidents"]
    assert ids_of(needing_action) == [board.incident]


async def test_owed_report_needs_action_although_the_incident_is_closed(board: Board) -> None:
    board.save_incident(replace(board.late_incident(), closed=after_slot(1500)))
    assert "over, report owed" in await board.read_page(ANOTHER_DAY)


async def test_strangers_see_no_incident_before_the_slot_of_its_release(board: Board) -> None:
    # Incidents are stored, so they remain when the clock is put back to a minute before the slot of
    # 09:30.
    board.clock.at = after_slot(-60)
    assert NEEDS_ACTION in await board.read_page(ANOTHER_DAY)
    board.view_as_stranger()
    assert NEEDS_ACTION not in await board.read_page(ANOTHER_DAY)


async def test_releases_of_a_day_are_filtered_by_producer_state_or_text(board: Board) -> None:
    rows = (await board.read_json("/api/v1/releases?from=2018-01-05"))["releases"]
    first = rows[0]
    for name, value in (
        ("state", first["verdict"]),
        ("producer", first["producer"]),
        ("q", first["title"].upper()),
    ):
        text = (await board.client.get("/", params={"date": "2018-01-05", name: value})).text
        assert f'href="/releases/{first["id"]}"' in text
        assert f"Of {len(rows)} promised" in text
    empty = (await board.client.get("/", params={"date": "2018-01-05", "q": "no such words"})).text
    assert "No releases match these filters" in empty


def make_rows(number: int, producer: str, verdict: str = "on_time") -> list[dict[str, object]]:
    row = {"verdict": verdict, "incident": None, "producer": producer}
    return [row | {"id": f"{producer}-{verdict}-{one}"} for one in range(number)]


def test_busy_day_folds_releases_without_problems_by_producer() -> None:
    """A day of more than 20 releases is busy. Here 91 are of ons, one of them late, and 70 of dft.
    The late one is shown first. The others are folded: one closed group for each producer.
    """
    # Only dft has a configured name, "An Office".
    late = make_rows(1, "ons", "late")
    first, *folded = group_rows(
        [*make_rows(90, "ons"), *late, *make_rows(70, "dft")], {"dft": "An Office"}
    )
    assert first.rows == late
    assert [(group.heading, len(group.rows), group.is_folded) for group in folded] == [
        ("An Office", 70, True),
        ("ons", 90, True),
    ]


@pytest.mark.parametrize(("problems", "is_folded"), [(20, False), (21, True)])
def test_many_releases_with_problems_are_folded_too(problems: int, *, is_folded: bool) -> None:
    late = make_rows(problems, "ons", "late")
    first, *_ = group_rows([*make_rows(30, "ons"), *late], {})
    assert (first.rows, first.is_folded) == (late, is_folded)


def test_ordinary_day_folds_no_release() -> None:
    assert [group.is_folded for group in group_rows(make_rows(1, "ons"), {})] == [False]
    assert group_rows([], {}) == []


async def test_api_filters_incidents_by_open_by_producer_and_by_day(board: Board) -> None:
    """Two open incidents are of 5 January, and so is a closed one with the id `over`."""
    known = board.late_incident()
    board.save_incident(replace(known, id="over", closed=after_slot(1500), words=REPORT_WAIVED))

    async def list_ids(query: str) -> set[str]:
        listed = (await board.read_json(f"/api/v1/incidents?{query}"))["incidents"]
        return {row["id"] for row in listed}

    assert "over" in await list_ids("")
    assert await list_ids("open=true") == await list_ids("") - {"over"}
    assert board.incident in await list_ids(f"producer={known.producer}")
    assert await list_ids("producer=nobody") == set()
    # All are of 5 January.
    assert await list_ids("from=2018-01-05&to=2018-01-05") == await list_ids("")
    assert await list_ids("from=2018-01-06") == await list_ids("to=2018-01-04") == set()
    # The only valid value of `open` is "true".
    assert await board.status_of("/api/v1/incidents?open=1") == 400


async def test_old_open_incident_is_listed_before_hundreds_of_closed_ones(board: Board) -> None:
    known = board.late_incident()
    over = replace(known, closed=after_slot(1500), words=REPORT_WAIVED)
    # A list has at most 500 incidents (`MOST_INCIDENTS`). As many closed ones are newer than the
    # open one.
    with board.store.transaction() as tx:
        for number in range(MOST_INCIDENTS):
            tx.save(replace(over, id=f"n{number}", occurred=known.occurred + timedelta(days=2)))
    pages = [await board.read_page(path) for path in (ANOTHER_DAY, "/incidents")]
    open_that_day = await board.read_json(
        "/api/v1/incidents?open=true&from=2018-01-05&to=2018-01-05"
    )
    open_later = await board.read_json("/api/v1/incidents?open=true&from=2018-01-06")
    assert all(f'href="/incidents/{board.incident}"' in page for page in pages)
    assert board.incident in {row["id"] for row in open_that_day["incidents"]}
    assert open_later["incidents"] == []


async def test_title_like_the_placeholder_of_last_looks_is_shown_unchanged(board: Board) -> None:
    """The board first writes a placeholder, <looked>, and then replaces it with the time of the
    last look. If a title contains <looked>, it is not replaced there.
    """
    # In an earlier version, the placeholder was a NUL character, which is `\0` here.
    board.change_release(title="A\0 <looked> title")
    text = await board.read_page("/?date=2018-01-05")
    # The title is in the link to the release and in the label of the link to its incident.
    assert text.count("A\0 &lt;looked&gt; title") >= 2
