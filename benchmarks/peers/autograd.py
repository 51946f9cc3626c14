"""autograd: records NumPy operations, here on scalars. It is given an array, for which taking a number out is cheapest."""

from typing import Any

import autograd
import autograd.numpy
import autograd.scipy.special
import numpy

from benchmarks.peers import Gradient, Peer, mathematics


class Autograd(Peer):
    name = package = "autograd"
    m = mathematics(
        autograd.numpy,
        logsumexp=lambda xs: autograd.scipy.special.logsumexp(autograd.numpy.array(xs)),
    )

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        m = self.m
        of_array = autograd.value_and_grad(lambda array: f(list(array), m))

        def run(x: list[float]) -> tuple[float, list[float]]:
            value, gradient = of_array(numpy.array(x))
            return float(value), gradient.tolist()

        return run


PEERS = [Autograd()]
