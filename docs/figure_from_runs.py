"""From runs to a figure for a paper: ``python docs/figure_from_runs.py results figure.pdf``.

Left: what each subflow of the newest run that passed delivered over time, stacked. Right: goodput
of all runs that passed, by scenario and parameters, with the median and its 95 % interval.
"""

import sys
from collections import defaultdict

import matplotlib as mpl
from matplotlib import pyplot

import lab.result
from lab.statistic import median_interval

mpl.rcParams.update({"font.size": 8, "pdf.fonttype": 42})  # fonts that publishers accept


def over_time(axes, run):
    """Stack what arrived on each subflow."""
    metrics = run.metrics
    arrived = metrics[metrics["seen"] == "arrived"]
    steps = arrived.pivot_table(
        index="time_ns", columns=["host", "subflow"], values="goodput", aggfunc="sum"
    )
    step = 100_000_000  # ns; the last one has an end too
    every = range(steps.index.min(), steps.index.max() + 2 * step, step)
    steps = steps.reindex(every).fillna(0) / 1e6  # no row: nothing arrived
    seconds = (steps.index - steps.index[0]) / 1e9
    labels = [f"subflow {subflow} at {host}" for host, subflow in steps.columns]
    axes.stackplot(seconds, steps.T.to_numpy(), labels=labels, step="post")
    axes.set(xlabel="time [s]", ylabel="goodput [Mbit/s]", title=run.scenario.partition("::")[2])
    axes.legend(loc="upper right")


def over_runs(axes, values):
    """Show each run as a dot, and the interval of the median, if there are enough."""
    for row, (name, sample) in enumerate(values.items()):
        found = median_interval(sample)
        axes.plot(sample, [row] * len(sample), "o", color="tab:gray", alpha=0.5)
        axes.plot(found.median, row, "|", color="black", markersize=9)
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [row, row], color="black")
        axes.text(0, row + 0.28, name)
    axes.set(xlabel="goodput [Mbit/s]", yticks=[], ylim=(-0.5, len(values)), xlim=(0, None))


def main(store, out):
    """Read the runs, draw, and write a PDF."""
    runs = [run for run in lab.result.runs(store) if "goodput" in run.figures]
    passed = [run for run in runs if run.verdict == "passed"]
    if not passed:
        sys.exit(f"{store} has no run that passed and delivered data")
    values = defaultdict(list)
    for run in passed:
        chosen = {**run.parameters, **run.overrides}
        name = " ".join([run.scenario.partition("::")[2], *(f"{k}={v}" for k, v in chosen.items())])
        values[name].append(run.figures["goodput"]["value"] / 1e6)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(7, max(2.5, 0.4 * len(values))), layout="constrained"
    )
    over_time(left, passed[-1])
    over_runs(right, values)
    figure.savefig(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/figure_from_runs.py STORE OUT.pdf")
    main(*sys.argv[1:])
