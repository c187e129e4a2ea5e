from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from monitor.clock import SystemClock
from monitor.web.middleware import AccessLog


async def page(request: Request) -> PlainTextResponse:
    structlog.get_logger("x").info("logged_by_page")
    if "broken" in request.url.path:
        raise LookupError("lost")
    return PlainTextResponse("ok")


async def request_path(path: str, **headers: str) -> tuple[httpx.Response, list[dict[str, Any]]]:
    """Request a path of an application whose pages log one line each.

    Return the response and all log lines.
    """
    app = AccessLog(Starlette(routes=[Route("/{path:path}", page)]), SystemClock())
    processors = [structlog.contextvars.merge_contextvars]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    with capture_logs(processors=processors) as lines:
        async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
            answer = await client.get(path, headers=headers)
    return answer, [dict(line) for line in lines]


async def test_all_log_lines_of_a_request_have_its_response_id() -> None:
    answer, (line_of_page, line_of_access_log) = await request_path("/releases/r")
    request_id = answer.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert (line_of_page["event"], line_of_page["request"]) == ("logged_by_page", request_id)
    assert (line_of_access_log["event"], line_of_access_log["request"]) == ("request", request_id)


async def test_access_log_has_method_path_status_and_duration() -> None:
    _, (_, line_of_access_log) = await request_path("/releases/r")
    assert (line_of_access_log["method"], line_of_access_log["path"]) == ("GET", "/releases/r")
    assert line_of_access_log["status"] == 200
    assert line_of_access_log["seconds"] >= 0


async def test_request_id_of_a_proxy_is_kept_if_valid() -> None:
    kept, _ = await request_path("/", **{"X-Request-ID": "edge-0001-abcd"})
    made, _ = await request_path("/", **{"X-Request-ID": "x y<script>"})
    assert kept.headers["X-Request-ID"] == "edge-0001-abcd"
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["X-Request-ID"])


async def test_query_string_is_never_logged() -> None:
    _, lines = await request_path("/incidents/i/acknowledge?token=abcdef")
    assert "abcdef" not in str(lines)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_polled_addresses_are_logged_at_debug_level(path: str) -> None:
    """Monitoring systems read these addresses every few seconds."""
    _, lines = await request_path(path)
    assert lines[-1]["log_level"] == "debug"


async def test_request_with_an_exception_is_logged_as_500() -> None:
    answer, lines = await request_path("/broken")
    assert (answer.status_code, lines[-1]["status"]) == (500, 500)
