"""Map a file copy-on-write without keeping a file descriptor.

``mmap.mmap`` duplicates the descriptor that it is given (only Python 3.13 can be told not to, with
``trackfd=False``), so that each value of a task would cost one as long as it lives. Many systems
allow a process 1024 of them.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import pickle
import weakref
from typing import Any


def map_privately(path: str) -> memoryview:
    """Map a whole file, which must not be empty; writes are not seen by anybody else.

    :returns: writable bytes; the memory is unmapped when nothing refers to them any more.
    :raises OSError: the file cannot be opened or mapped.
    """
    libc = _libc()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        access = mmap.PROT_READ | mmap.PROT_WRITE
        address = libc.mmap(None, size, access, mmap.MAP_PRIVATE, descriptor, 0)
    finally:
        os.close(descriptor)
    if address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    memory = (ctypes.c_ubyte * size).from_address(address)
    # At exit somebody may still read it, and the kernel unmaps everything.
    weakref.finalize(memory, libc.munmap, address, size).atexit = False
    return pickle.PickleBuffer(memory).raw()


@functools.cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,  # off_t; only 0 is passed
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc
