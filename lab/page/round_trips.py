"""Round-trip times of subflows: medians of steps of time, and how far samples are apart."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from lab.columns.octets import Array, Ints
from lab.columns.sent import Sent
from lab.page.drawing import look
from lab.page.scene import MARKED, Scene

APART = 30.0
"""Of samples so many times apart, the axis is logarithmic."""


def round_trips(scene: Scene, sent: Sent) -> tuple[Markup, int]:
    """The median of each step of time, and from least to most; and how many samples there are."""
    sampled = sent.take(sent.rtt >= 0)
    base = int(sampled.time.min(initial=np.iinfo(np.int64).max))
    bins = (sampled.time - base) // scene.clock.step

    def paint(axes: Axes) -> None:
        for number, mine in scene.parts(sampled.subflow):
            _spread(axes, number, scene, (base, bins[mine], sampled.rtt[mine] / 1e6))
        if wide(sampled.rtt):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.minorticks_off()

    return scene.draw("rtt", "RTT in ms", paint), len(sampled)


def wide(rtt: Ints) -> bool:
    """Whether samples are so far apart that only a logarithmic axis shows all of them."""
    return bool(len(rtt) and rtt.min() > 0 and rtt.max() > APART * rtt.min())


def _spread(axes: Axes, number: int, scene: Scene, samples: tuple[int, Ints, Array]) -> None:
    base, bins, rtt = samples
    order = np.lexsort((rtt, bins))
    present, start, count = np.unique(bins[order], return_index=True, return_counts=True)
    ranked = rtt[order]
    least, most = ranked[start], ranked[start + count - 1]
    median = (ranked[start + (count - 1) // 2] + ranked[start + count // 2]) / 2
    times = scene.clock.seconds(base + (present + 0.5) * scene.clock.step)
    each = look(number)
    for run in np.split(np.arange(len(times)), np.flatnonzero(np.diff(present) > 1) + 1):
        axes.vlines(times[run], least[run], most[run], color=each.colour, alpha=0.35, linewidth=1.4)
        axes.plot(times[run], median[run], color=each.colour, linestyle=each.dashes,
                  marker=each.marker, markersize=3.5,
                  markevery=max(1, len(times) // MARKED))  # fmt: skip
