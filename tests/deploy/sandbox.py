"""Applies the limits of systemd and of container engines to a process, as far as this machine
allows.

`python -m tests.deploy.sandbox LIMITS COMMAND...` applies LIMITS, a JSON text of `Limits.as_json`,
to itself and then becomes COMMAND. Filters of system calls and limits of resources need no
privilege. The read-only file system and the other user need root or a kernel that allows user
namespaces. Without these they are left out.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import resource
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
SETS = Path(__file__).parent / "systemd_sets.txt"
Settings = list[tuple[str, str]]

# <linux/sched.h>, <sys/mount.h>, <linux/mount.h>, <sys/mman.h>, <sys/shm.h>, <sys/socket.h>
NEWNS, NEWUSER, ANY_NAMESPACE = 0x20000, 0x10000000, 0x7E020080
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, READ_ONLY = 442, -100, 0x8000, 1
WRITE, EXEC, SHM_EXEC = 2, 4, 0o100000
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
MOST_FAMILIES = 46
# <seccomp.h>
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
DIFFERS, EQUALS, MASKED = 1, 4, 7

DENIED_IN_CONTAINERS = """
    acct add_key bpf clock_settime create_module delete_module finit_module get_kernel_syms get_mempolicy init_module
    io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie
    mbind mount move_pages nfsservctl open_by_handle_at perf_event_open pivot_root process_vm_readv process_vm_writev
    ptrace query_module quotactl reboot request_key set_mempolicy settimeofday stime swapoff swapon sysfs _sysctl
    syslog umount umount2 uselib userfaultfd ustat vm86 vm86old
""".split()  # noqa: SIM905  # a list of words
"""What the default profile of Docker and containerd denies a container without capabilities, says
Docker's manual.
"""


@dataclass(frozen=True)
class Rule:
    """Forbids a system call with this error.

    `where` names an argument (from 0), a comparison and two values. Only calls that meet it are
    forbidden.
    """

    call: str
    error: int = errno.EPERM
    where: tuple[int, int, int, int] | None = None

    def has(self, number: int, flags: int) -> Rule:
        """Return a rule for calls whose argument `number` has all these flags."""
        return replace(self, where=(number, MASKED, flags, flags))


@dataclass(frozen=True)
class Limits:
    """The limits of a program.

    `allowed` are the only system calls that it may make (None: all that no rule forbids). Others
    fail with `error`. `writable` is the only folder that it may write to, except its own /tmp.
    `proc` are the mount options of its /proc (empty: the machine's /proc). `resources` are limits
    by name.
    """

    writable: str
    resources: dict[str, int]
    rules: list[Rule] = field(default_factory=list)
    allowed: list[str] | None = None
    error: int = errno.EPERM
    proc: str = ""
    user: int = 10001

    def as_json(self) -> str:
        """Return it as a JSON text."""
        return json.dumps(asdict(self))


def unit() -> Settings:
    """Return the settings of the shipped unit's service, in their order: some have several
    lines.
    """
    lines = (
        (DEPLOY / "ninethirty.service")
        .read_text(encoding="utf-8")
        .partition("[Service]")[2]
        .splitlines()
    )
    return [
        (name, value)
        for name, _, value in (line.partition("=") for line in lines if re.match(r"\w+=", line))
    ]


def of_unit(settings: Settings, writable: Path) -> Limits:
    """Return what systemd.exec(5) makes of the settings of a unit."""
    last = dict(settings)
    error = getattr(errno, last["SystemCallErrorNumber"])
    known = {FAMILIES[name] for name in last["RestrictAddressFamilies"].split()}
    unknown = [one for one in range(MOST_FAMILIES) if one not in known]
    rules = [Rule("socket", errno.EAFNOSUPPORT, (0, EQUALS, one, 0)) for one in unknown]
    if last["RestrictNamespaces"] == "yes":
        rules += [*_no_namespaces(), Rule("unshare"), Rule("setns")]
    if last["MemoryDenyWriteExecute"] == "yes":
        rules += [Rule("mmap").has(2, WRITE | EXEC), Rule("shmat").has(2, SHM_EXEC)]
        rules += [Rule(call).has(2, EXEC) for call in ("mprotect", "pkey_mprotect")]
    resources = {
        "AS": _size_in_bytes(last["MemoryMax"]),
        "CORE": int(last["LimitCORE"]),
        "NOFILE": int(last["LimitNOFILE"]),
        "NPROC": int(last["TasksMax"]),
    }
    if last.get("ProtectClock") == "yes":
        rules += [Rule(call, error) for call in sets()["@clock"]]
    shown = [
        f"hidepid={last['ProtectProc']}",
        *(["subset=pid"] if last.get("ProcSubset") == "pid" else []),
    ]
    return Limits(str(writable), resources, rules, allowed_by(settings), error, ",".join(shown))


def of_compose(writable: Path) -> Limits:
    """Return what Docker makes of the monitor's service in the shipped compose file."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"][
        "ninethirty"
    ]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    resources = {"AS": _size_in_bytes(service["mem_limit"]), "NPROC": service["pids_limit"]}
    return _of_container(
        writable, resources | {name.upper(): most for name, most in service["ulimits"].items()}
    )


def of_kubernetes(writable: Path) -> Limits:
    """Return the limits that Kubernetes applies to the monitor's pod in the shipped manifest."""
    manifests = yaml.safe_load_all(
        (DEPLOY / "kubernetes" / "monitor.yaml").read_text(encoding="utf-8")
    )
    pod = next(one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "StatefulSet")
    (container,) = pod["containers"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    return _of_container(
        writable, {"AS": _size_in_bytes(container["resources"]["limits"]["memory"])}
    )


def _of_container(writable: Path, resources: dict[str, int]) -> Limits:
    denied = [*DENIED_IN_CONTAINERS, "unshare", "setns"]
    return Limits(str(writable), resources, [*_no_namespaces(), *map(Rule, denied)])


def _no_namespaces() -> list[Rule]:
    # A filter cannot read the arguments of `clone3`, so it fails with ENOSYS and the C library uses
    # `clone`.
    flags = (1 << bit for bit in range(32) if ANY_NAMESPACE >> bit & 1)
    return [Rule("clone3", errno.ENOSYS), *(Rule("clone").has(0, flag) for flag in flags)]


def _size_in_bytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w)i?", text).groups()  # type: ignore[union-attr]  # one that does not fit fails the test
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit.lower()]


def sets() -> dict[str, list[str]]:
    """Return the members of each set of system calls in the unit: calls, and other sets."""
    lines = SETS.read_text(encoding="utf-8").splitlines()
    return {name: calls for name, *calls in map(str.split, lines) if name.startswith("@")}


def allowed_by(settings: Settings) -> list[str]:
    """Return the system calls that the lines of `SystemCallFilter` allow.

    The first line lists the allowed ones.
    """
    known = sets()

    def calls(names: Iterable[str]) -> set[str]:
        return {
            call
            for name in names
            for call in (calls(known[name]) if name.startswith("@") else [name])
        }

    allowed = set[str]()
    for lines in (value for name, value in settings if name == "SystemCallFilter"):
        if lines.startswith("~"):
            allowed -= calls(lines[1:].split())
        else:
            allowed |= calls(lines.split())
    return sorted(allowed | calls(["@default"]))


class Argument(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def apply(limits: Limits) -> None:
    """Apply the limits to this process and its children, permanently."""
    libc = ctypes.CDLL(None, use_errno=True)
    _see_less(libc, limits)
    for name, most in limits.resources.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    # The list of allowed calls is installed last, because it may forbid to install another filter.
    _install_filter(ALLOW, [(ERRNO | rule.error, rule) for rule in limits.rules])
    if limits.allowed is not None:
        _install_filter(ERRNO | limits.error, [(ALLOW, Rule(call)) for call in limits.allowed])


def _see_less(libc: ctypes.CDLL, limits: Limits) -> None:
    """Show this process a file system that it cannot write, as another user without any capability.

    In a chroot, where the kernel allows neither, only the limits and the filter of system calls
    apply.
    """
    user, group = os.getuid(), os.getgid()
    is_root = libc.unshare(NEWNS) == 0
    if not is_root and libc.unshare(NEWUSER | NEWNS) != 0:
        return
    folder = os.open(limits.writable, os.O_PATH)

    def mount(
        source: str, target: str, kind: str = "none", flags: int = 0, options: str = ""
    ) -> None:
        if libc.mount(*(text.encode() for text in (source, target, kind)), flags, options.encode()):
            raise OSError(ctypes.get_errno(), f"mount {source} {target}")

    def set_read_only(target: str, flags: int, on: int, off: int) -> None:
        change = (ctypes.c_uint64 * 4)(on, off, 0, 0)
        if libc.syscall(
            MOUNT_SETATTR, AT_FDCWD, target.encode(), flags, change, ctypes.sizeof(change)
        ):
            raise OSError(ctypes.get_errno(), f"mount_setattr {target}")

    if (
        libc.mount(b"none", b"/", b"none", MS_REC | MS_PRIVATE, b"")
        and ctypes.get_errno() == errno.EINVAL
    ):
        # The root directory of a chroot is not a mount point.
        return
    mount("tmpfs", "/tmp", "tmpfs")  # noqa: S108  # of its own, as it is for the program
    Path(limits.writable).mkdir(parents=True, exist_ok=True)
    mount(f"/proc/self/fd/{folder}", limits.writable, flags=MS_BIND)
    if limits.proc and is_root:
        mount("proc", "/proc", "proc", options=limits.proc)
    set_read_only("/", AT_RECURSIVE, READ_ONLY, 0)
    for target in ("/proc", "/tmp", limits.writable):  # noqa: S108  # as above
        set_read_only(target, 0, 0, READ_ONLY)
    if is_root and libc.unshare(NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{limits.user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{limits.user} {group} 1", encoding="ascii")


def _install_filter(otherwise: int, rules: list[tuple[int, Rule]]) -> None:
    """Install a filter of system calls; calls that this kind of machine does not have are left
    out.
    """
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(otherwise)))
    for action, rule in rules:
        call = seccomp.seccomp_syscall_resolve_name(rule.call.encode())
        where = [Argument(*rule.where)] if rule.where is not None else []
        arguments = (Argument * len(where))(*where)
        if call < 0:
            continue
        if fault := seccomp.seccomp_rule_add_array(
            context, ctypes.c_uint32(action), call, len(where), arguments
        ):
            raise OSError(-fault, f"seccomp_rule_add {rule}")
    # The process can also never gain privileges, as with NoNewPrivileges=yes.
    if fault := seccomp.seccomp_load(context):
        raise OSError(-fault, "seccomp_load")


def main(limits_json: str, *command: str) -> None:
    """Become a command within limits."""
    limits: dict[str, Any] = json.loads(limits_json)
    apply(Limits(**{**limits, "rules": [Rule(**rule) for rule in limits["rules"]]}))
    os.execvp(command[0], command)  # noqa: S606  # no shell between


if __name__ == "__main__":
    main(*sys.argv[1:])
