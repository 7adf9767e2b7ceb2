"""What happens to a network while a scenario runs, and when it did.

::

    cut, back = at("1 s", Cut("wifi")), at("3 s", Restore("wifi"))
    with play(net, cut, back) as timeline:
        when = timeline.wait(cut)
        …
        capture.at("server").after(when.time)
"""

from __future__ import annotations

from lab.timeline.address import AddressGained, AddressLost
from lab.timeline.administrative import LinkDown, LinkUp
from lab.timeline.carrier import Cut, Restore
from lab.timeline.change import Change
from lab.timeline.plan import Step, at
from lab.timeline.player import Made, Playing, play
from lab.timeline.reshape import Reshape
from lab.timeline.silence import Blackhole

__all__ = [
    "AddressGained",
    "AddressLost",
    "Blackhole",
    "Change",
    "Cut",
    "LinkDown",
    "LinkUp",
    "Made",
    "Playing",
    "Reshape",
    "Restore",
    "Step",
    "at",
    "play",
]
