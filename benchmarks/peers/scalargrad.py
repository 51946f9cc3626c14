"""scalargrad: Values and backward() under both engines, and value_and_grad."""

import importlib
import os
import sys
from types import ModuleType
from typing import Any

import scalargrad
import scalargrad.nn
from benchmarks.peers import Gradient, Peer, Step, TapePeer, mathematics
from benchmarks.problems import MOONS, SIZES
from scalargrad.engine import ENGINE


def under(engine: str) -> tuple[ModuleType, ModuleType]:
    """scalargrad and scalargrad.nn as they run under this engine; if need be imported once more, beside the other one."""
    if engine == ENGINE:
        return scalargrad, scalargrad.nn
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "scalargrad"}
    before = os.environ.get("SCALARGRAD_ENGINE")
    for name in ours:
        del sys.modules[name]
    os.environ["SCALARGRAD_ENGINE"] = engine
    try:
        return importlib.import_module("scalargrad"), importlib.import_module("scalargrad.nn")
    finally:
        del os.environ["SCALARGRAD_ENGINE"]
        if before is not None:
            os.environ["SCALARGRAD_ENGINE"] = before
        for name in [name for name in sys.modules if name.partition(".")[0] == "scalargrad"]:
            del sys.modules[name]
        sys.modules.update(ours)


class Scalargrad(TapePeer):
    package = "scalargrad-tape"

    def __init__(self, name: str, engine: str) -> None:
        self.name = name
        self.package_itself, self.nn = under(engine)
        self.m = mathematics(self.package_itself, **{n: getattr(self.package_itself, n) for n in FUSED})
        self.Value = self.package_itself.Value

    def inputs(self, x: list[float]) -> list[Any]:
        Value = self.Value
        return [Value(a) for a in x]

    def rows(self, f: Any, x: list[float], m: Any) -> int:
        """How many operations f takes at x: the rows that it records besides its inputs."""
        with self.package_itself.Tape() as tape:
            y = f(self.inputs(x), m)
        assert y is not None
        return len(tape) - len(x)

    def training(self, loss: Any, weights: list[float], rate: float) -> tuple[Step, Any]:
        model = self.nn.MLP(SIZES[0], SIZES[1:])
        parameters, hinge = model.parameters(), self.nn.hinge
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data = weight
        optimizer = self.nn.SGD(parameters, lr=rate)
        points, sides = [point for point, _ in MOONS], [side for _, side in MOONS]

        def step(_: object) -> float:
            loss = hinge([model(point) for point in points], sides)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.data

        return step, lambda: [p.data for p in parameters]


class ValueAndGrad(Peer):
    """The same, where one call makes all inputs and reads all gradients."""

    package = "scalargrad-tape"

    def __init__(self, name: str, of: Scalargrad) -> None:
        self.name, self.of, self.m = name, of, of.m

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        m = self.m
        return self.of.package_itself.value_and_grad(lambda vs: f(vs, m))


FUSED = ("dot", "relu", "logsumexp")  # one row each
READABLE = Scalargrad("scalargrad, readable", "python")
try:
    NATIVE = Scalargrad("scalargrad", "native")
    PEERS = [NATIVE, ValueAndGrad("scalargrad, grad(f)", NATIVE), READABLE]
except ImportError:
    PEERS = [READABLE]
