"""Try a plug-in of libioth in a process that it may crash.

A program of its own: ``python ioth_trial.py FILE NAME ARGUMENTS OUTPUT``. It loads the plug-in and
writes its licence and a line end to the descriptor OUTPUT, or why it cannot be loaded; when told by
a byte on standard input, it makes a stack without interfaces, by a newstack of so many ARGUMENTS,
deletes it, and unloads the plug-in.

libioth's plug-ins have either of two functions, and nothing in them tells which::

    void *ioth_NAME_newstack(const char *vnlv[], const char *options, struct ioth_functions *f);
    void *ioth_NAME_newstack(const char *vnlv[], struct ioth_functions *f);

So the first is tried, with options that are one byte at the very end of readable memory: an empty
text for the one, and for the other a structure that ends the process as soon as it is touched.
"""

import ctypes
import mmap
import os
import resource
import sys

FUNCTIONS = (
    "getstackdata", "newstack", "delstack", "socket", "close", "bind", "connect", "listen",
    "accept", "getsockname", "getpeername", "setsockopt", "getsockopt", "shutdown", "ioctl",
    "fcntl", "read", "readv", "recv", "recvfrom", "recvmsg", "write", "writev", "send", "sendto",
    "sendmsg",
)  # fmt: skip
"""The members of ``struct ioth_functions``, in order (ioth.h)."""

getstackdata_type = ctypes.CFUNCTYPE(ctypes.c_void_p)

CANNOT_LOAD = 3
NO_NEWSTACK = 4

MADE = b"newstack returned"
"""Written to OUTPUT then: what crashes now is not newstack."""


class Functions(ctypes.Structure):
    """``struct ioth_functions``."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in FUNCTIONS)


@getstackdata_type  # type: ignore[untyped-decorator]
def no_data() -> int:
    """There is no stack yet."""
    return 0


def empty_options() -> tuple[mmap.mmap, int]:
    """Memory, and the address of its last byte, a zero, behind which nothing can be touched."""
    memory = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    libc.mprotect(base + mmap.PAGESIZE, mmap.PAGESIZE, 0)  # PROT_NONE
    return memory, base + mmap.PAGESIZE - 1


def licence(library: ctypes.CDLL, name: str) -> bytes:
    """What ``ioth_NAME_license`` says; nothing if there is none."""
    try:
        return ctypes.c_char_p.in_dll(library, f"ioth_{name}_license").value or b""
    except ValueError:
        return b""


def main(file: str, name: str, arguments: str, output: str) -> int:
    """Load, report, wait, and make a stack."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        library = ctypes.CDLL(file, mode=os.RTLD_NOW)
    except OSError as failed:
        os.write(int(output), str(failed).encode())
        return CANNOT_LOAD
    if not hasattr(library, f"ioth_{name}_newstack"):
        return NO_NEWSTACK
    os.write(int(output), licence(library, name) + b"\n")
    if not os.read(0, 1):
        return 0
    newstack = library[f"ioth_{name}_newstack"]
    newstack.restype = ctypes.c_void_p
    functions = Functions(getstackdata=ctypes.cast(no_data, ctypes.c_void_p).value)
    vnls = (ctypes.c_char_p * 1)(None)
    memory, options = empty_options()
    middle = [ctypes.c_void_p(options)] if arguments == "3" else []
    data = newstack(vnls, *middle, ctypes.byref(functions))
    os.write(int(output), MADE)
    if data and hasattr(library, f"ioth_{name}_delstack"):
        library[f"ioth_{name}_delstack"](ctypes.c_void_p(data))
    del memory
    ctypes.CDLL(None).dlclose(ctypes.c_void_p(library._handle))
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # the plug-in's own threads and handlers are not waited for
