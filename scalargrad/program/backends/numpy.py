"""The NumPy backend: every row one operation on arrays, over a block of points that stays in the cache.

It runs anywhere that NumPy does. Besides inputs and outputs it needs 8 bytes for each number that is alive at once and
each point of a block, of which there are at least 64 and at most 4,096.
"""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from scalargrad.namespaces import IEEE, NAMES, sigmoid
from scalargrad.program.arrays import Lanes
from scalargrad.program.code import Code, evaluate, is_of_table
from scalargrad.rules import Rule

__all__ = ["ARRAYS", "name", "prepare"]

name = "numpy"

CACHE = 1 << 20  # bytes


def _per_lane(name: str) -> Any:
    """A function that NumPy lacks, as a loop over the points."""
    loop = np.frompyfunc(getattr(IEEE, name), *{"polygamma": (2, 1), "fma": (3, 1)}.get(name, (1, 1)))
    return lambda *xs: np.asarray(loop(*xs), dtype=float)


def _power(x: Any, y: Any) -> Any:
    """NumPy takes the root for one exponent of 0.5, and that is not the power of -0.0 and of -inf."""
    if np.ndim(y) or y != 0.5:
        return np.power(x, y)
    return np.power(np.atleast_1d(x), np.full(np.size(x), 0.5)).reshape(np.shape(x))


#: The mathematics of arrays, for the rules. What Python would raise at is an infinity or nan here.
ARRAYS = SimpleNamespace(**{name: getattr(np, name, None) or _per_lane(name) for name in NAMES if name != "sigmoid"})
ARRAYS.asin, ARRAYS.acos, ARRAYS.atan, ARRAYS.atan2 = np.arcsin, np.arccos, np.arctan, np.arctan2
ARRAYS.asinh, ARRAYS.acosh, ARRAYS.atanh = np.arcsinh, np.arccosh, np.arctanh
ARRAYS.pow, ARRAYS.where = _power, lambda c, x, y: np.where(c if c.dtype == bool else c != 0, x, y)
ARRAYS.sigmoid = lambda x: sigmoid(ARRAYS, x)


def _gate_per_lane(rule: Rule) -> Rule:
    def value(m: Any, *xs: Any) -> Any:
        return np.asarray(np.frompyfunc(partial(rule.value, IEEE), len(xs), 1)(*xs), dtype=float)

    return replace(rule, value=value)


class Runner:
    """A Code, to be run block by block."""

    def __init__(self, code: Code) -> None:
        rows = tuple(row if is_of_table(row.rule) else replace(row, rule=_gate_per_lane(row.rule)) for row in code.rows)
        self._code = replace(code, rows=rows)
        self._block = min(4096, max(64, CACHE // (8 * code.most_alive or 1)))

    def __call__(self, points: np.ndarray, shared: np.ndarray) -> Lanes:
        count = len(points)
        lanes = Lanes(np.empty((count, len(self._code.outputs))), np.zeros(count, bool), np.zeros(count, bool))
        with np.errstate(all="ignore"):
            for start in range(0, count, self._block):
                some = slice(start, start + self._block)
                outputs, lanes.failed[some], lanes.strayed[some] = evaluate(
                    self._code, ARRAYS, list(points[some].T), [*map(np.float64, shared)], np.float64
                )
                for k, output in enumerate(outputs):
                    lanes.outputs[some, k] = output
        return lanes


def prepare(code: Code) -> Runner:
    return Runner(code)
