"""Confines a process that reads foreign bytes, with the kernel's Landlock and seccomp.

A confined process reads the program's own code and the time zones, and no other file. It opens
nothing for writing and no socket, starts no process, and neither inspects nor signals another.
"""

from __future__ import annotations

import ctypes
import os
import platform
import site
import struct
import sysconfig
import zoneinfo
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 4, 22, 38
"""Options of `prctl(2)`."""
_ROOT = Path(__file__).parents[3]

# --- Landlock, `landlock(7)`. Its system calls have the same numbers on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_QUERY_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_FILE_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access to files each version knows. A version that is left out adds none."""
_TCP_SINCE, _BIND_AND_CONNECT_TCP = 4, 0b11
_SCOPES_SINCE, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11

# --- seccomp, `seccomp(2)`: a program that sees each system call and allows or refuses it.
_FILTER_MODE = 2
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT, _ARGUMENT_BYTES = 0, 4, 16, 8
_OTHER_ABI = 0x40000000
"""Numbers from here on are calls of x32, a second set of calls on x86-64."""
_NOT_PERMITTED, _NO_SUCH_CALL = 1, 38  # EPERM, ENOSYS
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_THREAD = 0x00010000
"""The flag of `clone` that makes a thread of this process, not another process."""
_OWNER = 0b1000
"""A bit of each command of `fcntl` that chooses whom the kernel signals when a file is ready. The
commands that a worker needs lack it.
"""

_REFUSED = (
    # name, number on x86-64, number on aarch64; 0: that machine has no such call
    ("socket", 41, 198),
    ("socketpair", 53, 199),
    ("connect", 42, 203),
    ("bind", 49, 200),
    ("listen", 50, 201),
    ("execve", 59, 221),
    ("execveat", 322, 281),
    ("fork", 57, 0),
    ("vfork", 58, 0),
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("kill", 62, 129),
    ("tkill", 200, 130),
    ("tgkill", 234, 131),
    ("rt_sigqueueinfo", 129, 138),
    ("rt_tgsigqueueinfo", 297, 240),
    ("pidfd_send_signal", 424, 424),
    ("pidfd_open", 434, 434),
    ("pidfd_getfd", 438, 438),
    ("creat", 85, 0),
    ("truncate", 76, 45),
    ("rename", 82, 0),
    ("renameat", 264, 38),
    ("renameat2", 316, 276),
    ("mkdir", 83, 0),
    ("mkdirat", 258, 34),
    ("mknod", 133, 0),
    ("mknodat", 259, 33),
    ("rmdir", 84, 0),
    ("unlink", 87, 0),
    ("unlinkat", 263, 35),
    ("link", 86, 0),
    ("linkat", 265, 37),
    ("symlink", 88, 0),
    ("symlinkat", 266, 36),
    ("chmod", 90, 0),
    ("fchmod", 91, 52),
    ("fchmodat", 268, 53),
    ("fchmodat2", 452, 452),
    ("chown", 92, 0),
    ("lchown", 94, 0),
    ("fchown", 93, 55),
    ("fchownat", 260, 54),
    ("utime", 132, 0),
    ("utimes", 235, 0),
    ("futimesat", 261, 0),
    ("utimensat", 280, 88),
    ("setxattr", 188, 5),
    ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7),
    ("setxattrat", 463, 463),
    ("removexattr", 197, 14),
    ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16),
    ("removexattrat", 466, 466),
    ("memfd_create", 319, 279),
    ("memfd_secret", 447, 447),
    ("shmget", 29, 194),
    ("shmat", 30, 196),
    ("shmctl", 31, 195),
    ("semget", 64, 190),
    ("semop", 65, 193),
    ("semtimedop", 220, 192),
    ("semctl", 66, 191),
    ("msgget", 68, 186),
    ("msgsnd", 69, 189),
    ("msgrcv", 70, 188),
    ("msgctl", 71, 187),
    ("mq_open", 240, 180),
    ("mq_unlink", 241, 181),
    ("chroot", 161, 51),
    ("pivot_root", 155, 41),
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("fsopen", 430, 430),
    ("open_tree", 428, 428),
    ("unshare", 272, 97),
    ("setns", 308, 268),
    ("bpf", 321, 280),
    ("perf_event_open", 298, 241),
    ("userfaultfd", 323, 282),
    ("add_key", 248, 217),
    ("keyctl", 250, 219),
    ("setpriority", 141, 140),
    ("sched_setparam", 142, 118),
    ("sched_setscheduler", 144, 119),
    ("sched_setattr", 314, 274),
    ("sched_setaffinity", 203, 122),
    ("ioprio_set", 251, 30),
)
_UNSEEN = (("clone3", 435, 435), ("openat2", 437, 437), ("io_uring_setup", 425, 425))
"""Calls whose arguments the program cannot see. The C library does without them."""


class _ByArgument(NamedTuple):
    """A call that one of its arguments allows or refuses: if the test of it is true, the call is
    allowed or not (`is_allowed`), else the opposite.
    """

    numbers: tuple[int, int]
    argument: int
    test: int
    operand: int
    is_allowed: bool


_BY_ARGUMENT = (
    _ByArgument((2, 0), 1, _IF_ANY_BIT, _WRITES, is_allowed=False),  # open
    _ByArgument((257, 56), 2, _IF_ANY_BIT, _WRITES, is_allowed=False),  # openat
    _ByArgument((56, 220), 0, _IF_ANY_BIT, _THREAD, is_allowed=True),  # clone
    _ByArgument((72, 25), 1, _IF_ANY_BIT, _OWNER, is_allowed=False),  # fcntl
    _ByArgument((302, 261), 0, _IF_EQUAL, 0, is_allowed=True),  # prlimit64; 0: this process
)
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The kernel's number of each machine, and its column in the tables above."""


def hide_memory() -> None:
    """Let no other process of this user read the memory or the environment of this one."""
    _control_process(_SET_DUMPABLE, 0)


def confine() -> None:
    """Confine this process for good, as far as its kernel can (`describe_missing`).

    Raises `OSError` if the kernel has the means and refuses them.
    """
    hide_memory()
    _control_process(_SET_NO_NEW_PRIVILEGES, 1)
    version = _landlock_version()
    if version:
        _restrict_files(version, _readable_paths())
    machine = _MACHINES.get(platform.machine())
    if machine is not None and _has_seccomp():
        _restrict_calls(*machine)


def describe_missing() -> str:
    """Return which means of confinement this kernel lacks, empty if it lacks none."""
    missing = []
    if not _landlock_version():
        missing.append("Landlock")
    if platform.machine() not in _MACHINES or not _has_seccomp():
        missing.append("seccomp")
    return " and ".join(missing)


def _readable_paths() -> list[Path]:
    """Return the folders of Python, its packages, our own code and the time zones."""
    standard = sysconfig.get_paths()
    return [
        Path(standard["stdlib"]),
        Path(standard["platstdlib"]),
        *map(Path, site.getsitepackages()),
        *map(Path, zoneinfo.TZPATH),
        _ROOT / "monitor",
        _ROOT / "schedules",
    ]


def _landlock_version() -> int:
    """Return the kernel's version of Landlock, 0 if it has none."""
    version = _load_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _QUERY_VERSION)
    return max(int(version), 0)


def _restrict_files(version: int, readable: Iterable[Path]) -> None:
    known = max(since for since in _FILE_RIGHTS_OF_VERSION if since <= version)
    files = (1 << _FILE_RIGHTS_OF_VERSION[known]) - 1
    tcp = 0
    if version >= _TCP_SINCE:
        tcp = _BIND_AND_CONNECT_TCP
    scopes = 0
    if version >= _SCOPES_SINCE:
        scopes = _ABSTRACT_SOCKETS_AND_SIGNALS
    # An older kernel accepts fields that it does not know, as long as they are zero.
    attributes = struct.pack("=QQQ", files, tcp, scopes)
    ruleset = _call_kernel(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for path in readable:
            _allow_reading(ruleset, path)
        _call_kernel(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = struct.pack("=Qi", _READ_FILE | _READ_DIRECTORY, folder)
        _call_kernel(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(folder)


def _has_seccomp() -> bool:
    # Asking for the mode fails on a kernel without seccomp: PR_GET_SECCOMP.
    return bool(_load_libc().prctl(21, 0, 0, 0, 0) >= 0)


def _restrict_calls(machine: int, column: int) -> None:
    steps = _filter_program(machine, column)
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(steps), ctypes.addressof(buffer))
    _control_process(_SET_SECCOMP, _FILTER_MODE, header)


def _filter_program(machine: int, column: int) -> list[tuple[int, int, int, int]]:
    """Return the steps of the program: operation, steps to skip if true, if false, and operand."""
    refuse = (_RETURN, 0, 0, _REFUSE | _NOT_PERMITTED)
    allow = (_RETURN, 0, 0, _ALLOW)
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 1, 0, machine),
        refuse,
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, 0, 1, _OTHER_ABI),
        refuse,
    ]
    for _name, *numbers in _REFUSED:
        if numbers[column]:
            steps += [(_IF_EQUAL, 0, 1, numbers[column]), refuse]
    for _name, *numbers in _UNSEEN:
        steps += [
            (_IF_EQUAL, 0, 1, numbers[column]),
            (_RETURN, 0, 0, _REFUSE | _NO_SUCH_CALL),
        ]
    for call in _BY_ARGUMENT:
        if call.numbers[column]:
            steps += [
                (_IF_EQUAL, 0, 4, call.numbers[column]),
                (_LOAD, 0, 0, _FIRST_ARGUMENT_AT + call.argument * _ARGUMENT_BYTES),
                (call.test, 0, 1, call.operand),
                allow if call.is_allowed else refuse,
                refuse if call.is_allowed else allow,
            ]
    return [*steps, allow]


def _load_libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _control_process(option: int, value: int, address: bytes | None = None) -> None:
    if _load_libc().prctl(option, ctypes.c_ulong(value), address, 0, 0):
        raise _last_error(f"prctl({option})")


def _call_kernel(number: int, *arguments: object) -> int:
    result: int = _load_libc().syscall(number, *arguments)
    if result < 0:
        raise _last_error(f"system call {number}")
    return result


def _last_error(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{what}: {os.strerror(code)}")
