"""OpenID Connect's code flow with PKCE by Authlib, which checks the tokens. Requests are guarded like looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from joserfc.jws import JWSRegistry

from alerts.one_line import one_line
from monitor.clock import Clock
from monitor.look.http.body import UnusableBody
from monitor.look.http.fetcher import user_agent
from monitor.look.http.transport import HttpTransport
from monitor.threads import Ask
from monitor.web.provider import Claimed, Flow, NotSignedOn, Provider
from monitor.web.users import is_name

_LEEWAY = 60
_LONGEST_HINT = 4000
"""Characters of an ID token that an address takes along: some servers take no longer ones."""
_KEPT, _FAILED_FOR = 600.0, 5.0
_MOST_AT_ONCE = 8
_SIGNED_BY = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class OpenID:
    """Sends browsers to the provider, and believes what it tells of them when they come back."""

    def __init__(
        self, provider: Provider, clock: Clock, transports: Callable[[], HttpTransport], contact: str = ""
    ) -> None:
        """`transports` makes one for each request, so that looks share no connection with it."""
        self.provider = provider
        self._clock = clock
        self._transports = transports
        self._contact = contact
        self._turn = asyncio.Lock()
        self._known: Mapping[str, Any] | NotSignedOn | None = None
        self._until = 0.0
        self._under_way = 0

    async def way(self, flow: Flow) -> str:
        """Return the address at the provider to which a browser is sent. Raises `NotSignedOn`."""
        known = await self._metadata()
        where, verifier = known["authorization_endpoint"], flow.verifier
        client = _Client(self.provider, known, "", self._send)
        return str(client.create_authorization_url(where, flow.state, verifier, nonce=flow.nonce)[0])

    async def come_back(self, code: str, flow: Flow, ask: Ask) -> tuple[str, Claimed]:
        """Return the name of whom the provider signed on, and what rights go by. Raises `NotSignedOn`."""
        if self._under_way >= _MOST_AT_ONCE:
            raise NotSignedOn(HTTPStatus.SERVICE_UNAVAILABLE, "Too many people are signing in. Try again in a minute.")
        self._under_way += 1
        try:
            known = await self._metadata()
            token = await self._token(known, code, flow, await ask(self.provider.secret))
            keys = await self._read(known["jwks_uri"])
        finally:
            self._under_way -= 1
        now = int(self._clock.now().timestamp())
        claims = await ask(lambda: _claims(self.provider, token, keys, flow.nonce, now))
        names = (claims.get(name) for name in ("preferred_username", "email", "sub"))
        name = next((one for one in names if isinstance(one, str) and is_name(one)), "somebody")
        return name, self.provider.claimed(claims, str(token["id_token"]))

    async def way_out(self, claimed: Claimed) -> str:
        """Return the address at which the provider signs somebody out, empty where it tells of none."""
        try:
            where = str((await self._metadata()).get("end_session_endpoint", ""))
        except NotSignedOn:
            return ""
        if not self.provider.told(claimed) or not where.startswith(self._schemes):
            return ""
        known = {"id_token_hint": claimed.token} if len(claimed.token) <= _LONGEST_HINT else {}
        return f"{where}{'&' if '?' in where else '?'}{urlencode({'client_id': self.provider.client, **known})}"

    @property
    def _schemes(self) -> tuple[str, str]:
        return "https://", f"{self.provider.issuer.partition('://')[0]}://"

    async def _metadata(self) -> Mapping[str, Any]:
        # In turn: while a provider is slow, one request waits for it and the others for that one.
        async with self._turn:
            if self._known is None or self._clock.monotonic() >= self._until:
                try:
                    self._known, lasts = await self._discovered(), _KEPT
                except NotSignedOn as fault:
                    self._known, lasts = fault, _FAILED_FOR
                self._until = self._clock.monotonic() + lasts
            known = self._known
        if isinstance(known, NotSignedOn):
            raise NotSignedOn(known.status, str(known))
        return known

    async def _discovered(self) -> Mapping[str, Any]:
        issuer = self.provider.issuer
        told = await self._read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != issuer:
            raise _unusable("its configuration names another issuer")
        for name in _ENDPOINTS:
            if not str(told.get(name, "")).startswith(self._schemes):
                raise _unusable(f"its configuration has no {name} that may be asked")
        return told

    async def _read(self, url: str) -> dict[str, Any]:
        answer = await self._send("GET", url, {"Accept": "application/json"})
        try:
            told = answer.json() if answer.status_code == HTTPStatus.OK else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise _unusable(f"it answered {answer.status_code}, without what was asked for")
        return told

    async def _token(self, known: Mapping[str, Any], code: str, flow: Flow, secret: str) -> Mapping[str, Any]:
        client = _Client(self.provider, known, secret, self._send)
        try:
            token = await client.fetch_token(known["token_endpoint"], code=code, code_verifier=flow.verifier)
        except AuthlibBaseError as exc:
            raise _refused(f"refused: {one_line(str(exc.error), 40)}") from exc
        except (httpx.HTTPStatusError, *_UNREADABLE) as exc:
            raise _unusable("it gave no token") from exc
        return dict(token)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: str = "") -> httpx.Response:
        headers = {"User-Agent": user_agent(self._contact), **headers}
        try:
            async with httpx.AsyncClient(transport=self._transports(), trust_env=False) as client:
                return await client.request(method, url, headers=headers, content=body)
        except httpx.RequestError as exc:
            # The text of a fault of our transport is only a reason, such as `timeout`.
            why = exc.reason.value if isinstance(exc, UnusableBody) else exc
            text = f"The sign-on service does not answer ({why}). Try again later."
            raise NotSignedOn(HTTPStatus.SERVICE_UNAVAILABLE, text) from exc


class _Client(OAuth2Client):  # type: ignore[misc] # Authlib has no types
    """Authlib's client, with requests through our transport. Its own client for httpx is deprecated."""

    def __init__(self, provider: Provider, known: Mapping[str, Any], secret: str, send: Callable[..., Any]) -> None:
        methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        by = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        told = {"scope": "openid profile email", "redirect_uri": provider.back, "code_challenge_method": "S256"}
        super().__init__(None, provider.client, secret, by, **told)
        self._send = send

    async def _fetch_token(self, url: str, body: str, auth: Any, headers: Any, method: str) -> Any:  # noqa: ANN401 # Authlib's
        url, headers, body = auth.prepare(method, url, dict(headers), body)
        return self.parse_response_token(await self._send(method, url, headers, body))


def _claims(
    provider: Provider, token: Mapping[str, Any], keys: Mapping[str, Any], nonce: str, now: int
) -> Mapping[str, Any]:
    """Return what an ID token says whose signature, issuer, audience, times and nonce are right, else `NotSignedOn`."""
    mine = {"iss": provider.issuer, "aud": provider.client, "nonce": nonce}
    wanted = {name: {"essential": True, "value": value} for name, value in mine.items()}
    known = {"nonce": nonce, "client_id": provider.client, "access_token": token.get("access_token")}
    try:
        registry = JWSRegistry(algorithms=_SIGNED_BY, strict_check_header=False)
        read = jwt.decode(
            str(token.get("id_token", "")), KeySet.import_key_set(cast("KeySetSerialization", keys)), registry=registry
        )
        claims = CodeIDToken(read.claims, read.header, wanted, known)
        claims.validate(now, _LEEWAY)
    except JoseError as exc:
        raise _refused(f"told what cannot be believed: {one_line(str(exc), 80)}") from exc
    except _UNREADABLE as exc:
        raise _refused(f"told what cannot be read: {type(exc).__name__}") from exc
    return dict(claims)


def _unusable(why: str) -> NotSignedOn:
    return NotSignedOn(HTTPStatus.BAD_GATEWAY, f"The sign-on service cannot be used: {why}.")


def _refused(why: str) -> NotSignedOn:
    return NotSignedOn(HTTPStatus.FORBIDDEN, f"The sign-on service {why}. Try again.")
