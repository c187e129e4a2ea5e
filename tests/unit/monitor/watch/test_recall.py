"""What a new life remembers of the one before it: baselines, pages that were missing, and parts that were found."""

from __future__ import annotations

from pathlib import Path

from monitor.look.sighting import State
from monitor.store.writer import DELAY
from tests.unit.monitor.app.life import HEAD, URL, Life, live

SHEET = "https://files.example/claims.csv"
SHEET_TARGET = "claims-q3/sheet/edge"
ROLLING = HEAD + f'part = [{{ id = "sheet", role = "data", url = "{SHEET}", recognise = "changed" }}]\n'


def answer(url: str, at: str, body: str) -> str:
    return f"[[answer]]\nurl = \"{url}\"\nat = 2026-11-26T{at}\nbody = '''{body}'''\n"


def test_a_file_that_changed_while_nobody_watched_is_held_against_the_bytes_of_the_earlier_life(tmp_path: Path) -> None:
    tables = answer(SHEET, "09:00:00", "a,1") + answer(SHEET, "09:29:45", "a,2")

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        assert life.runs(SHEET_TARGET)[-1].state is State.ABSENT
        await life.kill()
        await life.until("09:30:10")
        await life.start()
        await life.until("09:30:20")
        assert life.runs(SHEET_TARGET)[-1].state is State.PRESENT

    live(tmp_path, tables, act, head=ROLLING, delay=DELAY)


def test_a_file_that_did_not_change_is_still_absent_in_the_next_life(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:30")
        await life.kill()
        await life.until("09:30:10")
        await life.start()
        await life.until("09:30:20")
        assert {run.state for run in life.runs(SHEET_TARGET)[1:]} == {State.ABSENT}

    live(tmp_path, answer(SHEET, "09:00:00", "a,1"), act, head=ROLLING, delay=DELAY)


def test_a_page_that_was_missing_before_a_restart_proves_nothing_under_another_title(tmp_path: Path) -> None:
    wrong = "<html><head><title>Prison population - GOV.UK</title></head><body><h1>Prison population</h1><p>Figures.</p></body></html>"  # noqa: E501 # one page

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        await life.kill()
        await life.until("09:29:45")
        await life.start()
        await life.until("09:30:20")
        assert life.runs()[-1].state is State.UNKNOWN

    live(tmp_path, answer(URL, "09:30:05", wrong), act, delay=DELAY)


def test_a_file_that_the_page_named_keeps_its_name_in_the_next_life(tmp_path: Path) -> None:
    files = [f"https://assets.publishing.service.gov.uk/media/{name}.ods" for name in ("one", "two")]
    page = "<html><head><title>{title}</title></head><body><h1>{title}</h1>{links}</body></html>"
    title = "Example claims: July to September 2026"
    shown = [
        page.format(title=title, links="".join(f'<a href="{url}">{url}</a>' for url in order))
        for order in (files, files[::-1])
    ]
    tables = answer(URL, "09:30:00", shown[0]) + answer(URL, "09:31:00", shown[1])
    tables += "".join(answer(url, "09:30:00", "x") for url in files)

    def named(life: Life) -> dict[str, str]:
        return {
            part.url: part.id for part in life.daemon.watch.releases["claims-q3"].release.parts if part.id != "page"
        }

    async def act(life: Life) -> None:
        await life.until("09:30:30")
        before = named(life)
        assert set(before) == set(files)
        await life.kill()
        await life.until("09:31:30")
        await life.start()
        await life.until("09:31:40")
        assert named(life) == before

    live(tmp_path, tables, act, delay=DELAY)
