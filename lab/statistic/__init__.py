"""What repetitions tell: medians with intervals, and whether two samples differ or it is noise.

Pure functions over numbers; needs NumPy, the extra ``columns``. Two samples differ if both the
interval of the difference of their medians leaves out "none", and a rank test calls what was seen
rare; anything else is noise, or too few values to tell. A seed repeats the resampling.
"""

from lab.statistic.compared import Conclusion, Difference, difference
from lab.statistic.interval import CONFIDENCE, FEWEST, Interval, median_interval
from lab.statistic.words import amount, sentence

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "Conclusion",
    "Difference",
    "Interval",
    "amount",
    "difference",
    "median_interval",
    "sentence",
]
