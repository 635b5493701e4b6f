"""Every exception that a user of this package can meet.

Each class derives from :class:`EwoksPpfError` and from the builtin that fits, keeps what it
knows as attributes, and says what is wrong, where, and what to do. The attributes are also the
positional arguments, so that every error survives pickling.
"""

from __future__ import annotations

import difflib
import signal
from collections.abc import Collection, Iterable


class EwoksPpfError(Exception):
    """Base class of all errors raised by this package."""


class OptionError(EwoksPpfError, ValueError):
    """Raised for an option of :func:`~ewoksppf_core.execute_graph` whose value cannot be used.

    :param option: name of the option.
    :param value: the offending value.
    :param cure: what is accepted, as a sentence without a full stop.
    """

    def __init__(self, option: str, value: object, cure: str) -> None:
        super().__init__(option, value, cure)
        self.option = option
        self.value = value
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.option}={self.value!r}: {self.cure}"


class UnknownOptionError(EwoksPpfError, TypeError):
    """Raised for an option that does not exist.

    :param option: the unknown name.
    :param known: the names that exist.
    :param of: the option in which it was given, when that is a dictionary.
    """

    def __init__(self, option: str, known: Iterable[str], of: str | None = None) -> None:
        self.option = option
        self.known = tuple(known)
        self.of = of
        super().__init__(option, self.known, of)

    def __str__(self) -> str:
        name = f"{self.of}[{self.option!r}]" if self.of else repr(self.option)
        return (
            f"unknown option {name}{did_you_mean(self.option, self.known)} "
            f"Options are: {', '.join(sorted(self.known))}."
        )


def check_known(of: str, given: Iterable[object], known: Collection[str]) -> None:
    """Check the keys of an option that is a dictionary.

    :raises UnknownOptionError: it has a key that does not exist.
    """
    for name in given:
        if name not in known:
            raise UnknownOptionError(str(name), known, of)


class UnknownPoolTypeError(EwoksPpfError, LookupError):
    """Raised when no installed distribution provides the wanted pool type.

    :param pool_type: the wanted pool type.
    :param installed: the installed pool types.
    :param distribution: name of the distribution that provides it, where that is known.
    :param variable: name of the environment variable in which it was wanted.
    """

    def __init__(
        self,
        pool_type: str,
        installed: Iterable[str],
        distribution: str | None = None,
        variable: str | None = None,
    ) -> None:
        self.pool_type = pool_type
        self.installed = tuple(installed)
        self.distribution = distribution
        self.variable = variable
        super().__init__(pool_type, self.installed, distribution, variable)

    def __str__(self) -> str:
        where = f" in the environment variable {self.variable}" if self.variable else ""
        hint = did_you_mean(self.pool_type, self.installed)
        installed = ", ".join(sorted(self.installed)) or "none"
        message = (
            f"unknown pool type {self.pool_type!r}{where}{hint} Installed pool types: {installed}."
        )
        if self.distribution:
            return f"{message} Install it: pip install {self.distribution}"
        return f"{message} Each is a distribution of its own; `ewoksppf backends` lists them."


class DuplicatePoolTypeError(EwoksPpfError, LookupError):
    """Raised when several distributions provide the wanted pool type.

    :param pool_type: the wanted pool type.
    :param distributions: names of the distributions that provide it.
    """

    def __init__(self, pool_type: str, distributions: Iterable[str]) -> None:
        self.pool_type = pool_type
        self.distributions = tuple(distributions)
        super().__init__(pool_type, self.distributions)

    def __str__(self) -> str:
        return (
            f"pool type {self.pool_type!r} is provided by several distributions: "
            f"{' and '.join(self.distributions)}. Uninstall all but one of them with pip."
        )


class BrokenBackendError(EwoksPpfError, ImportError):
    """Raised when the plugin of the wanted pool type cannot be imported or breaks the contract.

    :param pool_type: the wanted pool type.
    :param distribution: name of the distribution which provides the plugin.
    :param reason: what went wrong.
    """

    def __init__(self, pool_type: str, distribution: str, reason: str) -> None:
        super().__init__(pool_type, distribution, reason)
        self.pool_type = pool_type
        self.distribution = distribution
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the plugin for pool type {self.pool_type!r} (distribution {self.distribution}) "
            f"is broken: {self.reason}. Upgrade or uninstall {self.distribution}."
        )


class PoolUnavailableError(EwoksPpfError, RuntimeError):
    """Raised when an installed backend cannot be used in this process right now.

    :param pool_type: the wanted pool type.
    :param reason: why, in words that tell the cure.
    """

    def __init__(self, pool_type: str, reason: str) -> None:
        super().__init__(pool_type, reason)
        self.pool_type = pool_type
        self.reason = reason

    def __str__(self) -> str:
        return f"pool type {self.pool_type!r} cannot be used here: {self.reason}"


class ForeignPoolError(EwoksPpfError, RuntimeError):
    """Raised in a fork which uses a pool of the process that it was forked from.

    :param pid: process id of the owner of the pool.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid

    def __str__(self) -> str:
        return f"this pool belongs to process {self.pid}: open one here"


class GraphError(EwoksPpfError, ValueError):
    """Raised before anything runs, for a graph that cannot be executed.

    :param message: what is wrong and what to do.
    :param node: the node or link concerned, if there is one.
    """

    def __init__(self, message: str, node: str | None = None) -> None:
        super().__init__(message, node)
        self.message = message
        self.node = node

    def __str__(self) -> str:
        return f"{self.node}: {self.message}" if self.node else self.message


class GraphNotFoundError(GraphError, FileNotFoundError):
    """Raised when the graph, or one of its sub-graphs, is a file which does not exist."""


class LinkError(EwoksPpfError, RuntimeError):
    """Raised when the outputs of an activation do not fit one of its links.

    It is a failure of the source node.

    :param link: the link, as ``source -> target``.
    :param output: name of the output concerned.
    :param reason: what is wrong.
    """

    def __init__(self, link: str, output: str, reason: str) -> None:
        super().__init__(link, output, reason)
        self.link = link
        self.output = output
        self.reason = reason

    def __str__(self) -> str:
        return f"link {self.link}: output {self.output!r} {self.reason}"


class TransferError(EwoksPpfError, RuntimeError):
    """Raised when a value cannot travel between processes.

    :param node: label of the node.
    :param variable: ``input 'x'`` or ``output 'x'``.
    :param reason: what pickle said.
    """

    def __init__(self, node: str, variable: str, reason: str) -> None:
        super().__init__(node, variable, reason)
        self.node = node
        self.variable = variable
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.variable} of node {self.node!r} cannot travel between processes: "
            f"{self.reason}. Use a picklable value, or a pool whose tasks run in this process."
        )


class WorkerLostError(EwoksPpfError, RuntimeError):
    """Raised for the task of a worker that died while running it.

    :param node: label of the node, None when the lost task was not an activation.
    :param pid: process id of the worker, None when unknown.
    :param exitcode: exit code of the worker; minus the signal number when a signal killed it;
        None when unknown.
    """

    def __init__(
        self, node: str | None = None, pid: int | None = None, exitcode: int | None = None
    ) -> None:
        super().__init__(node, pid, exitcode)
        self.node = node
        self.pid = pid
        self.exitcode = exitcode

    def __str__(self) -> str:
        who = f"worker {self.pid}" if self.pid is not None else "a worker"
        what = f" while it ran node {self.node!r}" if self.node is not None else ""
        how = _describe(self.exitcode)
        if what and self.exitcode is not None and self.exitcode >= 0:
            how += " (did the task or a library end its process, as os._exit does?)"
        return f"{who} died{what}: {how}"


class PoolFailedError(EwoksPpfError, RuntimeError):
    """Raised for a task that the executor of a pool did not run, or lost the outcome of.

    Its ``__cause__`` is what the executor raised.

    :param node: label of the node.
    :param reason: what the executor said.
    """

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(node, reason)
        self.node = node
        self.reason = reason

    def __str__(self) -> str:
        return f"the pool failed to run node {self.node!r}: {self.reason}"


class WorkerStartError(EwoksPpfError, RuntimeError):
    """Raised when a worker process ends before it is ready to run tasks.

    :param exitcode: exit code of the process.
    :param context: start method of the process.
    """

    def __init__(self, exitcode: int | None, context: str | None) -> None:
        super().__init__(exitcode, context)
        self.exitcode = exitcode
        self.context = context

    def __str__(self) -> str:
        message = f"a worker process ended while it was starting up ({_describe(self.exitcode)})."
        if self.context != "fork":
            message += (
                f" With context={self.context!r} the main script is imported by every worker: put "
                'what it does under `if __name__ == "__main__":`.'
            )
        return f"{message} The output of the worker says more."


class RemoteTaskError(EwoksPpfError, RuntimeError):
    """Stands in for an exception of a task that cannot be pickled or not be rebuilt.

    :param type_name: qualified name of the type of the original.
    :param message: message of the original.
    :param traceback: traceback text of the original.
    """

    def __init__(self, type_name: str, message: str, traceback: str) -> None:
        super().__init__(type_name, message, traceback)
        self.type_name = type_name
        self.message = message
        self.traceback = traceback

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}"


class WorkflowTimeoutError(EwoksPpfError, TimeoutError):
    """Raised when a run takes longer than its ``timeout``.

    :param timeout: the limit, in seconds.
    :param nodes: labels of the nodes that were running.
    :param still_running: True when their tasks could not be stopped and go on.
    """

    def __init__(
        self, timeout: float, nodes: Iterable[str] = (), still_running: bool = False
    ) -> None:
        self.timeout = timeout
        self.nodes = tuple(nodes)
        self.still_running = still_running
        super().__init__(timeout, self.nodes, still_running)

    def __str__(self) -> str:
        running = ", ".join(map(repr, self.nodes)) or "none"
        message = f"the workflow did not end within {self.timeout} s; running nodes: {running}"
        if self.still_running:
            message += " (tasks in this pool cannot be stopped: they go on until they end)"
        return message


class TaskTimeoutError(EwoksPpfError, TimeoutError):
    """Raised for a task that takes longer than its ``task_timeout``.

    :param timeout: the limit, in seconds.
    :param node: label of the node.
    :param still_running: True when the task could not be stopped and goes on.
    """

    def __init__(self, timeout: float, node: str, still_running: bool = False) -> None:
        super().__init__(timeout, node, still_running)
        self.timeout = timeout
        self.node = node
        self.still_running = still_running

    def __str__(self) -> str:
        message = f"node {self.node!r} did not end within {self.timeout} s"
        if self.still_running:
            message += " (tasks in this pool cannot be stopped: it goes on until it ends)"
        return message


class WorkflowStoppedError(EwoksPpfError, RuntimeError):
    """Raised when a run is stopped from outside.

    :param reason: who stopped it.
    :param nodes: labels of the nodes that were running.
    """

    def __init__(self, reason: str, nodes: Iterable[str] = ()) -> None:
        self.reason = reason
        self.nodes = tuple(nodes)
        super().__init__(reason, self.nodes)

    def __str__(self) -> str:
        running = ", ".join(map(repr, self.nodes)) or "none"
        return f"the workflow was stopped: {self.reason}; running nodes: {running}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that is closest to a mistyped one.

    :returns: `` (did you mean 'x'?)`` or an empty string, followed by a full stop.
    """
    matches = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {matches[0]!r}?)." if matches else "."


def _describe(exitcode: int | None) -> str:
    if exitcode is None:
        return "its exit code is not known"
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    hint = {
        "SIGKILL": "killed from outside or by the kernel for lack of memory: see `dmesg`",
        "SIGSEGV": "a compiled library crashed: run the task with `python -X faulthandler`",
        "SIGABRT": "a compiled library called abort: see the output of the worker",
        "SIGBUS": "a compiled library crashed, or /dev/shm is full",
        "SIGTERM": "terminated from outside",
    }.get(name, "see the output of the worker")
    return f"{name} ({hint})"
