"""What the derivatives of a function are held to: the function itself, run on 50-digit numbers, or differenced."""

import math
from collections.abc import Sequence
from typing import Any

from scalargrad.engine.messages import shorten
from scalargrad.testing.differences import Slope, exact_slope, extrapolated_slope, finest
from scalargrad.testing.exact import Exact, available, comparisons, number
from scalargrad.testing.recording import Problem, Recording, bare, relative

__all__ = ["Reference"]


class Reference:
    """The function of a recording, if it runs on 50-digit numbers (`reason` tells why it does not)."""

    def __init__(self, problem: Problem, recording: Recording) -> None:
        self.problem, self.reason = problem, ""
        self.equal: list[str] = []  # comparisons of two equal numbers
        self.close: list[str] = []  # comparisons that rounding may turn
        # All inputs move along it at once, when derivatives are differentiated.
        sizes = [min(abs(x), 1.0) or 1.0 for x in problem.numbers]
        self.direction = [size * (1 + i * 0.375 % 1) for i, size in enumerate(sizes)]
        if not available():
            self.reason = "mpmath is not installed"
            return
        try:
            with comparisons() as log:
                self._here = self._run([number(x) for x in problem.numbers])
        except Exception as error:  # whatever a user's code raises on numbers that it was not written for
            what = shorten(" ".join(f"{type(error).__name__}: {error}".split()))
            self.reason = f"the function does not run on 50-digit numbers, {what}"
            return
        largest = max(abs(row.data) for row in recording.rows)
        for x, y, line in log:
            if x == y:
                self.equal.append(f"two equal numbers, {float(x)!r}, are compared at {relative(line)}")
            elif abs(x - y) <= 1e-14 * largest:
                self.close.append(f"the comparison at {relative(line)}")

    def _run(self, numbers: Sequence[Any]) -> Any:
        out = number(self.problem([Exact(x) for x in numbers]))
        if out is None:
            raise TypeError("it returned something else than a number")
        return out

    def first(self, i: int) -> Slope:
        """The derivative by input i."""
        xs = self.problem.numbers
        if self.reason:
            return extrapolated_slope(lambda t: bare(self.problem.record([*xs[:i], t, *xs[i + 1 :]]).result), xs[i])
        exact = [number(x) for x in xs]
        return exact_slope(lambda t: self._run([*exact[:i], t, *exact[i + 1 :]]), exact[i], self._here)

    def second(self, i: int, kinked: bool) -> Slope:
        """The derivative by input i of the derivative along the direction; at a kink, from the least to the largest."""
        xs = self.problem.numbers
        if self.reason:
            return extrapolated_slope(lambda t: self._along(self.problem.record([*xs[:i], t, *xs[i + 1 :]])), xs[i])
        exact = [number(x) for x in xs]
        small = finest(exact[i]) ** 0.5  # of two differences in one another, either loses digits
        unit = small * (min(abs(xs[i]), 1.0) or 1.0)

        def along(shift: Any, *steps: float) -> Any:
            here = [x + shift * (i == k) for k, x in enumerate(exact)]
            left, right = ([x + small * step * d for x, d in zip(here, self.direction)] for step in steps)
            return (self._run(right) - self._run(left)) / (small * (steps[1] - steps[0]))

        def central(outer: Any, inner: float) -> Any:
            return (along(outer, -inner, inner) - along(-outer, -inner, inner)) / (2 * outer)

        if not kinked:
            coarse, fine = central(unit * 1e-20, 1e-35), central(unit * 1e-25, 1e-45)
            return Slope(fine, fine, 2 * float(abs(fine - coarse)))
        found = []
        for side in (unit * 1e-20, unit * -1e-20):
            for steps in ((0.0, 1e-40), (-1e-40, 0.0)):
                try:
                    found.append((along(2 * side, *steps) - along(side, *steps)) / side)
                except (ValueError, ArithmeticError):
                    continue  # outside of the domain
        return Slope(min(found), max(found)) if found else Slope(math.nan, math.nan)

    def _along(self, recording: Recording) -> float:
        adjoints = recording.adjoints()
        return math.fsum(adjoints[x] * d for x, d in zip(recording.inputs, self.direction, strict=True))
