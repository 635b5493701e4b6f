"""Find backends by pool type among the installed distributions."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import pluggy

from .. import hookspecs
from ..errors import (
    BrokenBackendError,
    DuplicatePoolTypeError,
    EwoksPpfError,
    OptionError,
    UnknownPoolTypeError,
)
from ..hookspecs import Location, PoolBackend

DEFAULT_POOL_TYPE = "process"
DEFAULT_VARIABLE = "EWOKSPPF_POOL_TYPE"


@dataclass(frozen=True)
class Installed:
    """One entry point that claims a pool type, and what became of it.

    :param pool_type: the claimed pool type.
    :param distribution: name of the distribution.
    :param version: version of the distribution.
    :param backend: the backend, None when there is an error.
    :param error: why the backend cannot be loaded.
    """

    pool_type: str
    distribution: str
    version: str
    backend: PoolBackend | None
    error: EwoksPpfError | None


def get_backend(pool_type: str) -> PoolBackend:
    """Load the backend of one pool type, and no other plugin.

    :raises UnknownPoolTypeError: no distribution provides it.
    :raises DuplicatePoolTypeError: several distributions provide it.
    :raises BrokenBackendError: its plugin cannot be imported or breaks the contract.
    """
    if not isinstance(pool_type, str):
        raise OptionError("pool_type", pool_type, "the name of a pool type is expected, a string")
    claims = _claims()
    if pool_type not in claims:
        known = f"ewoksppf-{pool_type}" if pool_type == DEFAULT_POOL_TYPE else None
        raise UnknownPoolTypeError(pool_type, claims, known)
    return _load(pool_type)


def get_default_backend() -> PoolBackend:
    """Load the backend of a run for which the user chose none.

    :raises LookupError: there is not exactly one of the default pool type.
    :raises BrokenBackendError: its plugin cannot be imported or breaks the contract.
    """
    pool_type = default_pool_type()
    try:
        return get_backend(pool_type)
    except UnknownPoolTypeError as error:
        if os.environ.get(DEFAULT_VARIABLE) != pool_type:
            raise
        known = error.installed, error.distribution
        raise UnknownPoolTypeError(pool_type, *known, DEFAULT_VARIABLE) from None


def default_pool_type() -> str:
    """Return the pool type of a run for which the user chose none.

    In this order: the environment variable ``EWOKSPPF_POOL_TYPE``, the opinion of an installed
    plugin, ``process``.
    """
    chosen = os.environ.get(DEFAULT_VARIABLE)
    if chosen:
        return chosen
    for pool_type in _claims():
        try:
            _load(pool_type)
        except EwoksPpfError:
            continue  # a broken plugin has no opinion, and breaks no other pool type
    opinion: str | None = _manager().hook.ewoksppf_default_pool_type()
    return opinion or DEFAULT_POOL_TYPE


def installed_backends() -> list[Installed]:
    """List every installed claim of a pool type, sorted by name; broken ones with their error."""
    result = []
    for pool_type, claims in sorted(_claims().items()):
        backend, error = None, None
        try:
            backend = _load(pool_type)
        except EwoksPpfError as exception:
            error = exception
        for claim in claims:
            version = claim.dist.version if claim.dist else "?"
            result.append(Installed(pool_type, _owner(claim), version, backend, error))
    return result


def pool_types_of_this_process() -> list[str]:
    """List the pool types whose tasks run in this process, as far as they can be used now."""
    backends = [installed.backend for installed in installed_backends()]
    return [backend.pool_type for backend in backends if backend and _runs_here(backend)]


def _runs_here(backend: PoolBackend) -> bool:
    try:
        return backend.location is Location.SAME_PROCESS and backend.unavailable() is None
    except Exception:  # a backend that cannot even answer is not usable
        return False


def forget() -> None:
    """Forget what is installed, so that the next look-up reads the metadata again."""
    _claims.cache_clear()
    _manager.cache_clear()
    _load_once.cache_clear()


@functools.cache
def _claims() -> Mapping[str, tuple[EntryPoint, ...]]:
    claims: dict[str, tuple[EntryPoint, ...]] = {}
    for entry_point in entry_points(group=hookspecs.ENTRY_POINT_GROUP):
        known = claims.get(entry_point.name, ())
        # One distribution can be on sys.path twice.
        if not any(_owner(other) == _owner(entry_point) for other in known):
            claims[entry_point.name] = known + (entry_point,)
    return claims


@functools.cache
def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    return manager


_lock = threading.RLock()
"""Held while a plugin is loaded: threads that want the same one must not register it twice."""


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def _load(pool_type: str) -> PoolBackend:
    with _lock:
        loaded = _load_once(pool_type)
    if isinstance(loaded, EwoksPpfError):
        raise loaded
    return loaded


@functools.cache
def _load_once(pool_type: str) -> PoolBackend | EwoksPpfError:
    claims = _claims()[pool_type]
    if len(claims) > 1:
        return DuplicatePoolTypeError(pool_type, map(_owner, claims))
    owner = _owner(claims[0])
    manager = _manager()
    plugin: object = None
    try:
        plugin = claims[0].load()
        manager.register(plugin, name=f"{owner}:{pool_type}")
        manager.check_pending()
        backends = manager.subset_hook_caller(
            "ewoksppf_pool_backend",
            remove_plugins=[other for other in manager.get_plugins() if other is not plugin],
        )()
        return _checked(pool_type, backends)
    except Exception as exception:  # whatever a plugin does, it breaks only its own pool type
        if plugin is not None and manager.is_registered(plugin):
            manager.unregister(plugin)
        error = BrokenBackendError(pool_type, owner, f"{type(exception).__name__}: {exception}")
        error.__cause__ = exception
        return error


def _checked(pool_type: str, backends: list[object]) -> PoolBackend:
    if not backends:
        raise TypeError("it does not implement the hook ewoksppf_pool_backend")
    (backend,) = backends
    if not isinstance(backend, PoolBackend):
        raise TypeError(f"ewoksppf_pool_backend returned {backend!r} instead of a PoolBackend")
    if backend.pool_type != pool_type:
        raise ValueError(
            f"its backend is called {backend.pool_type!r} but its entry point {pool_type!r}"
        )
    return backend


def _owner(entry_point: EntryPoint) -> str:
    # A distribution whose metadata is damaged has no name.
    name = entry_point.dist.name if entry_point.dist else None
    return name or f"the one with {entry_point.value}"
