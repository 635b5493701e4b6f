"""What is measured. A case is one kind of measurement of one subject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One kind of measurement, which is repeated.

    :param scenario: what is compared, the heading of a table.
    :param subject: who is measured, a line of that table.
    :param point: where on the axis of the scenario, a column of that table.
    :param peer: in whose environment.
    :param spec: what ``inside/measure.py`` is told.
    :param limit: seconds, after which the measurement is given up.
    :param watch: also measure peaks of processes and memory, which takes a bit of CPU.
    :param most: not more repetitions than this.
    """

    scenario: str
    subject: str
    point: str
    peer: str
    spec: dict[str, Any] = field(hash=False)
    limit: float = 60.0
    watch: bool = False
    most: int = 1000

    @property
    def id(self) -> str:
        """Names the case in the results."""
        return f"{self.scenario} / {self.subject} / {self.point}"


def all_cases(cpus: int, smoke: bool) -> list[Case]:
    """List all cases, those to be compared next to each other.

    :param cpus: number of usable CPUs.
    :param smoke: the small ones only.
    """
    sizes = _SMOKE if smoke else _FULL
    return [
        *_fans(cpus, sizes),
        *_chains(cpus, sizes),
        *_loops(cpus, sizes),
        *_burns(cpus, sizes),
        *_payloads(sizes),
        *_imports(),
        *_first_tasks(smoke),
        *_scaling(cpus, sizes),
        *_peaks(sizes),
    ]


@dataclass(frozen=True)
class _Sizes:
    fan: tuple[int, ...]
    fan_default: tuple[int, ...]
    chain: tuple[int, ...]
    short_chain: int
    loop: int
    burn_steps: int
    payload: tuple[float, ...]
    graph: tuple[int, ...]
    arrays: int
    big_arrays: tuple[int, int] | None
    smoke: bool


_FULL = _Sizes(
    fan=(200, 2000),
    fan_default=(200,),
    chain=(2000, 10000),
    short_chain=15,
    loop=300,
    burn_steps=2_000_000,
    payload=(0.001, 1, 64, 256, 1024),
    graph=(100, 1000, 10_000, 100_000),
    arrays=64,
    big_arrays=(20, 500),
    smoke=False,
)
_SMOKE = _Sizes(
    fan=(50,),
    fan_default=(),
    chain=(100,),
    short_chain=10,
    loop=20,
    burn_steps=200_000,
    payload=(8,),
    graph=(1000,),
    arrays=8,
    big_arrays=None,
    smoke=True,
)

_FIXED = {"scaling_workers": False}


_Engine = tuple[str, str, str, dict[str, Any]]


def _engines(cpus: int, sizes: _Sizes) -> Iterator[_Engine]:
    """Yield label, peer, subject and options of all that run tasks on ``cpus`` workers."""
    for engine in _every_engine(cpus):
        if not sizes.smoke or engine[0] in _SMOKED:
            yield engine


_SMOKED = (
    "ours, thread",
    "ours, process",
    "ewoksppf, thread",
    "ewoksppf, process",
    "ewoksdask, threads",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
)


def _every_engine(cpus: int) -> Iterator[_Engine]:
    fixed = {**_FIXED, "max_workers": cpus}
    yield "ours, thread", "ours", "ours", {"pool_type": "thread", **fixed}
    yield "ours, thread, default", "ours", "ours", {"pool_type": "thread"}
    yield "ours, process", "ours", "ours", {"pool_type": "process", **fixed}
    yield "ours, process, default", "ours", "ours", {"pool_type": "process"}
    yield "ewoksppf, thread", "ewoksppf", "upstream", {"pool_type": "thread", **fixed}
    yield "ewoksppf, process", "ewoksppf", "upstream", {"pool_type": "process", **fixed}
    dask = {"scheduler_options": {"num_workers": cpus}}
    processes = {"num_workers": cpus, "context": "fork"}
    yield "ewoksdask, threads", "ewoksdask", "dask_engine", {"scheduler": "multithreading", **dask}
    yield (
        "ewoksdask, processes",
        "ewoksdask",
        "dask_engine",
        {"scheduler": "multiprocessing", "scheduler_options": processes},
    )
    yield "ewokscore, sequential", "bare", "sequential", {}
    yield "no engine, no executor", "bare", "bare_loop", {}
    workers = {"workers": cpus}
    yield "ThreadPoolExecutor", "bare", "bare_threads", workers
    yield "ProcessPoolExecutor", "bare", "bare_processes", workers
    yield "loky", "bare", "bare_loky", workers
    yield "dask, threads", "bare", "bare_dask", {"scheduler": "threads", **workers}
    yield (
        "dask, processes",
        "bare",
        "bare_dask",
        {"scheduler": "processes", "chunksize": 1, **workers},
    )


def _graph(subject: str, shape: str, size: dict[str, Any], options: dict[str, Any]) -> dict:
    return {
        "what": "graph",
        "subject": subject,
        "shape": shape,
        "size": size,
        "options": options,
    }


def _fans(cpus: int, sizes: _Sizes) -> Iterator[Case]:
    for size in sizes.fan:
        for label, peer, subject, options in _engines(cpus, sizes):
            spec = _graph(subject, "fan", {"size": size}, options)
            yield Case("fan", label, str(size), peer, spec)
        fixed = {"pool_type": "process", **_FIXED, "max_workers": cpus}
        spec = _graph("ours", "fan", {"size": size}, fixed)
        yield Case("fan", "ours, process, warm", str(size), "ours", {**spec, "what": "warm"})
    for size in sizes.fan_default:
        spec = _graph("upstream", "fan", {"size": size}, {})
        yield Case("fan", "ewoksppf, process, default", str(size), "ewoksppf", spec, 120, most=3)


def _chains(cpus: int, sizes: _Sizes) -> Iterator[Case]:
    for label, peer, subject, options in _engines(cpus, sizes):
        spec = _graph(subject, "chain", {"size": sizes.short_chain}, options)
        yield Case("chain", label, str(sizes.short_chain), peer, spec)
    for size in sizes.chain:
        for label, peer, subject, options in _engines(cpus, sizes):
            spec = _graph(subject, "chain", {"size": size}, options)
            if label in _LOADS:
                yield Case("chain", label, str(size), peer, spec, most=3)
            elif label in _LOADS_NOT and size == sizes.chain[-1] and not sizes.smoke:
                # Their loader doubles its time with each node of a chain: one look is enough.
                yield Case("chain", label, str(size), peer, spec, 20, most=1)


_LOADS = (
    "ours, thread",
    "ours, process",
    "no engine, no executor",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
)
_LOADS_NOT = ("ewoksppf, thread", "ewoksdask, threads", "ewokscore, sequential")


def _loops(cpus: int, sizes: _Sizes) -> Iterator[Case]:
    for label, peer, subject, options in _engines(cpus, sizes):
        if subject in ("ours", "upstream"):
            spec = _graph(subject, "loop", {"size": sizes.loop}, options)
            yield Case("loop", label, str(sizes.loop), peer, spec)


def _burns(cpus: int, sizes: _Sizes) -> Iterator[Case]:
    size = {"size": 8 * cpus, "steps": sizes.burn_steps}
    for label, peer, subject, options in _engines(cpus, sizes):
        if subject == "bare_loop" or not ("thread" in label.lower() or "sequential" in label):
            yield Case(
                "compute", label, str(8 * cpus), peer, _graph(subject, "burn", size, options)
            )


def _payloads(sizes: _Sizes) -> Iterator[Case]:
    fixed = {"pool_type": "process", **_FIXED, "max_workers": 2}
    subjects = [
        ("ours, process", "ours", "ours", fixed),
        ("ewoksppf, process", "ewoksppf", "upstream", fixed),
        ("ewoksppf, process, default", "ewoksppf", "upstream", {}),
        (
            "ewoksdask, processes",
            "ewoksdask",
            "dask_engine",
            {"scheduler": "multiprocessing", "scheduler_options": {"context": "fork"}},
        ),
        ("ProcessPoolExecutor", "bare", "bare_processes", {"workers": 2}),
        ("loky", "bare", "bare_loky", {"workers": 2}),
    ]
    for megabytes in sizes.payload:
        for label, peer, subject, options in subjects[: 2 if sizes.smoke else None]:
            size = {"size": 12 if megabytes < 64 else 5, "megabytes": megabytes}
            spec = {**_graph(subject, "relay", size, options), "what": "payload"}
            point = f"{megabytes:g} MB" if megabytes >= 1 else f"{1000 * megabytes:g} kB"
            limit, most = (90, 1) if megabytes > 256 else (60, 3 if megabytes >= 64 else 1000)
            yield Case("hand-over", label, point, peer, spec, limit, most=most)


def _imports() -> Iterator[Case]:
    for label, peer, module in [
        ("ours", "ours", "ewoksppf_core"),
        ("ewoksppf", "ewoksppf", "ewoksppf"),
        ("ewoksdask", "ewoksdask", "ewoksdask"),
    ]:
        spec = {"what": "import", "module": module}
        yield Case("import", label, "on top of ewokscore", peer, spec)


def _first_tasks(smoke: bool) -> Iterator[Case]:
    for context in ("fork",) if smoke else ("fork", "forkserver", "spawn"):
        ours = {"pool_type": "process", "context": context}
        upstream = {"pool_type": "process", "context": context, **_FIXED}
        for label, peer, subject, options in [
            ("ours, process", "ours", "ours", ours),
            ("ewoksppf, process", "ewoksppf", "upstream", upstream),
            (
                "ProcessPoolExecutor",
                "bare",
                "bare_processes",
                {"workers": 1, "context": context},
            ),
        ]:
            spec = _graph(subject, "single", {}, options)
            yield Case("first task", label, context, peer, spec)


def _scaling(cpus: int, sizes: _Sizes) -> Iterator[Case]:
    for size in sizes.graph:
        most = 1 if size >= 100_000 else 1000
        for shape in ("fan", "chain"):
            for pool_type in ("thread", "process"):
                if size > 10_000 and (shape, pool_type) == ("chain", "process"):
                    continue
                options = {"pool_type": pool_type, **_FIXED, "max_workers": cpus}
                spec = _graph("ours", shape, {"size": size}, options)
                label = f"ours, {pool_type}, {shape}"
                yield Case("graph size", label, str(size), "ours", spec, 240, most=most)
            options = {"pool_type": "thread"}
            spec = {**_graph("ours", shape, {"size": size}, options), "what": "load"}
            yield Case("load", f"ours, {shape}", str(size), "ours", spec, 120, most=most)


def _peaks(sizes: _Sizes) -> Iterator[Case]:
    fixed = {"pool_type": "process", **_FIXED, "max_workers": 2}
    subjects = [
        ("ours, process, default", "ours", "ours", {}),
        ("ours, process", "ours", "ours", fixed),
        ("ewoksppf, process, default", "ewoksppf", "upstream", {}),
        ("ewoksppf, process", "ewoksppf", "upstream", fixed),
        ("ProcessPoolExecutor", "bare", "bare_processes", {"workers": 2}),
    ]
    fan = sizes.fan[0]
    if sizes.smoke:
        subjects = subjects[:1]
    for label, peer, subject, options in subjects:
        if sizes.fan_default or label != "ewoksppf, process, default":
            spec = _graph(subject, "fan", {"size": fan}, options)
            yield Case("peaks", label, f"fan of {fan}", peer, spec, 120, True, most=2)
    for label, peer, subject, options in subjects:
        size = {"size": 12, "megabytes": sizes.arrays}
        spec = _graph(subject, "relay", size, options)
        yield Case("peaks", label, f"12 x {sizes.arrays} MB", peer, spec, 120, True, most=2)
    if sizes.big_arrays:
        number, megabytes = sizes.big_arrays
        spec = _graph("ours", "relay", {"size": number, "megabytes": megabytes}, fixed)
        point = f"{number} x {megabytes} MB"
        yield Case("peaks", "ours, process", point, "ours", spec, 120, True, most=1)
