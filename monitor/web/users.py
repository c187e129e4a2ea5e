"""The users file.

A person who may sign in has a line `NAME:HASH`, `NAME:HASH:ROLE` or `NAME:HASH:ROLE:RIGHT`.

`system = "USER"` in place of the hash, or at the end, says which user of the machine they are.

A program with a token has a line `NAME:$sha256$HASH:SCOPE`. A random token cannot be guessed, so a
fast hash is enough. `ninethirty user` makes both kinds of lines. A password has a hash in the
common format `$scrypt$ln=…,r=…,p=…$salt$hash`, so other tools can make lines too.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from alerts.by_hand import LONGEST_ROLE
from monitor.errors import Fault
from monitor.store.rows import Actor
from monitor.web.credentials import TokenScope
from schedules.values import did_you_mean

SHORTEST = 12
"""The minimum length of a new password, in characters."""
LONGEST = 1024
_MOST_MEMORY = 64 << 20
_LEAST_WORK, _MOST_WORK = 1 << 17, 1 << 21
"""Bounds of `Password.work`. The least fills 16 MB once, the most takes half a second on a small
machine.
"""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASH = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})"
)
_SYSTEM = re.compile(r'(?<=:)\s*system\s*=\s*"([^":]+)"\s*(?=:|$)')
_NO_NAME = "a name is made of letters, digits and . _ @ -, 64 at most"
_TOKEN = re.compile(rf"([^:]+):\$sha256\$([0-9a-f]{{64}}):({'|'.join(TokenScope)})")
_log = structlog.get_logger(__name__)


class Right(StrEnum):
    """Rights of a person.

    `viewer` reads all but embargoed data, `duty` reads all and acts, `head` also signs.
    """

    VIEWER = "viewer"
    DUTY = "duty"
    HEAD = "head"


_ROLES = {Right.DUTY: "duty officer", Right.HEAD: "head of profession"}
"""The role in which a person acts whose line names none. A viewer does not act."""
OPERATOR = "operator of the monitor"
"""The role of a user of the machine whom no line names."""


@dataclass(frozen=True, slots=True)
class Password:
    """The salted hash of a password, with the parameters of scrypt."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False, default=b"")
    # Three passes over 32 MB are as hard to guess as the recommended one pass over 128 MB. The
    # allocator returns blocks of 32 MB or more to the system, but keeps smaller ones.
    ln: int = 15
    r: int = 8
    p: int = 3

    @property
    def memory(self) -> int:
        """Return how many bytes of memory a check takes."""
        return 128 * self.r << self.ln

    @property
    def work(self) -> int:
        """Return the work of one check: the product of the parameters n, r and p."""
        return self.r * self.p << self.ln

    def matches(self, typed: str) -> bool:
        """Return whether `typed` is the password, in a fifth of a second for any text."""
        return hmac.compare_digest(self.hash(typed), self.digest)

    def find_unfitness(self) -> str:
        """Return `costly` or `weak` for a hash that cannot be used, else an empty text."""
        if self.memory > _MOST_MEMORY or self.work > _MOST_WORK:
            return "costly"
        return "weak" if self.work < _LEAST_WORK else ""

    def hash(self, typed: str) -> bytes:
        """Return the hash of a password with this salt."""
        # Keyboards encode the same letter in more than one way, so the text is normalised.
        content = unicodedata.normalize("NFC", typed[:LONGEST]).encode("utf-8", "surrogatepass")
        limit = 2 * self.memory + (1 << 20)
        return hashlib.scrypt(
            content, salt=self.salt, n=1 << self.ln, r=self.r, p=self.p, maxmem=limit, dklen=32
        )


NO_PASSWORD = Password(bytes(16), bytes(32))
"""The password that no text matches, of people who sign on elsewhere."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in. Their right says what they may do, their role is recorded with it.

    A viewer can read a board that is not public, but no embargoed information.
    """

    name: str
    password: Password = NO_PASSWORD
    role: str = ""
    right: Right = Right.DUTY
    # Of the machine, or an empty text.
    system_user: str = ""

    @property
    def acting_role(self) -> str:
        """Return the role in which they act: that of their line, else one for their right."""
        return self.role or _ROLES.get(self.right, "")

    @property
    def is_viewer(self) -> bool:
        """Return whether they may only read."""
        return self.right is Right.VIEWER

    @property
    def is_head(self) -> bool:
        """Return whether they may sign a report, or record that none will be made."""
        return self.right is Right.HEAD


@dataclass(frozen=True, slots=True)
class Program:
    """A program with a token, and the scope of that token."""

    name: str
    scope: TokenScope

    @property
    def actor(self) -> Actor:
        """Return who acts with the token. A program's role is its name."""
        return Actor(f"token:{self.name}", self.name)


@dataclass(frozen=True, slots=True)
class Peer:
    """A user of the machine who connects to the socket, or runs a command without a monitor."""

    account: str
    person: Person

    @property
    def actor(self) -> Actor:
        """Return who acts."""
        return Actor(self.account, self.person.acting_role)


UNKNOWN_PERSON = Person("")
"""Their password is checked for an unknown name, so that it takes as long as a known one."""


def make_line(name: str, password: str, role: str = "", right: Right = Right.DUTY) -> str:
    """Return a new line of the users file for a person with a password.

    Raises `ValueError` if a value cannot be used.
    """
    if len(password) < SHORTEST:
        raise ValueError(
            f"a password has at least {SHORTEST} characters; three random words are easy to"
            " remember"
        )
    if len(password) > LONGEST:
        raise ValueError(f"a password has at most {LONGEST:,} characters")
    new = Password(secrets.token_bytes(16))
    salt, digest = (b64encode(part).decode().rstrip("=") for part in (new.salt, new.hash(password)))
    hashed = f"$scrypt$ln={new.ln},r={new.r},p={new.p}${salt}${digest}"
    return _join_line(name, hashed, role, right)


def make_system_line(name: str, user: str, role: str, right: Right) -> str:
    """Return the line of a person who is the user `user` of the machine.

    Raises like `make_line`.
    """
    system = f'system = "{user}"'
    if not _SYSTEM.fullmatch(f":{system}", 1):
        raise ValueError('the name of a user of the machine has no : or "')
    return _join_line(name, system, role, right)


def _join_line(name: str, hashed: str, role: str, right: Right) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(_NO_NAME)
    has_right = _parse_right(role) is not None or _suggest_right(role)
    if not role.isprintable() or len(role) > LONGEST_ROLE or has_right:
        raise ValueError(
            f"a role is one line of at most {LONGEST_ROLE} characters, and does not end in"
            f" {', '.join(f':{one}' for one in Right)}"
        )
    parts = [name, hashed]
    if right is not Right.DUTY:
        # Without a role, its field stays empty: `NAME:HASH::head`.
        parts += [role, right]
    elif role:
        parts.append(role)
    return ":".join(parts)


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a person or program."""
    return _NAME.fullmatch(text) is not None


def make_token_line(name: str, scope: TokenScope) -> tuple[str, str]:
    """Return a new token, and the line of the users file for it.

    Raises `ValueError` if `name` is not a name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(_NO_NAME)
    token = secrets.token_urlsafe(32)
    return token, f"{name}:$sha256${_hash_token(token)}:{scope}"


def read_programs(text: str) -> dict[str, Program]:
    """Return the programs of a users file, by token hash, without its other lines."""
    found = (_TOKEN.fullmatch(one.strip()) for one in text.splitlines())
    return {
        one[2]: Program(one[1], TokenScope(one[3]))
        for one in found
        if one is not None and _NAME.fullmatch(one[1])
    }


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_people(text: str, file: str) -> tuple[dict[str, Person], list[Fault]]:
    """Return the people of a users file by name, and the faults of its lines.

    No fault quotes a password's hash.
    """
    people: dict[str, Person] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        is_of_program = bool(read_programs(line))
        if not line.strip() or line.strip().startswith("#") or is_of_program:
            continue
        person = _parse_person(line.strip())
        if isinstance(person, str):  # the reason why the line cannot be read
            faults.append(Fault(file, f"line {number}", person))
            continue
        if person.name in people:
            reason = f"{person.name} was named before; this line counts, remove the other"
            faults.append(Fault(file, f"line {number}", reason))
        people[person.name] = person
    return people, faults


def _parse_person(written: str) -> Person | str:
    """Return the person of a line `NAME:HASH:ROLE:RIGHT` (the last two can be missing), or its
    fault. Lines with a program's token do not come here.
    """
    system = _SYSTEM.search(written)
    without_system = written if system is None else _SYSTEM.sub("", written)
    name, _, rest = without_system.partition(":")
    hashed, _, role_and_right = rest.partition(":")
    if not _NAME.fullmatch(name) or not (hashed or system):
        return "not NAME:HASH; `ninethirty user NAME` makes such a line"
    if hashed.startswith("$sha256$"):
        return f"the token of {name} is not one that `ninethirty user --token` makes"
    password = _parse_password(hashed) if hashed else NO_PASSWORD
    if password is None:
        return f"the hash of {name} is not one that `ninethirty user` makes"
    if hashed and (unfit := password.find_unfitness()):
        return f"the hash of {name} is too {unfit}; make a new one"
    # "Statistician:head" is a role and a right, ":head" only a right.
    role = role_and_right.strip().removesuffix(":")
    fault = ""
    if (right := _parse_right(role)) is not None:
        role = role.removesuffix(right).rstrip(": ")
    elif meant := _suggest_right(role):
        fault = f"{name} has no right of that name{meant}"
    if len(role) > LONGEST_ROLE:
        fault = f"the role of {name} has more than {LONGEST_ROLE} characters"
    return fault or Person(name, password, role, right or Right.DUTY, system[1] if system else "")


def _parse_right(role: str) -> Right | None:
    """Return the right after the last colon of a role."""
    # One word is never a right, even "head", except "viewer", which only removes rights.
    return (
        Right.VIEWER
        if role == Right.VIEWER
        else next((one for one in Right if role.endswith(f":{one}")), None)
    )


def _suggest_right(role: str) -> str:
    """Return which right a role that has none perhaps means, "" if none."""
    _, colon, word = role.rpartition(":")
    return did_you_mean(word.strip().casefold(), Right) if colon else ""


def _parse_password(hashed: str) -> Password | None:
    found = _HASH.fullmatch(hashed)
    if found is None:
        return None
    ln, r, p, *encoded = found.groups()
    try:
        # `b64decode` needs the padding that such a hash leaves out.
        salt, digest = (b64decode(text + "=" * (-len(text) % 4)) for text in encoded)
    except binascii.Error:
        return None
    return Password(salt, digest, int(ln), int(r), int(p))


def find_faults(file: Path) -> list[str]:
    """Return the faults of a users file, one line each."""
    return list(_read_users_file(file).faults)


@dataclass(frozen=True, slots=True)
class _Contents:
    """People by name, programs by token hash, and faults, a line each.

    Unless `is_complete`, a line could not be read, so a person may be missing.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    faults: Sequence[str] = ()
    is_complete: bool = True


def _read_users_file(file: Path) -> _Contents:
    try:
        text = file.read_text(encoding="utf-8-sig")
        is_writable_by_others = bool(file.stat().st_mode & 0o022)
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "is not UTF-8 text"
        return _Contents(faults=[f"{file.name}: cannot be read: {reason}"], is_complete=False)
    (people, line_faults), programs = read_people(text, file.name), read_programs(text)
    faults = [f"{file.name}: can be written by others, chmod 600"] if is_writable_by_others else []
    faults += map(str, line_faults)
    if not people and not programs:
        faults.append(f"{file.name}: no one can sign in; `ninethirty user NAME` adds a person")
    return _Contents(people, programs, faults, is_complete=not line_faults)


def find_only_user(user: str) -> Peer:
    """Return a user of the machine as one with every right: no one can sign in, so it is theirs."""
    return Peer(f"system:{user}", Person(user, role=OPERATOR, right=Right.HEAD))


class Users:
    """The people and programs of a users file, read again after each change. Faulty lines do not
    count.
    """

    def __init__(self, file: Path | None) -> None:
        """Read people and programs from `file`. If it is None, there are none."""
        self.file = file
        self._file_state: object = None
        self._contents = _Contents()

    def find(self, name: str) -> Person | None:
        """Return the person with this name, or None if the file has none or cannot be read.

        Reads the disk.
        """
        self._read_if_changed()
        return self._contents.people.get(name)

    def find_peer(self, user: str) -> Peer:
        """Return the person whose line names this user of the machine. Reads the disk.

        A user without a line has the right `duty`. While a line cannot be read, it may be that of
        this user: then they only see.
        """
        self._read_if_changed()
        contents = self._contents
        named = [one for one in contents.people.values() if one.system_user == user]
        if named:
            return Peer(f"user:{named[-1].name}", named[-1])
        right = Right.DUTY if contents.is_complete else Right.VIEWER
        return Peer(f"system:{user}", Person(user, role=OPERATOR, right=right))

    def find_program(self, token: str) -> Program | None:
        """Return the program with this token, or None if there is none. Reads the disk."""
        self._read_if_changed()
        return self._contents.programs.get(_hash_token(token))

    def _read_if_changed(self) -> None:
        if self.file is None or (state := _file_state(self.file)) == self._file_state:
            return
        self._contents = _read_users_file(self.file)
        for fault in self._contents.faults:
            _log.warning("users_faulty", fault=fault)
        self._file_state = state


def _file_state(file: Path) -> object:
    """Return a value that changes with the file: its time, size and inode, or its fault."""
    try:
        found = file.stat()
    except OSError as exc:
        return exc.strerror
    return found.st_mtime_ns, found.st_size, found.st_ino
