"""scalargrad's Programs: a function is recorded and compiled once, and run often; and the training step by `fit`."""

from typing import Any

import numpy

import scalargrad
from benchmarks.peers import Compiler, Gradient, OnPoints, Step, System, mathematics
from benchmarks.problems import MOONS, SIZES
from scalargrad import nn
from scalargrad.nn.training import ByPrograms
from scalargrad.program import record

WARM = 100  # steps, after which it is machine code that runs


class Program(Compiler):
    name, package, least_cost = "scalargrad, Program", "scalargrad-tape", 1e-4
    m = mathematics(scalargrad, dot=scalargrad.dot, relu=scalargrad.relu, logsumexp=scalargrad.logsumexp)

    def of(self, f: Any, x: list[float]) -> Any:
        """The Program of value and gradient."""
        m = self.m
        return record(lambda xs: f(xs, m), x, backend="llvm").value_and_grad

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        run = self.of(f, x)
        run(x)  # compiles
        return run

    def on_points(self, f: Any, points: numpy.ndarray, threads: int = 1) -> OnPoints:
        program = self.of(f, points[0].tolist())

        def run() -> tuple[numpy.ndarray, numpy.ndarray]:
            outputs = program.run(points).outputs
            return outputs[:, 0], outputs[:, 1:]

        return run


class Fit(System):
    """The training step as `nn.fit(..., compile=True)` takes it."""

    name, package = "scalargrad, fit", "scalargrad-tape"

    def training(self, loss: Any, weights: list[float], rate: float) -> tuple[Step, Any]:
        model = nn.MLP(SIZES[0], SIZES[1:])
        parameters = model.parameters()
        points, sides = [point for point, _ in MOONS], [side for _, side in MOONS]
        steps = ByPrograms(model, points, sides, nn.hinge, nn.SGD(parameters, lr=rate))
        for _ in range(WARM):
            steps.step()
        steps.write()
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data = weight
        steps.read()

        def read() -> list[float]:
            steps.write()
            return [p.data for p in parameters]

        return lambda _: steps.step(), read


PEERS = [Program(), Fit()]
