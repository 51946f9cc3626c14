"""Plain Python floats: the function alone, without a gradient. What the others are compared with."""

import math
from typing import Any

from benchmarks.peers import Gradient, Peer, Step, mathematics


class Floats(Peer):
    name = "plain floats"
    m = mathematics(math)

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        m = self.m
        return lambda x: f(x, m)

    def training(self, loss: Any, weights: list[float], rate: float) -> tuple[Step, Any]:
        m = self.m
        return lambda _: loss(weights, m), None  # nothing but forward and loss


PEERS = [Floats()]
