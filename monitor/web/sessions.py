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
from monitor.store.rows import Actor
from monitor.web.credentials import Guess, Throttle, network_of
from monitor.web.local_socket import user_name
from monitor.web.provider import Flow, NotSignedOn, ProviderClaims
from monitor.web.users import UNKNOWN_PERSON, Peer, Person, Program, Right, Users, is_name

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

T = TypeVar("T")
SESSION_SECONDS = 12 * 3600
"""A session ends after this many seconds, a working day."""
_MOST_SESSIONS = 1000
_MOST_OF_ACCOUNT = 20
_MOST_PLACES = 10_000
_MOST_WAITING = 8
_log = structlog.get_logger(__name__)


class Busy(UserFault):
    """Raised for too many wrong guesses or too many sign-ins at once.

    The client must wait `wait` seconds.
    """

    def __init__(self, wait: int) -> None:
        super().__init__("Too many attempts. Try again in a minute.")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in.

    `account` identifies them for good, whatever name they show: how they signed in, and their name
    in the users file, at the proxy, or their `iss` and `sub` at the provider. Each of their forms
    must contain `guard`. `ends` is a time of the monotonic clock.
    """

    person: Person
    account: str
    ends: float
    guard: str = field(repr=False, default_factory=secrets.token_urlsafe)
    # If a proxy signed them on, only the proxy can sign them out.
    by_proxy_header: bool = False
    # The claims of the OpenID provider that signed them on, None if none did.
    claims: ProviderClaims | None = None

    @property
    def actor(self) -> Actor:
        """Return who acts in this session."""
        return Actor(self.account, self.person.acting_role)

    def has_guard(self, shown: str) -> bool:
        """Return whether `shown` is the guard of this session, so that the form was made for it."""
        return hmac.compare_digest(shown.encode(), self.guard.encode())


@dataclass(frozen=True, slots=True)
class ProxyAuth:
    """The configuration of sign-on by a proxy that sends the name in `header`.

    The name `*` means all others.
    """

    header: str
    rights: Mapping[str, Right]

    def right(self, name: str) -> Right | None:
        """Return the right of a person, or None if they have none."""
        return self.rights.get(name, self.rights.get("*")) if is_name(name) else None


class Sessions:
    """Checks passwords and keeps sessions.

    A restart ends all sessions; a new password in the users file ends one.
    """

    def __init__(
        self, users: Users, clock: Clock, throttle: Throttle, public_url: str = ""
    ) -> None:
        """Check passwords against `users`.

        If `public_url` is https, a proxy in front of us does the encryption.
        """
        self.public_url = public_url
        self.proxy_auth: ProxyAuth | None = None
        self.provider: OpenID | None = None
        self._users = users
        self._clock = clock
        self._throttle = throttle
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        # Names, each with a network from which that person signed in, the oldest first.
        self._signed_in_from: OrderedDict[tuple[str, str], None] = OrderedDict()
        # One password check at a time, and how many checks wait for it.
        self._check_lock = asyncio.Lock()
        self._waiting_checks = 0
        self._signing_key = secrets.token_bytes(32)
        # Two threads: one for the password that is being checked, one for sessions that exist.
        self._thread = ThreadPoolExecutor(2, "sign-in")

    async def sign_in(self, name: str, password: str, client: str) -> str | None:
        """Return the key of a new session, or None for a wrong name or password. Raises `Busy`."""
        person = await self._try_password(name, password, client)
        if person is None:
            return None
        return self._open_session(secrets.token_urlsafe(32), person, f"user:{person.name}")

    def account_counter(self, name: str, network: str = "") -> str:
        """Return the key under which wrong guesses of an account's password are counted: those from
        a network where the person signed in before, or those from all others.
        """
        return self._sign_text("account", f"{name} {network}")

    def _sign_text(self, use: str, text: str) -> str:
        """Return the HMAC of `text` with a key that only this process has.

        It differs for each `use`.
        """
        message = f"{use} {text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._signing_key, message, hashlib.sha256).hexdigest()

    async def find_session(self, key: str) -> Session | None:
        """Return the session of a key.

        None if it is too old, or its person has another password or no right.
        """
        session = self._sessions.get(key)
        if session is None:
            return None
        person = await self._read_person(session)
        if (
            person is None
            or person.password != session.person.password
            or self._clock.monotonic() >= session.ends
        ):
            self._sessions.pop(key, None)
            return None
        return replace(session, person=person)

    async def _read_person(self, session: Session) -> Person | None:
        """Return the person of a session with their present right, or None if they have none."""
        if session.claims is None:
            return await self._run_in_thread(lambda: self._users.find(session.person.name))
        right = None if self.provider is None else self.provider.provider.right(session.claims)
        return None if right is None else replace(session.person, right=right)

    async def sign_on_address(self, secret: str) -> str:
        """Return the provider's address where the browser with this `secret` signs in.

        Raises `NotSignedOn`.
        """
        return await self._require_provider().sign_on_address(self.make_flow(secret))

    def make_flow(self, secret: str) -> Flow:
        """Return the texts of a sign-on, derived from `secret`, a random text in the browser's
        cookie.
        """
        return Flow(*(self._sign_text(use, secret) for use in ("state", "nonce", "verifier")))

    def _require_provider(self) -> OpenID:
        if self.provider is None:
            raise UnknownName("No provider signs people on here.")
        return self.provider

    async def finish_sign_on(self, code: str, secret: str, client: str) -> str:
        """Exchange the provider's `code` for a new session, and return its key.

        Raises `Busy`, `NotSignedOn`.
        """
        self._check_wait((client,))
        openid = self._require_provider()
        name, account, claims = await openid.redeem_code(
            code, self.make_flow(secret), self._run_in_thread
        )
        right = openid.provider.right(claims)
        if right is None:
            why = (
                f"You are signed on as {name}, who has no rights here. Contact the person who runs"
                " this monitor."
            )
            raise NotSignedOn(HTTPStatus.FORBIDDEN, why)
        _log.info("signed_in", user=name, right=str(right), by="oidc", client=client)
        person = Person(name, right=right)
        return self._open_session(secrets.token_urlsafe(32), person, account, claims)

    async def sign_in_by_header(self, authorization: str, client: str) -> Session | None:
        """Return the session for a header of HTTP basic authentication, None for a wrong password.

        Raises `Busy`.
        """
        # A check of a password is slow, so further requests with the same header get the same
        # session.
        key = self._sign_text("header", authorization)
        if (session := await self.find_session(key)) is not None:
            return session
        name, password = _read_basic_header(authorization)
        person = await self._try_password(name, password, client)
        if person is None:
            return None
        return await self.find_session(self._open_session(key, person, f"user:{person.name}"))

    @property
    def allows_passwords(self) -> bool:
        """Return whether people can sign in here with a password."""
        return self._users.file is not None

    @property
    def allows_sign_in(self) -> bool:
        """Return whether people can sign in here, with a password or at a provider."""
        return self.allows_passwords or self.provider is not None

    def sign_in_by_proxy(self, names: Sequence[str]) -> Session | None:
        """Return the session of the person that a trusted proxy signed on, or None if they have no
        right.

        `names` are all values of its header. Two values are refused, because the client may have
        sent one of them.
        """
        right = (
            self.proxy_auth.right(names[0])
            if self.proxy_auth is not None and len(names) == 1
            else None
        )
        if right is None:
            return None
        # The proxy vouches for each request, so nothing is kept. The guard is the same for all of
        # them, and only this process can make it.
        return Session(
            Person(names[0], right=right),
            f"proxy:{names[0]}",
            ends=float("inf"),
            guard=self._sign_text("proxy", names[0]),
            by_proxy_header=True,
        )

    async def find_program(self, token: str) -> Program | None:
        """Return the program with this token, or None if there is none."""
        return await self._run_in_thread(lambda: self._users.find_program(token))

    async def find_peer(self, user: int) -> Peer:
        """Return who a user of this machine is."""
        return await self._run_in_thread(lambda: self._users.find_peer(user_name(user)))

    def sign_out(self, key: str) -> None:
        """End a session."""
        ended = self._sessions.pop(key, None)
        if ended is not None:
            _log.info("signed_out", user=ended.person.name)

    async def sign_out_address(self, session: Session) -> str:
        """Return the address at which the provider signs this person out, empty if no provider
        signed them on.
        """
        return (
            await self.provider.sign_out_address(session.claims)
            if self.provider and session.claims
            else ""
        )

    def close(self) -> None:
        """Stop the threads."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _try_password(self, name: str, password: str, client: str) -> Person | None:
        """Return the person if the password is right, else None.

        Raises `Busy` if too many checks wait, and while this client or account must wait because of
        earlier wrong passwords. Guesses of others do not delay a network from which this person
        has signed in.
        """
        place = (name, network_of(client))
        is_known = place in self._signed_in_from
        guessers = (
            (self.account_counter(*place),) if is_known else (client, self.account_counter(name))
        )
        self._check_wait(guessers)
        if self._waiting_checks >= (2 * _MOST_WAITING if is_known else _MOST_WAITING):
            raise Busy(1)
        self._waiting_checks += 1
        try:
            # Only one check runs at a time, so that each wrong guess is counted before the next one
            # is checked.
            async with self._check_lock:
                self._check_wait(guessers)  # again, because others may have guessed wrong meanwhile
                # A password is checked for an unknown name too, so that the time does not show
                # which names exist.
                person = await self._run_in_thread(lambda: self._users.find(name)) or UNKNOWN_PERSON
                is_right = await self._run_in_thread(lambda: person.password.matches(password))
                if is_right and person is not UNKNOWN_PERSON:
                    _log.info("signed_in", user=person.name, client=client)
                    self._note_place(place)
                    return person
                for guesser in guessers:
                    self._throttle.count_failure(Guess.PASSWORD, guesser)
        finally:
            self._waiting_checks -= 1
        # The name is not logged, because people sometimes type their password there.
        _log.warning("sign_in_refused", client=client)
        return None

    def _check_wait(self, guessers: Sequence[str]) -> None:
        if wait := max(self._throttle.wait(Guess.PASSWORD, one) for one in guessers):
            raise Busy(wait)

    def _note_place(self, place: tuple[str, str]) -> None:
        """Note from which network a person signed in, and forget the oldest if there are too
        many.
        """
        self._signed_in_from[place] = None
        self._signed_in_from.move_to_end(place)
        if len(self._signed_in_from) > _MOST_PLACES:
            self._signed_in_from.popitem(last=False)

    def _open_session(
        self,
        key: str,
        person: Person,
        account: str,
        claims: ProviderClaims | None = None,
    ) -> str:
        """Add a session under `key` and return `key`.

        If this account has too many, its oldest ends. If there are too many in all, the oldest of
        a viewer ends, and one of staff only if there is no viewer.
        """
        ends = self._clock.monotonic() + SESSION_SECONDS
        self._sessions[key] = Session(person, account, ends, claims=claims)
        own = [one for one, known in self._sessions.items() if known.account == account]
        if len(own) > _MOST_OF_ACCOUNT:
            del self._sessions[own[0]]
        if len(self._sessions) > _MOST_SESSIONS:
            oldest = next(iter(self._sessions))
            viewers = (one for one, known in self._sessions.items() if known.person.is_viewer)
            del self._sessions[next(viewers, oldest)]
        return key

    async def _run_in_thread(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _read_basic_header(authorization: str) -> tuple[str, str]:
    """Return the name and the password of an `Authorization: Basic` header, both empty if it is
    malformed.
    """
    try:
        name, _, password = (
            b64decode(authorization.partition(" ")[2], validate=True).decode().partition(":")
        )
    except ValueError:
        return "", ""
    return name, password
