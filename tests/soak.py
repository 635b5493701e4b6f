"""Run random workflows on random pools with random faults, and look for what must not happen.

Not part of the test suite::

    python tests/soak.py --seconds 600 --seed 1

After each run the results must be right, each node must have run exactly once (or as often as
retries allow), and nothing must be left: processes, threads, file descriptors, shared memory.
Exits with 1 after a violation, which ``--only`` repeats with the same seed.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import gc
import logging
import os
import random
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

HERE = Path(__file__).parent / "soak"
sys.path.insert(0, str(HERE))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")])
)

from check import Attempt  # noqa: E402
from holdings import Baseline, resident_megabytes  # noqa: E402
from scenario import POOL_TYPES, PROCESSES, make_scenario  # noqa: E402

from ewoksppf_core import execute_graph, open_pool  # noqa: E402

HANG_SECONDS = 120
"""A run that takes longer hangs: all stacks are printed, and the soak ends."""

PATIENCE = 5.0
"""Seconds for tasks in threads, which nobody can stop, to end."""

MOST_GROWTH = 60.0
"""Megabytes by which the memory may grow once everything is warm."""

WARM_RUNS = 30

WARM_UP = {
    "graph": {"id": "warm"},
    "nodes": [{"id": "pid", "task_type": "method", "task_identifier": "os.getpid"}],
}


class Soak:
    """All runs of one seed."""

    def __init__(self, seed: int, pool_types: list[str], shared_memory: Path) -> None:
        self._seed = seed
        self._pool_types = pool_types
        self._shared_memory = shared_memory
        self.runs: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self.violations = 0
        self.growth = 0.0
        self._warm_up()
        self._baseline = Baseline(shared_memory)
        self._warm_megabytes: float | None = None

    def _warm_up(self) -> None:
        """Let everything start that starts once per program, such as fork servers."""
        for pool_type in self._pool_types:
            for context in ("fork", "spawn", "forkserver") if pool_type in PROCESSES else (None,):
                execute_graph(WARM_UP, pool_type=pool_type, context=context)

    def run(self, number: int) -> None:
        """Run the n-th scenario, or the n-th pair of scenarios in one pool."""
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        key = f"{self._seed}-{number}"
        rng = random.Random(key)
        pool_type = rng.choice(self._pool_types)
        print(f"\r{number} {pool_type} ", end="", flush=True)
        if rng.random() < 0.2:
            attempts = self._run_together(key, rng, pool_type)
        else:
            attempts = [Attempt(make_scenario(key, pool_type, alone=True), rng)]
            attempts[0].run()
        faulthandler.cancel_dump_traceback_later()  # it has a thread
        kills = any(attempt.killed for attempt in attempts)
        for attempt in attempts:
            self.runs[pool_type] += 1
            self.faults.update(attempt.scenario.faults)
            for violation in attempt.violations(kills):
                self._report(number, pool_type, violation)
        del attempts, attempt
        gc.collect()
        surplus = self._baseline.surplus(PATIENCE)
        for violation in surplus:
            self._report(number, pool_type, violation)
        if surplus:
            self._baseline = Baseline(self._shared_memory)
        self._weigh(number)

    def _run_together(self, key: str, rng: random.Random, pool_type: str) -> list[Attempt]:
        scenarios = [make_scenario(f"{key}-{i}", pool_type, alone=False) for i in range(2)]
        self.faults["shared pool"] += 1
        with open_pool(pool_type, **scenarios[0].options) as pool:
            attempts = [Attempt(each, random.Random(key), pool) for each in scenarios]
            threads = [threading.Thread(target=attempt.run) for attempt in attempts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return attempts

    def _weigh(self, number: int) -> None:
        if self._warm_megabytes is None and sum(self.runs.values()) >= WARM_RUNS:
            self._warm_megabytes = resident_megabytes()
        if self._warm_megabytes is not None:
            self.growth = resident_megabytes() - self._warm_megabytes
            if self.growth > MOST_GROWTH:
                self._report(number, "all", f"memory has grown by {self.growth:.0f} MB")
                self._warm_megabytes = None

    def _report(self, number: int, pool_type: str, violation: str) -> None:
        self.violations += 1
        print(f"\nVIOLATION --only {number} ({pool_type}): {violation}", flush=True)


def main() -> int:
    """Run until the time is over, and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="number of the one run to repeat")
    parser.add_argument("--pool-types", nargs="+", default=POOL_TYPES, choices=POOL_TYPES)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])
    with tempfile.TemporaryDirectory(prefix="ewoksppf-soak-", dir="/dev/shm") as folder:
        os.environ["EWOKSPPF_SHM"] = folder
        soak = Soak(arguments.seed, list(arguments.pool_types), Path(folder))
        began = time.monotonic()
        if arguments.only is not None:
            soak.run(arguments.only)
        else:
            number = 0
            while time.monotonic() - began < arguments.seconds:
                soak.run(number)
                number += 1
    print(f"\n{sum(soak.runs.values())} runs in {time.monotonic() - began:.0f} s", end=": ")
    print(", ".join(f"{name} {count}" for name, count in sorted(soak.runs.items())))
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(soak.faults.items())))
    print(f"memory grew by {soak.growth:.1f} MB; violations: {soak.violations}")
    return int(soak.violations > 0)


if __name__ == "__main__":
    sys.exit(main())
