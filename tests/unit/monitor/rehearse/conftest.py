from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.http.fetcher import HttpFetcher
from monitor.rehearse.publisher.server import Publisher
from monitor.rehearse.script.script import Script, read_script
from monitor.rehearse.virtual_loop import TimeStoppingFetcher, run_virtually
from tests.worlds.virtual import asking_for

HEAD = 'title = "Test"\nfrom = 2018-01-05T09:00:00\nuntil = 2018-01-05T12:45:00\n'


class PublisherClient:
    """A simulated publisher and a fetcher for it, over real HTTP in virtual time.

    Failures are returned by `fetch`.
    """

    def __init__(
        self, publisher: Publisher, fetcher: TimeStoppingFetcher, clock: VirtualClock
    ) -> None:
        self.publisher = publisher
        self.clock = clock
        self.fetcher = fetcher

    async def wait_until(self, text: str) -> None:
        """Wait until this time on the day of the script, or this date-time. Both are UTC."""
        moment = datetime.fromisoformat(text if "T" in text else f"2018-01-05T{text}").replace(
            tzinfo=UTC
        )
        await self.clock.sleep((moment - self.clock.now()).total_seconds())

    async def fetch(self, url: str, **more: object) -> Answer | Failure:
        return await self.fetcher.fetch(Request(url, **more))  # type: ignore[arg-type]

    async def get(self, url: str, **more: object) -> Answer:
        answer = await self.fetch(url, **more)
        assert isinstance(answer, Answer), answer
        return answer


ReadScript = Callable[[str], Script]
Scenario = Callable[[PublisherClient], Awaitable[None]]
RunScenario = Callable[[str, Scenario], None]


@pytest.fixture
def script(tmp_path: Path) -> ReadScript:
    """Return a function that reads a script from TOML text.

    It adds title, from and until if they are missing.
    """

    def read(text: str) -> Script:
        path = tmp_path / "script.toml"
        path.write_text(text if text.startswith("title") else HEAD + text)
        return read_script(path)

    return read


@pytest.fixture
def run_scenario(script: ReadScript) -> RunScenario:
    """Return a function that runs a scenario against the publisher of a script."""

    def run(text: str, scenario: Scenario) -> None:
        read = script(text)

        async def run_with_publisher(clock: VirtualClock) -> None:
            publisher = Publisher(read, VirtualClock(read.begins))
            await publisher.start()
            fetcher = TimeStoppingFetcher(HttpFetcher(clock, route=publisher.route))
            try:
                await scenario(PublisherClient(publisher, fetcher, clock))
            finally:
                await fetcher.close()
                await publisher.close()

        run_virtually(run_with_publisher, read.begins, patience=5)

    return run


def with_script(text: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Run a coroutine as a test against the publisher of a script.

    Its `client` is a client of that publisher.
    """

    def decorate(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        def run(run_scenario: RunScenario, **fixtures: object) -> None:
            run_scenario(text, lambda client: test(client=client, **fixtures))

        return asking_for(run, test, given=("client",), more=("run_scenario",))

    return decorate
