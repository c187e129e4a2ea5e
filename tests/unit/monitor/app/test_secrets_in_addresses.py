"""What a configured address holds behind its path, and a path that is declared secret, never leave the process."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from alerts.channels.fake import FakeChannel
from monitor.config.calendars import CalendarSettings, ReleaseMatch
from monitor.config.read import read_settings
from monitor.config.secrets import in_addresses, secrets_of, veil
from monitor.config.settings import PartSettings, ProducerSettings, Settings
from monitor.errors import BadInput
from monitor.web.app import application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from tests.unit.monitor.app.life import HEAD, Life, live

KEYS = ("sesame-one", "sesame-two", "sesame-three", "hidden-path")
PART = PartSettings(
    match=ReleaseMatch(producer="department-for-example"),
    id="sheet",
    role="data",
    url=f"https://files.example/figures.ods?key={KEYS[0]}&x=1",
    recognise="status",
)
SETTINGS = Settings(
    calendar=[
        CalendarSettings(name="govuk", kind="govuk"),
        CalendarSettings(
            name="ours", kind="csv", url=f"https://stats.example/{KEYS[3]}/c.csv?key={KEYS[1]}", secret=True
        ),
    ],
    producer=[
        ProducerSettings(
            id="department-for-example", name="Department", newest=[f"https://stats.example/new.xml#{KEYS[2]}"]
        )
    ],
    part=[PART],
)
PATHS = [
    *("/", "/releases/claims-q3", "/incidents", "/status", "/readyz", "/metrics", "/calendar.toml"),
    *("/api/v1/releases", "/api/v1/calendars", "/api/v1/events", "/api/v1/incidents"),
]


def test_no_page_program_notice_or_draft_is_told_a_key_in_an_address(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:41:00")
        store = life.daemon.store
        hide = veil(in_addresses(life.settings))
        queries = Queries(
            store, life.app.status, life.clock, "Europe/London", throttle=Throttle(life.clock), local=True, veil=hide
        )
        shown = []
        transport = httpx.ASGITransport(application(queries))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            drafts = [f"/api/v1/incidents/{one.id}/draft.html" for one in store.verdicts.incidents()]
            pages = [f"/incidents/{one.id}" for one in store.verdicts.incidents()]
            for path in [*PATHS, *drafts, *pages]:
                answer = await client.get(path)
                assert (path, answer.status_code) in {(path, 200), ("/readyz", 503)}
                shown.append(answer.text)
        queries.close()
        (channel,) = life.channels
        assert isinstance(channel, FakeChannel)
        for message in channel.messages.values():
            shown += [message.subject, message.text, message.html, json.dumps(message.data)]
            shown += [one.content.decode("utf-8", "replace") for one in message.attachments]
        found = "\n".join(shown)
        assert [key for key in KEYS if key in found] == []
        # It is hidden, and not merely missing: the address of the part was told, as far as it may be.
        assert "files.example/figures.ods?[redacted]" in found
        row = store.verdicts.judged_one("claims-q3")
        assert row is not None
        assert KEYS[0] in json.dumps(row.body)

    live(tmp_path, "", act, head=HEAD, base=SETTINGS)


def test_the_log_is_told_none_of_them_either() -> None:
    hidden = secrets_of(SETTINGS)
    assert all(any(key in secret for secret in hidden) for key in KEYS)


def test_a_fault_of_the_configuration_quotes_no_key(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[[calendar]]\nname = "ours"\nkind = "csv"\nurl = "htps://stats.example/c.csv?key=sesame-one"\n')
    with pytest.raises(BadInput) as caught:
        read_settings(file)
    assert "stats.example/c.csv?..." in str(caught.value)
    assert "sesame" not in str(caught.value)
