"""The supervisor: it answers the calls of a program, each in a thread of its own."""

from __future__ import annotations

import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from errno import EIO
from typing import Final

from mptcpapi.run.answering import OldCall, carry_out
from mptcpapi.run.caller import Caller, open_proc
from mptcpapi.run.filter import Calls
from mptcpapi.run.listener import Gone, Listener, Notice
from mptcpapi.run.trace import Trace
from mptcpapi.run.upgrading import upgrade

_MOST_THREADS: Final = 4096
"""A thread of a program waits for one of these, and for nobody else's."""
_DESCRIPTORS: Final = 16
"""More than any of them has open at a time."""


class Supervisor:
    """Answers what one listener hears, until nobody has the filter any more.

    :raises RuntimeError: this user may not have so many threads
    :raises Unsupported: /proc is that of another PID namespace
    """

    def __init__(self, listener: Listener, calls: Calls, trace: Trace) -> None:
        self._listener = listener
        self._calls = calls
        self._trace = trace
        self._proc = open_proc()
        self._pool = ThreadPoolExecutor(_most_threads(), "answering")
        self._pool.submit(int).result()  # one there must be, whatever the program leaves of others
        threading.Thread(target=self._receive, daemon=True).start()

    def wait(self) -> None:
        """Return when all programs with the filter have ended."""
        self._listener.is_abandoned(None)

    def _receive(self) -> None:
        while not self._listener.is_abandoned():
            if notice := self._listener.receive():
                with suppress(RuntimeError):  # no more threads: one that is there will have it
                    self._pool.submit(self._answer, notice)

    def _answer(self, notice: Notice) -> None:
        try:
            with Caller(self._listener, notice, self._proc) as caller:
                if notice.call == self._calls.socket:
                    self._answer_socket(caller, notice)
                else:
                    self._answer_option(caller, notice)
        except Gone:  # killed; or it is in a PID namespace that cannot be seen from here
            self._listener.let_through(notice)
            self._trace.gone(notice)
        except OSError as failed:  # it cannot be looked at: no memory, no descriptors
            self._listener.answer(notice, failed.errno or EIO)
            self._trace.refused(notice, failed)
        except Exception as defect:  # the program must not wait for ever
            self._listener.answer(notice, EIO)
            self._trace.defect(notice, defect)

    def _answer_socket(self, caller: Caller, notice: Notice) -> None:
        """Give it an MPTCP socket; if that cannot be, let the kernel make the one asked for."""
        try:
            made = upgrade(self._listener, caller, notice)
        except OSError as failed:
            self._trace.not_upgraded(notice, failed)
            self._listener.let_through(notice)
        else:
            self._trace.upgraded(notice, made)

    def _answer_option(self, caller: Caller, notice: Notice) -> None:
        call = OldCall(caller, notice, getting=notice.call == self._calls.getsockopt)
        failure: OSError | None = None
        try:
            carry_out(call)
        except OSError as failed:
            failure = failed
        self._trace.option(notice, call, failure)
        self._listener.answer(notice, 0 if failure is None else failure.errno or EIO)


def _most_threads() -> int:
    return max(1, min(_MOST_THREADS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _DESCRIPTORS))
