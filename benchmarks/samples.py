"""Look up what was measured."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """Least, median and greatest of several measurements."""

    least: float
    median: float
    greatest: float


class Samples:
    """The measurements of one run of the benchmarks.

    :param results: as ``run.measure_all`` returns them.
    """

    def __init__(self, results: dict[str, Any]) -> None:
        self._cases = {
            (case["scenario"], case["subject"], case["point"]): case
            for case in results["cases"].values()
        }

    def scenarios(self) -> list[str]:
        """List the scenarios in the order of measurement."""
        return list(dict.fromkeys(scenario for scenario, _, _ in self._cases))

    def subjects(self, scenario: str) -> list[str]:
        """List who was measured in a scenario."""
        return list(dict.fromkeys(key[1] for key in self._cases if key[0] == scenario))

    def points(self, scenario: str) -> list[str]:
        """List where a scenario was measured, numbers in order."""
        points = dict.fromkeys(key[2] for key in self._cases if key[0] == scenario)
        if all(point.isdigit() for point in points):
            return sorted(points, key=int)
        return list(points)

    def spread(
        self, scenario: str, subject: str, point: str, key: str = "seconds"
    ) -> Spread | None:
        """Return what was measured for a case, None when nothing was."""
        case = self._cases.get((scenario, subject, point), {"samples": ()})
        values = [sample[key] for sample in case["samples"] if key in sample]
        if not values:
            return None
        return Spread(min(values), statistics.median(values), max(values))

    def problem(self, scenario: str, subject: str, point: str) -> str | None:
        """Return why there are no measurements of a case."""
        problem: str | None = self._cases.get((scenario, subject, point), {}).get("problem")
        return problem
