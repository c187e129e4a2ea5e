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
from monitor.rehearse.virtual_loop import HeldFetcher, run_virtually

HEAD = 'title = "A story"\nfrom = 2018-01-05T09:00:00\nuntil = 2018-01-05T12:45:00\n'


class Story:
    """A publisher that plays a script, and a fetcher that asks it over real HTTP in virtual time."""

    def __init__(self, publisher: Publisher, fetcher: HeldFetcher, clock: VirtualClock) -> None:
        self.publisher = publisher
        self.clock = clock
        self.fetcher = fetcher

    async def at(self, text: str) -> None:
        """Wait until this local time of the day of the script, or this date-time in UTC."""
        moment = datetime.fromisoformat(text if "T" in text else f"2018-01-05T{text}").replace(tzinfo=UTC)
        await self.clock.sleep((moment - self.clock.now()).total_seconds())

    async def ask(self, url: str, **more: object) -> Answer | Failure:
        return await self.fetcher.fetch(Request(url, **more))  # type: ignore[arg-type]

    async def get(self, url: str, **more: object) -> Answer:
        answer = await self.ask(url, **more)
        assert isinstance(answer, Answer), answer
        return answer


Tell = Callable[[Story], Awaitable[None]]
Play = Callable[[str, Tell], None]


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Script]:
    """Read a script from its tables; title, from and until are there already."""

    def read(text: str) -> Script:
        path = tmp_path / "story.toml"
        path.write_text(text if text.startswith("title") else HEAD + text)
        return read_script(path)

    return read


@pytest.fixture
def play(script: Callable[[str], Script]) -> Play:
    """Tell a story against the publisher of a script."""

    def run(text: str, tell: Tell) -> None:
        told = script(text)

        async def story(clock: VirtualClock) -> None:
            publisher = Publisher(told, VirtualClock(told.begins))
            await publisher.start()
            fetcher = HeldFetcher(HttpFetcher(clock, route=publisher.route))
            try:
                await tell(Story(publisher, fetcher, clock))
            finally:
                await fetcher.close()
                await publisher.close()

        run_virtually(story, told.begins, patience=5)

    return run
