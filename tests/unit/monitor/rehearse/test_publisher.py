from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Failure, Reason
from monitor.rehearse.publisher.server import Entry, Publisher, RequestLog
from monitor.rehearse.virtual_loop import jumping_loop, run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Play, Story

    from monitor.rehearse.script.script import Script

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


def answers(**more: str) -> str:
    rows = {"url": f'"{URL}"', "at": "2018-01-05T09:30:00", **more}
    return RELEASE + "[[answer]]\n" + "\n".join(f"{key} = {value}" for key, value in rows.items())


def fault(kind: str, more: str = "") -> str:
    return (
        f'\n[[fault]]\nhost = "stats.example"\nkind = "{kind}"\n'
        f"from = 2018-01-05T09:00:00\nuntil = 2018-01-05T10:00:00\n{more}\n"
    )


def test_what_is_not_scripted_answers_404(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get("https://elsewhere.example/x")).status == 404
        assert (await story.get(URL)).status == 404

    play(answers(), tell)


def test_an_answer_holds_from_its_instant_on_with_the_title_in_it(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:29:59.999")
        assert (await story.get(URL)).status == 404
        await story.at("09:30:00")
        answer = await story.get(URL)
        assert answer.status == 200
        assert b"Gulls &amp; terns: 2017" in answer.body

    play(answers(), tell)


def test_the_date_is_the_publishers_true_time_even_when_the_monitors_clock_is_wrong(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:10:00")
        story.clock.offset = timedelta(seconds=45)
        answer = await story.get(URL)
        assert parsedate_to_datetime(answer.headers["date"]) == NINE + timedelta(minutes=10)
        assert answer.sent == NINE + timedelta(minutes=10, seconds=45)

    play(answers(), tell)


def test_latency_passes_in_virtual_time(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:00")
        answer = await story.get(URL)
        assert (answer.received - answer.sent).total_seconds() == pytest.approx(0.25)

    play(answers(latency='"250ms"'), tell)


def test_scripted_bodies_headers_and_statuses_are_answered_as_written(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:00")
        answer = await story.get(URL)
        assert (answer.status, answer.body) == (203, "Møller".encode())
        assert answer.headers["content-type"] == "text/plain"

    play(answers(status="203", body='"Møller"', headers='{ "Content-Type" = "text/plain" }'), tell)


def test_a_matching_entity_tag_is_answered_304_without_a_body(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:00")
        first = await story.get(URL)
        again = await story.get(URL, etag=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert (await story.get(URL, etag='"other"')).status == 200

    play(answers(etag="true"), tell)


def test_head_tells_the_same_headers_without_a_body(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:00")
        whole, head = await story.get(URL), await story.get(URL, method="HEAD")
        assert head.headers == whole.headers
        assert head.body == b""

    play(answers(), tell)


def test_a_query_that_no_cache_has_seen_gets_the_origins_answer(play: Play) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:30:10")
        users, origin = await story.get(URL), await story.get(URL, bust=True)
        assert (users.status, users.headers["age"], users.headers["x-cache"]) == (404, "11", "HIT")
        assert (origin.status, origin.headers["x-cache"]) == (200, "MISS")
        assert "age" not in origin.headers

    play(answers(edge_cache='"30s"'), tell)


def test_a_scripted_query_is_an_address_of_its_own(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get("https://feed.example/?kind=a")).status == 200
        assert (await story.get("https://feed.example/?kind=a", bust=True)).status == 200
        assert (await story.get("https://feed.example/?kind=b")).status == 404

    play('[[answer]]\nurl = "https://feed.example/?kind=a"\nat = 2018-01-05T09:00:00\n', tell)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("reset", Reason.RESET),
        ("timeout", Reason.TIMEOUT),
        ("dns", Reason.DNS),
        ("truncated", Reason.TRUNCATED),
        ("slow", Reason.TIMEOUT),
        ("garbage", Reason.PROTOCOL),
        ("bomb", Reason.TOO_LARGE),
    ],
)
def test_a_fault_makes_a_request_fail_by_its_reason(play: Play, kind: str, reason: Reason) -> None:
    async def tell(story: Story) -> None:
        outcome = await story.ask(URL)
        assert isinstance(outcome, Failure)
        assert outcome.reason == reason

    play(answers() + fault(kind), tell)


@pytest.mark.parametrize("kind", ["reset", "timeout", "dns", "truncated", "slow", "garbage"])
def test_after_a_fault_everything_is_as_before(play: Play, kind: str) -> None:
    async def tell(story: Story) -> None:
        await story.at("09:59:30")
        assert isinstance(await story.ask(URL), Failure)
        await story.at("10:00:00")
        assert (await story.get(URL)).status == 200

    play(answers() + fault(kind), tell)


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("503", 503), ("challenge", 403), ("redirect_loop", 302)])
def test_a_fault_may_be_an_answer_of_its_own(play: Play, kind: str, status: int) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get(URL)).status == status

    play(answers() + fault(kind), tell)


def test_a_host_that_is_busy_says_when_to_come_back(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get(URL)).headers["retry-after"] == "30"

    play(answers() + fault("503", 'retry_after = "30s"'), tell)


def test_a_redirect_loop_never_ends(play: Play) -> None:
    async def tell(story: Story) -> None:
        place = URL
        for _ in range(12):
            answer = await story.get(place)
            assert answer.status == 302
            place = "https://stats.example" + answer.headers["location"]

    play(answers() + fault("redirect_loop"), tell)


def test_a_mirror_serves_last_nights_copy_under_its_own_name(play: Play) -> None:
    async def tell(story: Story) -> None:
        copy = await story.get(URL)
        assert (copy.status, copy.body) == (200, b"old")
        assert copy.headers["fastly-backend-name"] == "mirrorS3"

    old = f'[[answer]]\nurl = "{URL}"\nat = 2018-01-04T09:00:00\nbody = "old"\n'
    new = f'[[answer]]\nurl = "{URL}"\nat = 2018-01-05T08:00:00\nbody = "new"\n'
    play(RELEASE + old + new + fault("mirror"), tell)


OLD_AND_NEW = "".join(
    f'[[answer]]\nurl = "{URL}"\nat = 2018-01-{at}\nbody = "{body}"\n'
    for at, body in (("04T09:00:00", "old"), ("05T08:00:00", "new"))
)


def test_a_mirrors_copy_is_as_old_as_the_script_says(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert (await story.get(URL)).body == b"new"

    play(RELEASE + OLD_AND_NEW + fault("mirror", 'age = "30m"'), tell)


@pytest.mark.parametrize(("age", "body"), [("30m", b"new"), ("17h", b"old")])
def test_a_stale_copy_tells_its_age_and_that_it_should_have_been_dropped(play: Play, age: str, body: bytes) -> None:
    async def tell(story: Story) -> None:
        copy = await story.get(f"{URL}?past=the-cache")
        assert (copy.status, copy.body, copy.headers["x-cache"]) == (200, body, "HIT")
        assert int(copy.headers["age"]) > 300 == int(copy.headers["cache-control"].split("=")[1].split(",")[0])

    play(RELEASE + OLD_AND_NEW + fault("stale", f'age = "{age}"'), tell)


def test_a_stale_calendar_tells_what_it_told_before(play: Play) -> None:
    async def tell(story: Story) -> None:
        calendar = "https://calendar.rehearsal.example/releases.toml"
        assert b"2018-02-05" not in (await story.get(calendar)).body

    moved = '[[change]]\nrelease = "a"\nat = 2018-01-05T08:50:00\nslot = 2018-02-05T09:30:00\n'
    play(RELEASE + moved + fault("stale", 'age = "30m"').replace("stats.example", "calendar.rehearsal.example"), tell)


def test_a_fault_of_one_address_leaves_the_rest_of_its_host_alone(play: Play) -> None:
    async def tell(story: Story) -> None:
        assert isinstance(await story.ask("https://stats.example/other"), Failure)
        assert (await story.get(URL)).status == 503

    own = f'\n[[fault]]\nurl = "{URL}"\nkind = "503"\nfrom = 2018-01-05T09:00:00\nuntil = 2018-01-05T10:00:00\n'
    play(answers() + fault("reset") + own, tell)


def test_an_asker_who_gave_up_keeps_no_time_from_others(play: Play) -> None:
    async def tell(story: Story) -> None:
        outcome = await story.ask(URL)
        assert isinstance(outcome, Failure)
        assert outcome.received - outcome.sent == timedelta(seconds=15)
        assert jumping_loop().holders() == ()
        await story.clock.sleep(3600)

    play(answers() + fault("timeout"), tell)


def test_requests_are_counted_by_host_with_their_peak_rate(play: Play) -> None:
    async def tell(story: Story) -> None:
        for _ in range(3):
            await story.get(URL)
            await story.clock.sleep(0.5)
        await story.get("https://elsewhere.example/x")
        log = story.publisher.log
        assert log.requests() == {"elsewhere.example": 1, "stats.example": 3}
        assert log.peak_rate() == {"elsewhere.example": 1, "stats.example": 2}
        assert [entry.at - NINE for entry in log.entries[:2]] == [timedelta(), timedelta(seconds=0.5)]

    play(answers(), tell)


def test_a_request_exactly_a_second_later_is_in_another_second() -> None:
    log = RequestLog()
    for second in (0, 0.5, 1.0, 1.5):
        log.add(Entry(NINE + timedelta(seconds=second), "GET", "a.example", "/", ""))
    assert log.peak_rate() == {"a.example": 2}


def test_one_connection_carries_many_requests_one_after_another(script: Callable[[str], Script]) -> None:
    told = script(answers())

    async def story(clock: VirtualClock) -> None:
        publisher = Publisher(told, clock)
        await publisher.start()
        port = publisher.route("stats.example", 443, tls=True).port
        question = b"GET /release HTTP/1.1\r\nHost: stats.example\r\n\r\n"
        with jumping_loop().held("talk"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(question * 3)
            heads = [await reader.readuntil(b"</html>\n") for _ in range(3)]
        writer.close()
        await publisher.close()
        assert [head.startswith(b"HTTP/1.1 404 Not Found\r\nDate: ") for head in heads] == [True] * 3

    run_virtually(story)


def test_any_client_can_read_the_answers(script: Callable[[str], Script]) -> None:
    told = script(answers(at="2018-01-05T08:00:00"))

    async def story(clock: VirtualClock) -> None:
        publisher = Publisher(told, clock)
        await publisher.start()
        port = publisher.route("stats.example", 443, tls=True).port
        with jumping_loop().held("talk"):
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{port}/release", headers={"Host": "stats.example:443"})
        await publisher.close()
        assert answer.status_code == 200
        assert "Gulls &amp; terns" in answer.text

    run_virtually(story)


def test_the_same_seed_gives_the_same_answers(play: Play) -> None:
    told: list[list[object]] = []

    async def tell(story: Story) -> None:
        seen: list[object] = []
        for _ in range(40):
            outcome = await story.ask(URL, bust=True)
            facts = (outcome.sent, outcome.received, getattr(outcome, "headers", None), getattr(outcome, "body", None))
            seen.append(facts)
            await story.clock.sleep(97)
        told.append(seen)

    text = answers(edge_cache='"30s"', latency='"20ms"') + fault("slow")
    for _ in range(2):
        play(text, tell)
    assert told[0] == told[1]
