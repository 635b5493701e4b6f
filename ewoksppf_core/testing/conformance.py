"""All tests of the kit in one class."""

from .calls import CallTests
from .crashes import CrashTests
from .ending import EndingTests
from .facts import FactTests
from .workers import WorkerTests


class PoolBackendConformance(FactTests, CallTests, WorkerTests, CrashTests, EndingTests):
    """Subclass this in the tests of a backend, and name its pool type.

    What is tested follows from the facts that the backend declares. Workers must see the files
    that pytest makes for a test.
    """
