"""A restarted monitor knows baselines, missing pages and found parts from before."""

from __future__ import annotations

from pathlib import Path

from monitor.look.recognise.title import ANOTHER_TITLE
from monitor.look.sighting import State
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    URL,
    MonitorInTest,
    run_monitor,
    with_daemon,
)
from tests.worlds.scripts import a_web_page, an_answer

SHEET = "https://files.example/claims.csv"
SHEET_TARGET = "claims-q3/sheet/edge"
HEAD_WITH_ROLLING_SHEET = (
    HEAD + f'part = [{{ id = "sheet", role = "data", url = "{SHEET}", recognise = "changed" }}]\n'
)


@with_daemon(
    an_answer(SHEET, "09:00:00", "a,1") + an_answer(SHEET, "09:29:45", "a,2"),
    head=HEAD_WITH_ROLLING_SHEET,
    delay=REAL_COMMIT_DELAY,
)
async def test_rolling_file_changed_during_restart_is_the_release(monitor: MonitorInTest) -> None:
    """A rolling file is always there. It is the release once its bytes differ from those of the
    first look. Until then, the release counts as absent. The bytes change at 09:29:45, while the
    monitor is not running. After the restart, the monitor still knows the first bytes, so it sees
    the release.
    """
    await monitor.until("09:29:30")
    assert monitor.runs(SHEET_TARGET)[-1].state is State.ABSENT
    await monitor.restart(killed_at="09:29:30", started_at="09:30:10")
    await monitor.until("09:30:20")
    assert monitor.runs(SHEET_TARGET)[-1].state is State.PRESENT


@with_daemon(
    an_answer(SHEET, "09:00:00", "a,1"), head=HEAD_WITH_ROLLING_SHEET, delay=REAL_COMMIT_DELAY
)
async def test_unchanged_rolling_file_still_counts_as_absent_after_restart(
    monitor: MonitorInTest,
) -> None:
    """A rolling file is always there. It is the release once its bytes differ from those of the
    first look. Here they are the same from 09:00 on. So the release is absent before the restart
    and after it.
    """
    await monitor.restart(killed_at="09:29:30", started_at="09:30:10")
    await monitor.until("09:30:20")
    # The first look proves nothing, because there is nothing yet with which to compare its bytes.
    _first_run, *later_runs = monitor.runs(SHEET_TARGET)
    assert {run.state for run in later_runs} == {State.ABSENT}


@with_daemon(an_answer(URL, "09:30:05", a_web_page("Prison population")), delay=REAL_COMMIT_DELAY)
async def test_page_of_another_title_during_restart_proves_nothing(monitor: MonitorInTest) -> None:
    """Until 09:30:05 the address has no page. Then a page of another title comes, which may be the
    release under a wrong title. So it proves nothing. The monitor does not run from 09:29:30 to
    09:30:10, but still knows that there was no page.
    """
    await monitor.restart(killed_at="09:29:30", started_at="09:30:10")
    await monitor.until("09:30:20")
    last_run = monitor.runs()[-1]
    assert last_run.state is State.UNKNOWN
    assert last_run.why == ANOTHER_TITLE


def test_file_keeps_its_id_after_restart_and_reordering(tmp_path: Path) -> None:
    """At 09:30:00 a page names two files, `one` and `two`, which become parts with ids. From
    09:31:00 on, it names them in reverse order. The monitor restarts between the two. Each file
    still has its id.
    """
    files = [
        f"https://assets.publishing.service.gov.uk/media/{name}.ods" for name in ("one", "two")
    ]
    page = "<html><head><title>{title}</title></head><body><h1>{title}</h1>{links}</body></html>"
    title = "Example claims: July to September 2026"
    pages = [
        page.format(title=title, links="".join(f'<a href="{url}">{url}</a>' for url in order))
        for order in (files, files[::-1])
    ]
    tables = an_answer(URL, "09:30:00", pages[0]) + an_answer(URL, "09:31:00", pages[1])
    tables += "".join(an_answer(url, "09:30:00", "x") for url in files)

    def part_ids(monitor: MonitorInTest) -> dict[str, str]:
        return {
            part.url: part.id
            for part in monitor.daemon.parts.watch.releases["claims-q3"].release.parts
            if part.id != "page"
        }

    async def restart_after_reordering(monitor: MonitorInTest) -> None:
        await monitor.until("09:30:30")
        before = part_ids(monitor)
        assert set(before) == set(files)
        await monitor.restart(killed_at="09:30:30", started_at="09:31:30")
        await monitor.until("09:31:40")
        assert part_ids(monitor) == before

    run_monitor(tmp_path, tables, restart_after_reordering, delay=REAL_COMMIT_DELAY)
