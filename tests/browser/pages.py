"""Opens pages in a real browser and checks that they fit the screen in fonts of any width."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright
from starlette.types import ASGIApp

from monitor.web.server import WebServer, bind_address

# Which fonts there are differs by machine, and what fits in one is too wide in another. Spaced
# letters are wide in all.
LETTERS = {
    "wide": "* { letter-spacing: .3em !important; word-spacing: .2em !important }",
    "its own": "",
}
# A sheet that a script makes: the pages' policy on content lets no other in.
PUT_ON = (
    "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets ="
    " [s]; }"
)


@asynccontextmanager
async def browsing(width: int, *, scripts: bool = True) -> AsyncIterator[Page]:
    """Open a browser of that width, with scripts or without."""
    path = shutil.which("chromium")
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as chromium,
    ):
        yield await chromium.new_page(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts
        )


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on loopback; yields its address."""
    server = WebServer(app, bind_address("127.0.0.1:0"))
    task = asyncio.create_task(server.run())
    try:
        yield f"http://{server.address}"
    finally:
        server.stop()
        await task


async def overflowing(page: Page, width: int) -> list[str]:
    """Return the fonts in which the page is wider than the screen.

    The page then has its own font again.
    """
    needed = {}
    for letters, css in LETTERS.items():
        await page.evaluate(PUT_ON, css)
        needed[letters] = await page.evaluate("document.documentElement.scrollWidth")
    return [
        f"needs {room} px in {letters} letters" for letters, room in needed.items() if room > width
    ]
