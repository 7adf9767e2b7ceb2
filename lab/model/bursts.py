"""Loss in bursts, by the model of Gilbert and Elliott."""

from __future__ import annotations

from pydantic import Field

from lab.model import fields
from lab.model.keys import Keys


class Bursts(Keys):
    """Two states, good and bad, between which the direction changes with each packet.

    E. N. Gilbert, "Capacity of a burst-noise channel", 1960; E. O. Elliott, "Estimates of error
    rates for codes on burst-noise channels", 1963.
    """

    enter: fields.Chance = Field(description="Chance for each packet to enter the bad state.")
    leave: fields.Chance = Field(description="Chance for each packet to leave it.")
    bad: fields.Part = Field(default=1.0, description="Share lost in the bad state.")
    good: fields.Part = Field(default=0.0, description="Share lost in the good state.")

    @property
    def average(self) -> float:
        """The share of packets that is lost in the long run."""
        in_bad = self.enter / (self.enter + self.leave)
        return in_bad * self.bad + (1 - in_bad) * self.good
