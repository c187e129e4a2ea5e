"""People who may sign in: a file with one line each, `NAME:HASH`, `NAME:HASH:ROLE` or `NAME:HASH:ROLE:RIGHT`.

`ninethirty user` makes them, and `NAME:$sha256$HASH:SCOPE` for a program that shows a token: nobody guesses
that, so one hash of it is enough.

The hash of a password is `$scrypt$ln=…,r=…,p=…$salt$hash`, as other tools write it too: lines can be made elsewhere.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from monitor.errors import Fault
from monitor.web.credentials import TokenScope

SHORTEST = 12
"""Characters of a password that a new line is made for."""
LONGEST = 1024
_MOST_MEMORY = 64 << 20
_LEAST_WORK, _MOST_WORK = 1 << 17, 1 << 21
"""All parameters multiplied: 16 MB worked through once, and half a second of a small machine."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASH = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})")
_NO_NAME = "a name is made of letters, digits and . _ @ -, 64 at most"
_TOKEN = re.compile(rf"([^:]+):\$sha256\$([0-9a-f]{{64}}):({'|'.join(TokenScope)})")
_log = structlog.get_logger(__name__)


class Right(StrEnum):
    """What somebody may do: read what everybody may know; act as well; sign and waive reports as well."""

    VIEWER = "viewer"
    DUTY = "duty"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Password:
    """What is kept of a password: enough to tell whether another one is the same."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False, default=b"")
    # As hard to guess as the recommended 128 MB once. Less than 32 MB at a time would stay with the process for good:
    # the allocator gives only larger pieces back to the machine.
    ln: int = 15
    r: int = 8
    p: int = 3

    @property
    def memory(self) -> int:
        """Return how many bytes of memory a check takes."""
        return 128 * self.r << self.ln

    @property
    def work(self) -> int:
        """Return how much of a guesser's time it takes."""
        return self.r * self.p << self.ln

    def opens(self, typed: str) -> bool:
        """Tell whether this is the password; about a fifth of a second, whatever was typed."""
        return hmac.compare_digest(self.of(typed), self.digest)

    def of(self, typed: str) -> bytes:
        """Return what is kept of a password under this salt."""
        # Keyboards write the same letter in more than one way.
        said = unicodedata.normalize("NFC", typed[:LONGEST]).encode("utf-8", "surrogatepass")
        room = 2 * self.memory + (1 << 20)
        return hashlib.scrypt(said, salt=self.salt, n=1 << self.ln, r=self.r, p=self.p, maxmem=room, dklen=32)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in, and the role in which they act; what they may do goes by their right, never by a role.

    A viewer reads what everybody may know, where strangers may not read that, and acts on nothing.
    """

    name: str
    password: Password
    role: str = ""
    right: Right = Right.DUTY

    @property
    def is_viewer(self) -> bool:
        """Tell whether they act on nothing."""
        return self.right is Right.VIEWER

    @property
    def is_head(self) -> bool:
        """Tell whether they may sign a report, or say that none will be made."""
        return self.right is Right.HEAD


@dataclass(frozen=True, slots=True)
class Program:
    """A program that shows a token, and what it may do."""

    name: str
    scope: TokenScope


NOBODY = Person("", Password(bytes(16), bytes(32)))
"""Whose password is tried when a name is unknown, so that this takes as long as a known one."""


def line(name: str, password: str, role: str = "", right: Right = Right.DUTY) -> str:
    """Return a person's line of the file, with a salt of its own. Raises `ValueError` with what is wrong with it."""
    if not _NAME.fullmatch(name):
        raise ValueError(_NO_NAME)
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password has at least {SHORTEST} characters; three random words are easy to remember")
    if not role.isprintable() or _right(role) is not None:
        raise ValueError(f"a role is one line of text, and does not end in {', '.join(f':{one}' for one in Right)}")
    kept = Password(secrets.token_bytes(16))
    salt, digest = (b64encode(part).decode().rstrip("=") for part in (kept.salt, kept.of(password)))
    parts = [name, f"$scrypt$ln={kept.ln},r={kept.r},p={kept.p}${salt}${digest}"]
    return ":".join([*parts, role, right] if right is not Right.DUTY else [*parts, role] if role else parts)


def is_name(text: str) -> bool:
    """Tell whether somebody can have a name."""
    return _NAME.fullmatch(text) is not None


def token_line(name: str, scope: TokenScope) -> tuple[str, str]:
    """Return a new token, and a program's line of the file. Raises `ValueError` for what is no name."""
    if not _NAME.fullmatch(name):
        raise ValueError(_NO_NAME)
    token = secrets.token_urlsafe(32)
    return token, f"{name}:$sha256${_hash(token)}:{scope}"


def read_programs(text: str) -> dict[str, Program]:
    """Return the programs of a file by the hashes of their tokens."""
    found = (_TOKEN.fullmatch(told.strip()) for told in text.splitlines())
    return {one[2]: Program(one[1], TokenScope(one[3])) for one in found if one is not None and _NAME.fullmatch(one[1])}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_people(text: str, file: str) -> tuple[dict[str, Person], list[Fault]]:
    """Return the people of a file by name, and what is wrong with its other lines; no fault shows a hash."""
    people: dict[str, Person] = {}
    faults = []
    for number, written in enumerate(text.splitlines(), 1):
        told = written.strip()
        if not told or told.startswith("#") or read_programs(told):
            continue
        read = _person(told)
        if isinstance(read, str):
            faults.append(Fault(file, f"line {number}", read))
            continue
        if read.name in people:
            faults.append(Fault(file, f"line {number}", f"{read.name} was named before; this line counts"))
        people[read.name] = read
    return people, faults


def _person(told: str) -> Person | str:
    name, _, rest = told.partition(":")
    kept, _, role = rest.partition(":")
    if not _NAME.fullmatch(name) or not kept:
        return "not NAME:HASH; `ninethirty user NAME` makes such a line"
    if kept.startswith("$sha256$"):
        return f"the token of {name} is not one that `ninethirty user --token` makes"
    password = _password(kept)
    if password is None:
        return f"the hash of {name} is not one that `ninethirty user` makes"
    if password.memory > _MOST_MEMORY or password.work > _MOST_WORK:
        return f"the hash of {name} is too costly; make it anew"
    if password.work < _LEAST_WORK:
        return f"the hash of {name} is too weak; make it anew"
    told = role.strip()
    right = _right(told)
    return Person(name, password, told.removesuffix(right).rstrip(": ") if right else told, right or Right.DUTY)


def _right(role: str) -> Right | None:
    # A role that is one word is a role, were it "head"; only what takes rights away is read without its colon.
    return Right.VIEWER if role == Right.VIEWER else next((one for one in Right if role.endswith(f":{one}")), None)


def _password(kept: str) -> Password | None:
    found = _HASH.fullmatch(kept)
    if found is None:
        return None
    try:
        salt, digest = (b64decode(found[part] + "=" * (-len(found[part]) % 4)) for part in (4, 5))
    except binascii.Error:
        return None
    return Password(salt, digest, *(int(found[part]) for part in (1, 2, 3)))


def faults_of(file: Path) -> Iterator[str]:
    """Yield what is wrong with a file of people, one line each."""
    try:
        text = file.read_text(encoding="utf-8")
        people, faults = read_people(text, file.name)
        if file.stat().st_mode & 0o022:
            yield f"{file.name}: can be written by others, chmod 600"
    except (OSError, UnicodeDecodeError) as exc:
        yield f"{file.name}: cannot be read: {getattr(exc, 'strerror', None) or 'is not UTF-8 text'}"
        return
    yield from map(str, faults)
    if not people and not read_programs(text):
        yield f"{file.name}: nobody can sign in; `ninethirty user NAME` makes a line"


class Users:
    """The people and programs of a file, read again whenever it has changed. Faulty lines are nobody's."""

    def __init__(self, file: Path | None) -> None:
        """Without a file there is nobody."""
        self.file = file
        self._mark: object = None
        self._people: Mapping[str, Person] = {}
        self._programs: Mapping[str, Program] = {}

    def find(self, name: str) -> Person | None:
        """Return a person as the file has them now; nobody while it cannot be read. Blocks on the disk."""
        self._renew()
        return self._people.get(name)

    def program(self, token: str) -> Program | None:
        """Return the program that shows a token, None where it is no good. Blocks on the disk."""
        self._renew()
        return self._programs.get(_hash(token))

    def _renew(self) -> None:
        if self.file is None or (mark := _mark(self.file)) == self._mark:
            return
        for fault in faults_of(self.file):
            _log.warning("users_faulty", fault=fault)
        try:
            text = self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        self._mark, self._people, self._programs = mark, read_people(text, self.file.name)[0], read_programs(text)


def _mark(file: Path) -> object:
    try:
        found = file.stat()
    except OSError as exc:
        return exc.strerror
    return found.st_mtime_ns, found.st_size, found.st_ino
