"""Multipath TCP for applications on Linux: the subflows of one's own connections (RFC 8684).

    import mptcpapi

    with mptcpapi.create_connection(("server", 5001)) as sock:
        sock.sendall(b"a request")
        (wifi,) = sock.subflows()
        lte = sock.open_subflow(local="10.0.2.1", backup=True)
        sock.set_backup(lte, False)
        sock.close_subflow(wifi)

Every operation is also a function of this module that takes any socket, or its descriptor. Reading
takes no privilege; changing takes CAP_NET_ADMIN and the userspace path manager. Options of one
subflow take CAP_BPF and CAP_PERFMON instead. `connections` lists those of other processes, and
`Borrowed` makes of one what every operation takes. All errors are OSErrors, in the tree that
`mptcpapi.errors` draws.
"""

TYPE_CHECKING = False
"""True for type checkers and editors; `typing` has the same, and takes 3 ms to import."""

if TYPE_CHECKING:
    from mptcpapi.facade import *  # noqa: F403 - its __all__ is this module's
else:

    def __getattr__(name: str) -> object:
        """Import the package at the first use of one of its names (PEP 562).

        Python runs this file before any other of the package. So it has to be short: the command
        can only then take care of Ctrl-C.
        """
        from importlib import import_module, util  # noqa: PLC0415 - as said

        is_module = name.isidentifier() and not name.startswith("__")  # __main__ is a program
        if is_module and util.find_spec(f"{__name__}.{name}"):
            return import_module(f"{__name__}.{name}")
        with import_module(f"{__name__}.importing").importing:
            facade = import_module(f"{__name__}.facade")
        for each in ("__all__", *facade.__all__):
            globals().setdefault(each, getattr(facade, each))  # what somebody has set stays
        if name in globals():
            return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
