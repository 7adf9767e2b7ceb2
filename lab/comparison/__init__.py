"""Two selections of runs, side by side: what changed, and whether repetition explains it.

``selection.selected(text)`` reads a run, a store, a campaign, or some runs of one;
``compared.compare(a, b)`` groups repetitions by scenario and parameters and judges each figure with
:mod:`lab.statistic`.
"""
