"""Run one scenario, and compare what came out with what must come out."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
from holdings import wait_until
from scenario import LONG, Scenario
from soak_tasks import OnPurposeError, traces

from ewoksppf_core import (
    Stopper,
    TaskTimeoutError,
    WorkerLostError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
    execute_graph,
)
from ewoksppf_core.pool import worker_process
from ewoksppf_core.run.events import ActivationFailed

IN_TIME = 10.0
"""Seconds within which a forced stop must have ended the run, on a busy machine."""

STOPPED_BY = {
    "timeout": WorkflowTimeoutError,
    "interrupt": KeyboardInterrupt,
    "soft stop": WorkflowStoppedError,
    "forced stop": WorkflowStoppedError,
    "signal": WorkflowStoppedError,
    "forced signal": WorkflowStoppedError,
}
FAILED_BY = (TaskTimeoutError, WorkerLostError)


class Attempt:
    """One run of a scenario.

    :param rng: chooses whom to kill.
    :param pool: an open pool which others use, too.
    """

    def __init__(self, scenario: Scenario, rng: random.Random, pool: Any = None) -> None:
        self.scenario = scenario
        self.killed = 0
        self.result: dict[str, Any] = {}
        self.error: BaseException | None = None
        self._rng = rng
        self._pool = pool
        self._failures: list[ActivationFailed] = []
        self._over = threading.Event()
        self._armed = False

    def run(self) -> None:
        """Run it, with everything that happens to it from outside."""
        with tempfile.TemporaryDirectory(prefix="ewoksppf-soak-") as folder:
            self._folder = Path(folder)
            helpers = [threading.Thread(target=self._kill_workers)]
            stopper = Stopper()
            if self.scenario.stop and self.scenario.stop != "timeout":
                helpers.append(threading.Thread(target=self._stop, args=(stopper,)))
            began = time.monotonic()
            with self._catching_interrupts():
                for helper in helpers:
                    helper.start()
                self._execute(stopper)
                self.seconds = time.monotonic() - began
                self._over.set()
                for helper in helpers:
                    helper.join()
            wait_until(self._all_threads_ended, 2 * LONG)
            self._traces = traces(self._folder)

    def _execute(self, stopper: Stopper) -> None:
        scenario = self.scenario
        options = dict(scenario.options, pool_type=scenario.pool_type)
        if self._pool is not None:
            options = {"pool": self._pool}
        if scenario.stop == "timeout":
            options["timeout"] = max(scenario.stop_after, 0.001)
        if scenario.stop in ("signal", "forced signal"):
            options |= {"stop_on_signals": True, "stop_signals": ["SIGUSR1"]}
            options["forced_interruption"] = scenario.stop == "forced signal"
        try:
            self._armed = True
            try:
                self.result = execute_graph(
                    scenario.graph(str(self._folder)),
                    raise_on_error=False,
                    merge_outputs=False,
                    outputs=[{"all": True}],
                    execinfo=False,
                    stopper=stopper,
                    observers=[self._observe],
                    retries={"worker_lost": scenario.retries},
                    **options,
                )
            finally:
                self._armed = False
        except BaseException as error:
            self.error = error
        self.error = self.error or self.result.pop("WorkflowExceptionInstance", None)
        self.result.pop("WorkflowException", None)

    @contextmanager
    def _catching_interrupts(self) -> Iterator[None]:
        """Let an interrupt that comes before or after the run do nothing."""
        if self.scenario.stop != "interrupt":
            yield
            return
        previous = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    def _interrupt(self, number: int, frame: object) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def _observe(self, event: object) -> None:
        if isinstance(event, ActivationFailed):
            self._failures.append(event)

    def _stop(self, stopper: Stopper) -> None:
        if self._over.wait(self.scenario.stop_after):
            return
        if self.scenario.stop in ("soft stop", "forced stop"):
            stopper.stop(forced=self.scenario.stop == "forced stop")
        elif self.scenario.stop == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        elif self._armed and signal.getsignal(signal.SIGUSR1) not in (signal.SIG_DFL, None):
            os.kill(os.getpid(), signal.SIGUSR1)

    def _kill_workers(self) -> None:
        began = time.monotonic()
        for at in self.scenario.kills:
            if self._over.wait(max(0.0, began + at - time.monotonic())):
                return
            workers = [worker for worker in list(worker_process._live) if hasattr(worker, "_child")]
            if workers:
                self._rng.choice(workers).kill_workers()
                self.killed += 1

    @staticmethod
    def _all_threads_ended() -> bool:
        return not any(t.name.startswith("ewoksppf") for t in threading.enumerate())

    # Judge

    def violations(self, lost_elsewhere: bool = False) -> list[str]:
        """Tell what must not have happened.

        :param lost_elsewhere: others killed workers meanwhile.
        """
        scenario = self.scenario
        kills = bool(scenario.kills) or lost_elsewhere
        lost = (
            {e.node for e in self._failures if type(e.error) is WorkerLostError} if kills else set()
        )
        values, failed = scenario.outcome(lost)
        error = self.error
        found = []
        if scenario.stop and isinstance(error, STOPPED_BY[scenario.stop]):
            limit = IN_TIME + scenario.stop_after
            if self.seconds > limit and scenario.stop != "soft stop":
                found.append(f"{scenario.stop} took {self.seconds:.1f} s")
            return found + self._wrong_traces(values, failed, kills, stopped=True)
        if failed_names := {event.node for event in self._failures} ^ failed:
            found.append(f"failed or not, against expectation: {failed_names}")
        found += self._wrong_error(failed, error)
        if self.result.keys() != values.keys():
            found.append(f"nodes with a result: {self.result.keys() ^ values.keys()}")
        for name, value in values.items():
            got = self.result.get(name, {}).get("return_value")
            if not numpy.array_equal(got, value):
                found.append(f"{name} gave {str(got)[:50]} instead of {str(value)[:50]}")
        return found + self._wrong_traces(values, failed, kills, stopped=False)

    def _wrong_error(self, failed: set[str], error: BaseException | None) -> list[str]:
        handled = {step.handles for step in self.scenario.steps.values()}
        if not failed - handled:
            return [f"unexpected {error!r}"] if error is not None else []
        if error is None:
            return ["no error is raised"]
        known = isinstance(error, FAILED_BY) or isinstance(error.__cause__, OnPurposeError)
        return [] if known else [f"unexpected {error!r} caused by {error.__cause__!r}"]

    def _wrong_traces(
        self, values: dict[str, Any], failed: set[str], kills: bool, stopped: bool
    ) -> list[str]:
        found = []
        for step in self.scenario.steps.values():
            begun, ended = (self._traces.get((step.name, when), 0) for when in ("begin", "end"))
            dies = step.what in ("exit", "kill", "crash", "fork")
            most = 1 + self.scenario.retries if kills or dies else 1
            least, least_end = 0, 0
            if not stopped:
                most = most if step.name in values or step.name in failed else 0
                least_end = least = int(step.name in values)
                if step.what == "raise" or dies:
                    least = most if not kills and step.name in failed else 0
            most_end = 0 if step.what in ("raise", "exit", "kill", "crash", "fork") else most
            if not least <= begun <= most or not least_end <= ended <= most_end:
                found.append(f"{step.name} ({step.what}) began {begun} and ended {ended} times")
            if begun and any(not self._traces.get((name, "end")) for name in step.sources):
                found.append(f"{step.name} began before its sources had ended")
        return found
