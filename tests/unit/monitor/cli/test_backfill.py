"""Backfill of past times from the public record, read over HTTP from the rehearsals' publisher."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.claim import NO_PROOF, Claim, claim_json
from monitor.rehearse.publisher.reply import ReceivedRequest, Reply
from monitor.rehearse.publisher.world import World
from monitor.rehearse.script.script import read_script
from tests.unit.monitor.cli.conftest import (
    RunCli,
    append_config,
    replace_in_config,
    serving,
    write_store,
)
from tests.unit.monitor.cli.test_client import monitor_of

NOW = datetime(2018, 1, 9, 12, tzinfo=UTC)
SPAN = ("--from", "2018-01-01", "--to", "2018-01-06")
BACKFILL = ("backfill", "home-office", *SPAN)
PAGE = "https://www.gov.uk/government/statistics"
STORY = 'title = "A week"\nfrom = 2018-01-02T00:00:00\nuntil = 2018-01-09T00:00:00\n' + "".join(
    f"""
[[release]]
id = "{name}"
title = "{name.capitalize()}"
producer = "{producer}"
url = "{PAGE}/{name}"
slot = {day}T09:30:00
[[answer]]
url = "{PAGE}/{name}"
at = {out}
"""
    for name, producer, day, out in (
        ("prisons", "home-office", "2018-01-04", "2018-01-04T09:30:03"),
        ("asylum", "home-office", "2018-01-05", "2018-01-05T12:19:00"),
        ("crime", "home-office", "2018-01-08", "2018-01-08T09:30:02"),
        ("exams", "ofqual", "2018-01-04", "2018-01-04T09:30:01"),
    )
)


def ons_list(query: str, total: int) -> bytes:
    """Return a page of the ONS's search for its published releases, which has a thousand a page."""
    asked = parse_qs(query)
    offset, days = int(asked["offset"][0]), (asked["fromDate"][0], asked["toDate"][0])
    assert (asked["release-type"], days) == (["type-published"], ("2017-12-31", "2018-01-07"))
    about = {"finalised": True, "published": True, "release_date": "2018-01-05T09:30:00.000Z"}
    some = [
        {"uri": f"/releases/r{number}", "description": {"title": f"Release {number}", **about}}
        for number in range(offset, min(offset + 1000, total))
    ]
    return json.dumps({"releases": some, "breakdown": {"total": total}}).encode()


class PublicRecord(ThreadingHTTPServer):
    """GOV.UK as the script describes it, and the ONS's search, on loopback.

    `requested` lists the paths requested. `refuse_next` has the statuses of the next responses,
    which demand a wait of a second. `bodies` has the bodies of paths, in place of those of the
    script. `ons_total` is how many releases the ONS lists.
    """

    def __init__(self, script: Path) -> None:
        self.world = World(read_script(script))
        self.requested: list[str] = []
        self.refuse_next: list[int] = []
        self.bodies: dict[str, bytes] = {}
        self.ons_total = 1
        super().__init__(("127.0.0.1", 0), Handler)

    def reply(self, target: str) -> Reply:
        place = urlsplit(target)
        self.requested.append(place.path)
        if place.path == "/ons":
            return Reply(
                200, ons_list(place.query, self.ons_total), {"Content-Type": "application/json"}
            )
        if place.path in self.bodies:
            return Reply(200, self.bodies[place.path], {"Content-Type": "application/json"})
        if self.refuse_next:
            return Reply(self.refuse_next.pop(0), b"", {"Retry-After": "1"})
        return self.world.reply(ReceivedRequest("GET", "www.gov.uk", place.path, place.query), NOW)


class Handler(BaseHTTPRequestHandler):
    server: PublicRecord

    def do_GET(self) -> None:
        reply = self.server.reply(self.path)
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def record(folder: Path) -> Iterator[PublicRecord]:
    """Serve the story on loopback, where the configured calendars lead."""
    (folder / "story.toml").write_text(STORY)
    server = PublicRecord(folder / "story.toml")
    calendars = f"""[network]
allow = ["127.0.0.0/8"]
ports = [{server.server_port}]
[budget]
"127.0.0.1" = "200/s"
[[calendar]]
name = "govuk"
kind = "govuk"
url = "http://127.0.0.1:{server.server_port}"
[[calendar]]
name = "releases"
kind = "ons"
url = "http://127.0.0.1:{server.server_port}/ons"
"""
    append_config(folder, calendars)
    with serving(server):
        yield server


def test_releases_published_in_the_period_are_stored_as_claimed(
    run_cli: RunCli, record: PublicRecord
) -> None:
    # A claim is a publication time that the public record gives. The monitor did not measure it.
    # BACKFILL reads the record of the Home Office for 1 to 6 January 2018.
    result = run_cli(*BACKFILL, "--json")
    assert result.status == 0
    prisons, asylum = result.lines
    assert (prisons["title"], asylum["title"]) == ("Prisons", "Asylum")
    assert all(claim["claimed"] and claim["new"] for claim in (prisons, asylum))
    assert prisons["first_published"] == "2018-01-04T09:30:03.000Z"
    assert (prisons["slot"], prisons["slot_source"]) == ("2018-01-04T09:30:00.000Z", "scheduled")
    assert asylum["url"].endswith("/government/statistics/asylum")
    assert asylum["source"].endswith("/api/content/government/statistics/asylum")
    # Crime was published after the period, so it is read and not claimed. Exams are of another
    # producer.
    assert "3 of 3 read" in result.err
    assert {path.rpartition("/")[2] for path in record.requested} == {
        "search.json",
        "prisons",
        "asylum",
        "crime",
    }
    assert result.err.endswith("home-office: 2 claimed in the public record, 2 of them new\n")


@pytest.mark.usefixtures("record")
def test_a_claim_is_stored_once_and_changes_no_verdict(run_cli: RunCli) -> None:
    # A claim is a publication time from the public record, here of two releases.
    assert run_cli(*BACKFILL).status == 0
    again = run_cli(*BACKFILL)
    assert (again.status, again.out) == (0, "")
    assert "2 claimed in the public record, 0 of them new" in again.err
    # A replay judges every release again. It fails if a verdict differs from the stored one.
    assert run_cli("replay").status == 0


@pytest.mark.usefixtures("record")
def test_running_monitor_stores_the_claims(run_cli: RunCli, folder: Path) -> None:
    append_config(folder, '[web]\nsocket = "socket"\n')
    with monitor_of(folder):
        replace_in_config(folder, "/store.db", "/away/store.db")
        claims = run_cli(*BACKFILL, "--json").lines
        assert [claim["new"] for claim in claims] == [True, True]
        assert run_cli(*BACKFILL).out == ""
    assert not (folder / "away").exists()


@pytest.mark.usefixtures("record")
def test_claims_change_nothing_else_in_a_period_report(run_cli: RunCli) -> None:
    # A claim is a publication time from the public record. These are of the Home Office, so a
    # report on `ons` has none.
    before = run_cli("report", "period", *SPAN, "--json").json
    assert run_cli(*BACKFILL).status == 0
    after = run_cli("report", "period", *SPAN, "--json").json
    assert before.pop("claims") == []
    assert [claim["title"] for claim in after.pop("claims")] == ["Prisons", "Asylum"]
    assert before == after
    assert run_cli("report", "period", *SPAN, "--producer", "ons", "--json").json["claims"] == []


@pytest.mark.usefixtures("record")
def test_a_period_report_separates_claims_from_verdicts(run_cli: RunCli) -> None:
    assert run_cli(*BACKFILL).status == 0
    text = run_cli("report", "period", *SPAN).out
    assert "claimed, not measured" in text.lower()
    # The report warns that publishers' stamps often say 09:30:00, whenever a page really came out.
    assert "often say 09:30:00" in text
    # Births was measured, so it has a verdict. Prisons and Asylum have only times from the public
    # record.
    rows = list(
        csv.DictReader(run_cli("report", "period", *SPAN, "--format", "csv").out.splitlines())
    )
    assert [(row["title"], row["verdict"], row["claimed"]) for row in rows] == [
        ("Births 2016", "late", ""),
        ("Prisons", "", "2018-01-04T09:30:03.000Z"),
        ("Asylum", "", "2018-01-05T12:19:00.000Z"),
    ]


def test_backfill_repeats_a_request_that_got_429(run_cli: RunCli, record: PublicRecord) -> None:
    record.refuse_next = [429]
    # The record refuses one request with Retry-After: 1.
    claims = run_cli(*BACKFILL, "--json").lines
    assert [claim["title"] for claim in claims] == ["Prisons", "Asylum"]


def test_backfill_ends_with_status_3_after_three_503s(
    run_cli: RunCli, record: PublicRecord
) -> None:
    record.refuse_next = [503] * 3
    result = run_cli(*BACKFILL)
    assert (result.status, result.out) == (3, "")
    assert "the record does not answer" in result.err
    assert "503" in result.err


def test_hostile_record_breaks_neither_the_read_nor_the_terminal(
    run_cli: RunCli, record: PublicRecord
) -> None:
    """The record lists two pages on other hosts, a removed page, and `odd`, whose title would clear
    the terminal. Only `odd` becomes a claim, which is a publication time from the record. It is
    printed as harmless text.
    """
    links_to_other_hosts = ["//evil.example/x", "https://evil.example/y"]
    links = [*links_to_other_hosts, "/government/statistics/odd", "/government/statistics/gone"]
    listing = {"total": len(links), "results": [{"link": link, "title": "t"} for link in links]}
    odd = {
        "schema_name": "publication",
        "base_path": "/government/statistics/odd",
        # an escape sequence that clears the terminal, and a line break
        "title": "Odd\u001b[2J\ntitle",
        "first_published_at": "2018-01-05T09:30:00Z",
        "publishing_scheduled_at": "2018-02-05T09:30:00Z",
    }
    record.bodies = {
        "/api/search.json": json.dumps(listing).encode(),
        "/api/content/government/statistics/odd": json.dumps(odd).encode(),
        "/api/content/government/statistics/gone": b'{"schema_name": "gone"}',  # without a date
    }
    result = run_cli(*BACKFILL)
    # It is one line, without the line break and the escape character of its title.
    assert (result.status, result.out.count("\n"), "\x1b" in result.out) == (0, 1, False)
    (claim,) = run_cli(*BACKFILL, "--json").lines
    # The scheduled time is a month after the publication, so it is not taken for the slot.
    # The claim is not new, because the first run stored it.
    assert (claim["first_published"], claim["slot"], claim["new"]) == (
        "2018-01-05T09:30:00.000Z",
        None,
        False,
    )


def test_a_record_that_cannot_be_read_is_an_environment_error(
    run_cli: RunCli, record: PublicRecord
) -> None:
    record.bodies = {"/api/search.json": b"<html>sorry</html>"}
    unreadable = run_cli(*BACKFILL)
    # Status 3 is a fault of the environment, reported in one line.
    assert (unreadable.status, unreadable.err.count("\n")) == (3, 1)


def test_a_release_that_the_ons_lists_is_claimed_at_its_announced_time(
    run_cli: RunCli, record: PublicRecord
) -> None:
    result = run_cli("backfill", "office-for-national-statistics", *SPAN, "--json")
    (claim,) = result.lines
    assert (claim["title"], claim["url"]) == ("Release 0", "https://www.ons.gov.uk/releases/r0")
    assert claim["source"].startswith(f"http://127.0.0.1:{record.server_port}/ons?")
    assert claim["slot"] == claim["first_published"] == "2018-01-05T09:30:00.000Z"


@pytest.mark.slow
def test_the_list_of_the_ons_is_read_page_by_page(run_cli: RunCli, record: PublicRecord) -> None:
    record.ons_total = 1001
    result = run_cli("backfill", "office-for-national-statistics", *SPAN, "--json")
    # A page has 1,000 of the 1,001 releases, so there are two requests.
    assert (result.status, len(result.lines), record.requested) == (0, 1001, ["/ons", "/ons"])
    last = result.lines[-1]
    assert (last["title"], last["url"]) == ("Release 1000", "https://www.ons.gov.uk/releases/r1000")
    assert (last["first_published"], last["slot_source"]) == (
        "2018-01-05T09:30:00.000Z",
        "announced",
    )


def test_history_shows_claims_and_that_they_prove_nothing(run_cli: RunCli, folder: Path) -> None:
    # The store has the releases births-2016, at this address, and deaths-2029.
    page = "https://stats.example/births-2016"
    claim = Claim(
        "ons",
        page,
        NOW,
        "Births 2016",
        slot=None,
        slot_source="",
        source="https://x.example",
        read=NOW,
    )
    with write_store(folder) as tx:
        tx.add(claim)
    assert run_cli("calendar", "history", "births-2016", "--json").json["claims"] == [
        claim_json(claim)
    ]
    # NO_PROOF is the sentence that a claim proves nothing.
    assert NO_PROOF in run_cli("calendar", "history", "births-2016").out
    assert run_cli("calendar", "history", "deaths-2029", "--json").json["claims"] == []
