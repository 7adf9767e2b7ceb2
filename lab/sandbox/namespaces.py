"""Making the namespaces of a sandbox and furnishing them."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.sandbox import libc

PRIVATE = Path("/dev/shm")  # noqa: S108 - a private tmpfs covers it before anything is written there
"""Where a sandbox keeps its files: it exists on every system and nobody's checkout lies in it."""

HOSTS = PRIVATE / "hosts"
"""What /etc/hosts is inside a sandbox."""

_LOCALHOST = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"

SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
"""<linux/sockios.h>, <linux/if.h>"""


HIDDEN = (Path("~/.ssh/mn"), Path("/run/openvswitch"), Path("/var/run/openvswitch"))
"""What Mininet would tidy up: its cluster's sockets, and the machine's Open vSwitch."""

SHARED = Path("/tmp")  # noqa: S108 - nothing is made here


def unshare() -> None:
    """Leave the caller's namespaces; the next child begins the PID namespace."""
    flags = libc.CLONE_NEWNS | libc.CLONE_NEWPID | libc.CLONE_NEWNET
    flags |= libc.CLONE_NEWUTS | libc.CLONE_NEWIPC
    try:
        libc.unshare(flags)
    except PermissionError:
        # Not root, or a root without CAP_SYS_ADMIN: in a user namespace of its own it has it.
        _unshare_with_user(flags)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)


def _unshare_with_user(flags: int) -> None:
    user, group = os.geteuid(), os.getegid()
    # One call: the kernel makes the user namespace first, and the others belong to it (unshare(2)).
    libc.unshare(libc.CLONE_NEWUSER | flags)
    # user_namespaces(7): without privilege, groups can be mapped only after setgroups is given up.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")


def furnish() -> None:
    """Give process 1 its own /proc, /sys, temporary files and hosts file, and set ``lo`` up."""
    protected = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
    libc.mount("proc", "/proc", "proc", protected)
    _protect_sysctls()
    libc.mount("sysfs", "/sys", "sysfs", protected)
    libc.mount("tmpfs", str(PRIVATE), "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "mode=1777")
    HOSTS.write_text(_LOCALHOST, encoding="utf-8")
    libc.mount(str(HOSTS), "/etc/hosts", flags=libc.MS_BIND)
    for path in HIDDEN:
        # Nothing to hide, or nothing that this user could reach.
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError, RuntimeError):
            libc.mount("tmpfs", str(path.expanduser()), "tmpfs", protected, "mode=700")
    _set_up("lo")


def cover(directory: Path = SHARED) -> None:
    """Put a private directory over a shared one, with all that the shared one holds now.

    What was there is in use and stays writable, but cannot be removed, for each entry is a mount.
    What is made directly in the private one is gone with the sandbox.
    """
    with _opened(directory) as held:
        libc.mount("tmpfs", str(directory), "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "mode=1777")
        for entry in held.iterdir():
            with suppress(FileNotFoundError):  # another program removed it meanwhile
                _show(entry, directory / entry.name)


@contextmanager
def _opened(directory: Path) -> Iterator[Path]:
    """A path to ``directory`` that stays when something is mounted over it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _show(entry: Path, place: Path) -> None:
    if entry.is_symlink():
        place.symlink_to(entry.readlink())
        return
    if entry.is_dir():
        place.mkdir()
    else:
        place.touch()
    libc.mount(str(entry), str(place), flags=libc.MS_BIND | libc.MS_REC)


def _protect_sysctls() -> None:
    """Keep everything but net.* read-only: the other settings belong to the whole machine."""
    try:
        for path, writable in (("/proc/sys", False), ("/proc/sys/net", True)):
            libc.mount(path, path, flags=libc.MS_BIND)
            read_only = 0 if writable else libc.MS_RDONLY
            libc.mount("none", path, flags=libc.MS_REMOUNT | libc.MS_BIND | read_only)
    except OSError as problem:
        # In a user namespace the kernel itself refuses to write them, and may lock the flags.
        if problem.errno != errno.EPERM:
            raise


def _set_up(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = interface.encode()
        request = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", name, 0))
        (flags,) = struct.unpack_from("H", request, 16)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags | IFF_UP))
