"""Walking over the TCP sockets of a network namespace, with a program for the one that is meant.

The program is loaded at the first use, once per process, and pinned nowhere: it goes with the
process.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from mptcpapi.errors import MptcpError, NoPrivilege, raise_if_exhausted
from mptcpapi.netns import namespace_of
from mptcpapi.subflow_options import bpf, btf, program, refusal
from mptcpapi.subflow_options.program import Answer

_TYPE_INFORMATION: Final = Path("/sys/kernel/btf/vmlinux")


class Walk:
    """The loaded program, with the memory by which it takes its orders; for all threads.

    :raises NoPrivilege: a capability is missing
    :raises Unsupported: this kernel cannot do it; the text says why
    """

    def __init__(self) -> None:
        self._busy = Lock()
        with ExitStack() as undo, _explained():
            order = bpf.create_map(program.ORDER_SIZE)
            undo.callback(os.close, order)
            self._memory = mmap.mmap(order, mmap.PAGESIZE)
            loaded = _load(program.machine_code(order))
            undo.callback(os.close, loaded)
            # The link keeps the program, which keeps the memory: their descriptors can go.
            self._link = bpf.link_iterator(loaded)

    def close(self) -> None:
        """Unload the program."""
        os.close(self._link)
        self._memory.close()

    def carry_out(self, fd: int, order: bytes) -> Answer:
        """Walk with an order through the network namespace of the socket ``fd``."""
        with self._busy:
            self._memory[: len(order)] = order
            self.walk(fd)
            return program.decode_answer(self._memory[: len(order)])

    def walk(self, fd: int) -> None:
        """Run the program for every TCP socket there."""
        with ExitStack() as back:
            with suppress(NoPrivilege):  # then the socket can only be found in our own namespace
                back.enter_context(namespace_of(fd))
            with _explained():
                iterator = bpf.create_iterator(self._link)
        try:
            _read_to_end(iterator)
        finally:
            os.close(iterator)


def _read_to_end(iterator: int) -> None:
    while True:
        # One read passes at most a million sockets, and fails if there are more.
        with suppress(BlockingIOError):
            if not os.read(iterator, 1):
                return


def _load(code: bytes) -> int:
    try:
        types = _TYPE_INFORMATION.read_bytes()
    except OSError as missing:
        raise_if_exhausted(missing)
        raise refusal.no_type_information(str(_TYPE_INFORMATION)) from missing
    function = btf.function_id(types, program.TARGET)
    if function is None:
        raise refusal.no_iterator(program.TARGET)
    with _explained(lambda: bpf.verifier_log(code, function)):
        return bpf.load_iterator(code, function)


@contextmanager
def _explained(log: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn the errors of bpf(2) into typed ones."""
    try:
        yield
    except MptcpError:
        raise
    except OSError as refused:
        raise refusal.explain(refused, log) from refused


class _Process:
    """What this process has loaded."""

    def __init__(self) -> None:
        self._walk: Walk | None = None
        self._loading = Lock()

    def walk(self) -> Walk:
        """The walk that all threads share."""
        with self._loading:
            if self._walk is None:
                self._walk = Walk()
            return self._walk

    def put(self, walk: Walk | None) -> Walk | None:
        """Let all threads share this walk from now on; the one that they shared until now."""
        with self._loading:
            former, self._walk = self._walk, walk
            return former

    def begin_anew(self) -> None:
        """In a child process: its parent's memory is the parent's, and a lock may be held."""
        inherited, self._walk = self._walk, None
        self._loading = Lock()
        if inherited is not None:
            inherited.close()


process = _Process()
os.register_at_fork(after_in_child=process.begin_anew)


def shared_walk() -> Walk:
    """This process's walk; the first call loads the program.

    :raises NoPrivilege: a capability is missing
    :raises Unsupported: this kernel cannot do it; the text says why
    """
    return process.walk()
