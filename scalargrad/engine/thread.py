"""What each thread has of its own: the tapes it has entered, and the modes `no_grad`, `scope` and `debug`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["State", "debug", "here", "no_grad", "scope"]


class State:
    """The state of one thread. A tape keeps its owner's, and so can tell whether it is in the right thread."""

    __slots__ = ("data_read", "debug", "recording", "scope", "tapes")

    def __init__(self) -> None:
        self.tapes: list[Any] = []  # the innermost last
        self.recording = True
        self.scope: tuple[str, ...] = ()
        self.debug = False
        self.data_read = False  # whether anybody has read the bare number of a Value


class _Here(threading.local):
    def __init__(self) -> None:
        self.state = State()


#: `here.state` is the state of the thread that asks.
here = _Here()


@contextmanager
def no_grad() -> Iterator[None]:
    """Within it, or in a function decorated with `@no_grad()`, this thread computes without recording.

    >>> from scalargrad import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x  # a new input, that knows nothing of x
    >>> y.operands
    ()
    """
    yield from _mode("recording", False)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Rows recorded within it carry this name, behind the names of the scopes around it.

    >>> from scalargrad import Value
    >>> with scope("mlp"), scope("layer"):
    ...     x = Value(3.0)
    >>> x.scope
    ('mlp', 'layer')
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a scope is a str, not {name!r}")
    yield from _mode("scope", (*here.state.scope, name))


@contextmanager
def debug() -> Iterator[None]:
    """Rows recorded within it remember the source line that recorded them, as `v.line`; recording is slower."""
    yield from _mode("debug", True)


def _mode(name: str, setting: Any) -> Iterator[None]:
    state = here.state
    before = getattr(state, name)
    setattr(state, name, setting)
    try:
        yield
    finally:
        setattr(state, name, before)
