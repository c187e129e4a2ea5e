from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from monitor.look.fetch import Failure, Reason
from monitor.rehearse.publisher.server import LoggedRequest, RequestLog
from monitor.rehearse.virtual_loop import get_jumping_loop
from tests.unit.monitor.rehearse.conftest import PublisherClient, RunScenario, with_script

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)
URL = "https://stats.example/release"
RELEASE = f"""
[[release]]
id = "a"
title = "Gulls & terns: 2017"
producer = "birds"
url = "{URL}"
slot = 2018-01-05T09:30:00
"""


def script_with_answer(**more: str) -> str:
    rows = {"url": f'"{URL}"', "at": "2018-01-05T09:30:00", **more}
    return RELEASE + "[[answer]]\n" + "\n".join(f"{key} = {value}" for key, value in rows.items())


def fault_from_9_to_10(kind: str, more: str = "") -> str:
    return (
        f'\n[[fault]]\nhost = "stats.example"\nkind = "{kind}"\n'
        f"from = 2018-01-05T09:00:00\nuntil = 2018-01-05T10:00:00\n{more}\n"
    )


@with_script(script_with_answer())
async def test_an_unscripted_address_answers_404(client: PublisherClient) -> None:
    assert (await client.get("https://elsewhere.example/x")).status == 404


@with_script(script_with_answer())
async def test_answer_begins_at_its_time_with_the_release_title(client: PublisherClient) -> None:
    # The script has an answer from 09:30 on.
    await client.wait_until("09:29:59.999")
    assert (await client.get(URL)).status == 404
    await client.wait_until("09:30:00")
    answer = await client.get(URL)
    assert answer.status == 200
    assert b"Gulls &amp; terns: 2017" in answer.body


@with_script(script_with_answer())
async def test_date_header_is_true_if_monitors_clock_is_wrong(client: PublisherClient) -> None:
    await client.wait_until("09:10:00")
    client.clock.offset = timedelta(seconds=45)
    answer = await client.get(URL)
    assert parsedate_to_datetime(answer.headers["date"]) == NINE + timedelta(minutes=10)
    # The monitor takes `sent` from its own clock, which is 45 s ahead.
    assert answer.sent == NINE + timedelta(minutes=10, seconds=45)


@with_script(script_with_answer(latency='"250ms"'))
async def test_latency_passes_in_virtual_time(client: PublisherClient) -> None:
    # The script gives the answer a latency of 250 ms.
    await client.wait_until("09:30:00")
    answer = await client.get(URL)
    assert (answer.received - answer.sent).total_seconds() == pytest.approx(0.25)


@with_script(
    script_with_answer(status="203", body='"Møller"', headers='{ "Content-Type" = "text/plain" }')
)
async def test_scripted_bodies_headers_and_statuses_are_answered_as_written(
    client: PublisherClient,
) -> None:
    await client.wait_until("09:30:00")
    answer = await client.get(URL)
    assert (answer.status, answer.body) == (203, "Møller".encode())
    assert answer.headers["content-type"] == "text/plain"


@with_script(script_with_answer(status="301", headers='{ Location = "/d\u0175r" }'))
async def test_headers_are_sent_as_utf_8(client: PublisherClient) -> None:
    await client.wait_until("09:30:00")
    answer = await client.get(URL)
    assert answer.headers["location"].encode("latin-1").decode() == "/d\u0175r"


@with_script(script_with_answer(etag="true"))
async def test_a_matching_entity_tag_is_answered_304_without_a_body(
    client: PublisherClient,
) -> None:
    await client.wait_until("09:30:00")
    # The script gives the answer an ETag.
    first = await client.get(URL)
    again = await client.get(URL, etag=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert (await client.get(URL, etag='"other"')).status == 200


@with_script(script_with_answer())
async def test_head_gets_the_same_headers_without_a_body(client: PublisherClient) -> None:
    await client.wait_until("09:30:00")
    whole, head = await client.get(URL), await client.get(URL, method="HEAD")
    assert head.headers == whole.headers
    assert head.body == b""


@with_script(script_with_answer(edge_cache='"30s"'))
async def test_a_request_past_the_cache_gets_the_origins_answer(client: PublisherClient) -> None:
    """The page is published at 09:30:00, and the edge serves its copy of the absent page for 30 s
    more. Ten seconds after the publication, users still get that copy. A request past the cache
    (`bust`) gets the page.
    """
    await client.wait_until("09:30:10")
    users, origin = await client.get(URL), await client.get(URL, bust=True)
    # The copy is of 09:29:59, so its age is 11 s.
    assert (users.status, users.headers["age"], users.headers["x-cache"]) == (404, "11", "HIT")
    assert (origin.status, origin.headers["x-cache"]) == (200, "MISS")
    assert "age" not in origin.headers


@with_script('[[answer]]\nurl = "https://feed.example/?kind=a"\nat = 2018-01-05T09:00:00\n')
async def test_a_scripted_query_is_part_of_the_address(client: PublisherClient) -> None:
    # Only the address with `?kind=a` is scripted. `bust` adds a parameter, which changes nothing.
    assert (await client.get("https://feed.example/?kind=a")).status == 200
    assert (await client.get("https://feed.example/?kind=a", bust=True)).status == 200
    assert (await client.get("https://feed.example/?kind=b")).status == 404


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("reset", Reason.RESET),
        ("timeout", Reason.TIMEOUT),
        ("dns", Reason.DNS),
        ("tls", Reason.TLS),
        ("truncated", Reason.TRUNCATED),
        ("slow", Reason.TIMEOUT),
        ("garbage", Reason.PROTOCOL),
        ("bomb", Reason.TOO_LARGE),
    ],
)
def test_each_network_fault_has_its_reason_of_failure(
    run_scenario: RunScenario, kind: str, reason: Reason
) -> None:
    """A case is a fault of the host.

    For example, `bomb` is a response that is too large once unpacked.
    """

    async def scenario(client: PublisherClient) -> None:
        outcome = await client.fetch(URL)
        assert isinstance(outcome, Failure)
        assert outcome.reason == reason

    run_scenario(script_with_answer() + fault_from_9_to_10(kind), scenario)


@pytest.mark.parametrize("kind", ["reset", "timeout", "dns", "tls", "truncated", "slow", "garbage"])
def test_requests_succeed_again_after_a_fault(run_scenario: RunScenario, kind: str) -> None:
    """A case is a fault of the host from 09:00 to 10:00."""

    async def scenario(client: PublisherClient) -> None:
        await client.wait_until("09:59:30")
        assert isinstance(await client.fetch(URL), Failure)
        await client.wait_until("10:00:00")
        assert (await client.get(URL)).status == 200

    run_scenario(script_with_answer() + fault_from_9_to_10(kind), scenario)


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("503", 503), ("challenge", 403)])
def test_a_fault_can_replace_the_answer_by_an_error_page(
    run_scenario: RunScenario, kind: str, status: int
) -> None:
    """A case is a kind of fault of the host and the status of its error page. For example,
    `challenge` is a page with 403.
    """

    async def scenario(client: PublisherClient) -> None:
        assert (await client.get(URL)).status == status

    run_scenario(script_with_answer() + fault_from_9_to_10(kind), scenario)


@with_script(script_with_answer() + fault_from_9_to_10("503", 'retry_after = "30s"'))
async def test_a_503_fault_sends_its_retry_after(client: PublisherClient) -> None:
    assert (await client.get(URL)).headers["retry-after"] == "30"


@with_script(script_with_answer() + fault_from_9_to_10("redirect_loop"))
async def test_a_redirect_loop_never_ends(client: PublisherClient) -> None:
    # The script has a fault of the host by which each address redirects.
    url, more_than_a_browser_follows = URL, 21
    for _ in range(more_than_a_browser_follows):
        answer = await client.get(url)
        assert answer.status == 302
        url = "https://stats.example" + answer.headers["location"]


OLD_SINCE_YESTERDAY_NEW_SINCE_8 = "".join(
    f'[[answer]]\nurl = "{URL}"\nat = 2018-01-{at}\nbody = "{body}"\n'
    for at, body in (("04T09:00:00", "old"), ("05T08:00:00", "new"))
)


@pytest.mark.parametrize(
    ("age_option", "body_of_copy"),
    [("", b"old"), ('age = "30m"', b"new")],
    ids=["last night's by default", "30 minutes old"],
)
def test_a_mirror_serves_an_older_copy_and_names_itself(
    run_scenario: RunScenario, age_option: str, body_of_copy: bytes
) -> None:
    """A mirror answers with last night's copy, or with one of the age in the script, such as 30
    minutes.
    """

    async def scenario(client: PublisherClient) -> None:
        # It is 09:00. The page has been `old` since yesterday and `new` since 08:00.
        copy = await client.get(URL)
        assert (copy.status, copy.body) == (200, body_of_copy)
        assert copy.headers["fastly-backend-name"] == "mirrorS3"

    run_scenario(
        RELEASE + OLD_SINCE_YESTERDAY_NEW_SINCE_8 + fault_from_9_to_10("mirror", age_option),
        scenario,
    )


@pytest.mark.parametrize(("age_of_copy", "body"), [("30m", b"new"), ("17h", b"old")])
def test_stale_host_serves_an_old_copy_to_any_query(
    run_scenario: RunScenario, age_of_copy: str, body: bytes
) -> None:
    """A case is the age of the copy.

    It is 09:00. The page was `old` 17 hours ago, and `new` since 08:00.
    """

    async def scenario(client: PublisherClient) -> None:
        # An ordinary cache has no copy for a query that nobody sent before. This one answers from
        # its copy.
        copy = await client.get(f"{URL}?never-sent-before")
        assert (copy.status, copy.body, copy.headers["x-cache"]) == (200, body, "HIT")
        # A copy older than its max-age should have been renewed. So it is stale.
        assert copy.headers["cache-control"].startswith("max-age=300,")
        assert int(copy.headers["age"]) > 300

    stale = fault_from_9_to_10("stale", f'age = "{age_of_copy}"')
    run_scenario(RELEASE + OLD_SINCE_YESTERDAY_NEW_SINCE_8 + stale, scenario)


def test_a_stale_calendar_shows_the_previous_slot(run_scenario: RunScenario) -> None:
    async def scenario(client: PublisherClient) -> None:
        # It is 09:00. The calendar is served as it was at 08:30, before the slot moved to 5
        # February.
        calendar = await client.get("https://calendar.rehearsal.example/releases.toml")
        assert b"2018-01-05" in calendar.body
        assert b"2018-02-05" not in calendar.body

    moved_at_ten_to_nine = (
        '[[change]]\nrelease = "a"\nat = 2018-01-05T08:50:00\nslot = 2018-02-05T09:30:00\n'
    )
    copy_of_half_past_eight = fault_from_9_to_10("stale", 'age = "30m"').replace(
        "stats.example", "calendar.rehearsal.example"
    )
    run_scenario(RELEASE + moved_at_ten_to_nine + copy_of_half_past_eight, scenario)


def test_a_fault_of_one_address_precedes_that_of_its_host(run_scenario: RunScenario) -> None:
    async def scenario(client: PublisherClient) -> None:
        # The host resets each connection, but this one address answers 503.
        assert isinstance(await client.fetch("https://stats.example/other"), Failure)
        assert (await client.get(URL)).status == 503

    fault_of_host = fault_from_9_to_10("reset")
    fault_of_url = fault_from_9_to_10("503").replace('host = "stats.example"', f'url = "{URL}"')
    run_scenario(script_with_answer() + fault_of_host + fault_of_url, scenario)


@with_script(script_with_answer() + fault_from_9_to_10("timeout"))
async def test_time_runs_on_after_a_client_has_given_up(client: PublisherClient) -> None:
    """The script lets every request time out.

    Virtual time is stopped during a request, but not after it.
    """
    outcome = await client.fetch(URL)
    assert isinstance(outcome, Failure)
    timeout_of_the_fetcher = timedelta(seconds=15)
    assert outcome.received - outcome.sent == timeout_of_the_fetcher
    assert get_jumping_loop().stop_reasons() == ()
    # If time were still stopped, this sleep would never end.
    await client.clock.sleep(3600)


@with_script(script_with_answer())
async def test_requests_are_counted_by_host_with_their_peak_rate(client: PublisherClient) -> None:
    for _ in range(3):
        await client.get(URL)
        await client.clock.sleep(0.5)
    await client.get("https://elsewhere.example/x")
    log = client.publisher.log
    # Of the three requests at 0, 0.5 and 1.0 seconds, any second contains two.
    assert log.requests() == {"elsewhere.example": 1, "stats.example": 3}
    assert log.peak_rate() == {"elsewhere.example": 1, "stats.example": 2}
    assert [entry.at - NINE for entry in log.entries[:2]] == [timedelta(), timedelta(seconds=0.5)]


def test_request_one_second_later_is_not_in_the_same_second() -> None:
    """The peak rate of a host is the most requests within one second. There are requests at 0, 0.5,
    1.0 and 1.5 s. A second from 0 s on has those at 0 and 0.5 s, but not that at 1.0 s.
    """
    log = RequestLog()
    for second in (0, 0.5, 1.0, 1.5):
        log.entries.append(
            LoggedRequest("GET", "a.example", "/", at=NINE + timedelta(seconds=second))
        )
    assert log.peak_rate() == {"a.example": 2}


@with_script(script_with_answer(at="2018-01-05T08:00:00"))
async def test_one_connection_answers_requests_in_order(client: PublisherClient) -> None:
    # The simulated publisher serves every host and port at one port, without TLS.
    port = client.publisher.route("stats.example", 443, tls=True).port
    # Virtual time must not jump during real I/O.
    with get_jumping_loop().time_stopped("real I/O"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in ("/release", "/none", "/release"):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: stats.example\r\n\r\n".encode())
        answers = [await reader.readuntil(b"</html>\n") for _ in range(3)]
    writer.close()
    # The script has an answer only for /release.
    statuses = [answer.partition(b"\r\nDate: ")[0] for answer in answers]
    assert statuses == [b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 200 OK"]


@with_script(script_with_answer(at="2018-01-05T08:00:00"))
async def test_httpx_can_read_the_answers(client: PublisherClient) -> None:
    # The simulated publisher serves every host and port at one port, without TLS.
    port = client.publisher.route("stats.example", 443, tls=True).port
    # Virtual time must not jump during real I/O.
    with get_jumping_loop().time_stopped("real I/O"):
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(
                f"http://127.0.0.1:{port}/release", headers={"Host": "stats.example:443"}
            )
    assert answer.status_code == 200
    assert "Gulls &amp; terns" in answer.text


def test_runs_of_a_script_give_the_same_timed_answers(run_scenario: RunScenario) -> None:
    runs: list[list[object]] = []

    async def scenario(client: PublisherClient) -> None:
        outcomes: list[object] = []
        # Each run begins at 09:00 in virtual time. Answers are slow until 10:00. These 40 requests
        # go on longer, because they are at least 97 s apart.
        for _ in range(40):
            outcome = await client.fetch(URL, bust=True)
            headers, body = getattr(outcome, "headers", None), getattr(outcome, "body", None)
            outcomes.append((outcome.sent, outcome.received, headers, body))
            await client.clock.sleep(97)
        runs.append(outcomes)

    text = script_with_answer(edge_cache='"30s"', latency='"20ms"') + fault_from_9_to_10("slow")
    run_scenario(text, scenario)
    run_scenario(text, scenario)
    first, second = runs
    assert first == second
