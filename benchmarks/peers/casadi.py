"""CasADi: a symbolic expression (SX) is built once, differentiated, and run often, here through buffers."""

from typing import Any

import casadi
import numpy

from benchmarks.peers import Compiler, Gradient, OnPoints, mathematics


class Casadi(Compiler):
    name, package = "casadi, run again", "casadi"
    m = mathematics(
        casadi,
        relu=lambda x: casadi.fmax(x, 0.0),
        logsumexp=lambda xs: casadi.logsumexp(casadi.vertcat(*xs)),
    )

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        point = numpy.array([x])
        run_it = self.on_points(f, point)

        def run(x: list[float]) -> tuple[float, list[float]]:
            point[0] = x
            values, gradients = run_it()
            return float(values[0]), gradients[0].tolist()

        return run

    def on_points(self, f: Any, points: numpy.ndarray, threads: int = 1) -> OnPoints:
        count, n = points.shape
        symbols = casadi.SX.sym("x", n)
        y = f(casadi.vertsplit(symbols), self.m)
        function = casadi.Function("f", [symbols], [y, casadi.densify(casadi.gradient(y, symbols))])
        if count > 1:  # a point is a column there, and matrices are stored by columns
            function = function.map(count) if threads == 1 else function.map(count, "thread", threads)
        buffer, run_it = function.buffer()
        values, gradients = numpy.zeros(count), numpy.zeros((count, n))
        buffer.set_arg(0, memoryview(points.reshape(-1)))
        buffer.set_res(0, memoryview(values))
        buffer.set_res(1, memoryview(gradients.reshape(-1)))

        def run() -> tuple[numpy.ndarray, numpy.ndarray]:
            run_it()
            return values, gradients

        run.keeps = buffer, function, points
        return run


PEERS = [Casadi()]
