"""JAX: a function is traced and compiled once (jit), and run often."""

from typing import Any

import jax
import jax.numpy
import numpy

from benchmarks.peers import Gradient, Peer, mathematics

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


class Jax(Peer):
    name, package, once, least_cost = "jax.jit, run again", "jax", True, 3e-3
    m = mathematics(
        jax.numpy,
        relu=jax.nn.relu,
        logsumexp=lambda xs: jax.nn.logsumexp(jax.numpy.stack(xs)),
    )

    def prepare(self, f: Any, x: list[float]) -> Gradient:
        m = self.m

        @jax.jit
        def of_array(array: Any) -> Any:
            numbers = [array[i] for i in range(len(x))]  # taken apart outside of what is differentiated
            value, gradient = jax.value_and_grad(lambda xs: f(xs, m))(numbers)
            return value, jax.numpy.stack(gradient)

        def run(x: list[float]) -> tuple[float, list[float]]:
            value, gradient = of_array(numpy.array(x))
            return float(value), numpy.asarray(gradient).tolist()

        run(x)  # compiles
        return run


PEERS = [Jax()]
