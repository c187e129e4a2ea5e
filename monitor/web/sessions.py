"""Who is let in: passwords, tried one at a time, and the sessions they open."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import structlog

from monitor.clock import Clock
from monitor.errors import UnknownName, UserFault
from monitor.web.credentials import Throttle
from monitor.web.provider import Claimed, Flow, NotSignedOn
from monitor.web.users import NOBODY, Person, Program, Right, Users, is_name

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

T = TypeVar("T")
LASTS = 12 * 3600
"""Seconds after which somebody has to sign in again: a working day."""
_MOST_SESSIONS = 1000
_MOST_WAITING = 8
_log = structlog.get_logger(__name__)


class Busy(UserFault):
    """Too many wrong passwords from there, or too many people at the door; `wait` says for how many seconds."""

    def __init__(self, wait: int) -> None:
        """Take the seconds."""
        super().__init__("Too many attempts. Try again in a minute.")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in; `guard` is what a form of theirs must bring, `ends` a reading of the clock."""

    person: Person
    ends: float
    guard: str = field(repr=False, default_factory=secrets.token_urlsafe)
    # A proxy signed them on, and it alone can sign them out.
    vouched: bool = False
    # An OpenID provider signed them on, and told this of them.
    claimed: Claimed | None = None

    def is_ours(self, shown: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(shown.encode(), self.guard.encode())


@dataclass(frozen=True, slots=True)
class ProxyAuth:
    """How a proxy says whom it has signed on: in a header; `rights` by name, for anybody else by `*`."""

    header: str
    rights: Mapping[str, Right]

    def right(self, name: str) -> Right | None:
        """Return what somebody may do, None for nothing."""
        return self.rights.get(name, self.rights.get("*")) if is_name(name) else None


class Sessions:
    """Tries passwords and remembers who is in. A restart forgets them, and so does a change of their line."""

    def __init__(self, users: Users, clock: Clock, throttle: Throttle, public_url: str = "") -> None:
        """`public_url` is where people reach the pages, which tells when TLS ends before us."""
        self.public_url = public_url
        self.vouching: ProxyAuth | None = None
        self.provider: OpenID | None = None
        self._users = users
        self._clock = clock
        self._throttle = throttle
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._salt = secrets.token_bytes(32)
        # One for the password that is being tried, one for whoever is in already.
        self._thread = ThreadPoolExecutor(2, "door")

    async def enter(self, name: str, password: str, client: str, known: str = "") -> str | None:
        """Return the key of a new session, None for a wrong name or password. Raises `Busy`.

        `known` is the mark of a browser in which this person signed in before: guesses made elsewhere, be it from the
        same address, do not hold it up.
        """
        mark = self.mark(name)
        is_known = hmac.compare_digest(known.encode(), mark.encode())
        person = await self._tried(name, password, client, (mark,) if is_known else (client, f"as {mark}"))
        return self._open(secrets.token_urlsafe(32), person) if person is not None else None

    def mark(self, name: str) -> str:
        """Return what a browser keeps in which this person has signed in; good until the next start."""
        return self._keyed(f"known {name}")

    def _keyed(self, text: str) -> str:
        return hmac.new(self._salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    async def session(self, key: str) -> Session | None:
        """Return the session of a key, None when there is none or its person may no longer sign in."""
        found = self._sessions.get(key)
        if found is None:
            return None
        person = await self._as_now(found)
        if person is None or person.password != found.person.password or self._clock.monotonic() >= found.ends:
            self._sessions.pop(key, None)
            return None
        return replace(found, person=person)

    async def _as_now(self, session: Session) -> Person | None:
        if session.claimed is None:
            return await self._ask(lambda: self._users.find(session.person.name))
        right = None if self.provider is None else self.provider.provider.right(session.claimed)
        return None if right is None else replace(session.person, right=right)

    async def way(self, browser: str) -> str:
        """Return where a browser is sent to sign in at the provider. Raises `NotSignedOn`."""
        return await self._signing_on().way(self.flow(browser))

    def flow(self, browser: str) -> Flow:
        """Return what a browser takes to the provider, by what it alone keeps meanwhile."""
        return Flow(*(self._keyed(f"{use} {browser}") for use in ("state", "nonce", "verifier")))

    def _signing_on(self) -> OpenID:
        if self.provider is None:
            raise UnknownName("Nobody is signed on here by a provider.")
        return self.provider

    async def come_back(self, code: str, browser: str, client: str) -> str:
        """Return the key of a new session for whom the provider signs on. Raises `Busy`, `NotSignedOn`."""
        self._check_wait((client,))
        signing_on = self._signing_on()
        name, claimed = await signing_on.come_back(code, self.flow(browser), self._ask)
        right = signing_on.provider.right(claimed)
        if right is None:
            told = f"You are signed on as {name}, who has no right here. Ask whoever looks after this monitor."
            raise NotSignedOn(HTTPStatus.FORBIDDEN, told)
        _log.info("signed_in", user=name, right=str(right), by="oidc", client=client)
        return self._open(secrets.token_urlsafe(32), Person(name, NOBODY.password), claimed=claimed)

    async def basic(self, authorization: str, client: str) -> Session | None:
        """Return the session that a Basic header stands for. Raises `Busy`."""
        # A program shows its password each time; it is tried the first time alone.
        key = self._keyed(authorization)
        known = await self.session(key)
        if known is not None:
            return known
        name, password = _basic(authorization)
        person = await self._tried(name, password, client, (client, f"as {self.mark(name)}"))
        return await self.session(self._open(key, person)) if person is not None else None

    @property
    def by_password(self) -> bool:
        """Tell whether people can show a password here."""
        return self._users.file is not None

    @property
    def lets_in(self) -> bool:
        """Tell whether people can sign in here, by a password or at a provider."""
        return self.by_password or self.provider is not None

    def vouched(self, names: Sequence[str]) -> Session | None:
        """Return the session of whom a proxy that is believed has signed on, None for who has no right.

        `names` are all that it told: of two, one may be what its client sent.
        """
        right = self.vouching.right(names[0]) if self.vouching is not None and len(names) == 1 else None
        if right is None:
            return None
        key = self.mark(f"vouched {names[0]}")
        known = self._sessions.get(key)
        if known is None or self._clock.monotonic() >= known.ends:
            _log.info("signed_in", user=names[0], right=str(right), by="proxy")
            self._open(key, Person(names[0], NOBODY.password), vouched=True)
        found = self._sessions[key]
        return replace(found, person=replace(found.person, right=right))

    async def program(self, token: str) -> Program | None:
        """Return the program that shows a token, None where it is no good."""
        return await self._ask(lambda: self._users.program(token))

    def leave(self, key: str) -> None:
        """Forget a session."""
        left = self._sessions.pop(key, None)
        if left is not None:
            _log.info("signed_out", user=left.person.name)

    async def way_out(self, session: Session) -> str:
        """Return where a provider signs somebody out whom it signed on; empty for anybody else."""
        return await self.provider.way_out(session.claimed) if self.provider and session.claimed else ""

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _tried(self, name: str, password: str, client: str, counted: Sequence[str]) -> Person | None:
        self._check_wait(counted)
        # Half of the room is kept for those who have been in before.
        if self._waiting >= _MOST_WAITING * (2 if len(counted) == 1 else 1):
            raise Busy(1)
        self._waiting += 1
        try:
            # Counted in turn: a hundred guesses sent at once are counted like a hundred in a row.
            async with self._turn:
                self._check_wait(counted)
                return await self._check(name, password, client, counted)
        finally:
            self._waiting -= 1

    def _check_wait(self, counted: Sequence[str]) -> None:
        if wait := max(map(self._throttle.wait, counted)):
            raise Busy(wait)

    async def _check(self, name: str, password: str, client: str, counted: Sequence[str]) -> Person | None:
        person = await self._ask(lambda: self._users.find(name)) or NOBODY
        right = await self._ask(lambda: person.password.opens(password))
        if right and person is not NOBODY:
            _log.info("signed_in", user=person.name, client=client)
            return person
        for one in counted:
            self._throttle.failed(one)
        # The name is not told: people type passwords there.
        _log.warning("sign_in_refused", client=client)
        return None

    def _open(self, key: str, person: Person, *, vouched: bool = False, claimed: Claimed | None = None) -> str:
        ends = self._clock.monotonic() + LASTS
        self._sessions[key] = Session(person, ends, vouched=vouched, claimed=claimed)
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return key

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _basic(authorization: str) -> tuple[str, str]:
    try:
        name, _, password = b64decode(authorization.partition(" ")[2], validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password
