"""Sends what people do at the command line to the monitor: by its socket, by its address with a
token, or in this process if no monitor runs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import httpx

from monitor.cli.common import Context, choose_format, log_only_errors, write_output
from monitor.errors import EnvironmentFault, StoreFault, UserFault, unknown_name
from monitor.store.open import is_locked
from monitor.web.local_socket import CONFIGURATION_HEADER, is_served, paths_to_try
from schedules.times.json import Json, instant_json

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
    """The operations of a monitor, as requests of its API."""

    runner: asyncio.Runner
    client: httpx.AsyncClient

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 # any JSON
        """Return the JSON of an operation. Values of None are left out of the query."""
        return _read_json(self.runner.run(self._send_request("GET", path, query)))

    def get_unless(self, refusal: httpx.codes, path: str) -> Json | None:
        """Return the JSON of an operation, or None if it is refused with this status."""
        try:
            body: Json = self.get(path)
        except RefusedByMonitor as exc:
            if exc.problem["status"] != refusal:
                raise
            return None
        return body

    def get_for_staff(self, path: str, name: str) -> list[Json] | None:
        """Return the rows `name` of a list that only staff may read, or None to a viewer."""
        body = self.get_unless(httpx.codes.FORBIDDEN, path)
        return None if body is None else body[name]

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

    def read(self, path: str, **query: object) -> bytes:
        """Return the file of an operation."""
        return self.runner.run(self._send_request("GET", path, query)).content

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401 # any JSON
        """Send a POST, and return its JSON. Values of None are left out."""
        return self.runner.run(self.post_soon(path, **body))

    async def post_soon(self, path: str, **body: object) -> Any:  # noqa: ANN401 # any JSON
        """Do what `post` does, in a coroutine that `runner` runs."""
        return _read_json(await self._send_request("POST", path, body))

    async def _send_request(self, method: str, path: str, values: Json) -> httpx.Response:
        given = {name: _to_json(value) for name, value in values.items() if value is not None}
        content: Json = {"params": given} if method == "GET" else {"json": given}
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


def _to_json(value: object) -> object:
    """Return a day or instant as an operation reads it, and any other value as it is."""
    if isinstance(value, datetime):
        return instant_json(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _encode_path(path: str) -> str:
    """Return the address of an operation, with `.` and `..` encoded.

    A calendar may give such an id, and the client would go to another operation.
    """
    dots = {".": "%2E", "..": "%2E%2E"}
    segments = [dots.get(one, one) for one in quote(path).split("/")]
    return f"/api/v1{'/'.join(segments)}"


def get_json(context: Context, path: str, **query: object) -> Any:  # noqa: ANN401 # any JSON
    """Return the JSON of one operation."""
    with open_api(context) as api:
        return api.get(path, **query)


def post_json(context: Context, path: str, **body: object) -> Any:  # noqa: ANN401 # any JSON
    """Do one thing, and return the JSON of the answer."""
    with open_api(context) as api:
        return api.post(path, **body)


def act(context: Context, path: str, text: str, **body: object) -> None:
    """Do what `post_json` does, and print its answer as JSON, or `text`."""
    context.print_result(post_json(context, path, **body), text)


def write_answer(
    context: Context,
    path: str,
    formats: Sequence[str],
    kind: str | None,
    output: Path | None,
    **query: object,
) -> None:
    """Write the file of an operation, which has several formats, to `output` or the terminal."""
    chosen = "json"
    if not context.as_json:
        chosen = choose_format(kind, output, formats)
    with open_api(context) as api:
        content = api.read(f"{path}.{chosen}", **query)
    write_output(content, output, chosen)


def refuse_unknown(context: Context, api: Api, producer: str | None, rows: Sequence[Json]) -> None:
    """Raise `UnknownName` if a list is empty because the monitor knows no such producer. Programs
    get the empty list.
    """
    if producer and not rows and not context.as_json:
        known = [one["id"] for one in api.get("/producers")["producers"]]
        if producer not in known:
            raise unknown_name("producer", producer, known)


def _read_json(answer: httpx.Response) -> Any:  # noqa: ANN401 # any JSON
    try:
        return answer.json()
    except ValueError as exc:
        raise EnvironmentFault(
            f"{answer.url} answered {answer.status_code} without JSON: is it a monitor?"
        ) from exc


@contextmanager
def open_api(context: Context, *, needs_monitor: bool = False) -> Iterator[Api]:
    """Yield the operations of the monitor that `--url` names, of the one that runs here with this
    configuration, or of none: then they work on the store itself, and a line says so.

    Raises `EnvironmentFault` if a monitor runs that cannot be reached, or if none runs and it
    `needs_monitor`.
    """
    with asyncio.Runner() as runner, ExitStack() as stack:
        client = _find_monitor(context)
        if client is None and is_locked(context.settings.store.url):
            raise EnvironmentFault(
                "a monitor runs on this store, but answers on no socket that you may write to: join"
                " its group, name its [web] socket, or start it again if it hangs"
            )
        if client is None and needs_monitor:
            name, place = context.settings.watch.vantage, context.settings.evidence.folder
            raise EnvironmentFault(
                f'no monitor named "{name}" runs here with its evidence in {place}: start it with'
                " `ninethirty run`, or go to its folder"
            )
        client = client or stack.enter_context(_work_on_store(context, runner))
        try:
            yield Api(runner, client)
        finally:
            runner.run(client.aclose())


def _find_monitor(context: Context) -> httpx.AsyncClient | None:
    """Return a client of the monitor that `open_api` means, or None if there is none."""
    headers: dict[str, str] = {}
    if context.url:
        token = os.environ.get("NINETHIRTY_TOKEN", "")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = _check_url(context.url, is_secret=bool(token))
        # A proxy of the environment could read what is sent without encryption.
        return httpx.AsyncClient(
            base_url=url, headers=headers, timeout=_SECONDS, trust_env=url.scheme == "https"
        )
    named = context.settings.web.socket
    if named is not None:
        paths = [context.path.parent / named]
    else:
        paths = [*paths_to_try(os.environ, Path(context.settings.evidence.folder))]
        headers[CONFIGURATION_HEADER] = str(context.path.resolve())
    for path in map(str, filter(is_served, paths)):
        with httpx.Client(transport=httpx.HTTPTransport(uds=path), headers=headers) as trial:
            try:
                status = trial.get(f"{_HERE}/healthz").status_code
            except httpx.HTTPError:  # it stops now, or hangs
                continue
        if status != httpx.codes.MISDIRECTED_REQUEST:  # of another configuration
            over_socket = httpx.AsyncHTTPTransport(uds=path)
            return httpx.AsyncClient(
                transport=over_socket, base_url=_HERE, headers=headers, timeout=_SECONDS
            )
    return None


@contextmanager
def _work_on_store(context: Context, runner: asyncio.Runner) -> Iterator[httpx.AsyncClient]:
    """Yield a client of the monitor's operations in this process.

    Raises `EnvironmentFault` if a monitor of another machine leads on the store.
    """
    from monitor.app.offline import as_own_user, open_application
    from monitor.app.options import make_rotas
    from monitor.cli.on_call import read_rotas
    from monitor.ledger.rota import add_stored_shifts

    click.echo(OFFLINE, err=True)
    settings, folder = context.settings, context.path.parent
    with log_only_errors(context.hide), context.store() as store:
        leader = store.leases.leader()
        if leader is not None and leader.holder and leader.until > store.leases.now(context.now()):
            url = settings.web.public_url or "ADDRESS"
            raise EnvironmentFault(
                f"the monitor {leader.monitor} leads on this store: run `ninethirty --url {url}"
                " VERB`, with a token in $NINETHIRTY_TOKEN"
            )
        rotas = runner.run(read_rotas(context, add_stored_shifts(make_rotas(settings), store)))
        with open_application(settings, folder, store, rotas) as application:
            inside = httpx.ASGITransport(as_own_user(application))
            yield httpx.AsyncClient(transport=inside, base_url=_HERE, timeout=_SECONDS)


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
