"""Measure cases in turns, each in a fresh process."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .cases import Case
from .environments import versions
from .watch import Watch

INSIDE = Path(__file__).resolve().parent / "inside"


def measure_all(
    cases: Iterable[Case],
    pythons: dict[str, str],
    repeat: int,
    keep: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Measure all cases, one after the other, ``repeat`` times round.

    :param pythons: the Python of each peer; cases of other peers are left out.
    :param keep: called after each round with the results so far.
    """
    cases = [case for case in cases if case.peer in pythons]
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "revision": _revision(),
        "machine": _machine(),
        "load_before": os.getloadavg(),
        "load_after": os.getloadavg(),
        "versions": {peer: versions(python) for peer, python in pythons.items()},
        "cases": {
            case.id: {
                "scenario": case.scenario,
                "subject": case.subject,
                "point": case.point,
                "samples": [],
            }
            for case in cases
        },
    }
    try:
        for repetition in range(repeat):
            print(f"round {repetition + 1} of {repeat}", file=sys.stderr)
            for case in cases:
                _add_sample(results["cases"][case.id], case, pythons[case.peer], repetition)
            results["load_after"] = os.getloadavg()
            keep(results)
    except KeyboardInterrupt:
        print("interrupted: these are the results so far", file=sys.stderr)
        results["load_after"] = os.getloadavg()
    return results


def _add_sample(entry: dict[str, Any], case: Case, python: str, repetition: int) -> None:
    if repetition >= case.most or "problem" in entry:
        return
    sample = _measure(case, python)
    if isinstance(sample, str):
        entry["problem"] = sample
    else:
        entry["samples"].append(sample)
    print(f"{case.id}: {_brief(sample)}", file=sys.stderr)


def _measure(case: Case, python: str) -> dict[str, float] | str:
    """Make one measurement; return what came out, or what went wrong."""
    command = [python, str(INSIDE / "measure.py"), json.dumps(case.spec)]
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as shared,
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
    ):
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=errors,
            env=_environment() | {"EWOKSPPF_SHM": shared},
            start_new_session=True,
        )
        watch = Watch(process.pid, Path(shared)) if case.watch else None
        try:
            process.wait(case.limit)
        except subprocess.TimeoutExpired:
            return f"did not finish within {case.limit:g} s"
        finally:
            _end_session(process)
            if watch is not None:
                watch.stop()
        if process.returncode:
            errors.seek(0)
            lines = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            return f"failed: {lines[-1][:200]}"
        output.seek(0)
        sample: dict[str, float] = json.loads(output.read().strip().splitlines()[-1])
        if watch is not None:
            sample |= {"processes": watch.processes, "memory": watch.memory}
        return sample


def _end_session(process: subprocess.Popen[bytes]) -> None:
    # Workers that the measured process has left behind, and itself when it took too long.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    unwanted = ("PYTHON", "EWOKS", "VIRTUAL_ENV", "OMP_", "OPENBLAS_", "MKL_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(unwanted)},
        "PYTHONPATH": str(INSIDE),
    }


def _revision() -> str:
    command = ["git", "-C", str(INSIDE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _machine() -> dict[str, Any]:
    # What the figures depend on, and nothing that says whose machine it is.
    model = ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30),
        "system": f"{os.uname().sysname} {os.uname().release.split('-')[0]}",
    }


def _brief(sample: dict[str, float] | str) -> str:
    return sample if isinstance(sample, str) else f"{sample['seconds']:.4f} s"
