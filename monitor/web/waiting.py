"""The application that answers health checks before a monitor can begin."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


def make_waiting_application(reason: str, *, is_standby: bool) -> Starlette:
    """Return an application that says that the process runs, and is not ready for this reason.

    Every page but those of health checks answers 503. If it `is_standby`, it is ready to take over.
    """

    async def tell_alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def tell_readiness(_request: Request) -> Response:
        if is_standby:
            return PlainTextResponse("standby")
        content = {"ready": False, "reasons": [reason], "doubts": []}
        return JSONResponse(content, status_code=503)

    async def refuse(_request: Request) -> Response:
        headers = {"Retry-After": "5"}
        return PlainTextResponse(f"ninethirty {reason}\n", status_code=503, headers=headers)

    return Starlette(
        routes=[
            Route("/healthz", tell_alive),
            Route("/livez", tell_alive),
            Route("/readyz", tell_readiness),
            Route("/{path:path}", refuse),
        ]
    )
