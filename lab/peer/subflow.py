"""One TCP connection of a scripted peer: sequence numbers, and what was heard on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from scapy.layers.inet import TCP

from lab.errors import ScenarioFailed
from lab.peer.raw import RawTcp
from lab.run import Run
from lab.wire import mptcp
from lab.wire.segment import Endpoint, Flags, Segment

Option = TypeVar("Option", bound=mptcp.MptcpOption)

PATIENCE = 5.0
"""seconds until what is expected counts as missing, unless told otherwise"""

SEQUENCE = 1 << 32
MSS = [("MSS", 1400)]
WINDOW = 65535


class Subflow:
    """One TCP connection between a port of the peer and one elsewhere.

    Nothing is sent unless the test says so: no acknowledgment, no retransmission.
    """

    def __init__(
        self, raw: RawTcp, run: Run, local: Endpoint, remote: Endpoint, *, isn: int, host: str
    ) -> None:
        self._raw, self._run, self._host = raw, run, host
        self.local = local
        self.remote = remote
        self.isn = isn
        """The sequence number of our SYN."""
        self.snd_nxt = isn
        """Of the next octet that is sent."""
        self.rcv_nxt = 0
        """Of the next octet that is expected; known from the other's SYN on."""
        self.heard: list[Segment] = []
        """All that has been taken from what arrived, in its order."""
        self._last: TCP | None = None
        self._sent = ""

    def __str__(self) -> str:
        return f"the peer at {self._host}, {self.local} with {self.remote}"

    @property
    def ssn(self) -> int:
        """The subflow sequence number of the next octet, as mappings have it (section 3.3.1)."""
        return (self.snd_nxt - self.isn) % SEQUENCE

    def send(
        self,
        *options: mptcp.MptcpOption,
        payload: bytes = b"",
        flags: str = "A",
        seq: int | None = None,
        window: int = WINDOW,
    ) -> None:
        """Send any segment: MPTCP options, data, and flags in Scapy's letters (``"SA"``).

        SYN, FIN and data move ``snd_nxt``, unless ``seq`` says where they stand.
        """
        others = MSS if "S" in flags else []
        tcp = TCP(
            seq=self.snd_nxt if seq is None else seq,
            ack=self.rcv_nxt if "A" in flags else 0,
            flags=flags,
            window=window,
            options=[*others, *(("MPTCP", option) for option in options)],
        )
        if seq is None:
            taken = len(payload) + flags.count("S") + flags.count("F")
            self.snd_nxt = (self.snd_nxt + taken) % SEQUENCE
        self._last = tcp / payload if payload else tcp
        self._sent = _words(Flags(tcp.flags.value), len(payload), [bytes(each) for each in options])
        self._record("sent", self._sent, options)
        self._raw.send(self.local, self.remote, self._last)

    def repeat(self) -> None:
        """Send the last segment again."""
        self._record("sent again", self._sent)
        self._raw.send(self.local, self.remote, self._last)

    def expect(
        self, flags: str = "", *, timeout: float = PATIENCE, again: float | None = None
    ) -> Segment:
        """The next segment with these flags; the others up to it are taken as they come.

        ``again``: so many seconds of silence, and what was sent last is sent again.

        :raises ScenarioFailed: none comes; the text says what came.
        """
        wanted = TCP(flags=flags).flags.value
        return self.expect_segment(
            lambda segment: segment.flags & wanted == wanted,
            f"a segment with {_names(Flags(wanted))}",
            timeout=timeout,
            again=again,
        )

    def expect_option(
        self, kind: type[Option], *, timeout: float = PATIENCE, again: float | None = None
    ) -> Option:
        """The next option of this kind (``MpFail``, or all forms of ``MpJoin``)."""
        segment = self.expect_segment(
            lambda segment: option_of(segment, kind) is not None,
            f"a segment with {kind.__name__}",
            timeout=timeout,
            again=again,
        )
        found = option_of(segment, kind)
        assert found is not None  # noqa: S101 - for the type: the condition says so
        return found

    def expect_segment(
        self,
        condition: Callable[[Segment], object],
        what: str,
        *,
        timeout: float = PATIENCE,
        again: float | None = None,
    ) -> Segment:
        """The next segment that fulfils a condition, which ``what`` says in words."""
        deadline = time.monotonic() + timeout
        while (now := time.monotonic()) <= deadline:
            segment = self.receive(min(deadline, now + again) if again else deadline)
            if segment is None and again:
                self.repeat()
            elif segment and condition(segment):
                return segment
        raise ScenarioFailed(f"{self} expected {what} within {timeout:g} s; {self.so_far()}")

    def so_far(self) -> str:
        """What came, in words, for messages about what did not."""
        return f"it heard: {'; '.join(map(described, self.heard)) or 'nothing'}"

    def receive(self, until: float) -> Segment | None:
        """The next segment, whatever it is; None if none comes until then (``time.monotonic``)."""
        segment = self._raw.receive(self.local, self.remote, until)
        if segment:
            self.take(segment)
        return segment

    def take(self, segment: Segment) -> None:
        """Note a segment that has arrived, and what it moves."""
        self.heard.append(segment)
        self._record("heard", described(segment), segment.mptcp)
        length = segment.payload + segment.syn + segment.fin
        if segment.syn:
            self.rcv_nxt = (segment.seq + length) % SEQUENCE
        elif segment.seq == self.rcv_nxt:
            self.rcv_nxt = (self.rcv_nxt + length) % SEQUENCE

    def _record(self, what: str, segment: str, options: Iterable[mptcp.MptcpOption] = ()) -> None:
        self._run.record(
            "peer",
            host=self._host,
            what=what,
            local=self.local,
            remote=self.remote,
            segment=segment,
            options=list(map(repr, options)),
        )


def option_of(segment: Segment, kind: type[Option]) -> Option | None:
    """The first option of this kind in a segment."""
    return next((option for option in segment.mptcp if isinstance(option, kind)), None)


def described(segment: Segment) -> str:
    """A segment in a few words: ``ACK|PSH 5 bytes Dss``."""
    return _words(segment.flags, segment.payload, mptcp.values(segment.options))


def _words(flags: Flags, payload: int, options: Iterable[bytes]) -> str:
    octets = [f"{payload} bytes"] if payload else []
    return " ".join([_names(flags), *octets, *map(mptcp.label, options)])


def _names(flags: Flags) -> str:
    return "|".join(flag.name or "" for flag in Flags if flag & flags) or "any flags"
