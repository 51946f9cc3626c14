"""What each thread has of its own: the tapes it has entered, and the modes `no_grad`, `scope` and `debug`."""

import inspect
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, TypeVar

__all__ = ["Name", "Path", "State", "debug", "here", "no_grad", "quietly", "scope"]


_F = TypeVar("_F", bound=Callable[..., Any])

Path = tuple[str, ...]  # the names of a scope, the outermost first

#: One tuple for each path, however often it is entered; for good, since the native engine does not count references.
_PATHS: dict[Path, Path] = {}


class Name:
    """The name of a scope that can be entered often, and in little time: see State.enter."""

    __slots__ = ("latest", "name")
    kind = "scope"

    def __init__(self, name: str) -> None:
        self.name = name
        self.latest: tuple[Path | None, Path] = None, ()  # what `within` was given, and gave

    def within(self, scope: Path) -> Path:
        """The scope of this name in another."""
        around, path = self.latest
        if around is not scope:
            path = (*scope, self.name)
            path = _PATHS.setdefault(path, path)
            self.latest = scope, path
        return path


class State:
    """The state of one thread. A tape keeps its owner's, and so can tell whether it is in the right thread."""

    __slots__ = ("data_read", "debug", "entered", "plain", "quiet", "recorder", "recording", "scope", "tapes")

    def __init__(self) -> None:
        self.tapes: list[Any] = []  # the innermost last
        self.entered: list[_Mode | Name] = []  # the modes that it is in, from which the next four follow
        self.recording = True
        self.debug = False
        self.scope: Path = ()
        self.plain: Path | None = ()  # the scope, where it records and none of debug, recorder, quiet is on; else None
        self.data_read = False  # whether anybody has read the bare number of a Value
        self.recorder: Any = None  # while a Program is recorded, who is told of every row: see program/recording.py
        self.quiet = False  # whether an operation gives IEEE 754's infinity or nan where it would raise

    def settle(self) -> None:
        modes = list(self.entered)
        kinds = [mode.kind for mode in modes]
        path = tuple([mode.name for mode in modes if mode.kind == "scope"])
        self.recording, self.debug = "no_grad" not in kinds, "debug" in kinds
        self.scope = path = _PATHS.setdefault(path, path)
        plain = self.recording and not self.debug and self.recorder is None and not self.quiet
        self.plain = path if plain else None

    def be_in(self, scope: Path) -> None:
        """Change the scope, and no more."""
        self.scope = scope
        if self.plain is not None:
            self.plain = scope

    def told(self, recorder: Any, quiet: bool = False) -> None:
        """From now on, tell this recorder of every row, or nobody if None."""
        self.recorder, self.quiet = recorder, quiet
        self.settle()

    def enter(self, name: Name) -> None:
        """Enter a scope, as `with scope(name)` does in several times the time; `leave` has to follow."""
        try:
            self.entered.append(name)
            self.scope = path = name.within(self.scope)
            if self.plain is not None:
                self.plain = path
        except BaseException:  # an interrupt, or no memory: what `leave` will find fits together
            self.settle()
            raise

    def leave(self, name: Name) -> None:
        """Leave the scope of this name, if it was entered."""
        entered, last = self.entered, len(self.entered) - 1
        if last >= 0 and entered[last] is name:
            try:
                entered.pop()
                around, path = name.latest
                if around is None or path is not self.scope:  # it was entered elsewhere meanwhile
                    around = self.scope[:-1]
                    around = _PATHS.setdefault(around, around)
                self.scope = around
                if self.plain is not None:
                    self.plain = around
            except BaseException:  # as in _Mode.__exit__
                del entered[last:]
                self.settle()
                raise
        elif name in entered:  # a mode within has not been left yet: a generator's
            del entered[last - entered[::-1].index(name)]
            self.settle()


class _Here(threading.local):
    def __init__(self) -> None:
        self.state = State()


#: `here.state` is the state of the thread that asks.
here = _Here()


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function; where an operation would raise, it gives what IEEE 754 says."""
    state = here.state
    recorder, quiet = state.recorder, state.quiet
    state.told(recorder, quiet=True)
    try:
        return function(*args, **kwargs)
    finally:
        state.told(recorder, quiet)


class _Mode(ContextDecorator):
    """One stay in a mode. Each removes itself, so generators may leave theirs in any order."""

    def __init__(self, kind: str, name: str = "") -> None:
        self.kind, self.name = kind, name
        self._state: State | None = None  # of the thread that entered it, until it is left

    def _recreate_cm(self) -> "_Mode":
        return _Mode(self.kind, self.name)  # a decorated function may call itself, or run in two threads

    def __call__(self, function: _F) -> _F:
        for check in (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction):
            if check(function):
                raise TypeError(
                    f"{self.kind} as a decorator would be left before {function.__name__} begins: use `with`"
                )
        return super().__call__(function)

    def __enter__(self) -> None:
        if self._state is not None:
            raise RuntimeError(f"this {self.kind} was entered before and not left: make another one for each `with`")
        try:
            self._state = here.state
            self._state.entered.append(self)
            self._state.settle()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        except BaseException:  # an interrupt, or no memory: once more, for the mode must not stay on
            self._leave()  # (one that Python lets in before the first line of __exit__ is out of reach)
            raise

    def _leave(self) -> None:
        """May be broken off anywhere, and begun again."""
        if self._state is not None:
            if self in self._state.entered:
                self._state.entered.remove(self)
            self._state.settle()
            self._state = None


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Within it, or in a function decorated with it, this thread computes without recording: results are inputs.

    It is the thread's mode, so nothing else that runs in the thread (another task, while one awaits) records either.

    >>> from scalargrad import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x  # a new input, that knows nothing of x
    >>> y.operands
    ()
    """
    return _Mode("no_grad") if function is None else _Mode("no_grad")(function)


def scope(name: str) -> _Mode:
    """Rows recorded within it carry this name, behind the names of the scopes around it.

    >>> from scalargrad import Value
    >>> with scope("mlp"), scope("layer"):
    ...     x = Value(3.0)
    >>> x.scope
    ('mlp', 'layer')
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a scope is a str, not {name!r}")
    return _Mode("scope", name)


def debug() -> _Mode:
    """Rows recorded within it remember the source line that recorded them, as `v.line`; recording is slower."""
    return _Mode("debug")
