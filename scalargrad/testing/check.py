"""Gradient checks without a tolerance to tune.

A gradient can go wrong in three places, and each is looked at by itself. *A row*: its local derivatives are held to
differences of its own operation, at its own operands, in units in the last place. *The sweep*: the adjoints are added
up again from the stored local derivatives, with a running bound for the rounding. *The recording*: the tape may not be
all of the function, so the function itself is run on 50-digit numbers, and differenced.

What remains between the tape and the function is the rounding of its rows, large where the code is ill-conditioned.
That is measured, by running the tape too on 50-digit numbers, and granted.
"""

import itertools
import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

import scalargrad
from scalargrad.engine import function
from scalargrad.errors import ScalarGradError
from scalargrad.namespaces import FLOATS
from scalargrad.sweeps import VALUES
from scalargrad.testing.detach import first_detached
from scalargrad.testing.differences import Slope, exact_slope
from scalargrad.testing.exact import available, digits, number
from scalargrad.testing.recording import Problem, Recording, bare, edges
from scalargrad.testing.reference import Reference
from scalargrad.testing.report import GradientCheckError, Report
from scalargrad.testing.rows import (
    exact_slopes,
    exact_value,
    hangs_on_a_zero,
    is_right,
    true_slopes,
)

__all__ = ["check_gradients"]

_TINY = 2.0**-1020
_ULP = 2.0**-52


def check_gradients(f: Callable[..., Any], *inputs: Any, order: int = 2, engine: Any = None) -> Report:
    """Check the derivatives of f, which returns one number, at a point: numbers or nests of them. Returns a report.

    Raises GradientCheckError. Its message begins with the first row that is wrong, by number, operation, label and
    source line, and tells what was expected there. With order=2 the derivatives of the derivatives are checked too.

    f is called many times: on Values, and on 50-digit numbers if it takes them. If it does not (because it hands
    Values from outside to an n-ary operation, say), or mpmath is not installed, extrapolated differences with their
    own error estimate take over; the report says so. At a kink any value between the one-sided slopes is right, and
    the report names it.

    `engine` is what offers Value, if it is not scalargrad itself. The second order takes an engine with gradients().

    >>> print(check_gradients(lambda x, y: scalargrad.sin(x) * y, 2.0, 3.0))
    right to order 2, in 5 rows; held to 50-digit numbers
    >>> print(check_gradients(scalargrad.relu, 0.0))  # doctest: +ELLIPSIS
    right to order 2, in 2 rows; held to 50-digit numbers
    kink: row 1, relu(x), recorded at ...: right is any slope from 0.0 to 1.0 by x, and it has 0.0
    """
    if order not in (1, 2):
        raise ValueError(f"the order is 1 or 2, not {order!r}")
    check = _Check(Problem(f, inputs, engine or scalargrad))
    check.first_order()
    if order == 2:
        check.second_order()
    return check.report


class _Check:
    def __init__(self, problem: Problem) -> None:
        self.problem, self.recording, self.report = problem, problem.record(), Report()
        self.exact = available()
        self.slopes: dict[Any, list[Slope | None]] = {}  # the true ones of the rows checked so far

    def first_order(self) -> None:
        with self._digits(self.recording):
            self.reference = Reference(self.problem, self.recording)
            if self.reference.reason:
                self.report.method = f"extrapolated differences ({self.reference.reason})"
            for text in self.reference.equal:
                self.report.kink(text)
            self.gradient = self._check(self.recording, self.reference.first, self._explain_first)
        self.report.order = 1

    def second_order(self) -> None:
        """The same again for the gradient, which is a function too: for its derivatives along one direction."""
        xs, gradients = self.recording.inputs, getattr(self.problem.engine, "gradients", None)
        if gradients is None or self.recording.is_plain:
            return
        if not all(map(math.isfinite, self.gradient)):
            self.report.note(f"no second order, for the gradient is {self.gradient}")
            return
        try:
            first = gradients(self.recording.result, xs, create_graph=True)
        except (TypeError, ScalarGradError) as error:
            self.report.note(f"no second order, for the gradient cannot be recorded: {error}")
            return
        gradient = Recording(scalargrad.dot(self.reference.direction, first), xs)
        with self._digits(gradient):
            self._check(gradient, partial(self.reference.second, kinked=bool(self.report.kinks)), self._explain_second)
        self.report.order = 2

    def _digits(self, recording: Recording) -> Any:
        """As many digits as differences take, and two for each order more where numbers of very different sizes meet."""
        more = _range(x for row in recording.rows for x in (row.data, *map(bare, row.operands)))
        more += _range(d for row in recording.rows for d in row.local_derivatives)
        more *= 1 if recording is self.recording else 2
        return digits(120 + 2 * more) if self.exact else nullcontext()

    def _check(self, recording: Recording, reference: Callable[..., Slope], explain: Callable[..., str]) -> list[float]:
        """Rows, sweep and derivatives, of the function or of its gradient. Returns the derivatives by the inputs."""
        for row in recording.rows:
            if row.rule is not None and row not in self.slopes:
                self._check_row(recording, row)
        adjoints = recording.adjoints()
        errors = self._check_sweep(recording, adjoints)
        granted = self._rounding(recording, errors)
        for i, x in enumerate(recording.inputs):
            try:
                slope = reference(i)
            except (ValueError, ArithmeticError) as error:
                self.report.note(f"the function cannot be differenced along {x.label}: {error}")
                continue
            rounding, width = granted[x]
            if not slope.has(adjoints[x], rounding) and recording is not self.recording:
                slope = self.reference.second(i, kinked=True)  # it may be a kink of the gradient only
            if not slope.has(adjoints[x], rounding):
                self._judge(recording, x, slope, adjoints[x], rounding, width, explain)
            elif slope.kink and recording is self.recording and not self.report.kinks:
                self.report.kink(f"right is any slope {slope} by {x.label}, and it has {adjoints[x]!r}")
        return [adjoints[x] for x in recording.inputs]

    def _judge(
        self, recording: Recording, x: Any, slope: Slope, found: float, rounding: Any, width: Any, explain: Any
    ) -> None:
        """A derivative that is not the function's own: wrong, unless there is no telling."""
        second = recording is not self.recording
        what = f"the derivative of the {'gradient' if second else 'result'} by {x.label}"
        if slope.has(found, rounding + width) or (second and self.report.kinks):
            self.report.note(f"{what} is {found!r} by what the tape has at the kinks; the function's own is {slope}")
        elif math.isnan(found) or not math.isfinite(rounding):
            self.report.note(f"{what} is {found!r}, which cannot be judged here")
        elif self.reference.close:
            self.report.note(f"{what} cannot be judged, for rounding may turn {self.reference.close[0]}")
        else:
            culprit = explain() or "\n    ".join(["all rows and the sweep are right", *self.report.kinks])
            raise GradientCheckError(
                f"{culprit}\n    but {what}, at {x.label} = {x.data!r}, is wrong"
                f"\n    expected  {slope}, by {self.report.method}\n    found     {found!r}"
            )

    # ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _check_row(self, recording: Recording, row: Any) -> None:
        self.report.rows += 1
        self.slopes[row] = true_slopes(row, self.exact)
        value = row.rule.value(FLOATS, *map(bare, row.operands))
        if value != row.data and value == value:
            raise GradientCheckError(
                f"{recording.describe(row)}, has the wrong value\n    expected  {value!r}\n    found     {row.data!r}"
            )
        for i, slope in enumerate(self.slopes[row]):
            if slope is None:
                continue
            found, by = row.local_derivatives[i], recording.name(row.operands[i])
            if slope.kink and math.isfinite(row.data):
                self.report.kink(
                    f"{recording.describe(row)}: right is any slope {slope} by {by}, and it has {found or 0.0!r}"
                )
            if is_right(row, i, slope):
                continue
            if found != found and (row.rule.of_the_table or recording is not self.recording):
                self.report.note(f"{recording.describe(row)}: at an edge of its domain, it has no derivative by {by}")
                continue
            if hangs_on_a_zero(row, i, slope):
                self.report.note(f"{recording.describe(row)}: it hangs on the sign of a zero, and is not judged")
                continue
            names = {x: recording.name(x) for x in row.operands if not isinstance(x, (int, float))}
            point = ", ".join(f"{name} = {x.data!r}" for x, name in names.items())
            raise GradientCheckError(
                f"{recording.describe(row)}, has a wrong local derivative"
                f"\n    by operand {i + 1} of {len(row.operands)}, {by}, at {point}"
                f"\n    expected  {slope}\n    found     {found!r}"
            )

    # ── the sweep ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _accumulate(self, recording: Recording, slopes: dict[Any, Any] | None = None) -> dict[Any, Any]:
        """The adjoints that these local derivatives give, or the stored ones: in 50-digit numbers, if there are."""
        adjoints = {} if recording.is_plain else {recording.result: number(1.0) if self.exact else 1.0}
        for row in reversed(recording.rows):
            for x, slope in edges(row, row.local_derivatives if slopes is None else slopes.get(row, ())):
                if row in adjoints:
                    adjoints[x] = adjoints.get(x, 0) + adjoints[row] * slope
        return adjoints

    def _check_sweep(self, recording: Recording, found: dict[Any, float]) -> dict[Any, float]:
        """Hold what the engine's sweep found to the stored local derivatives. Returns bounds for its rounding."""
        expected, errors = self._accumulate(recording), dict.fromkeys(recording.rows, 0.0)
        shares: dict[Any, list[str]] = {row: [] for row in recording.rows}
        for row in reversed(recording.rows):
            true = float(expected.get(row, 0.0))
            if math.isfinite(true) and not abs(found[row] - true) <= 4 * errors[row] + _TINY:
                raise GradientCheckError(
                    f"the sweep goes wrong at {recording.describe(row)}"
                    f"\n    expected  {true!r} = {' + '.join(shares[row])}\n    found     {found[row]!r}"
                )
            for x, slope in edges(row, row.local_derivatives) if row in expected else ():
                errors[x] += errors[row] * abs(slope) + 2 * _ULP * abs(true * slope) + 5e-324
                shares[x].append(f"{true!r} * {slope!r} from row {recording.number[row]}")
        return errors

    # ── rounding ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _rounding(self, recording: Recording, errors: dict[Any, float]) -> dict[Any, tuple[Any, Any]]:
        """How far each adjoint may be from the exact one by rounding, as measured, and by the widths of kinks."""
        stored = self._accumulate(recording)
        exact = self._accumulate(recording, self._exact_slopes(recording)) if self.exact else stored
        doubts: dict[Any, Any] = dict.fromkeys(recording.rows, 0)
        widths: dict[Any, Any] = dict.fromkeys(recording.rows, 0)
        for row in filter(stored.__contains__, reversed(recording.rows)):
            for x, slope, true in zip(row.operands, row.local_derivatives, self.slopes.get(row, ())):
                if true is not None:
                    size, share = abs(slope or 0.0), abs(stored[row])
                    doubts[x] += doubts[row] * size + share * true.error
                    if slope is not None:  # a jump stays one, however flat is what comes to it
                        widths[x] += widths[row] * size if math.isfinite(widths[row]) else math.inf
                    widths[x] += share * (true.high - true.low) if true.kink and share else 0
        return {
            row: (2 * abs(stored.get(row, 0) - exact.get(row, 0)) + doubts[row] + 4 * errors[row] + _TINY, widths[row])
            for row in recording.rows
        }

    def _exact_slopes(self, recording: Recording) -> dict[Any, list[Any]]:
        """The local derivatives of each row at the operands that it would have if nothing were rounded."""
        values: dict[Any, Any] = {}
        slopes: dict[Any, list[Any]] = {}
        for row in recording.rows:
            if row.rule is None:
                values[row] = number(row.data)
                continue
            stored, at = row.local_derivatives, self.slopes[row]
            operands = [number(x) if isinstance(x, (int, float)) else values[x] for x in row.operands]
            moved = [x - number(bare(y)) for x, y in zip(operands, row.operands)]
            try:
                values[row] = exact_value(row.rule, operands)
                at = exact_slopes(row, operands) if any(moved) else at
            except Exception:  # it does not take such numbers, or does not exist just there
                values[row] = number(row.data) + sum(m * (d or 0.0) for m, d in zip(moved, stored) if m)
            slopes[row] = [
                d if d is None or true is None or not math.isfinite(d) else true.nearest(d)
                for d, true in zip(stored, at)
            ]
        return slopes

    # ── what is wrong if all rows are right ────────────────────────────────────────────────────────────────────────

    def _explain_first(self) -> str:
        return first_detached(self.problem)

    def _explain_second(self) -> str:
        """The first gate whose local derivative, as it is recorded, has not the derivative that it should have."""
        for row in self.recording.rows:
            if row.rule is not None and not row.rule.of_the_table and self.exact and (text := self._second(row)):
                return (
                    f"{self.recording.describe(row)}, has a local derivative that cannot be differentiated:\n    {text}"
                )
        return ""

    def _second(self, row: Any) -> str:
        xs = [scalargrad.Value(bare(x)) for x in row.operands]
        slopes = row.rule.derivatives(VALUES, *xs, out=function(row.rule)(*xs))
        exact = [number(bare(x)) for x in row.operands]
        for i, j in itertools.product(range(len(xs)), repeat=2):

            def local(t: Any, i: int = i, j: int = j) -> Any:
                slope = exact_slopes(row, [*exact[:j], t, *exact[j + 1 :]])[i]
                return 0 if slope is None else slope.low

            found, true = Recording(slopes[i], xs).adjoints()[xs[j]], exact_slope(local, exact[j])
            if self.slopes[row][i] is not None and not true.has(found, 1e-9 * (abs(found) + abs(true.low))):
                return f"by operand {i + 1} and then {j + 1}, expected {true}, found {found!r}"
        return ""


def _range(numbers: Iterable[float | None]) -> int:
    """How many decimal orders there are between the largest of these numbers, or 1, and the smallest."""
    orders = [0.0, *(math.log10(abs(x)) for x in numbers if x and math.isfinite(x))]
    return int(max(orders) - min(orders))
