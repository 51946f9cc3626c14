"""The systems that are measured: each file here adapts one, and names what it offers in `PEERS`.

Each trains a network. A Peer, as nearly all of them are, also says how a function f(x, m) of a list of numbers is
differentiated. One that records on a tape is a TapePeer: how inputs are made, the sweep run and gradients read back.
Any other says how it prepares a function for being run; a Compiler does so on arrays of many points as well.
"""

import importlib
import importlib.metadata
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Gradient = Callable[[list[float]], tuple[float, list[float]]]
Step = Callable[[object], float]  # of anything
OnPoints = Callable[[], tuple[Any, Any]]  # values and gradients, an array each

ORDER = ("floats", "scalargrad", "program", "xad")  # the files that come first; the others follow by name


class System(ABC):
    """A system that runs the training step."""

    name: str  # in tables, and after --peers
    package: str | None = None  # the distribution whose version is noted
    least_cost = 0.0  # of preparing a function, in seconds per operation, as far as one knows before

    @abstractmethod
    def training(self, loss: Callable[[list[Any], Any], Any], weights: list[float], rate: float) -> tuple[Step, Any]:
        """A step of gradient descent, which returns the loss it began with; and what tells the weights."""


class Peer(System):
    """A system that differentiates functions of numbers: it runs the problems too."""

    m: Any  # its mathematics, for the problems
    once = False  # whether it records or compiles a function once, for being run often

    @abstractmethod
    def prepare(self, f: Callable[[list[Any], Any], Any], x: list[float]) -> Gradient:
        """What gives value and gradient, as plain numbers, at points like x."""

    def training(self, loss: Callable[[list[Any], Any], Any], weights: list[float], rate: float) -> tuple[Step, Any]:
        weights, run = list(weights), self.prepare(loss, weights)

        def step(_: object) -> float:
            value, gradient = run(weights)
            weights[:] = [w - rate * g for w, g in zip(weights, gradient)]
            return value

        return step, lambda: weights


class TapePeer(Peer):
    """A system that records as the function runs: each run is new, and may take other branches."""

    @abstractmethod
    def inputs(self, x: list[float]) -> list[Any]:
        """The numbers as inputs."""

    def sweep(self, y: Any) -> None:
        """Compute the gradient."""
        y.backward()

    def read(self, vs: list[Any]) -> list[float]:
        """The gradient, as plain numbers."""
        return [v.grad for v in vs]

    def value(self, y: Any) -> float:
        """The number that y is."""
        return y.data

    def prepare(self, f: Callable[[list[Any], Any], Any], x: list[float]) -> Gradient:
        inputs, m, sweep, value, read = self.inputs, self.m, self.sweep, self.value, self.read

        def run(x: list[float]) -> tuple[float, list[float]]:
            vs = inputs(x)
            y = f(vs, m)
            sweep(y)
            return value(y), read(vs)

        return run


class Compiler(Peer):
    """A system that compiles a function once, for being run often."""

    once = True

    @abstractmethod
    def on_points(self, f: Callable[[list[Any], Any], Any], points: Any, threads: int = 1) -> OnPoints:
        """What gives values and gradients, as arrays, at these points, rows of an array that is not to be copied."""


def mathematics(module: Any, **others: Any) -> SimpleNamespace:
    """What the problems call m: functions of a module, others given, and what is left out written out."""
    m = SimpleNamespace(**{name: getattr(module, name) for name in ("exp", "log", "sqrt") if hasattr(module, name)})

    def dot(ws: list[Any], xs: list[Any]) -> Any:
        total = 0.0
        for w, x in zip(ws, xs):
            total = total + w * x
        return total

    def relu(x: Any) -> Any:
        return x if x > 0 else 0.0

    def logsumexp(xs: list[Any]) -> Any:
        total = 0.0
        for x in xs:
            total = total + m.exp(x)
        return m.log(total)

    m.dot, m.relu, m.logsumexp = dot, relu, logsumexp
    for name, function in others.items():
        setattr(m, name, function)
    return m


def load() -> tuple[list[System], dict[str, str]]:
    """All peers that can be had here, and for each file of which there is none the reason."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    found: list[System] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            module = importlib.import_module(f"{__name__}.{name}")
        except ImportError as error:
            missing[name] = f"not installed ({error})"
        else:
            found += module.PEERS
    return found, missing


def version(peer: System) -> str:
    """The version of what a peer measures, or "" for Python itself."""
    return importlib.metadata.version(peer.package) if peer.package else ""
