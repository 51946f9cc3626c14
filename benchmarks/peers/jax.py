"""JAX: a function is traced and compiled once (jit), and run often."""

from typing import Any

import jax
import jax.numpy
import numpy

from benchmarks.peers import Compiler, Gradient, OnPoints, mathematics

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


class Jax(Compiler):
    name, package, least_cost = "jax.jit, run again", "jax", 3e-3
    m = mathematics(
        jax.numpy,
        relu=jax.nn.relu,
        logsumexp=lambda xs: jax.nn.logsumexp(jax.numpy.stack(xs)),
    )

    def of_array(self, f: Any, n: int) -> Any:
        """Value and gradient of a function of the n numbers of an array."""
        m = self.m

        def of_array(array: Any) -> Any:
            numbers = [array[i] for i in range(n)]  # taken apart outside of what is differentiated
            value, gradient = jax.value_and_grad(lambda xs: f(xs, m))(numbers)
            return value, jax.numpy.stack(gradient)

        return of_array

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        of_array = jax.jit(self.of_array(f, len(x)))

        def run(x: list[float]) -> tuple[float, list[float]]:
            value, gradient = of_array(numpy.array(x))
            return float(value), numpy.asarray(gradient).tolist()

        run(x)  # compiles
        return run

    def on_points(self, f: Any, points: numpy.ndarray, threads: int = 1) -> OnPoints:
        of_array, alone = self.of_array(f, points.shape[1]), len(points) == 1
        compiled = jax.jit(of_array if alone else jax.vmap(of_array))
        there = jax.numpy.asarray(points[0] if alone else points)  # nothing is copied in a run

        def run() -> Any:
            return jax.block_until_ready(compiled(there))

        run()  # compiles
        return run


PEERS = [Jax()]
