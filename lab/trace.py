"""Questions to a capture: what did this host see on the wire?

``Trace.from_pcap(path, at="server")`` reads a capture; questions that select segments answer with
another Trace, so that they chain: ``arrived.before(t).on(subflow).payload()``. A question which the
capture answers otherwise than expected raises ScenarioFailed, and says what is there instead.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lab.errors import InvalidRun, ScenarioFailed, UsageError
from lab.wire import handshake, mptcp, reading
from lab.wire.segment import Endpoint, Segment

Option = TypeVar("Option", bound=mptcp.MptcpOption)
Exchange = TypeVar("Exchange", handshake.Connection, handshake.Join)

HEADERS = 20 + 40 + 60
"""Cooked header, IPv6 header and the longest TCP header: what a capture must not cut."""

LISTED = 10
"""A message lists so many options, and counts the others."""


class Subflow(Protocol):
    """Whatever has two ends: a socket's addresses, (host, port) and possibly more."""

    @property
    def local(self) -> Sequence[Any]:
        """The end at one host."""

    @property
    def remote(self) -> Sequence[Any]:
        """The end at the other host."""


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """The TCP segments that one host saw, in the order of the capture."""

    segments: tuple[Segment, ...]
    at: str = field(kw_only=True)
    """The host, for messages."""
    zero: float | None = field(default=None, kw_only=True)
    """Where the times in messages begin, in seconds since the epoch; None: the first segment."""
    narrowed: tuple[str, ...] = field(default=(), kw_only=True)
    """The questions that left these segments, for messages."""

    @classmethod
    def from_pcap(cls, path: Path | str, *, at: str, at_least: int = 0) -> Trace:
        """Read a capture that was taken at the host ``at``; other arguments as `reading.read`.

        Raises what that raises, and InvalidRun if the frames are cut where MPTCP options may be.
        """
        seen = reading.read(path, at_least=at_least)
        if 0 < seen.snap_length < HEADERS:  # 0 is no limit
            raise InvalidRun(
                f"{path}: frames are cut after {seen.snap_length} bytes, MPTCP options may lie "
                f"behind; capture with tcpdump -s 256 (at least {HEADERS})"
            )
        return cls(seen.segments, at=at, zero=seen.zero)

    def __len__(self) -> int:
        return len(self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __getitem__(self, position: int) -> Segment:
        return self.segments[position]

    def __repr__(self) -> str:
        return f"<Trace at {self._place()}: {len(self)} segments, {self._contents()}>"

    # Questions that select segments

    def arrived(self) -> Trace:
        """What the host received; UsageError if the link type does not tell."""
        return self._by_direction("arrived", outgoing=False)

    def sent(self) -> Trace:
        """What the host sent; UsageError if the link type does not tell."""
        return self._by_direction("sent", outgoing=True)

    def before(self, time: float) -> Trace:
        """What was captured earlier than ``time``, in seconds since the epoch."""
        return self._where(lambda s: s.time < time, f"before {self._clock(time)}")

    def after(self, time: float) -> Trace:
        """What was captured later than ``time``, in seconds since the epoch."""
        return self._where(lambda s: s.time > time, f"after {self._clock(time)}")

    def on(self, subflow: Subflow) -> Trace:
        """What belongs to a subflow, in both directions.

        An IPv4 address that a socket shows as IPv6 (::ffff:10.0.0.1) is the IPv4 address.
        """
        one, other = _endpoint(subflow.local), _endpoint(subflow.remote)
        ends = ((one, other), (other, one))
        return self._where(lambda s: (s.source, s.destination) in ends, f"on {one} - {other}")

    def with_payload(self) -> Trace:
        """What carries data: no bare acknowledgements."""
        return self._where(lambda s: s.payload > 0, "with payload")

    # Questions about MPTCP options

    def all(self, kind: type[Option]) -> tuple[tuple[Segment, Option], ...]:
        """Every option of this kind, ``MpPrio`` or all forms of ``MpJoin``, with its segment."""
        return tuple(
            (segment, mptcp.MptcpOption(value))
            for segment in self
            for value in mptcp.values(segment.options)
            if issubclass(mptcp.layer_for(value), kind)
        )

    def first(self, kind: type[Option]) -> tuple[Segment, Option]:
        """The first option of this kind, with its segment; ScenarioFailed if there is none."""
        found = self.all(kind)
        if not found:
            raise ScenarioFailed(self._instead(f"at least one {kind.__name__}", 0))
        return found[0]

    def only(self, kind: type[Option]) -> tuple[Segment, Option]:
        """The one option of this kind, with its segment; ScenarioFailed if not exactly one."""
        found = self.all(kind)
        if len(found) != 1:
            lines = [self._instead(f"one {kind.__name__}", len(found))]
            lines += [self._line(*each) for each in found[:LISTED]]
            if len(found) > LISTED:
                lines.append(f"    and {len(found) - LISTED} more")
            raise ScenarioFailed("\n".join(lines))
        return found[0]

    def connections(self) -> tuple[handshake.Connection, ...]:
        """The exchanges of MP_CAPABLE, incomplete ones too."""
        return handshake.connections(self)

    def connection(self) -> handshake.Connection:
        """The one exchange of MP_CAPABLE; ScenarioFailed if not exactly one."""
        return self._one(self.connections(), "MPTCP connection")

    def joins(self) -> tuple[handshake.Join, ...]:
        """The exchanges of MP_JOIN, incomplete ones too."""
        return handshake.joins(self)

    def join(self) -> handshake.Join:
        """The one exchange of MP_JOIN; ScenarioFailed if not exactly one."""
        return self._one(self.joins(), "join")

    # Questions with a number or a text as the answer

    @property
    def start(self) -> float:
        """When the first segment was captured; ScenarioFailed if there is none."""
        return self._segment(0, "start").time

    @property
    def end(self) -> float:
        """When the last segment was captured; ScenarioFailed if there is none."""
        return self._segment(-1, "end").time

    def payload(self) -> int:
        """Bytes of TCP payload, the sum over all segments.

        So what was sent twice counts twice, and so does what a router forwards: in and out.
        """
        return sum(segment.payload for segment in self)

    def summary(self) -> str:
        """A few lines for people: the contents, and each subflow with its payload either way."""
        flows: dict[tuple[Endpoint, Endpoint], Counter[Endpoint]] = {}
        for segment in self:
            ends = (segment.source, segment.destination)
            ends = ends[::-1] if ends[::-1] in flows else ends
            flows.setdefault(ends, Counter())[segment.source] += segment.payload
        lines = [f"at {self._place()}: {len(self)} segments, {self._contents()}"]
        for (one, other), sent in flows.items():
            lines.append(f"    {one} > {other}: {sent[one]} bytes, back: {sent[other]} bytes")
        return "\n".join(lines)

    # How it is done

    def _where(self, condition: Callable[[Segment], bool], words: str) -> Trace:
        return replace(
            self,
            segments=tuple(segment for segment in self if condition(segment)),
            zero=self._zero(),
            narrowed=(*self.narrowed, words),
        )

    def _by_direction(self, words: str, *, outgoing: bool) -> Trace:
        if any(segment.outgoing is None for segment in self):
            raise UsageError(
                f"the capture at {self._place()} does not tell what arrived and what was sent; "
                "capture with tcpdump -i any"
            )
        return self._where(lambda segment: segment.outgoing is outgoing, words)

    def _segment(self, position: int, name: str) -> Segment:
        if not self.segments:
            raise ScenarioFailed(f"no segments at {self._place()}, so there is no {name}")
        return self.segments[position]

    def _one(self, found: tuple[Exchange, ...], what: str) -> Exchange:
        if len(found) != 1:
            lines = [self._instead(f"one {what}", len(found))]
            lines += [f"    {each}" for each in found]
            raise ScenarioFailed("\n".join(lines))
        return found[0]

    def _instead(self, expected: str, saw: int) -> str:
        contents = self._contents()
        return f"expected {expected} at {self._place()}, saw {saw}; the capture has {contents}"

    def _contents(self) -> str:
        """Count the options by kind, in the order of their first appearance."""
        counts = Counter(
            mptcp.label(value) for segment in self for value in mptcp.values(segment.options)
        )
        if not counts:
            return f"no MPTCP options in {len(self)} segments"
        return "{" + ", ".join(f"{kind}: {count}" for kind, count in counts.items()) + "}"

    def _line(self, segment: Segment, option: mptcp.MptcpOption) -> str:
        return (
            f"    packet {segment.number} at {self._clock(segment.time)}, "
            f"{segment.source} > {segment.destination}: {option!r}"
        )

    def _place(self) -> str:
        return f"{self.at} ({', '.join(self.narrowed)})" if self.narrowed else self.at

    def _zero(self) -> float:
        if self.zero is not None:
            return self.zero
        return self.segments[0].time if self.segments else 0.0

    def _clock(self, time: float) -> str:
        """Write a time as Wireshark does: from the beginning of the capture."""
        return f"{time - self._zero():.6f} s"


def _endpoint(address: Sequence[Any]) -> Endpoint:
    """Turn what sockets give, (host, port) and possibly more, into what a segment holds."""
    try:
        host, port = address[:2]
        parsed = ipaddress.ip_address(str(host).partition("%")[0])
        number = int(port)
    except (TypeError, ValueError) as error:
        raise UsageError(f"an end of a subflow is (address, port), not {address!r}") from error
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return Endpoint(str(mapped or parsed), number)
