"""An OpenID provider as configured, what it tells of somebody, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from monitor.errors import NinethirtyError
from monitor.web.users import Right


class NotSignedOn(NinethirtyError):
    """Nobody was signed on; `status` tells browsers whose fault it is: 403 theirs, 502 and 503 the provider's."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        """Take a sentence for a person, without secrets."""
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Claimed:
    """What rights go by of what a provider told of somebody: who told it in which claim, and its values.

    `token` is the ID token that told it, by which the provider knows whom it is to sign out.
    """

    source: str
    values: tuple[str, ...]
    token: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Flow:
    """What one browser takes to the provider and back: known to it and to us alone."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Who signs people on, as configured. `back` is the address of ours to which they are sent back."""

    issuer: str
    client: str
    secret: Callable[[], str] = field(repr=False)
    claim: str
    rights: Mapping[str, Right]
    back: str

    def right(self, claimed: Claimed) -> Right | None:
        """Return the most that any of the values gives, None for nothing."""
        held = {self.rights[value] for value in claimed.values if value in self.rights}
        # Another provider, or another claim, has other values.
        return next((right for right in reversed(Right) if right in held), None) if self.told(claimed) else None

    def told(self, claimed: Claimed) -> bool:
        """Tell whether it was this provider that told it, in the claim that counts."""
        return claimed.source == self._source

    def claimed(self, claims: Mapping[str, Any], token: str) -> Claimed:
        """Return what an ID token says that rights go by."""
        told = claims.get(self.claim)
        values = told if isinstance(told, list) else [told]
        # Some providers let people type whatever address they like.
        if self.claim == "email" and claims.get("email_verified") is not True:
            values = []
        return Claimed(self._source, tuple(value for value in values if isinstance(value, str)), token)

    @property
    def host(self) -> str:
        """Return where people sign in."""
        return urlsplit(self.issuer).hostname or self.issuer

    @property
    def _source(self) -> str:
        return f"{self.issuer} {self.claim}"
