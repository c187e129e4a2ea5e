"""The pictures of README.md and docs/: pages of the demonstration, with the text that they show.

`make pictures` takes them again.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize, async_playwright

from monitor.cli.main import status_of
from monitor.rehearse.demo import OPENS_AT, DemoBoard, merge_kept_stores, script_of
from tests.browser.pages import serving
from tests.browser.sixty import SLOT, play_sixty

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
INCIDENT = "ofqual-2018-01"
SHOWN_AT = OPENS_AT + timedelta(hours=2)
"""The release is out, and how late it was is known."""
_WIDTH = 960
Scheme = Literal["light", "dark"]
_QUALITY = 80


@dataclass(frozen=True)
class Picture:
    """A page by its address, the files in docs/pictures that show it, and where it is scrolled to.

    `height` ends the picture between two lines.
    """

    name: str
    address: str
    files: Mapping[str, Scheme]
    height: int
    scroll_to: str = "body"
    width: int = _WIDTH


def play(folder: Path) -> tuple[Path, Path]:
    """Play what the pictures show: an incident and a busy slot. Return their folders below
    `folder`.
    """
    status = status_of(["rehearse", str(script_of(INCIDENT)), "--keep", str(folder)])
    if status:
        sys.exit(status)
    busy = folder / "busy"
    busy.mkdir()
    play_sixty(busy)
    return folder / INCIDENT, busy


def pictures_of(board: str, kept: Path) -> list[Picture]:
    """Return the pages to show: the board at `board`, and the draft in the folder of a kept
    rehearsal.
    """
    (draft,) = kept.glob("drafts/*.html")
    both: Mapping[str, Scheme] = {"board-light.webp": "light", "board-dark.webp": "dark"}
    # A draft is a document, so it has no dark colours.
    return [
        Picture("board", f"{board}/", both, 914),
        Picture("report", draft.as_uri(), {"report.webp": "light"}, 695, "h2 >> nth=1"),
    ]


def pictures_of_busy_slot(board: str) -> list[Picture]:
    """Return the board of a busy slot at a desk, on a phone and on a wall."""
    return [
        Picture("busy_desk", f"{board}/", {"busy_desk.webp": "light"}, 1010, width=1280),
        Picture("busy_phone", f"{board}/", {"busy_phone.webp": "light"}, 1700, width=390),
        Picture("busy_wall", f"{board}/?wall=1", {"busy_wall.webp": "light"}, 1080, width=1920),
    ]


async def text_of(browser: Browser, picture: Picture, scheme: Scheme, file: Path | None) -> str:
    """Return the text of a page in a colour scheme, and write its picture if there is a file for
    it.
    """
    size: ViewportSize = {"width": picture.width, "height": picture.height}
    context = await browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5)
    page = await context.new_page()
    await page.goto(picture.address)
    await page.locator(picture.scroll_to).evaluate("part => part.scrollIntoView()")
    if file is not None:
        # Playwright itself writes only PNG and JPEG, which are larger.
        session = await context.new_cdp_session(page)
        shot = await session.send("Page.captureScreenshot", {"format": "webp", "quality": _QUALITY})
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))
    text = await page.locator("body").inner_text()
    await context.close()
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


async def texts(kept: tuple[Path, Path], folder: Path | None = None) -> dict[str, str]:
    """Return the text of each page by its name, and take the pictures of all if there is a folder
    for them.
    """
    incident, busy = kept
    boards: list[tuple[Path, datetime, Callable[[str], list[Picture]]]] = [
        (incident, SHOWN_AT, lambda board: pictures_of(board, incident)),
        (busy, SLOT + timedelta(seconds=14), pictures_of_busy_slot),
    ]
    found = {}
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        ) as browser,
    ):
        for played, shown_at, list_pictures in boards:
            async with show_board(played, shown_at) as board:
                for picture in list_pictures(board):
                    for name, scheme in picture.files.items():
                        file = folder / name if folder is not None else None
                        found[picture.name] = await text_of(browser, picture, scheme, file)
    return found


@asynccontextmanager
async def show_board(played: Path, shown_at: datetime) -> AsyncIterator[str]:
    """Serve the demonstration's board of a kept rehearsal as of `shown_at`. Yield its address."""
    store = await asyncio.to_thread(merge_kept_stores, [played])
    demonstration = DemoBoard(store, shown_at)
    try:
        async with serving(demonstration) as board:
            yield board
    finally:
        demonstration.close()
        store.close()


def main() -> None:
    """Take every picture again, and write the text of each page beside it."""
    with tempfile.TemporaryDirectory() as made:
        kept = play(Path(made))
        for name, text in asyncio.run(texts(kept, FOLDER)).items():
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
