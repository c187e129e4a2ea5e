"""Sign-in by password, proxy or OpenID provider, and the sessions of people who are signed in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import structlog

from monitor.errors import StoreFault, UnknownName, UserFault
from monitor.store.kept_sessions import KeptSessions, hash_key
from monitor.store.rows import Actor, SessionUse, StoredSession
from monitor.web.credentials import Guess, Throttle, network_of
from monitor.web.local_socket import user_name
from monitor.web.provider import Flow, NotSignedOn, ProviderClaims
from monitor.web.users import (
    NO_PASSWORD,
    UNKNOWN_PERSON,
    Password,
    Peer,
    Person,
    Program,
    Right,
    Users,
    is_name,
)

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

T = TypeVar("T")
SESSION_SECONDS = 12 * 3600
"""A session ends after this many seconds, a working day."""
_MOST_TOKENS = 1000
_MOST_PLACES = 10_000
_MOST_WAITING = 8
_log = structlog.get_logger(__name__)


class Busy(UserFault):
    """Too many wrong guesses, or sign-ins at once. The client must wait `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("Too many attempts. Try again in a minute.")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in.

    `account` identifies them for good, whatever name they show: how they signed in, and their name
    in the users file, at the proxy, or their `iss` and `sub` at the provider. Their forms contain
    `guard`.
    """

    person: Person
    account: str
    guard: str = field(repr=False)
    # Empty if a proxy signed them on, which alone can sign them out.
    key_hash: str = ""
    # Of the OpenID provider that signed them on.
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
    """Sign-on by a proxy that sends the name in `header`. The name `*` means all others."""

    header: str
    rights: Mapping[str, Right]

    def right(self, name: str) -> Right | None:
        """Return the right of a person, or None if they have none."""
        return self.rights.get(name, self.rights.get("*")) if is_name(name) else None


class Sessions:
    """Checks passwords, and signs people in and out. A new password ends a person's sessions."""

    def __init__(
        self,
        users: Users,
        kept: KeptSessions,
        throttle: Throttle,
        public_url: str = "",
    ) -> None:
        """Check passwords against `users`, and keep sessions in `kept`.

        If `public_url` is https, a proxy in front of us does the encryption.
        """
        self.public_url = public_url
        self.proxy_auth: ProxyAuth | None = None
        self.provider: OpenID | None = None
        self.kept = kept
        self._users = users
        self._clock = throttle.clock
        self._throttle = throttle
        # By the hash of the session's key. Not stored, because only signing out at the provider
        # uses them.
        self._id_tokens: OrderedDict[str, str] = OrderedDict()
        # (name, network), the oldest first.
        self._signed_in_from: OrderedDict[tuple[str, str], None] = OrderedDict()
        # One password check at a time.
        self._check_lock = asyncio.Lock()
        self._waiting_checks = 0
        self._signing_key = secrets.token_bytes(32)
        # One for the password that is being checked, one for sessions that exist.
        self._thread = ThreadPoolExecutor(2, "sign-in")

    async def sign_in(self, name: str, password: str, client: str) -> str | None:
        """Return the key of a new session, or None for a wrong name or password. Raises `Busy`."""
        person = await self._try_password(name, password, client)
        if person is None:
            return None
        return await self._open_session(person, f"user:{person.name}", client)

    def account_counter(self, name: str, network: str = "") -> str:
        """Return the key that counts an account's wrong guesses: those from a network where the
        person signed in before, or all others.
        """
        return self._sign_text("account", f"{name} {network}")

    def _sign_text(self, use: str, text: str) -> str:
        """Return the HMAC of `text` for a `use`, with a key that only this process has."""
        message = f"{use} {text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._signing_key, message, hashlib.sha256).hexdigest()

    async def find_session(self, key: str, use: SessionUse = SessionUse.BROWSER) -> Session | None:
        """Return the session of a key, and note its use.

        None if it is too old or of another use, or its person has another password or no right.
        """
        stored = await self.kept.find(hash_key(key))
        if stored is None or stored.use is not use:
            return None
        if stored.ends is not None and self._clock.now() >= stored.ends:
            return None
        claims = None
        if stored.claim_source:
            token = self._id_tokens.get(stored.key_hash, "")
            claims = ProviderClaims(stored.claim_source, stored.claim_values, token)
        person = await self._read_person(stored, claims)
        if person is None:
            return None
        await self.kept.note_use(stored)
        # Only who has the key can make the guard, on any monitor and after a restart.
        guard = hash_key(f"guard {key}")
        return Session(person, stored.account, guard, stored.key_hash, claims)

    async def _read_person(
        self, stored: StoredSession, claims: ProviderClaims | None
    ) -> Person | None:
        """Return the person of a session with their present right, if any."""
        name = stored.name
        if stored.password_hash:
            person = await self._run_in_thread(lambda: self._users.find(name))
            is_same = person is not None and _hash_password(person.password) == stored.password_hash
            return person if is_same else None
        if claims is not None:
            right = None if self.provider is None else self.provider.provider.right(claims)
        else:
            right = None if self.proxy_auth is None else self.proxy_auth.right(name)
        return None if right is None else Person(name, right=right)

    async def sign_on_address(self, secret: str) -> str:
        """Return the provider's address where the browser with this `secret` signs in.

        Raises `NotSignedOn`.
        """
        return await self._require_provider().sign_on_address(self.make_flow(secret))

    def make_flow(self, secret: str) -> Flow:
        """Return the texts of a sign-on, from the random `secret` in the browser's cookie."""
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
        return await self._open_session(person, account, client, claims)

    @property
    def allows_passwords(self) -> bool:
        """Return whether people can sign in here with a password."""
        return self._users.file is not None

    @property
    def allows_sign_in(self) -> bool:
        """Return whether people can sign in here at all."""
        return self.allows_passwords or self.provider is not None

    def sign_in_by_proxy(self, names: Sequence[str]) -> Session | None:
        """Return the session of the person that a trusted proxy signed on, if they have a right.

        `names` are all values of its header. Two are refused: the client may have sent one.
        """
        right = (
            self.proxy_auth.right(names[0])
            if self.proxy_auth is not None and len(names) == 1
            else None
        )
        if right is None:
            return None
        # The proxy vouches for each request, so nothing is kept, and they all have one guard.
        return Session(
            Person(names[0], right=right),
            f"proxy:{names[0]}",
            guard=self._sign_text("proxy", names[0]),
        )

    async def find_program(self, token: str) -> Program | None:
        """Return the program with this token, or None if there is none."""
        return await self._run_in_thread(lambda: self._users.find_program(token))

    async def find_peer(self, user: int) -> Peer:
        """Return who a user of this machine is."""
        return await self._run_in_thread(lambda: self._users.find_peer(user_name(user)))

    async def sign_out(self, key: str) -> None:
        """End a session. While the store fails, it ends on this monitor only."""
        session = await self.find_session(key)
        if session is None:
            return
        self._id_tokens.pop(session.key_hash, None)
        try:
            await self.kept.end(session.key_hash, session.actor, session.account)
        except StoreFault as fault:
            _log.warning("session_not_ended", account=session.account, why=str(fault))
        _log.info("signed_out", user=session.person.name)

    async def make_feed_key(self, session: Session, client: str) -> str:
        """Return a new key for the addresses of feeds, in place of the account's last one."""
        return await self._open_session(
            session.person, session.account, client, session.claims, SessionUse.FEEDS
        )

    async def sign_out_address(self, session: Session) -> str:
        """Return where the provider signs this person out, empty if none signed them on."""
        return (
            await self.provider.sign_out_address(session.claims)
            if self.provider and session.claims
            else ""
        )

    def close(self) -> None:
        """Stop the threads."""
        self.kept.close()
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _try_password(self, name: str, password: str, client: str) -> Person | None:
        """Return the person if the password is right.

        Raises `Busy` if too many checks wait, or this client or account must wait after wrong
        guesses. Guesses of others do not delay a network from which this person has signed in.
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
            # Each wrong guess is counted before the next one is checked.
            async with self._check_lock:
                self._check_wait(guessers)  # again, because others may have guessed wrong meanwhile
                # Also for an unknown name, so that the time does not show which names exist.
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
        self._signed_in_from[place] = None
        self._signed_in_from.move_to_end(place)
        if len(self._signed_in_from) > _MOST_PLACES:
            self._signed_in_from.popitem(last=False)

    async def _open_session(
        self,
        person: Person,
        account: str,
        client: str,
        claims: ProviderClaims | None = None,
        use: SessionUse = SessionUse.BROWSER,
    ) -> str:
        key, now = secrets.token_urlsafe(32), self._clock.now()
        stored = StoredSession(
            hash_key(key),
            account,
            use,
            began=now,
            seen=now,
            ends=now + timedelta(seconds=SESSION_SECONDS) if use is SessionUse.BROWSER else None,
            name=person.name,
            right=person.right,
            client=client,
            password_hash=_hash_password(person.password),
        )
        if claims is not None:
            stored = replace(stored, claim_source=claims.source, claim_values=claims.values)
            self._id_tokens[stored.key_hash] = claims.token
            if len(self._id_tokens) > _MOST_TOKENS:
                self._id_tokens.popitem(last=False)
        await self.kept.open(stored)
        return key

    async def _run_in_thread(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _hash_password(password: Password) -> str:
    """Return a hash that changes with a password, empty for people without one here."""
    if password is NO_PASSWORD:
        return ""
    return hashlib.sha256(password.salt + password.digest).hexdigest()
