"""What the figures should reach, and what they do reach."""

from __future__ import annotations

from dataclasses import dataclass

from .samples import Samples, Spread

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Target:
    """One aim: a value, or the ratio of two, and its limit.

    :param text: what is aimed at, with the limit.
    :param value: scenario, subject and point.
    :param over: what it is divided by; None for an absolute value.
    :param at_least: limit, for what should be big.
    :param at_most: limit, for what should be small.
    :param key: which figure of the measurement.
    :param scale: the figure is multiplied by this before it is shown and compared.
    :param unit: of the figure.
    """

    text: str
    value: Place
    over: Place | None = None
    at_least: float | None = None
    at_most: float | None = None
    key: str = "seconds"
    scale: float = 1.0
    unit: str = "x"

    def reached(self, samples: Samples) -> Spread | None:
        """Return the figure from the least, median and greatest values; None without."""
        value = samples.spread(*self.value, self.key)
        over = samples.spread(*self.over, self.key) if self.over else Spread(1.0, 1.0, 1.0)
        if value is None or over is None:
            return None
        return Spread(*(self.scale * a / b for a, b in zip(value, over, strict=True)))

    def verdict(self, figure: float) -> str:
        """Say whether a figure is good enough, or by how much it is not."""
        if self.at_least is not None and figure < self.at_least:
            return f"missed by a factor of {self.at_least / figure:.3g}"
        if self.at_most is not None and figure > self.at_most:
            return f"missed by a factor of {figure / self.at_most:.3g}"
        return "met"


def _fan(subject: str, size: str = "2000") -> Place:
    return "fan", subject, size


_PER_NODE = 1 / 100_000

TARGETS = [
    Target(
        "fan of 200, default pool: ewoksppf takes at least 100 x as long",
        _fan("ewoksppf, process, default", "200"),
        _fan("ours, process, default", "200"),
        at_least=100,
    ),
    Target(
        "fan of 200, fixed number of processes: ewoksppf takes at least 4 x as long",
        _fan("ewoksppf, process", "200"),
        _fan("ours, process", "200"),
        at_least=4,
    ),
    Target(
        "the same, fan of 2000",
        _fan("ewoksppf, process"),
        _fan("ours, process"),
        at_least=4,
    ),
    Target(
        "fan of 200, threads: ewoksppf takes at least 5 x as long",
        _fan("ewoksppf, thread", "200"),
        _fan("ours, thread", "200"),
        at_least=5,
    ),
    Target(
        "the same, fan of 2000",
        _fan("ewoksppf, thread"),
        _fan("ours, thread"),
        at_least=5,
    ),
    Target(
        "fan of 2000, threads: ewoksdask is not faster",
        _fan("ewoksdask, threads"),
        _fan("ours, thread"),
        at_least=1,
    ),
    Target(
        "256 MB from process to process: ewoksppf takes at least 8 x as long",
        ("hand-over", "ewoksppf, process", "256 MB"),
        ("hand-over", "ours, process", "256 MB"),
        at_least=8,
    ),
    Target(
        "chain of 10 000, which no peer can load: runs",
        ("chain", "ours, process", "10000"),
        unit="s",
    ),
    Target(
        "fan of 2000: at most 2.5 x a bare ThreadPoolExecutor",
        _fan("ours, thread"),
        _fan("ThreadPoolExecutor"),
        at_most=2.5,
    ),
    Target(
        "fan of 2000: at most 1.5 x a bare ProcessPoolExecutor",
        _fan("ours, process"),
        _fan("ProcessPoolExecutor"),
        at_most=1.5,
    ),
    Target(
        "the same, chain of 2000",
        ("chain", "ours, process", "2000"),
        ("chain", "ProcessPoolExecutor", "2000"),
        at_most=1.5,
    ),
    Target(
        "fan: time per task at 100 000 at most 1.3 x that at 1000",
        ("graph size", "ours, thread, fan", "100000"),
        ("graph size", "ours, thread, fan", "1000"),
        at_most=1.3,
        scale=1 / 100,
    ),
    Target(
        "chain: time per task at 100 000 at most 1.3 x that at 1000",
        ("graph size", "ours, thread, chain", "100000"),
        ("graph size", "ours, thread, chain", "1000"),
        at_most=1.3,
        scale=1 / 100,
    ),
    Target(
        "100 000 nodes are loaded and planned in at most 6 s",
        ("load", "ours, fan", "100000"),
        at_most=6,
        unit="s",
    ),
    Target(
        "an idle node takes at most 4 kB",
        ("load", "ours, fan", "100000"),
        at_most=4,
        key="memory",
        scale=_PER_NODE / 1000,
        unit="kB",
    ),
    Target(
        "`import ewoksppf_core` adds at most 60 ms to ewokscore",
        ("import", "ours", "on top of ewokscore"),
        at_most=60,
        scale=1000,
        unit="ms",
    ),
    Target(
        "first task of a process pool within 0.3 s (fork)",
        ("first task", "ours, process", "fork"),
        at_most=0.3,
        unit="s",
    ),
    Target(
        "20 tasks that hand on 500 MB each: about two of them in memory (at most 2.5)",
        ("peaks", "ours, process", "20 x 500 MB"),
        at_most=2.5,
        key="memory",
        scale=1 / (500 * 2**20),
        unit="arrays",
    ),
]
