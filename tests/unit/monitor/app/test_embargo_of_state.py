"""Before its slot, strangers and viewers cannot read that a release is public, or where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from monitor.app.options import make_stored_judge
from monitor.clock import VirtualClock
from monitor.config.people import AlertSettings
from monitor.config.settings import ProducerSettings, Settings
from monitor.deliver.drafts import ENDINGS
from monitor.store.kept_sessions import KeptSessions
from monitor.store.sql.engine import Store
from monitor.web.app import make_application
from monitor.web.credentials import Keys, Throttle, TokenScope
from monitor.web.queries import Queries
from monitor.web.sessions import Sessions
from monitor.web.users import Right, Users, make_line, make_token_line
from schedules.export import FORMATS
from tests.unit.monitor.app.monitor_in_test import HEAD, MonitorInTest, run_monitor
from tests.unit.monitor.deliver.outbox import a_channel
from tests.unit.monitor.web.people import SECRET, session_headers
from tests.worlds.fake_channel import FakeChannel

MARK = "zwirbel"
PROMETHEUS = make_token_line("prometheus", TokenScope.METRICS)
PAGE = f"https://www.gov.uk/government/statistics/{MARK}-claims"
FILE = f"https://assets.publishing.service.gov.uk/media/{MARK}/{MARK}.ods"
EARLY_STORY = (
    HEAD.replace("statistics/claims", f"statistics/{MARK}-claims")
    + f"""
announcement = "claims-q3"
part = [{{ id = "sheet", role = "data", url = "{FILE}", recognise = "status" }}]

[[release]]
id = "prices"
title = "Example prices: October 2026"
producer = "department-for-example"
url = "https://stats.example/{MARK}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00

[[answer]]
url = "https://stats.example/{MARK}"
at = 2026-11-26T09:28:30

[[answer]]
url = "{PAGE}"
at = 2026-11-26T09:28:20
body = '''<html lang="en"><head><title>Example claims: July to September 2026 - {MARK} - GOV.UK</title></head>
<body><h1>Example claims: July to September 2026</h1><a href="{FILE}">{MARK}.ods</a>
<a href="/government/news/{MARK}">{MARK}</a><p>Published 26 November 2026</p></body></html>'''

[[answer]]
url = "{FILE}"
at = 2026-11-26T09:28:25
headers = {{ Content-Disposition = 'attachment; filename="{MARK}.ods"' }}

[[answer]]
url = "{PAGE}"
at = 2026-11-26T09:29:05
status = 302
headers = {{ Location = "https://{MARK}.example/{MARK}" }}

[[answer]]
url = "https://www.gov.uk/feed.atom"
at = 2026-11-26T09:28:10
body = '''<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>Example claims: July to September 2026 {MARK}</title>
<link href="https://www.gov.uk/government/statistics/{MARK}-elsewhere"/><updated>2026-11-26T09:28:10Z</updated></entry>
<entry><title>{MARK} of a kind nobody promised</title><updated>2026-11-26T09:28:10Z</updated>
<link href="https://www.gov.uk/government/statistics/{MARK}-unknown"/></entry></feed>'''
headers = {{ Content-Type = "application/atom+xml" }}
"""
)


class Shown(NamedTuple):
    """The status and text with which an address was answered."""

    status: int
    text: str


DESCRIPTIONS = {"/api/v1/openapi.json", "/api"}
WORDS_THAT_SHOW_EARLY_RELEASE = (
    MARK,
    '"early"',
    "out early",
    'verdict="early"} 1',
    "early_exposure",
    "exposure_open{",
)
Credentials = dict[str, str] | str
"""Headers of a request, or the name of a person who is signed in."""
OPEN_ON_A_CLOSED_BOARD = {
    "/healthz",
    "/livez",
    "/readyz",
    "/style.css",
    "/live.js",
    "/copy.js",
    "/icon.svg",
    "/sign-in",
    "/runbook",
}


# Both open only `/metrics`: the token in the configuration, and that of the program `prometheus`.
BOTH_METRICS_TOKENS = pytest.mark.parametrize(
    "token", ["for metrics alone", PROMETHEUS[0]], ids=["of the configuration", "of a program"]
)


def routes_of(
    application: Any,  # noqa: ANN401
) -> list[Route]:  # a wrapper around Starlette's application
    """Return the routes of pages and API."""
    while not isinstance(application, Starlette):
        application = application.app
    return [route for route in application.routes if isinstance(route, Route)]


def addresses(application: ASGIApp, store: Store) -> Iterator[str]:
    """Yield every address there is, of every release and incident that the store knows, and an
    unknown one.
    """
    yield "/nowhere"
    names = {
        "release": [one.id for one in store.ledger.releases()],
        "incident": [one.id for one in store.verdicts.incidents()],
    }
    names["producer"] = ["department-for-example", "no-department"]
    names |= {"ending": list(ENDINGS), "kind": list(FORMATS), "calendar": ["own"]}
    for route in routes_of(application):
        if "GET" in (route.methods or ()):
            yield from filled_paths(route, names)
    yield from (f"/api/v1/events?{one}" for one in ("release=claims-q3", "limit=1"))
    yield from (f"/api/v1/events?after={event.id}" for event in store.verdicts.events())
    yield from (
        "/?date=2026-11-26",
        "/search?q=claims",
        "/api/v1/releases?from=2026-11-01&to=2026-12-31&producer=department-for-example",
    )


def filled_paths(route: Route, names: dict[str, list[str]]) -> list[str]:
    paths = [route.path_format]
    for name in route.param_convertors:
        paths = [path.replace(f"{{{name}}}", value) for path in paths for value in names[name]]
    return paths


def make_queries(monitor: MonitorInTest, users: Path, *, public: bool) -> Queries:
    store, throttle = monitor.store, Throttle(monitor.clock)
    queries = Queries(
        store, monitor.app.status, monitor.clock, "Europe/London", public, throttle=throttle
    )
    queries.keys = Keys(metrics=b"for metrics alone")
    kept = KeptSessions(store, monitor.daemon.core.writer, monitor.clock)
    queries.sessions = Sessions(Users(users), kept, throttle)
    queries.producers = {"department-for-example": "Department"}
    judge = make_stored_judge(monitor.settings, store)
    queries.judge_promised = judge.body_of_unwatched
    queries.explain_verdict = judge.explain_release
    return queries


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("people") / "users"
    file.write_text(
        f"{make_line('anne', SECRET)}\n{make_line('vic', SECRET, 'reader', Right.VIEWER)}\n{PROMETHEUS[1]}\n"
    )
    return file


async def read_addresses_as(
    monitor: MonitorInTest,
    users: Path,
    credentials: Credentials,
    paths: Sequence[str] = (),
    *,
    public: bool = True,
) -> dict[str, Shown]:
    """Return what these addresses show, or every one, with these credentials."""
    queries = make_queries(monitor, users, public=public)
    headers = credentials
    if isinstance(headers, str):
        headers = await session_headers(queries.sessions, headers)
    application = make_application(queries)
    transport = httpx.ASGITransport(application)
    shown_at = {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as client:
        for path in paths or addresses(application, monitor.store):
            answer = await client.get(path)
            shown_at[path] = Shown(answer.status_code, f"{answer.headers} {answer.text}")
    queries.close()
    return shown_at


def early_words_shown(shown_at: dict[str, Shown]) -> list[tuple[str, str]]:
    """Return the addresses whose text shows early publication, each with the word that shows it."""
    # A refusal repeats the requested address, and the descriptions of the API contain every word.
    searched = {
        path: (
            shown.text.replace(path, ""),
            (MARK,) if path in DESCRIPTIONS else WORDS_THAT_SHOW_EARLY_RELEASE,
        )
        for path, shown in shown_at.items()
    }
    return [
        (path, word) for path, (text, words) in searched.items() for word in words if word in text
    ]


def read_early_release_at(
    moment: str,
    users: Path,
    tmp_path: Path,
    credentials: Credentials,
    *paths: str,
    public: bool = True,
) -> dict[str, Shown]:
    """Return what these addresses show, or all, at a moment before which two releases came
    early.
    """
    producer = ProducerSettings(
        id="department-for-example", name="Department", newest=["https://www.gov.uk/feed.atom"]
    )
    shown_at: dict[str, Shown] = {}

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until(moment)
        rows = [monitor.store.verdicts.judged_one(name) for name in ("claims-q3", "prices")]
        assert [row.word for row in rows if row is not None] == ["early", "early"]
        assert len({notice.incident for notice in monitor.store.outbox.notices()}) > 1
        shown_at.update(await read_addresses_as(monitor, users, credentials, paths, public=public))

    run_monitor(tmp_path, EARLY_STORY, act, head="", base=Settings(producer=[producer]))
    return shown_at


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["09:28:50", "09:29:50"])
@pytest.mark.parametrize(
    ("credentials", "status_if_refused"),
    [({}, 401), ("vic", 403)],
    ids=["stranger", "viewer"],
)
def test_early_release_is_hidden_from_strangers_and_viewers_before_slot(
    credentials: Credentials, status_if_refused: int, moment: str, users: Path, tmp_path: Path
) -> None:
    """Two releases are public from 09:28:30 on. Until their slot, 09:30, no page, API or feed may
    show that to a stranger, who has no credentials, or to a viewer.
    """
    shown_at = read_early_release_at(moment, users, tmp_path, credentials)
    assert early_words_shown(shown_at) == []
    # They may read the titles and slots of the releases.
    assert shown_at["/api/v1/releases/claims-q3"].status == 200
    assert "Example claims" in shown_at["/"].text
    assert "Example claims" in shown_at["/calendar.ics"].text
    # The feed of incidents is empty, and the badge has no result.
    assert shown_at["/atom.xml"].status == 200
    assert "<entry" not in shown_at["/atom.xml"].text
    assert "no releases judged" in shown_at["/badges/department-for-example.svg"].text
    # Metrics and status are only for staff.
    assert shown_at["/metrics"].status == shown_at["/status"].status == status_if_refused


@pytest.mark.slow
@pytest.mark.parametrize("public", [True, False], ids=["public", "closed"])
@BOTH_METRICS_TOKENS
def test_metrics_token_opens_only_metrics_and_shows_no_early_release(
    token: str, users: Path, tmp_path: Path, *, public: bool
) -> None:
    """Before the slot, 09:30, two releases are already public. Metrics say only that they are
    promised.
    """
    credentials = {"Authorization": f"Bearer {token}"}
    shown_at = read_early_release_at("09:29:50", users, tmp_path, credentials, public=public)
    assert shown_at["/status"].status == shown_at["/api/v1/calendars"].status == 401
    if not public:
        # Strangers can open a few pages of a closed board, such as health and sign-in.
        open_paths = {path for path, shown in shown_at.items() if shown.status == 200}
        assert open_paths <= OPEN_ON_A_CLOSED_BOARD | {"/metrics"}
    metrics = shown_at.pop("/metrics")
    assert metrics.status == 200
    for release in ("claims-q3", "prices"):
        assert f'release="{release}",verdict="pending"}} 1' in metrics.text
    assert not any(word in metrics.text for word in (MARK, 'verdict="early"} 1', "exposure_open{"))
    assert 'looks_total{host="stats.example",outcome="present"} 0.0' in metrics.text
    assert 'looks_total{host="stats.example",outcome="absent"} 0.0' in metrics.text
    # All other addresses show no sign of the early releases.
    assert early_words_shown(shown_at) == []


@pytest.mark.slow
def test_open_board_shows_an_early_release_before_slot_only_to_staff(
    users: Path, tmp_path: Path
) -> None:
    """Two releases were published before 09:28:44, and their slot is 09:30."""
    readers: dict[str, Credentials] = {
        "stranger": {},
        "program": {"Authorization": f"Bearer {PROMETHEUS[0]}"},
        "viewer": "vic",
        "staff": "anne",
    }
    boards = {}
    for reader, credentials in readers.items():
        (tmp_path / reader).mkdir()
        at_09_28_44 = read_early_release_at(
            "09:28:44", users, tmp_path / reader, credentials, "/board"
        )
        boards[reader] = at_09_28_44["/board"]
    assert all(board.status == 200 for board in boards.values())
    readers_who_learn_of_it = [
        reader for reader, board in boards.items() if early_words_shown({reader: board})
    ]
    assert readers_who_learn_of_it == ["staff"]


@pytest.mark.slow
def test_staff_see_an_early_release_before_its_slot(users: Path, tmp_path: Path) -> None:
    """The user `anne` is staff. Two releases are public before their slot, 09:30."""
    shown_at = read_early_release_at("09:29:50", users, tmp_path, "anne")
    # Every address in the story contains MARK, so a path that shows it shows where the early page
    # is.
    paths_that_show_it = {path for path, word in early_words_shown(shown_at) if word == MARK}
    assert paths_that_show_it >= {
        "/releases/claims-q3",
        "/api/v1/releases",
        "/api/v1/events",
        "/calendar.json",
    }
    assert ("/metrics/embargoed", "exposure_open{") in early_words_shown(shown_at)


@pytest.mark.slow
def test_after_the_slot_the_public_board_shows_the_result(users: Path, tmp_path: Path) -> None:
    """The slot was 09:30.

    A stranger, who sends no credentials, may now read that the releases came early.
    """
    shown_at = read_early_release_at("09:31:00", users, tmp_path, {})
    assert ("/", "out early") in early_words_shown(shown_at)
    assert any(path.startswith("/incidents/claims-q3") for path, _ in early_words_shown(shown_at))
    assert shown_at["/status"].status == 401


def test_channel_open_to_all_gets_nothing_before_the_slot(tmp_path: Path) -> None:
    """The releases are public from 09:28:30 on, before their slot, 09:30.

    Only staff may get a notice of that.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:50")
        for_staff, open_to_all = monitor.channels
        assert isinstance(for_staff, FakeChannel)
        assert isinstance(open_to_all, FakeChannel)
        # MARK is a word in the address of the early page.
        assert any(MARK in message.text for message in for_staff.messages.values())
        assert open_to_all.messages == {}
        await monitor.until("09:31:00")
        assert open_to_all.messages != {}
        assert all(
            message.data["at"] >= "2026-11-26T09:30:00" for message in open_to_all.messages.values()
        )

    def channels(clock: VirtualClock) -> list[FakeChannel]:
        return [a_channel(clock, name) for name in ("outbox", "open")]

    alert = AlertSettings(open_channels=["open"])  # so the other channel, `outbox`, is for staff
    # EARLY_STORY is a whole script, so it needs no head.
    run_monitor(tmp_path, EARLY_STORY, act, head="", channels=channels, base=Settings(alert=alert))
