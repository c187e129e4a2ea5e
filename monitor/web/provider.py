"""An OpenID provider that signs people on, its claims, and the rights that these give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from monitor.errors import NinethirtyError
from monitor.web.users import Right


class NotSignedOn(NinethirtyError):
    """Sign-on failed. `status` is 403 if the person is refused, 502 or 503 if the provider
    fails.
    """

    def __init__(self, status: HTTPStatus, why: str) -> None:
        """Take the reason: a sentence for the person, without secrets."""
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class ProviderClaims:
    """The values of the configured claim of an ID token. They decide which right a person gets.

    `source` names the provider and the claim. `token` is the whole ID token, which signing out
    needs.
    """

    source: str
    values: tuple[str, ...]
    token: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Flow:
    """The secrets of one sign-on, which only this browser and this server know."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Provider:
    """The configuration of a provider.

    `rights` are by value of `claim`. It redirects to our address `back`.
    """

    issuer: str
    client: str
    secret: Callable[[], str] = field(repr=False)
    claim: str
    rights: Mapping[str, Right]
    back: str

    def right(self, claimed: ProviderClaims) -> Right | None:
        """Return the highest right that any of the values gives, or None."""
        # The configuration may have changed since sign-on, and a value can mean something else in
        # another claim.
        if not self.has_issued(claimed):
            return None
        given = {self.rights[value] for value in claimed.values if value in self.rights}
        return next((right for right in reversed(Right) if right in given), None)

    def has_issued(self, claimed: ProviderClaims) -> bool:
        """Return whether these values come from this provider and from the claim that is configured
        now.
        """
        return claimed.source == self._claim_source

    def read_claims(self, claims: Mapping[str, Any], token: str) -> ProviderClaims:
        """Return the values of the claim in an ID token on which rights depend.

        Leave out an unverified email.
        """
        claim = claims.get(self.claim)
        values = claim if isinstance(claim, list) else [claim]
        # Some providers let people type any address, so an unverified one proves no identity.
        if self.claim == "email" and claims.get("email_verified") is not True:
            values = []
        return ProviderClaims(
            self._claim_source, tuple(value for value in values if isinstance(value, str)), token
        )

    @property
    def host(self) -> str:
        """Return the host where people sign in."""
        return urlsplit(self.issuer).hostname or self.issuer

    @property
    def _claim_source(self) -> str:
        return f"{self.issuer} {self.claim}"
