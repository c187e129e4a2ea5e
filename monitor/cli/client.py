"""Sends what people do at the command line to the monitor: by its socket, by its address with a
token, or in this process if no monitor runs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate
from urllib.parse import quote

import click
import httpx

from monitor.cli.common import Context, P, check_known, json_verb, log_only_errors
from monitor.cli.on_call import read_rotas
from monitor.errors import EnvironmentFault, StoreFault, UserFault
from monitor.store.open import is_locked
from monitor.web.local_socket import CONFIGURATION_HEADER, is_served, paths_to_try
from schedules.times.json import Json

if TYPE_CHECKING:
    from monitor.store.sql.engine import Store

OFFLINE = "No monitor runs here, so this works on the store itself."
_HERE = "http://localhost"
_SECONDS = 120.0
"""How long a command waits for an answer. A report on a long period takes a minute."""


class RefusedByMonitor(UserFault):
    """The monitor refused a request, for the reasons in its `problem` document (RFC 9457)."""

    def __init__(self, problem: Json) -> None:
        super().__init__("\n".join(problem.get("faults") or [problem["detail"]]))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Api:
    """The operations of a monitor. Each call is one request."""

    runner: asyncio.Runner
    client: httpx.AsyncClient

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 # any JSON
        """Return the JSON of an operation. Values of None are left out of the query."""
        return _read_json(self._send_request("GET", path, params=_without_none(query)))

    def get_for_staff(self, path: str, name: str) -> list[Json] | None:
        """Return the rows `name` of a list that only staff may read, or None to a viewer."""
        try:
            rows: list[Json] = self.get(path)[name]
        except RefusedByMonitor as exc:
            if exc.problem["status"] == httpx.codes.FORBIDDEN:
                return None
            raise
        return rows

    def read(self, path: str, **query: object) -> bytes:
        """Return the file of an operation."""
        return self._send_request("GET", path, params=_without_none(query)).content

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401 # any JSON
        """Do something, and return the JSON of the answer. Values of None are left out."""
        return _read_json(self._send_request("POST", path, json=_without_none(body)))

    async def post_soon(self, path: str, **body: object) -> Any:  # noqa: ANN401 # any JSON
        """Do what `post` does, in a coroutine that `runner` runs."""
        return _read_json(await self._fetch_answer("POST", path, json=_without_none(body)))

    def list_pages(self, path: str, name: str, **query: object) -> list[Json]:
        """Return the rows `name` of all pages of a list."""
        rows: list[Json] = []
        after = None
        while True:
            page = self.get(path, **query, after=after)
            rows += page[name]
            after = page["next"]
            if after is None:
                return rows

    def _send_request(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401 # as httpx has it
        return self.runner.run(self._fetch_answer(method, path, **content))

    async def _fetch_answer(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401 # as httpx has it
        try:
            answer = await self.client.request(method, _encode_path(path), **content)
        except httpx.HTTPError as exc:
            raise EnvironmentFault(f"the monitor does not answer: {exc}") from exc
        if answer.is_success:
            return answer
        problem = _read_json(answer)
        if not isinstance(problem, dict) or "detail" not in problem:
            raise EnvironmentFault(f"the monitor answered {answer.status_code}")
        if answer.status_code >= 500:
            raise StoreFault(problem["detail"])
        raise RefusedByMonitor(problem)


def _encode_path(path: str) -> str:
    """Return the address of an operation, with `.` and `..` encoded.

    A calendar may give such an id, and the client would go to another operation.
    """
    dots = {".": "%2E", "..": "%2E%2E"}
    segments = [dots.get(one, one) for one in quote(path).split("/")]
    return f"/api/v1{'/'.join(segments)}"


def acting_verb(verb: Callable[Concatenate[Context, P], None]) -> Callable[P, None]:
    """Give a verb that changes something the context, the option `--json`, and the refusal of
    `--by`, which named a role in 1.0.0rc1.
    """
    return click.option("--by", hidden=True, expose_value=False, callback=_refuse_role)(
        json_verb(verb)
    )


def _refuse_role(_ctx: click.Context, _param: click.Parameter, role: str | None) -> None:
    if role is not None:
        raise click.UsageError(
            "leave out --by: your account decides your role, see docs/how-to/sign-in.md"
        )


def act(context: Context, path: str, text: str, **body: object) -> None:
    """Do something, and print the answer as JSON, or `text`."""
    with open_api(context) as api:
        context.print_result(api.post(path, **body), text)


def check_producer(api: Api, name: str) -> None:
    """Raise `UnknownName` if the monitor knows no such producer."""
    check_known("producer", name, [one["id"] for one in api.get("/producers")["producers"]])


def _read_json(answer: httpx.Response) -> Any:  # noqa: ANN401 # any JSON
    try:
        return answer.json()
    except ValueError as exc:
        raise EnvironmentFault(
            f"{answer.url} answered {answer.status_code} without JSON: is it a monitor?"
        ) from exc


def _without_none(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def open_api(context: Context, *, needs_monitor: bool = False) -> Iterator[Api]:
    """Yield the operations of the monitor that `--url` names, of the one that runs here with this
    configuration, or of none: then they work on the store itself, and a line says so.

    Raises `EnvironmentFault` if a monitor runs that cannot be reached, or if none runs and it
    `needs_monitor`.
    """
    with asyncio.Runner() as runner:
        opened = _open_client(context, needs_monitor=needs_monitor)
        client = runner.run(opened.__aenter__())
        try:
            yield Api(runner, client)
        finally:
            runner.run(opened.__aexit__(None, None, None))


@asynccontextmanager
async def _open_client(
    context: Context, *, needs_monitor: bool
) -> AsyncIterator[httpx.AsyncClient]:
    if context.url:
        token = os.environ.get("NINETHIRTY_TOKEN", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = _check_url(context.url, is_secret=bool(token))
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_SECONDS) as client:
            yield client
        return
    found = await asyncio.to_thread(_find_socket, context)
    if found is not None:
        path, headers = found
        over_socket = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(
            transport=over_socket, base_url=_HERE, headers=headers, timeout=_SECONDS
        ) as client:
            yield client
        return
    _refuse_beside_monitor(context.settings.store.url)
    if needs_monitor:
        name, place = context.settings.watch.vantage, context.settings.evidence.folder
        raise EnvironmentFault(
            f'no monitor named "{name}" runs here with its evidence in {place}: start it with'
            " `ninethirty run`, or go to its folder"
        )
    from monitor.app.offline import as_own_user, open_application
    from monitor.app.options import make_rotas
    from monitor.ledger.rota import add_stored_shifts

    click.echo(OFFLINE, err=True)
    settings, folder = context.settings, context.path.parent
    with log_only_errors(context.hide), context.store() as store, ExitStack() as stack:
        _refuse_beside_leader(store, context.now(), settings.web.public_url or "ADDRESS")
        rotas = await read_rotas(context, add_stored_shifts(make_rotas(settings), store))
        application = stack.enter_context(open_application(settings, folder, store, rotas))
        inside = httpx.ASGITransport(as_own_user(application))
        async with httpx.AsyncClient(transport=inside, base_url=_HERE, timeout=_SECONDS) as client:
            yield client


def _check_url(text: str, *, is_secret: bool) -> httpx.URL:
    """Return the address of a monitor. Raises `UserFault` if it is none, or if it `is_secret` what
    is sent there and the network could read it.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise UserFault(f"--url: not an address: {exc} (got “{text}”)") from exc
    if url.scheme not in ("http", "https") or not url.host:
        raise UserFault(f"--url: must begin with https:// or http:// (got “{text}”)")
    is_here = url.host in ("localhost", "127.0.0.1", "::1")
    if is_secret and url.scheme == "http" and not is_here:
        raise UserFault(f"--url: a token is sent by https only, or to this machine (got “{text}”)")
    return url


def _find_socket(context: Context) -> tuple[Path, dict[str, str]] | None:
    """Return the socket of the monitor that runs here with this configuration, and the headers to
    send there. None if there is none.
    """
    headers: dict[str, str] = {}
    named = context.settings.web.socket
    if named is not None:
        paths = [context.path.parent / named]
    else:
        paths = [*paths_to_try(os.environ, Path(context.settings.evidence.folder))]
        headers[CONFIGURATION_HEADER] = str(context.path.resolve())
    for path in filter(is_served, paths):
        over_socket = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=over_socket, headers=headers) as client:
            try:
                status = client.get(f"{_HERE}/healthz").status_code
            except httpx.HTTPError:  # it stops now, or hangs
                continue
            if status != httpx.codes.MISDIRECTED_REQUEST:  # of another configuration
                return path, headers
    return None


def _refuse_beside_monitor(url: str) -> None:
    """Raise `EnvironmentFault` if a monitor of this machine has locked the store's file."""
    if is_locked(url):
        raise EnvironmentFault(
            "a monitor runs on this store, but not on a socket that you may write to: join its"
            " group, or name its [web] socket"
        )


def _refuse_beside_leader(store: Store, now: datetime, url: str) -> None:
    """Raise `EnvironmentFault` if a monitor of another machine leads on the store."""
    leader = store.leases.leader()
    if leader is not None and leader.holder and leader.until > store.leases.now(now):
        raise EnvironmentFault(
            f"the monitor {leader.monitor} leads on this store: run `ninethirty --url {url} VERB`,"
            " with a token in $NINETHIRTY_TOKEN"
        )
