"""Sign-in by password, proxy or OpenID provider, and the sessions of people who are signed in."""

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
"""Seconds after which a person must sign in again: a working day."""
_MOST_SESSIONS = 1000
_MOST_WAITING = 8
_log = structlog.get_logger(__name__)


class Busy(UserFault):
    """Too many wrong guesses, or too many sign-ins at the same time. The client must wait `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("Too many attempts. Try again in a minute.")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in. Each of their forms must contain `guard`. `ends` is a time of the monotonic clock."""

    person: Person
    ends: float
    guard: str = field(repr=False, default_factory=secrets.token_urlsafe)
    # Whether a proxy signed them on. Then only the proxy can sign them out.
    vouched: bool = False
    # The claims of the OpenID provider that signed them on, None if none did.
    claimed: Claimed | None = None

    def has_guard(self, shown: str) -> bool:
        """Return whether `shown` is the guard of this session, so that the form was made for it."""
        return hmac.compare_digest(shown.encode(), self.guard.encode())


@dataclass(frozen=True, slots=True)
class ProxyAuth:
    """Sign-on by a proxy, which sends the name in a header. `rights` are by name; `*` is for all other names."""

    header: str
    rights: Mapping[str, Right]

    def right(self, name: str) -> Right | None:
        """Return the right of a person, or None if they have none."""
        return self.rights.get(name, self.rights.get("*")) if is_name(name) else None


class Sessions:
    """Checks passwords and keeps sessions. A restart ends all sessions; a new password in the users file ends one."""

    def __init__(self, users: Users, clock: Clock, throttle: Throttle, public_url: str = "") -> None:
        """`public_url` is the address of the pages for people. If it is https, a proxy in front does the encryption."""
        self.public_url = public_url
        self.proxy_auth: ProxyAuth | None = None
        self.provider: OpenID | None = None
        self._users = users
        self._clock = clock
        self._throttle = throttle
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._salt = secrets.token_bytes(32)
        # Two threads: one for the password that is being checked, one for sessions that exist.
        self._thread = ThreadPoolExecutor(2, "door")

    async def enter(self, name: str, password: str, client: str, known: str = "") -> str | None:
        """Return the key of a new session, or None for a wrong name or password. Raises `Busy`.

        `known` is the mark of a browser in which this person signed in before. Wrong guesses in other browsers do not
        delay it, not even those from the same address.
        """
        mark = self.browser_mark(name)
        is_known = hmac.compare_digest(known.encode(), mark.encode())
        person = await self._try_password(name, password, client, (mark,) if is_known else (client, f"as {mark}"))
        return self._open_session(secrets.token_urlsafe(32), person) if person is not None else None

    def browser_mark(self, name: str) -> str:
        """Return the cookie value for a browser in which this person signed in. It is valid until a restart."""
        return self._sign(f"known {name}")

    def _sign(self, text: str) -> str:
        """Return a text that only this process can make from `text`."""
        return hmac.new(self._salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    async def find_session(self, key: str) -> Session | None:
        """Return the session of a key, or None if there is none or its person may no longer sign in."""
        found = self._sessions.get(key)
        if found is None:
            return None
        person = await self._read_person(found)
        if person is None or person.password != found.person.password or self._clock.monotonic() >= found.ends:
            self._sessions.pop(key, None)
            return None
        return replace(found, person=person)

    async def _read_person(self, session: Session) -> Person | None:
        """Return the person of a session with their present right, or None if they have none."""
        if session.claimed is None:
            return await self._ask(lambda: self._users.find(session.person.name))
        right = None if self.provider is None else self.provider.provider.right(session.claimed)
        return None if right is None else replace(session.person, right=right)

    async def sign_on_address(self, browser: str) -> str:
        """Return the address at the provider where a browser signs in. Raises `NotSignedOn`."""
        return await self._require_provider().sign_on_address(self.make_flow(browser))

    def make_flow(self, browser: str) -> Flow:
        """Return the secrets of a sign-on, made from the random text `browser` that only this browser keeps."""
        return Flow(*(self._sign(f"{use} {browser}") for use in ("state", "nonce", "verifier")))

    def _require_provider(self) -> OpenID:
        if self.provider is None:
            raise UnknownName("No provider signs people on here.")
        return self.provider

    async def finish_sign_on(self, code: str, browser: str, client: str) -> str:
        """Return the key of a new session for the person that the provider signs on. Raises `Busy`, `NotSignedOn`."""
        self._check_wait((client,))
        openid = self._require_provider()
        name, claimed = await openid.redeem_code(code, self.make_flow(browser), self._ask)
        right = openid.provider.right(claimed)
        if right is None:
            why = f"You are signed on as {name}, who has no rights here. Contact the person who runs this monitor."
            raise NotSignedOn(HTTPStatus.FORBIDDEN, why)
        _log.info("signed_in", user=name, right=str(right), by="oidc", client=client)
        return self._open_session(secrets.token_urlsafe(32), Person(name, NOBODY.password), claimed=claimed)

    async def enter_by_header(self, authorization: str, client: str) -> Session | None:
        """Return a session for an `Authorization: Basic` header, or None for a wrong password. Raises `Busy`."""
        # A program sends its password with each request. It is checked only once, because a check is slow.
        key = self._sign(authorization)
        known = await self.find_session(key)
        if known is not None:
            return known
        name, password = _read_basic_header(authorization)
        person = await self._try_password(name, password, client, (client, f"as {self.browser_mark(name)}"))
        return await self.find_session(self._open_session(key, person)) if person is not None else None

    @property
    def by_password(self) -> bool:
        """Return whether people can sign in here with a password."""
        return self._users.file is not None

    @property
    def lets_in(self) -> bool:
        """Return whether people can sign in here, with a password or at a provider."""
        return self.by_password or self.provider is not None

    def enter_by_proxy(self, names: Sequence[str]) -> Session | None:
        """Return the session of the person that a trusted proxy signed on, or None if they have no right.

        `names` are all values of its header. Two values are refused, because the client may have sent one of them.
        """
        right = self.proxy_auth.right(names[0]) if self.proxy_auth is not None and len(names) == 1 else None
        if right is None:
            return None
        key = self.browser_mark(f"vouched {names[0]}")
        known = self._sessions.get(key)
        if known is None or self._clock.monotonic() >= known.ends:
            _log.info("signed_in", user=names[0], right=str(right), by="proxy")
            self._open_session(key, Person(names[0], NOBODY.password), vouched=True)
        found = self._sessions[key]
        return replace(found, person=replace(found.person, right=right))

    async def find_program(self, token: str) -> Program | None:
        """Return the program with this token, or None if there is none."""
        return await self._ask(lambda: self._users.find_program(token))

    def leave(self, key: str) -> None:
        """End a session."""
        left = self._sessions.pop(key, None)
        if left is not None:
            _log.info("signed_out", user=left.person.name)

    async def sign_out_address(self, session: Session) -> str:
        """Return the address at which the provider signs this person out, empty if no provider signed them on."""
        return await self.provider.sign_out_address(session.claimed) if self.provider and session.claimed else ""

    def close(self) -> None:
        """Stop the threads."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _try_password(self, name: str, password: str, client: str, counted: Sequence[str]) -> Person | None:
        """Return the person if the password is right. A wrong one is counted for each client in `counted`."""
        self._check_wait(counted)
        # Half of the places are for browsers in which a person signed in before.
        if self._waiting >= _MOST_WAITING * (2 if len(counted) == 1 else 1):
            raise Busy(1)
        self._waiting += 1
        try:
            # One at a time, so that a hundred guesses sent at once are counted before the next check.
            async with self._turn:
                self._check_wait(counted)
                return await self._check_password(name, password, client, counted)
        finally:
            self._waiting -= 1

    def _check_wait(self, counted: Sequence[str]) -> None:
        if wait := max(map(self._throttle.wait, counted)):
            raise Busy(wait)

    async def _check_password(self, name: str, password: str, client: str, counted: Sequence[str]) -> Person | None:
        person = await self._ask(lambda: self._users.find(name)) or NOBODY
        is_right = await self._ask(lambda: person.password.matches(password))
        if is_right and person is not NOBODY:
            _log.info("signed_in", user=person.name, client=client)
            return person
        for one in counted:
            self._throttle.count_failure(one)
        # The name is not logged, because people sometimes type their password there.
        _log.warning("sign_in_refused", client=client)
        return None

    def _open_session(self, key: str, person: Person, *, vouched: bool = False, claimed: Claimed | None = None) -> str:
        ends = self._clock.monotonic() + LASTS
        self._sessions[key] = Session(person, ends, vouched=vouched, claimed=claimed)
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return key

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _read_basic_header(authorization: str) -> tuple[str, str]:
    """Return the name and the password of an `Authorization: Basic` header, both empty if it is malformed."""
    try:
        name, _, password = b64decode(authorization.partition(" ")[2], validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password
