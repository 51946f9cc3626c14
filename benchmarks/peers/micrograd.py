"""micrograd: a hundred lines that record closures. It has + - * / ** and relu."""

import random
import sys
from typing import Any

from micrograd.engine import Value
from micrograd.nn import MLP

from benchmarks.peers import Step, TapePeer, mathematics
from benchmarks.problems import MOONS, SIZES

sys.setrecursionlimit(10**6)  # it walks the graph recursively


class Micrograd(TapePeer):
    name = package = "micrograd"
    m = mathematics(None, relu=Value.relu)

    def inputs(self, x: list[float]) -> list[Any]:
        return [Value(a) for a in x]

    def training(self, loss: Any, weights: list[float], rate: float) -> tuple[Step, Any]:
        state = random.getstate()
        model = MLP(SIZES[0], list(SIZES[1:]))
        random.setstate(state)
        parameters = model.parameters()
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data = weight

        def step(_: object) -> float:
            scores = [model(point) for point, _ in MOONS]
            loss = sum((1 + -side * score).relu() for score, (_, side) in zip(scores, MOONS)) * (1.0 / len(MOONS))
            model.zero_grad()
            loss.backward()
            for p in parameters:
                p.data -= rate * p.grad
            return loss.data

        return step, lambda: [p.data for p in parameters]


PEERS = [Micrograd()]
