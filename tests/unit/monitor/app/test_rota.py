"""A rota in a calendar, read by the daemon. The last usable read counts, and a fault is notified once."""

from __future__ import annotations

from pathlib import Path

from monitor.store.open import open_store
from tests.unit.monitor.app.office import Office, at_work, with_office
from tests.worlds.fetcher import Reply

URL = "https://rota.example/on-call.ics"
ROTA_ICS = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
SUMMARY:duty A (Jo Bloggs)
DTSTART;TZID=Europe/London:20261116T090000
DTEND;TZID=Europe/London:20261123T090000
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Duty B
DTSTART;TZID=Europe/London:20261123T090000
DTEND;TZID=Europe/London:20261130T090000
END:VEVENT
END:VCALENDAR
"""
SETTINGS: dict[str, object] = {
    "channel": [{"name": "outbox", "kind": "folder", "folder": "outbox"}],
    "rota": [{"name": "on-call", "who": {"duty A": "outbox", "duty B": "outbox"}, "url": URL}],
    "route": [{"channels": ["on-call"]}],
}
ON_CALL_BY_ROTA = "duty A until Mon 23 Nov 2026 09:00:00 GMT, then duty B"


def on_call(office: Office) -> object:
    """Return what the status page says of who is on call."""
    return office.app.status.as_json()["status"]["Good"]["On call, on-call"]


async def read_rota(office: Office, reply: Reply, after_minutes: float = 0) -> None:
    """Wait, and have the daemon read the rota, which is answered with this reply."""
    office.pages[URL] = reply
    await office.clock.sleep(after_minutes * 60)
    (job,) = (job for _, name, job in office.daemon.jobs if name == "rota-on-call")
    await job()


@with_office(**SETTINGS)
async def test_the_last_usable_rota_is_used_while_its_calendar_is_unreadable_or_empty_and_after_a_restart(
    office: Office,
) -> None:
    # It is 16 November. By ROTA_ICS duty A is on call until 23 November, and then duty B.
    assert on_call(office) == "no one, so all its roles are notified"
    await read_rota(office, Reply(200, ROTA_ICS.encode()))
    assert on_call(office) == ON_CALL_BY_ROTA
    assert office.last_read("rota-on-call") == office.clock.now().timestamp()
    empty_rota = Reply(200, b"BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    for unusable in (Reply(500), empty_rota):
        await read_rota(office, unusable, after_minutes=10)
        assert on_call(office) == ON_CALL_BY_ROTA
    await office.reopen()
    assert on_call(office) == ON_CALL_BY_ROTA


@with_office(**SETTINGS)
async def test_an_unreadable_rota_is_notified_once_and_closed_after_a_good_read(office: Office) -> None:
    await read_rota(office, Reply(200, ROTA_ICS.encode()))
    for _ in range(8):
        await read_rota(office, Reply(503), after_minutes=10)
    # Eight reads failed, ten minutes apart, and there is one notice.
    (notice,) = office.daemon.core.store.outbox.notices()
    assert notice.subject.startswith("CALENDAR: rota-on-call cannot be read")
    await read_rota(office, Reply(200, ROTA_ICS.encode()), after_minutes=10)
    (incident,) = office.daemon.core.store.verdicts.incidents()
    assert incident.closed == office.clock.now()


def test_no_name_in_a_rotas_calendar_is_stored(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await read_rota(office, Reply(200, ROTA_ICS.encode()))

    # The calendar has the shift "duty A (Jo Bloggs)". Only the role may be stored.
    assert b"Bloggs" in ROTA_ICS.encode()
    at_work(tmp_path, story, **SETTINGS)
    assert [file for file in tmp_path.rglob("*") if file.is_file() and b"Bloggs" in file.read_bytes()] == []
    (store,) = tmp_path.glob("**/*.db")
    (stored_rota,) = open_store(f"sqlite:///{store}").outbox.rotas()
    assert "duty A" in stored_rota.shifts
