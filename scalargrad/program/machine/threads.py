"""The threads that run machine code, which does without the interpreter."""

import os
from concurrent.futures import ThreadPoolExecutor

from scalargrad.errors import ProgramError

__all__ = ["pool", "threads"]


def threads() -> int:
    """How many run at a time: as many as there are processors for us, or as `SCALARGRAD_THREADS` says."""
    asked = os.environ.get("SCALARGRAD_THREADS", "")
    if asked and not (asked.isdecimal() and int(asked)):
        raise ProgramError(f"SCALARGRAD_THREADS is a number of threads from 1 on, not {asked!r}")
    if asked:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_pools: dict[int, ThreadPoolExecutor] = {}


def pool() -> ThreadPoolExecutor:
    """The threads that run parts, shared by all; they are of this process, not of the one it was forked from."""
    count = threads()
    if count not in _pools:
        _pools.clear()
        _pools[count] = ThreadPoolExecutor(count, thread_name_prefix="scalargrad")
    return _pools[count]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)
