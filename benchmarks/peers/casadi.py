"""CasADi: a symbolic expression (SX) is built once, differentiated, and run often, here through buffers."""

from typing import Any

import casadi
import numpy

from benchmarks.peers import Gradient, Peer, mathematics


class Casadi(Peer):
    name, package, once = "casadi, run again", "casadi", True
    m = mathematics(
        casadi,
        relu=lambda x: casadi.fmax(x, 0.0),
        logsumexp=lambda xs: casadi.logsumexp(casadi.vertcat(*xs)),
    )

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        symbols = casadi.SX.sym("x", len(x))
        y = f(casadi.vertsplit(symbols), self.m)
        function = casadi.Function("f", [symbols], [y, casadi.densify(casadi.gradient(y, symbols))])
        buffer, run_it = function.buffer()
        point, value, gradient = numpy.zeros(len(x)), numpy.zeros(1), numpy.zeros(len(x))
        buffer.set_arg(0, memoryview(point))
        buffer.set_res(0, memoryview(value))
        buffer.set_res(1, memoryview(gradient))

        def run(x: list[float]) -> tuple[float, list[float]]:
            point[:] = x
            run_it()
            return float(value[0]), gradient.tolist()

        run.keeps = buffer, function
        return run


PEERS = [Casadi()]
