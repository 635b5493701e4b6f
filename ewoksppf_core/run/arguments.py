"""The arguments of a run, checked before anything starts."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import OptionError, UnknownOptionError, check_known
from ..pool.options import POOL_OPTIONS
from ..pool.shutdown import check_seconds
from ..warn import warn_caller
from .events import Observer
from .limits import RunLimits
from .signals import parse_signals
from .stopper import Stopper

RETRIES = ("worker_lost",)
"""Mishaps after which a task can be run again."""


@dataclass(kw_only=True)
class Arguments:
    """What :func:`~ewoksppf_core.execute_graph` was called with, see there.

    :raises OptionError: one of them has a value that cannot be used.
    """

    graph: Any
    inputs: Sequence[Mapping[str, Any]] | None = None
    load_options: Mapping[str, Any] | None = None
    pre_import: bool | None = None
    stop_on_signals: bool = False
    forced_interruption: bool = False
    stop_signals: Sequence[int | str] | None = None
    db_options: Mapping[str, Any] | None = None
    startargs: Mapping[str | int, Any] | None = None
    raise_on_error: bool | None = True
    outputs: Sequence[Mapping[str, Any]] | None = None
    merge_outputs: bool | None = True
    timeout: float | None = None
    varinfo: Mapping[str, Any] | None = None
    execinfo: Mapping[str, Any] | bool | str | None = None
    task_options: Mapping[str, Any] | None = None
    max_workers: int | None = None
    scaling_workers: bool = True
    pool_type: str | None = None
    pool_options: Mapping[str, Any] | None = None
    context: str | None = None
    pool: Executor | None = None
    observers: Iterable[Observer] = ()
    task_timeout: float | None = None
    retries: Mapping[str, int] | None = None
    stopper: Stopper | None = None

    def __post_init__(self) -> None:
        if self.db_options:
            raise OptionError(
                "db_options",
                self.db_options,
                "databases are not written any more: follow a run with Ewoks events, "
                'execinfo={"handlers": [...]}, or with observers',
            )
        for name in ("startargs", "varinfo", "task_options", "load_options", "pool_options"):
            self._expect(name, Mapping, "a dictionary is expected")
        self._expect("execinfo", Mapping | bool | str, "a dictionary, job id or bool is expected")
        self._expect("pool", Executor, "a pool from open_pool, or an Executor, is expected")
        self._expect("stopper", Stopper, "a Stopper is expected")
        for name in ("stop_on_signals", "forced_interruption"):
            if not isinstance(getattr(self, name), bool):
                raise OptionError(name, getattr(self, name), "True or False is expected")
        self._check_observers()
        self._check_pool()
        check_seconds("timeout", self.timeout)
        check_seconds("task_timeout", self.task_timeout, may_be_zero=False)
        self.limits = RunLimits(self.timeout, self.task_timeout, self._worker_lost_retries())
        signals = parse_signals(self.stop_signals)
        self.signals: tuple[signal.Signals, ...] = signals if self.stop_on_signals else ()

    def _expect(self, name: str, kind: Any, cure: str) -> None:
        value = getattr(self, name)
        if value is not None and not isinstance(value, kind):
            raise OptionError(name, value, cure)

    def _check_observers(self) -> None:
        cure = "a list of functions is expected"
        if not isinstance(self.observers, Iterable):
            raise OptionError("observers", self.observers, cure)
        self.observers = list(self.observers)
        for observer in self.observers:
            if not callable(observer):
                raise OptionError("observers", observer, cure)

    def _check_pool(self) -> None:
        if self.pool is None:
            return
        cure = "it belongs to open_pool, where the given pool was made"
        for name in ("pool_type", "max_workers", "context", "pool_options"):
            value = getattr(self, name)
            if value is not None and value != {}:
                raise OptionError(name, value, cure)
        if self.scaling_workers is not True:
            raise OptionError("scaling_workers", self.scaling_workers, cure)

    def _worker_lost_retries(self) -> int:
        self._expect("retries", Mapping, 'a dictionary like {"worker_lost": 1} is expected')
        check_known("retries", self.retries or (), RETRIES)
        times = (self.retries or {}).get("worker_lost", 0)
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise OptionError("retries", self.retries, "a whole number, 0 or more, is expected")
        return times


def parse_arguments(arguments: Mapping[str, Any]) -> Arguments:
    """Check arguments, and accept pool options among them as ewoksppf did.

    :raises UnknownOptionError: there is no argument of that name.
    :raises OptionError: one of them has a value that cannot be used.
    """
    known = [field.name for field in fields(Arguments)]
    given = {name: value for name, value in arguments.items() if name in known}
    deprecated = {name: value for name, value in arguments.items() if name not in known}
    for name in deprecated:
        if name not in POOL_OPTIONS:
            raise UnknownOptionError(name, known)
    parsed = Arguments(**given)
    if deprecated:
        warn_caller(f"pass {', '.join(deprecated)} inside pool_options", DeprecationWarning)
        parsed = replace(parsed, pool_options={**deprecated, **(parsed.pool_options or {})})
    _warn_of_no_effect(parsed)
    return parsed


def _warn_of_no_effect(parsed: Arguments) -> None:
    if parsed.stop_on_signals:
        return
    for name in ("stop_signals", "forced_interruption"):
        if value := getattr(parsed, name):
            warn_caller(
                f"{name}={value!r} has no effect because stop_on_signals=False: "
                "pass stop_on_signals=True to stop the run on signals"
            )
