"""Sign-on at an OpenID provider: the code flow with PKCE. Authlib checks the tokens."""

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
from monitor.web.provider import Flow, NotSignedOn, Provider, ProviderClaims
from monitor.web.users import is_name

_LEEWAY = 60
_LONGEST_HINT = 4000
"""The most characters of an ID token in the sign-out address, because some servers refuse longer
addresses.
"""
_METADATA_SECONDS, _FAILURE_SECONDS = 600.0, 5.0
_MOST_AT_ONCE = 8
_SIGNATURE_ALGORITHMS = [
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class OpenID:
    """The client of one provider.

    It makes addresses for browsers, exchanges codes for tokens and checks these.
    """

    def __init__(
        self,
        provider: Provider,
        clock: Clock,
        transports: Callable[[], HttpTransport],
        contact: str = "",
    ) -> None:
        """Use a new transport from `transports` for each request, so that no request shares a
        connection with looks.
        """
        self.provider = provider
        self._clock = clock
        self._transports = transports
        self._contact = contact
        # The provider's configuration, or the error of the last attempt to read it. None before the
        # first attempt.
        self._metadata: Mapping[str, Any] | NotSignedOn | None = None
        # after this time of the monotonic clock, read the configuration again
        self._metadata_ends = 0.0
        self._metadata_lock = asyncio.Lock()
        # how many people the provider has sent back to us, and we have not signed in yet
        self._sign_ons_under_way = 0

    async def sign_on_address(self, flow: Flow) -> str:
        """Return the address at the provider where a browser signs in. Raises `NotSignedOn`."""
        metadata = await self._read_metadata()
        endpoint = metadata["authorization_endpoint"]
        client = _Client(self.provider, metadata, "", self._send_request)
        return str(
            client.create_authorization_url(endpoint, flow.state, flow.verifier, nonce=flow.nonce)[
                0
            ]
        )

    async def redeem_code(self, code: str, flow: Flow, ask: Ask) -> tuple[str, str, ProviderClaims]:
        """Exchange a code for an ID token.

        Return the person's name (or `somebody`), account and claims. Raises `NotSignedOn`.
        The account is made of `iss` and `sub`, because only these never change (OpenID Connect
        Core, 5.7).

        `flow` has the secrets with which this sign-on began. `ask` runs a blocking function in a
        thread.
        """
        if self._sign_ons_under_way >= _MOST_AT_ONCE:
            raise NotSignedOn(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many people are signing in. Try again in a minute.",
            )
        self._sign_ons_under_way += 1
        try:
            metadata = await self._read_metadata()
            token = await self._fetch_token(metadata, code, flow, await ask(self.provider.secret))
            keys = await self._fetch_json(metadata["jwks_uri"])
        finally:
            self._sign_ons_under_way -= 1
        now = int(self._clock.now().timestamp())
        claims = await ask(lambda: _check_id_token(self.provider, token, keys, flow.nonce, now))
        names = (claims.get(name) for name in ("preferred_username", "email", "sub"))
        name = next((one for one in names if isinstance(one, str) and is_name(one)), "somebody")
        account = f"{claims['iss']} {claims['sub']}"
        return name, account, self.provider.read_claims(claims, str(token["id_token"]))

    async def sign_out_address(self, claimed: ProviderClaims) -> str:
        """Return the address where the provider signs a person out.

        Empty if it has none, or did not sign them on.
        """
        try:
            endpoint = str((await self._read_metadata()).get("end_session_endpoint", ""))
        except NotSignedOn:
            return ""
        if not self.provider.has_issued(claimed) or not endpoint.startswith(self._allowed_schemes):
            return ""
        # Some servers refuse a longer address. The provider can sign people out without the hint
        # too.
        hint = {"id_token_hint": claimed.token} if len(claimed.token) <= _LONGEST_HINT else {}
        query = urlencode({"client_id": self.provider.client, **hint})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    @property
    def _allowed_schemes(self) -> tuple[str, str]:
        """Return the schemes that the provider's addresses may have: https, or the one of the
        configured issuer.
        """
        return "https://", f"{self.provider.issuer.partition('://')[0]}://"

    async def _read_metadata(self) -> Mapping[str, Any]:
        """Return the provider's configuration, cached for 10 minutes.

        Raises `NotSignedOn`, cached for 5 seconds.
        """
        # The lock lets only one request wait for a slow provider. The others use its result.
        async with self._metadata_lock:
            if self._metadata is None or self._clock.monotonic() >= self._metadata_ends:
                try:
                    self._metadata, cached_for = await self._fetch_metadata(), _METADATA_SECONDS
                except NotSignedOn as fault:
                    self._metadata, cached_for = fault, _FAILURE_SECONDS
                self._metadata_ends = self._clock.monotonic() + cached_for
            metadata = self._metadata
        if isinstance(metadata, NotSignedOn):
            # A new object, because every raise would add to the traceback of the cached one.
            raise NotSignedOn(metadata.status, str(metadata))
        return metadata

    async def _fetch_metadata(self) -> Mapping[str, Any]:
        """Request the provider's configuration. Raises `NotSignedOn` if it cannot be used."""
        issuer = self.provider.issuer
        metadata = await self._fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != issuer:
            raise _provider_unusable("its configuration names another issuer")
        for name in _ENDPOINTS:
            if not str(metadata.get(name, "")).startswith(self._allowed_schemes):
                raise _provider_unusable(f"its configuration has no {name} that may be used")
        return metadata

    async def _fetch_json(self, url: str) -> dict[str, Any]:
        """Request a JSON object from the provider. Raises `NotSignedOn` for any other response."""
        response = await self._send_request("GET", url, {"Accept": "application/json"})
        try:
            content = response.json() if response.status_code == HTTPStatus.OK else None
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise _provider_unusable(f"it answered {response.status_code} without a JSON object")
        return content

    async def _fetch_token(
        self, metadata: Mapping[str, Any], code: str, flow: Flow, secret: str
    ) -> Mapping[str, Any]:
        """Send the provider a code.

        Return its answer, which contains the ID token. Raises `NotSignedOn`.
        """
        client = _Client(self.provider, metadata, secret, self._send_request)
        try:
            token = await client.fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=flow.verifier
            )
        except AuthlibBaseError as exc:
            raise _sign_on_refused(f"refused: {one_line(str(exc.error), 40)}") from exc
        except (httpx.HTTPStatusError, *_UNREADABLE) as exc:
            raise _provider_unusable("it gave no token") from exc
        return dict(token)

    async def _send_request(
        self, method: str, url: str, headers: Mapping[str, str], body: str = ""
    ) -> httpx.Response:
        """Return the provider's response to one request. Raises `NotSignedOn` if there is none."""
        headers = {"User-Agent": user_agent(self._contact), **headers}
        try:
            async with httpx.AsyncClient(transport=self._transports(), trust_env=False) as client:
                return await client.request(method, url, headers=headers, content=body)
        except httpx.RequestError as exc:
            # Our transport's other exceptions have only a short reason as their text, such as
            # `timeout`.
            why = exc.reason.value if isinstance(exc, UnusableBody) else exc
            text = f"The sign-on service does not answer ({why}). Try again later."
            raise NotSignedOn(HTTPStatus.SERVICE_UNAVAILABLE, text) from exc


class _Client(OAuth2Client):  # type: ignore[misc] # Authlib has no types
    """Authlib's client, with requests through our transport.

    Authlib's own client for httpx is deprecated.
    """

    def __init__(
        self, provider: Provider, metadata: Mapping[str, Any], secret: str, send: Callable[..., Any]
    ) -> None:
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        by = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        options = {
            "scope": "openid profile email",
            "redirect_uri": provider.back,
            "code_challenge_method": "S256",
        }
        super().__init__(None, provider.client, secret, by, **options)
        self._send_request = send

    async def _fetch_token(self, url: str, body: str, auth: Any, headers: Any, method: str) -> Any:  # noqa: ANN401 # Authlib's
        url, headers, body = auth.prepare(method, url, dict(headers), body)
        return self.parse_response_token(await self._send_request(method, url, headers, body))


def _check_id_token(
    provider: Provider, token: Mapping[str, Any], keys: Mapping[str, Any], nonce: str, now: int
) -> Mapping[str, Any]:
    """Check the ID token in `token` and return its claims.

    Raises `NotSignedOn` if it cannot be trusted.
    """
    expected = {"iss": provider.issuer, "aud": provider.client, "nonce": nonce}
    required_claims = {
        name: {"essential": True, "value": value} for name, value in expected.items()
    }
    sign_on = {
        "nonce": nonce,
        "client_id": provider.client,
        "access_token": token.get("access_token"),
    }
    try:
        registry = JWSRegistry(algorithms=_SIGNATURE_ALGORITHMS, strict_check_header=False)
        key_set = KeySet.import_key_set(cast("KeySetSerialization", keys))
        decoded = jwt.decode(str(token.get("id_token", "")), key_set, registry=registry)
        claims = CodeIDToken(decoded.claims, decoded.header, required_claims, sign_on)
        claims.validate(now, _LEEWAY)
    except JoseError as exc:
        raise _sign_on_refused(
            f"sent a token that cannot be trusted: {one_line(str(exc), 80)}"
        ) from exc
    except _UNREADABLE as exc:
        raise _sign_on_refused(f"sent a token that cannot be read: {type(exc).__name__}") from exc
    return dict(claims)


def _provider_unusable(why: str) -> NotSignedOn:
    return NotSignedOn(HTTPStatus.BAD_GATEWAY, f"The sign-on service cannot be used: {why}.")


def _sign_on_refused(why: str) -> NotSignedOn:
    return NotSignedOn(HTTPStatus.FORBIDDEN, f"The sign-on service {why}. Try again.")
