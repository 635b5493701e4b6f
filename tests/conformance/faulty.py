"""Backends made of threads, all but one with a fault that the conformance kit must find."""

import atexit
import copy
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

from ewoksppf_core import PoolBackend, WorkerLostError, hookimpl


class Honest(ThreadPoolExecutor):
    """Has no fault."""

    def __init__(self, max_workers=None):
        super().__init__(max_workers)


class Swallows(Honest):
    """Returns None instead of raising."""

    def submit(self, fn, /, *args, **kwargs):
        def call():
            try:
                return fn(*args, **kwargs)
            except Exception:
                return None

        return super().submit(call)


class Simplifies(Honest):
    """Raises exceptions without what they were raised from."""

    def submit(self, fn, /, *args, **kwargs):
        def call():
            try:
                return fn(*args, **kwargs)
            except BaseException as error:
                error.__cause__ = None
                raise

        return super().submit(call)


class Loses(Honest):
    """Forgets a task now and then."""

    submitted = 0

    def submit(self, fn, /, *args, **kwargs):
        self.submitted += 1
        if self.submitted % 100 == 0:
            return Future()
        return super().submit(fn, *args, **kwargs)


class Repeats(Honest):
    """Runs a task twice now and then."""

    submitted = 0

    def submit(self, fn, /, *args, **kwargs):
        self.submitted += 1
        if self.submitted % 100 == 0:
            super().submit(fn, *args, **kwargs)
        return super().submit(fn, *args, **kwargs)


class Queues(Honest):
    """Runs one task after the other."""

    def __init__(self, max_workers=None):
        super().__init__(1)


class Hurries(Honest):
    """Runs everything at once."""

    def __init__(self, max_workers=None):
        super().__init__(8)


class Leaks(Honest):
    """Leaves a process behind."""

    left = ()

    def __init__(self, max_workers=None):
        super().__init__(max_workers)
        process = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        atexit.register(process.communicate)
        Leaks.left += (process,)


class Insists(Honest):
    """Does not cancel what waits."""

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait)


class Hastens(Honest):
    """Does not wait for its tasks at shutdown."""

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(False, cancel_futures=cancel_futures)


class Revives(Honest):
    """Runs tasks that come after the end."""

    def submit(self, fn, /, *args, **kwargs):
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            return Future()


class Copies(Honest):
    """Copies what is said to pass by reference."""

    def submit(self, fn, /, *args, **kwargs):
        return super().submit(fn, *copy.deepcopy(args), **kwargs)


class Overdoes(Honest):
    """Stops all tasks instead of one."""

    def __init__(self, max_workers=None):
        super().__init__(max_workers)
        self.submitted = []

    def submit(self, fn, /, *args, **kwargs):
        self.submitted.append(super().submit(fn, *args, **kwargs))
        return self.submitted[-1]

    def stop_tasks(self, futures, grace):
        for future in self.submitted:
            future.set_exception(WorkerLostError())


EXECUTORS = {
    executor.__name__.lower(): executor
    for executor in (Honest, *sorted(Honest.__subclasses__(), key=lambda each: each.__name__))
}


class Plugin:
    """Stands for the module of a distribution with this backend only."""

    def __init__(self, pool_type):
        self.pool_type = pool_type

    @hookimpl
    def ewoksppf_pool_backend(self):
        executor = EXECUTORS[self.pool_type]
        return PoolBackend(
            pool_type=self.pool_type,
            summary=executor.__doc__,
            open=lambda options: executor(options.max_workers),
        )


for _name in EXECUTORS:
    globals()[f"plugin_{_name}"] = Plugin(_name)
