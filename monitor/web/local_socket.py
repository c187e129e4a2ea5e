"""The Unix socket through which users of this machine reach the monitor: where it is, and who
connects.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import PortTaken

CONFIGURATION_HEADER = "X-Configuration"
"""The header in which a command sends the path of its configuration. A monitor with another one
refuses the request. It is left out if `[web] socket` names the socket.
"""
_SERVICE = Path("/run/ninethirty/socket")
_MODE = 0o660
_CONNECTED_WITHIN = 5.0
"""Seconds. A monitor that hangs accepts no connection."""
_NOT_SERVED = (ConnectionRefusedError, FileNotFoundError)
"""What shows that no process listens at a path."""
_CREDENTIALS = struct.Struct("iII")
"""Process, user and group of a peer: `struct ucred` of Linux (unix(7), SO_PEERCRED)."""

_UNKNOWN_USER = 65534
"""What the kernel says of users who are not of the monitor's namespace (user_namespaces(7))."""


@dataclass(frozen=True, slots=True)
class LocalSocket:
    """The socket at `path` of the monitor that runs with the file `configuration`."""

    bound: socket.socket
    path: Path
    configuration: Path

    def remove(self) -> None:
        """Remove the file, so that no command tries to connect."""
        with suppress(OSError):
            _remove_socket(self.path)


def default_paths(environ: Mapping[str, str], evidence: Path) -> Iterator[Path]:
    """Yield where a monitor makes its socket if `[web] socket` names none, the best place first:
    the folder of the service, that of the user, and the folder of its `evidence`.
    """
    if service_folder := environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        yield Path(service_folder, "socket")
    if user_folder := environ.get("XDG_RUNTIME_DIR"):
        yield Path(user_folder, "ninethirty", "socket")
    yield evidence / "web.sock"


def paths_to_try(environ: Mapping[str, str], evidence: Path) -> Iterator[Path]:
    """Yield where a command looks for the socket of its monitor: also in the folder of the
    service.
    """
    yield _SERVICE
    yield from default_paths(environ, evidence)


def bind_local(path: Path) -> socket.socket:
    """Return a socket that is bound to `path` and does not listen yet.

    Its owner and group may write to it.
    It replaces the socket of a monitor that was killed. Raises `PortTaken`.
    """
    fault = _try_to_connect(path)
    if fault is None:
        raise PortTaken(f"cannot listen on {path}: another monitor does: set another [web] socket")
    if not isinstance(fault, _NOT_SERVED):
        raise PortTaken(f"cannot listen on {path}: {fault.strerror or fault}")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_socket(path)
        bound.bind(str(path))
        path.chmod(_MODE)
    except OSError as exc:
        bound.close()
        raise PortTaken(f"cannot listen on {path}: {exc.strerror or exc}") from exc
    return bound


def is_served(path: Path) -> bool:
    """Return whether a process accepts connections at this path."""
    return _try_to_connect(path) is None


def _try_to_connect(path: Path) -> OSError | None:
    """Return why no process accepts a connection at this path, None if one does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(_CONNECTED_WITHIN)
        try:
            trial.connect(str(path))
        except OSError as exc:
            return exc
    return None


def _remove_socket(path: Path) -> None:
    """Remove the socket at this path, if there is one. Raises `FileExistsError` for another
    file.
    """
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise FileExistsError(errno.EEXIST, "it is a file, but not a socket")
    path.unlink()


def read_peer(connection: socket.socket) -> int | None:
    """Return the id of the user whose process connected.

    None if it came by another kind of socket, or if this process cannot know that user.
    """
    if connection.family != socket.AF_UNIX:
        return None
    # Only Linux has this option. Elsewhere commands need a token.
    sent = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _process, user, _group = _CREDENTIALS.unpack(sent)
    return None if user == _UNKNOWN_USER else int(user)


def user_name(user: int) -> str:
    """Return the name of a system user, or its number if it has none. May ask the network."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a container's user may have no name
        return str(user)


def own_name() -> str:
    """Return the name of the user of this process."""
    return user_name(os.getuid())
