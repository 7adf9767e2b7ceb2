"""What every box is: something that a segment passes, in one direction or the other."""

from __future__ import annotations

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


class Flows(Generic[State]):
    """What a box remembers of each flow: a value, from the flow's SYN on.

    The ports of a connection that has ended may be used again: a SYN with another sequence number
    begins anew.
    """

    def __init__(self, fresh: State) -> None:
        self._fresh = fresh
        self._known: dict[Flow, tuple[int | None, State]] = {}

    def of(self, segment: Segment) -> State:
        """What is remembered of the segment's flow."""
        begun, state = self._known.get(segment.flow, (None, self._fresh))
        return self._fresh if segment.flags & SYN and segment.seq != begun else state

    def against(self, segment: Segment) -> State:
        """What is remembered of the flow in the opposite direction."""
        return self._known.get(segment.reversed_flow, (None, self._fresh))[1]

    def keep(self, segment: Segment, state: State) -> None:
        """Remember ``state`` of the segment's flow."""
        begun = segment.seq if segment.flags & SYN else self._known.get(segment.flow, (None,))[0]
        self._known[segment.flow] = begun, state
