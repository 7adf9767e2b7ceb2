"""Two selections of runs, side by side: what changed, and whether repetition explains it.

``selected(text)`` reads a run, a store, a campaign, or some runs of one; ``compare(a, b)`` groups
repetitions by scenario and parameters and judges each figure with :mod:`lab.statistic`.
"""

from lab.comparison.compared import Comparison, compare
from lab.comparison.selection import Selection, selected

__all__ = ["Comparison", "Selection", "compare", "selected"]
