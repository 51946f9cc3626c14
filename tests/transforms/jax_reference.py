"""What JAX finds for the functions in cases.py, written to jax_reference.json. Run it when cases.py has changed:

    pip install jax
    python -m tests.transforms.jax_reference

The numbers are kept with the tests, because JAX weighs 600 MB and takes seconds to start. Not a test itself.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from tests.transforms.cases import FUNCTIONS, OPERATIONS, Function, Operation

SAME_NAME = (
    *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "hypot", "maximum", "minimum", "where"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh"),
)
JAX = SimpleNamespace(
    **{name: getattr(jnp, name) for name in SAME_NAME},
    **{name: getattr(jnp, name.replace("a", "arc", 1)) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    **{name: getattr(jax.nn, name) for name in ("relu", "leaky_relu", "sigmoid", "softplus")},
    **{name: getattr(jax.scipy.special, name) for name in ("erf", "erfc", "polygamma")},
    atan2=jnp.arctan2,
    lgamma=jax.scipy.special.gammaln,
    gelu=lambda x: jax.nn.gelu(x, approximate=False),
    fma=lambda x, y, z: x * y + z,
    sum=lambda xs: jnp.sum(jnp.stack(xs)),
    prod=lambda xs: jnp.prod(jnp.stack(xs)),
    dot=lambda ws, xs: jnp.dot(jnp.stack(ws), jnp.stack(xs)),
    logsumexp=lambda xs: jax.scipy.special.logsumexp(jnp.stack(xs)),
    np=jnp,
)


def of_operation(operation: Operation) -> dict[str, Any]:
    def f(v: Any) -> Any:
        return operation.function(JAX, v)

    orders = [f, jax.grad(f), jax.jacfwd(jax.grad(f)), jax.jacfwd(jax.jacfwd(jax.grad(f)))]
    places = [("points", operation.points), ("edges", operation.edges)]
    return {kind: [{"at": p, "derivatives": [plain(g(p)) for g in orders]} for p in ps] for kind, ps in places}


def of_function(case: Function) -> dict[str, Any]:
    def f(p: Any) -> Any:
        return case.function(JAX, p)

    def along(f: Any) -> Any:
        return jax.jvp(f, (case.argument,), (case.vector,))[1]

    found = {"value": f(case.argument), "jvp": along(f), "jacobian": jax.jacrev(f)(case.argument)}
    found["second"] = jax.jacfwd(jax.jacrev(f))(case.argument)
    if case.seeds is None:
        found["hvp"], found["vjp"] = along(jax.grad(f)), jax.vjp(f, case.argument)[1](2.0)[0]
        found["third"] = jax.jacfwd(jax.jacfwd(jax.jacrev(f)))(case.argument)
    else:
        found["vjp"] = jax.vjp(f, case.argument)[1](jax.tree.map(jnp.asarray, case.seeds))[0]
    return plain(found)


def plain(tree: Any) -> Any:
    """A tree of arrays as lists, dictionaries and numbers."""
    if isinstance(tree, dict):
        return {key: plain(part) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [plain(part) for part in tree]
    return jnp.asarray(tree, dtype=float).tolist()


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    operations = {name: of_operation(operation) for name, operation in OPERATIONS.items()}
    functions = {name: of_function(case) for name, case in FUNCTIONS.items()}
    parts = [("operations", operations), ("functions", functions)]
    texts = [f'"{part}": {{\n{lines(found)}\n}}' for part, found in parts]
    text = ",\n".join([f'"jax": {json.dumps(jax.__version__)}', *texts])
    Path(__file__).with_suffix(".json").write_text(f"{{\n{text}\n}}\n")


def lines(found: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in found.items())


if __name__ == "__main__":
    main()
