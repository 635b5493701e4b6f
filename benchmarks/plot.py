"""Plot results; the only part that needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .samples import Samples

COLORS = {"ours": "tab:blue", "ewoksppf": "tab:red", "ewoksdask": "tab:orange"}
BARE = "tab:gray"


def plot(results: dict[str, Any], path: Path) -> None:
    """Write a plot of the main scenarios.

    :param path: an SVG file.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    from matplotlib import pyplot

    samples = Samples(results)
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 9), layout="constrained")
    _bars(axes[0][0], samples, "fan", "200", "fan of 200 trivial tasks")
    _bars(axes[0][1], samples, "fan", "2000", "fan of 2000 trivial tasks")
    _hand_over(axes[1][0], samples)
    _graph_size(axes[1][1], samples)
    figure.savefig(path, metadata={"Date": None})
    # matplotlib leaves blanks at the ends of lines
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _bars(axes: Any, samples: Samples, scenario: str, point: str, title: str) -> None:
    subjects = [
        subject
        for subject in reversed(samples.subjects(scenario))
        if samples.spread(scenario, subject, point)
    ]
    spreads = [samples.spread(scenario, subject, point) for subject in subjects]
    values = [1000 * spread.least / int(point) for spread in spreads if spread]
    axes.barh(subjects, values, color=[_color(subject) for subject in subjects])
    axes.set(xscale="log", xlabel="ms per task", title=title)
    axes.bar_label(axes.containers[0], fmt="%.2g", padding=2, fontsize=8)
    axes.margins(x=0.15)


def _hand_over(axes: Any, samples: Samples) -> None:
    points = samples.points("hand-over")
    for subject in samples.subjects("hand-over"):
        pairs = [
            (_megabytes(point), spread.least)
            for point in points
            if (spread := samples.spread("hand-over", subject, point))
        ]
        if pairs:
            style = "--" if "default" in subject or subject == "loky" else "-"
            axes.plot(
                *zip(*pairs, strict=True), style, marker="o", label=subject, c=_color(subject)
            )
    axes.set(xscale="log", yscale="log", xlabel="MB", ylabel="s", title="hand-over of an array")
    axes.legend(fontsize=8)


def _graph_size(axes: Any, samples: Samples) -> None:
    for subject in samples.subjects("graph size"):
        pairs = [
            (int(point), 1e6 * spread.least / int(point))
            for point in samples.points("graph size")
            if (spread := samples.spread("graph size", subject, point))
        ]
        if pairs:
            axes.plot(*zip(*pairs, strict=True), marker="o", label=subject)
    axes.set(xscale="log", xlabel="nodes", ylabel="µs per task", title="size of the graph")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)


def _megabytes(point: str) -> float:
    number, unit = point.split()
    return float(number) / (1000 if unit == "kB" else 1)


def _color(subject: str) -> str:
    return COLORS.get(subject.split(",")[0], BARE)
