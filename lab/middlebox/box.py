"""What every box is: something that a segment passes, in one direction or the other."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from lab.middlebox.segment import SYN, Flow, Segment

State = TypeVar("State")


class Outcome(NamedTuple):
    """What a box makes of a segment."""

    on: tuple[Segment, ...] = ()
    """what goes on in the segment's direction; none is a loss"""
    returned: tuple[Segment, ...] = ()
    """what goes back where the segment came from"""


class Box:
    """A box that does nothing; each kind replaces what it does otherwise.

    A box belongs to one direction of a link. What goes ``along`` it, it may change; what comes
    ``against`` it belongs to the same connections, so that the box sees it too.
    """

    deadline: float | None = None
    """When :meth:`overdue` is to be called, on the clock of ``now``; None while nothing is held."""

    def along(self, segment: Segment, now: float) -> Outcome:
        """What becomes of a segment in the box's direction; ``now`` is in seconds."""
        return Outcome((segment,))

    def against(self, segment: Segment) -> Outcome:
        """What becomes of a segment in the opposite direction."""
        return Outcome((segment,))

    def overdue(self) -> tuple[Segment, ...]:
        """What was held back and goes on now, in the box's direction."""
        return ()


MOST = 100_000
"""flows that a box remembers: some 50 MB"""


class Flows(Generic[State]):
    """What a box remembers of each flow: a value, from the flow's SYN on.

    The ports of a connection that has ended may be used again: a SYN with another sequence number
    begins anew. Of more than ``most`` flows, the one is forgotten that has been silent longest, in
    both directions.
    """

    def __init__(self, fresh: State, most: int = MOST) -> None:
        self._fresh, self._most = fresh, most
        self._known: OrderedDict[Flow, tuple[int | None, State]] = OrderedDict()
        """The one that has been silent longest comes first."""

    def of(self, segment: Segment) -> State:
        """What is remembered of the segment's flow."""
        begun, state = self._of(segment.flow)
        return self._fresh if segment.flags & SYN and segment.seq != begun else state

    def against(self, segment: Segment) -> State:
        """What is remembered of the flow in the opposite direction."""
        return self._of(segment.reversed_flow)[1]

    def keep(self, segment: Segment, state: State) -> None:
        """Remember ``state`` of the segment's flow."""
        begun = segment.seq if segment.flags & SYN else self._of(segment.flow)[0]
        self._known[segment.flow] = begun, state
        self._known.move_to_end(segment.flow)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def _of(self, flow: Flow) -> tuple[int | None, State]:
        if flow not in self._known:
            return None, self._fresh
        self._known.move_to_end(flow)
        return self._known[flow]
