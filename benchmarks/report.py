"""Turn results into tables, and put them with a plot into a page of the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .samples import Samples, Spread
from .targets import TARGETS, Target

BEGIN = "% Written by `python -m benchmarks report`: begin"
END = "% Written by `python -m benchmarks report`: end"


def write_page(results: dict[str, Any], page: Path) -> None:
    """Replace the tables and the plot of a page.

    :param page: has the lines BEGIN and END; the plot is written beside it.
    """
    from .plot import plot

    plot(results, page.with_suffix(".svg"))
    text = page.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    shown = f"![The main results]({page.with_suffix('.svg').name})\n\n{tables(results)}"
    page.write_text(f"{head}{BEGIN}\n\n{shown}\n\n{END}{tail}")


def tables(results: dict[str, Any]) -> str:
    """Return everything that was measured as Markdown."""
    samples = Samples(results)
    parts = [_about(results), "## Targets", _targets(samples)]
    for scenario in samples.scenarios():
        title, note, make = _SCENARIOS[scenario]
        parts += [f"## {title}", note, make(samples, scenario)]
    return "\n\n".join(part for part in parts if part)


def _about(results: dict[str, Any]) -> str:
    machine, versions = results["machine"], results["versions"]
    merged = {name: version for peer in versions.values() for name, version in peer.items()}
    packages = ", ".join(f"{name} {version}" for name, version in merged.items())
    before, after = results["load_before"][0], results["load_after"][0]
    return (
        f"Measured on {results['date']}, revision {results['revision'] or 'unknown'}: "
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['memory_gb']} GB, "
        f"{machine['system']}; {packages}. Load of the machine before and after: {before:.1f} "
        f"and {after:.1f}."
    )


def _targets(samples: Samples) -> str:
    rows = []
    for target in TARGETS:
        figure = target.reached(samples)
        if figure is not None:
            best = _number(figure.least, target.unit)
            verdict = target.verdict(figure.least)
            rows.append([target.text, best, _number(figure.median, target.unit), verdict])
        elif problem := _problem(samples, target):
            rows.append([target.text, "", "", problem])
    return _table(["target", "from minima", "from medians", "verdict, from minima"], rows)


def _problem(samples: Samples, target: Target) -> str | None:
    problems = [samples.problem(*place) for place in (target.value, target.over) if place]
    return next(filter(None, problems), None)


def _number(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}"


def _per_task(base: str) -> Callable[[Samples, str], str]:
    """Make a table of times per task, and their ratios to that of one subject."""

    def make(samples: Samples, scenario: str) -> str:
        points = samples.points(scenario)
        head = [""]
        for point in points:
            head += [f"{point} tasks: ms per task", "ratio"]
        return _table(head, _rows(samples, scenario, base, lambda point: 1000 / int(point)))

    return make


def _milliseconds(base: str) -> Callable[[Samples, str], str]:
    """Make a table of times, and their ratios to that of one subject."""

    def make(samples: Samples, scenario: str) -> str:
        head = [""]
        for point in samples.points(scenario):
            head += [f"{point}: ms", "ratio"]
        return _table(head, _rows(samples, scenario, base, lambda point: 1000))

    return make


def _rows(
    samples: Samples, scenario: str, base: str, scale: Callable[[str], float]
) -> Iterator[list[str]]:
    for subject in samples.subjects(scenario):
        row = [subject]
        for point in samples.points(scenario):
            spread = samples.spread(scenario, subject, point)
            unit = samples.spread(scenario, base, point)
            row.append(_cell(samples, (scenario, subject, point), spread, scale(point)))
            row.append(f"{spread.least / unit.least:.3g}" if spread and unit else "")
        yield row


def _cell(
    samples: Samples, place: tuple[str, str, str], spread: Spread | None, scale: float
) -> str:
    if spread is None:
        return samples.problem(*place) or ""
    return " / ".join(f"{scale * value:.3g}" for value in spread)


def _plain_per_task(samples: Samples, scenario: str) -> str:
    points = samples.points(scenario)
    head = ["µs per task", *(f"{point} nodes" for point in points)]
    rows = []
    for subject in samples.subjects(scenario):
        cells = (
            _cell(
                samples,
                (scenario, subject, point),
                samples.spread(scenario, subject, point),
                1e6 / int(point),
            )
            for point in points
        )
        rows.append([subject, *cells])
    return _table(head, rows)


def _loads(samples: Samples, scenario: str) -> str:
    rows = []
    for subject in samples.subjects(scenario):
        for point in samples.points(scenario):
            seconds = samples.spread(scenario, subject, point)
            memory = samples.spread(scenario, subject, point, "memory")
            if seconds and memory:
                nodes = int(point)
                rows.append(
                    [
                        f"{subject}, {point} nodes",
                        _cell(samples, (scenario, subject, point), seconds, 1.0),
                        f"{1e6 * seconds.least / nodes:.3g}",
                        f"{memory.median / nodes / 1000:.2g}",
                    ]
                )
    return _table(["", "s", "µs per node", "kB per node"], rows)


def _loops(samples: Samples, scenario: str) -> str:
    rows = []
    for subject in samples.subjects(scenario):
        for point in samples.points(scenario):
            spread = samples.spread(scenario, subject, point)
            if spread:
                speeds = (f"{int(point) / value:.0f}" for value in reversed(spread))
                rows.append([subject, " / ".join(speeds)])
    return _table(["", "iterations per second"], rows)


def _efficiency(samples: Samples, scenario: str) -> str:
    rows = []
    for point in samples.points(scenario):
        alone = samples.spread(scenario, "no engine, no executor", point)
        for subject in samples.subjects(scenario):
            spread = samples.spread(scenario, subject, point)
            if alone and spread:
                # 8 tasks per CPU
                ideal = alone.least / (int(point) / 8)
                cell = _cell(samples, (scenario, subject, point), spread, 1.0)
                rows.append([subject, cell, f"{100 * ideal / spread.least:.0f} %"])
    return _table(["", "s", "efficiency"], rows)


def _peaks(samples: Samples, scenario: str) -> str:
    head = [""]
    for point in samples.points(scenario):
        head += [f"{point}: processes", "MB"]
    rows = []
    for subject in samples.subjects(scenario):
        row = [subject]
        for point in samples.points(scenario):
            processes = samples.spread(scenario, subject, point, "processes")
            memory = samples.spread(scenario, subject, point, "memory")
            problem = samples.problem(scenario, subject, point) or ""
            row.append(f"{processes.greatest:.0f}" if processes else problem)
            row.append(f"{memory.greatest / 2**20:.0f}" if memory else "")
        rows.append(row)
    return _table(head, rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_SCENARIOS: dict[str, tuple[str, str, Callable[[Samples, str], str]]] = {
    "fan": (
        "Fan",
        "One trivial task, and many that depend on it. Ratios to the tasks alone, in a loop.",
        _per_task("no engine, no executor"),
    ),
    "chain": (
        "Chain",
        "Trivial tasks, each depending on the one before. Ratios to the tasks alone, in a loop.",
        _per_task("no engine, no executor"),
    ),
    "loop": ("Loop", "Two nodes that trigger each other, with a condition.", _loops),
    "compute": (
        "Tasks that compute",
        "Eight tasks per CPU, which hold the GIL. The ideal is the time of the tasks alone, one "
        "after the other, divided by the number of CPUs.",
        _efficiency,
    ),
    "hand-over": (
        "Hand-over of arrays",
        "From the end of one task to the moment when the next one has read the whole array. "
        "Ratios to ours.",
        _milliseconds("ours, process"),
    ),
    "import": ("Import", "On top of `import ewokscore`.", _milliseconds("ewoksppf")),
    "first task": (
        "First task",
        "From the call to the moment when a task runs in a new process, by start method. Ratios "
        "to ProcessPoolExecutor.",
        _milliseconds("ProcessPoolExecutor"),
    ),
    "graph size": (
        "Size of the graph",
        "Trivial tasks; loading the graph and the life of the pool are included.",
        _plain_per_task,
    ),
    "load": ("Load and plan", "What happens before the first task starts.", _loads),
    "peaks": (
        "Peaks",
        "Most processes at a time, the program included, and most memory of all of them, shared "
        "memory included.",
        _peaks,
    ),
}
