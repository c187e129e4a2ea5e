"""A rota in a calendar, read by the daemon.

The last usable read counts, and a fault is notified once.
"""

from __future__ import annotations

from pathlib import Path

from monitor.store.open import open_store
from tests.unit.monitor.app.calendar_monitor import (
    CalendarMonitor,
    run_calendar_monitor,
    with_calendar_monitor,
)
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


def on_call(monitor: CalendarMonitor) -> object:
    """Return what the status page says of who is on call."""
    return monitor.app.status.as_json()["status"]["Good"]["On call, on-call"]


async def read_rota(monitor: CalendarMonitor, reply: Reply, after_minutes: float = 0) -> None:
    """Wait, and have the daemon read the rota, which is answered with this reply."""
    monitor.pages[URL] = reply
    await monitor.clock.sleep(after_minutes * 60)
    (job,) = (job for _, name, job in monitor.daemon.jobs if name == "rota-on-call")
    await job()


@with_calendar_monitor(**SETTINGS)
async def test_last_usable_rota_survives_unusable_reads_and_a_restart(
    monitor: CalendarMonitor,
) -> None:
    """A rota says who is on call.

    Today, 16 November, it is duty A until 23 November, and then duty B.
    """
    assert on_call(monitor) == "no one, so all its roles are notified"
    await read_rota(monitor, Reply(200, ROTA_ICS.encode()))
    assert on_call(monitor) == ON_CALL_BY_ROTA
    assert monitor.last_read("rota-on-call") == monitor.clock.now().timestamp()
    empty_rota = Reply(200, b"BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    for unusable in (Reply(500), empty_rota):
        await read_rota(monitor, unusable, after_minutes=10)
        assert on_call(monitor) == ON_CALL_BY_ROTA
    await monitor.restart()
    assert on_call(monitor) == ON_CALL_BY_ROTA


@with_calendar_monitor(**SETTINGS)
async def test_unreadable_rota_is_notified_once_until_a_good_read(monitor: CalendarMonitor) -> None:
    await read_rota(monitor, Reply(200, ROTA_ICS.encode()))
    for _failed_read in range(8):
        await read_rota(monitor, Reply(503), after_minutes=10)
    (notice,) = monitor.store.outbox.notices()
    assert notice.subject.startswith("CALENDAR: rota-on-call cannot be read")
    await read_rota(monitor, Reply(200, ROTA_ICS.encode()), after_minutes=10)
    # The good read closes the incident.
    (incident,) = monitor.store.verdicts.incidents()
    assert incident.closed == monitor.clock.now()


def test_no_name_in_a_rotas_calendar_is_stored(tmp_path: Path) -> None:
    """The calendar has the shift "duty A (Jo Bloggs)". Only the role may be stored."""

    async def story(monitor: CalendarMonitor) -> None:
        await read_rota(monitor, Reply(200, ROTA_ICS.encode()))

    assert "Bloggs" in ROTA_ICS
    run_calendar_monitor(tmp_path, story, **SETTINGS)
    stored_files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in stored_files if b"Bloggs" in file.read_bytes()] == []
    (store,) = tmp_path.glob("**/*.db")
    (stored_rota,) = open_store(f"sqlite:///{store}").outbox.rotas()
    assert "duty A" in stored_rota.shifts
