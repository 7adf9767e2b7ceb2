"""Switches that are an Open vSwitch of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mininet.link import Intf

from lab.errors import InvalidRun, Unsupported
from lab.switch import BRIDGE, LabSwitch
from lab.vswitchd import Daemons

STANDALONE = ("datapath_type=netdev", "fail_mode=standalone", "stp_enable=false")
"""It learns addresses, as any switch does, without a controller; ovs-vswitchd.conf.db(5)."""


class OpenVSwitch(LabSwitch):
    """An Open vSwitch in a network namespace of its own, never the machine's.

    :raises Unsupported: it is not installed, or does not start.
    :raises InvalidRun: it was killed while it started.
    """

    whole_checksums = True
    _daemons: Daemons | None = None

    def begin(self) -> None:
        """Start its programs; the calling thread is in its namespace."""
        with self._named():
            self._daemons = Daemons()
            self._daemons.tell("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, *STANDALONE)

    def join(self, port: Intf) -> None:
        """Add a port; when this returns, packets pass."""
        if self._daemons:
            with self._named():
                self._daemons.tell("add-port", BRIDGE, port.name)

    def trouble(self) -> str | None:
        """Why it does not pass packets on any more; None while all is well."""
        reason = self._daemons and self._daemons.trouble()
        return f"switch '{self.name}': {reason}" if reason else None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Have what goes wrong say of which switch it speaks."""
        try:
            yield
        except (InvalidRun, Unsupported) as problem:
            raise type(problem)(f"switch '{self.name}': {problem}") from problem

    def terminate(self) -> None:
        """End its programs, then itself."""
        if self._daemons:
            self._daemons.stop()
            self._daemons = None
        super().terminate()
