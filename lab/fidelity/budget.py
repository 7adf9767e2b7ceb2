"""How long links are measured, and how exactly they must do what they declare. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Times and tolerances; seconds and shares."""

    name: str
    probes: int
    """single packets that measure delay, jitter and loss"""
    train: float
    """how long a full link is looked at for its rate"""
    longest: float
    """how long at most, where a rate is so low that packets are rare"""
    most: int
    """packets after which a fast link has been looked at enough"""
    fillable: int
    """bit/s: of a faster link it is no fault if this machine cannot fill it"""
    fill: float
    """the longest queue, in seconds, that is filled to measure it"""
    together: bool
    """whether all links are measured at once"""
    attempts: int
    """how often what misses is measured again"""
    rate: float
    """share of the declared rate by which the measured one may differ"""
    delay: tuple[float, float]
    """share of the delay, or seconds: the larger one is tolerated"""
    jitter: tuple[float, float]
    """the same of the jitter, besides what so few packets leave open"""
    queue: tuple[float, int]
    """share of the queue, and frames: the sum is tolerated"""


SCENARIO = Budget(
    name="scenario", probes=150, train=0.2, longest=1.0, most=2000,
    fillable=100_000_000, fill=0.5, together=True, attempts=4,
    rate=0.03, delay=(0.1, 0.003), jitter=(0.3, 0.001), queue=(0.1, 3),
)  # fmt: skip
"""Before scenarios, which share the machine with others: enough to find what is not emulated."""

THOROUGH = Budget(
    name="thorough", probes=2000, train=2.0, longest=20.0, most=50_000,
    fillable=10**12, fill=5.0, together=False, attempts=3,
    rate=0.01, delay=(0.01, 0.00015), jitter=(0.1, 0.0001), queue=(0.02, 1),
)  # fmt: skip
"""By ``mptcp-lab measure``, on a machine that has nothing else to do."""
