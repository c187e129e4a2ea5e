"""An OpenID provider on loopback that signs real tokens, and a board that it signs people on to."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from monitor.app.options import make_sessions
from monitor.config.people import WebSettings
from monitor.config.settings import Settings
from monitor.web.openid import OpenID
from tests.loopback import Asked, http_server
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.people import read_access

BOARD = "http://board.example"
SECRET = "a secret between the two"
SUBJECT = "0815"
"""The id of the person whom the provider signs on."""
RIGHTS = {"stats-heads": "head", "stats-duty": "duty", "readers": "viewer"}
Reply = tuple[int, str, dict[str, str]]


@cache
def key(name: str = "one") -> RSAKey:
    """Return a signing key. The provider publishes only the key `one`."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


@dataclass
class Idp:
    """A fake provider that records its requests. `claims` replace the valid claims of its
    tokens.
    """

    url: str = ""
    claims: dict[str, Any] = field(
        default_factory=lambda: {"groups": ["stats-duty"], "preferred_username": "anne"}
    )
    configuration: dict[str, Any] = field(default_factory=dict)
    fixed_answers: dict[str, Reply] = field(default_factory=dict)
    token: str | None = None
    now: int = 0
    authorization_query: dict[str, str] = field(default_factory=dict)
    requested_paths: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        """Answer the monitor."""
        path = urlsplit(asked.target).path
        self.requested_paths.append(path)
        if path in self.fixed_answers:
            return self.fixed_answers[path]
        if path == "/token":
            return self._exchange_code(asked)
        if path == "/authorize":
            query = dict(parse_qsl(urlsplit(asked.target).query))
            self.authorization_query = query
            back = f"{query['redirect_uri']}?{urlencode({'code': 'c0de', 'state': query['state']})}"
            return (
                200,
                f'<title>There</title><a href="{back}">I am Anne</a>',
                {"Content-Type": "text/html"},
            )
        result = (
            KeySet([key()]).as_dict(private=False) if path == "/keys" else self._answer_discovery()
        )
        return 200, json.dumps(result), {}

    def _answer_discovery(self) -> dict[str, Any]:
        own = {
            name: f"{self.url}/{path}"
            for name, path in (("token_endpoint", "token"), ("jwks_uri", "keys"))
        }
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            **own,
        } | self.configuration

    def _exchange_code(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        by_header = b64decode(
            asked.headers.get("authorization", "").removeprefix("Basic ")
        ).decode()
        # The default of OpenID is that the secret is in the header.
        wants_form = "client_secret_post" in self.configuration.get(
            "token_endpoint_auth_methods_supported", ()
        )
        if (
            (form.get("client_secret") != SECRET)
            if wants_form
            else (by_header != f"ninethirty:{SECRET}")
        ):
            return 401, '{"error": "invalid_client"}', {}
        proof = create_s256_code_challenge(form.get("code_verifier", ""))
        if (form["code"], form["redirect_uri"], proof) != (
            "c0de",
            self.authorization_query["redirect_uri"],
            self.authorization_query["code_challenge"],
        ):
            return 400, '{"error": "invalid_grant", "error_description": "<b>no</b>"}', {}
        return (
            200,
            json.dumps(
                {
                    "access_token": "a",
                    "token_type": "Bearer",
                    "id_token": self.token or self.sign_token(),
                }
            ),
            {},
        )

    def sign_token(self, by: RSAKey | None = None, header: Mapping[str, Any] | None = None) -> str:
        """Return an ID token with the claims of this provider."""
        right = {
            "iss": self.url,
            "aud": "ninethirty",
            "sub": SUBJECT,
            "nonce": self.authorization_query["nonce"],
        }
        times = {"iat": self.now, "exp": self.now + 300}
        claims = {
            name: value
            for name, value in (right | times | self.claims).items()
            if value is not None
        }
        by = by or key()
        return jwt.encode({"alg": "RS256", "kid": by.kid, **(header or {})}, claims, by)

    def approve(self, sent: httpx.Response) -> dict[str, str]:
        """Follow the redirect `sent` to the provider, and return the query with which it redirects
        back.
        """
        assert sent.status_code == 303, sent.text
        where = urlsplit(sent.headers["location"])
        assert f"{where.scheme}://{where.netloc}{where.path}" == f"{self.url}/authorize"
        self.authorization_query = dict(parse_qsl(where.query))
        return {"code": "c0de", "state": self.authorization_query["state"]}


@dataclass
class Visitor:
    """A board, its provider, and a browser without a session."""

    board: Board
    idp: Idp
    client: httpx.AsyncClient

    async def approve_at_provider(self, where: str = "/") -> dict[str, str]:
        """Sign in at the provider, and return the query with which it redirects back."""
        return self.idp.approve(await self.client.get("/sign-in/oidc", params={"next": where}))

    async def return_to_board(self, query: Mapping[str, str]) -> httpx.Response:
        """Send the provider's redirect to the board, and return the response."""
        return await self.client.get("/sign-in/oidc/return", params=query)

    async def sign_on(self, where: str = "/") -> httpx.Response:
        """Sign on completely, and return the last response."""
        return await self.return_to_board(await self.approve_at_provider(where))

    def use_provider(self, provider: OpenID | None) -> None:
        """Replace the provider that the board is configured with."""
        assert self.board.queries.sessions is not None
        self.board.queries.sessions.provider = provider

    async def access(self) -> str:
        """Return in words which pages open."""
        return await read_access(self.client)


def web_settings(folder: Path, url: str, public: str = BOARD, **more: Any) -> WebSettings:  # noqa: ANN401 # what the table takes
    """Return settings with a provider and its secret in a file.

    `public` is the address of the board.
    """
    (folder / "secret").write_text(f"{SECRET}\n")
    oidc = {
        "issuer": url,
        "client_id": "ninethirty",
        "client_secret": {"file": str(folder / "secret")},
        "claim": "groups",
        "rights": RIGHTS,
        "allow": ["127.0.0.0/8"],
    }
    return WebSettings.model_validate({"public_url": public, "oidc": oidc | more})


@asynccontextmanager
async def board_with_provider(
    folder: Path,
    idp: Idp | None = None,
    users: Path | None = None,
    **more: Any,  # noqa: ANN401 # as above
) -> AsyncIterator[Visitor]:
    """Open a board that needs sign-in, and its provider. `more` replaces settings of the
    provider.
    """
    idp = idp or Idp()
    async with a_board(public=False) as board, http_server(idp) as server:
        idp.url, idp.now = server.url, int(board.clock.now().timestamp())
        table = web_settings(folder, server.url, **more).model_copy(
            update={"users_file": users and str(users)}
        )
        settings = Settings(web=table)
        board.queries.sessions = make_sessions(
            settings, folder, board.kept_sessions(), board.queries.throttle
        )
        transport = httpx.ASGITransport(board.remake_app())
        async with httpx.AsyncClient(
            transport=transport, base_url=BOARD, headers={"Accept": "text/html"}
        ) as client:
            yield Visitor(board, idp, client)
