"""The readable engine: a tape of Values, and the backward sweep. Also the specification of the native one.

Arithmetic on Values records. Each operation makes a new Value, which *is* its row on the tape: it holds the number
it came to, the operands it was made of and, already as numbers, its local derivatives with respect to them. So the
backward sweep knows nothing of operations: it walks the rows from the last to the first, and each hands its adjoint,
times a local derivative, on to each of its operands. That is the chain rule, and the whole of it.

    >>> x, y = Value(2.0), Value(3.0)
    >>> z = x * y + x            # records two rows: x * y, and its sum with x
    >>> z.local_derivatives      # of the sum, with respect to x * y and to x
    (1.0, 1.0)
    >>> z.backward()             # the sum hands 1 to x * y and 1 to x; x * y hands on y to x, and x to y
    >>> x.grad, y.grad
    (4.0, 2.0)

In this order: tapes, recording, sweeping, Value.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain
from operator import attrgetter, countOf
from typing import Any, NoReturn, Self, cast

from scalargrad.engine import messages
from scalargrad.engine.number import Immutable, Number, real, text
from scalargrad.engine.table import html_table, table
from scalargrad.engine.thread import Path, here
from scalargrad.errors import StaleValueError, TapeError
from scalargrad.namespaces import FLOATS, IEEE, IeeeFloat, as_float, namespace_of
from scalargrad.rules import RULES, Rule

__all__ = [
    "Tape",
    "Value",
    "adjoints",
    "current_tape",
    "function",
    "inputs",
    "neurons",
    "only_floats",
    "reduction",
    "sweep",
]

# ── tapes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Tape:
    """The rows that one thread recorded, in order. `with Tape() as t:` makes t the tape that takes new inputs.

    Operands decide where an operation is recorded: on their tape. A row lives while a live Value needs it, and nobody
    has to clear a tape: Values hold their operands, the tape refers to all of them weakly, and it forgets the dead
    when it has doubled. `len(t)`, `t[i]`, iteration and `print(t)` show the rows that live. With `max_rows`, what would
    make more rows live raises TapeError.

    >>> with Tape() as t:
    ...     y = Value(2.0) * Value(3.0) + 1
    >>> len(t), t[2], t[3] is y
    (4, Value(6.0), True)
    """

    __slots__ = ("__weakref__", "_clock", "_limit", "_max_rows", "_rows", "_state")

    def __init__(self, max_rows: int | None = None) -> None:
        if hasattr(self, "_rows"):
            raise TypeError(messages.MADE_BEFORE)
        if max_rows is not None and (type(max_rows) is not int or max_rows < 1):
            raise TypeError(messages.not_a_number("max_rows is a whole number from 1 on, or None", max_rows))
        self._rows: list[weakref.ref[Value]] = []  # in the order of recording
        self._max_rows = max_rows
        self._limit = min(1024, max_rows or 1024)  # when there are as many, the dead are forgotten
        self._clock = 0  # counts what happens: a row recorded, an input's data set (which makes older rows stale)
        self._state = here.state  # of the thread that owns it

    def _check_thread(self) -> None:
        if self._state is not here.state:
            raise TapeError(messages.OTHER_THREAD)

    def __enter__(self) -> Self:
        self._check_thread()
        self._state.tapes.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        tapes = self._state.tapes
        del tapes[len(tapes) - 1 - tapes[::-1].index(self)]  # its innermost entry

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Value]:
        return iter([row for ref in self._rows if (row := ref()) is not None])

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __bool__(self) -> bool:
        return True  # an empty tape is a tape

    def __str__(self) -> str:
        return table(list(self))

    def __repr__(self) -> str:
        return f"<Tape of {len(self):,} rows>"

    def _repr_html_(self) -> str:
        return html_table(list(self))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Tape does not copy or pickle; inputs do")


def current_tape() -> Tape:
    """The tape that takes new inputs: that of the innermost `with Tape()`, else the default one of this thread."""
    tapes: list[Any] = here.state.tapes
    for tape in reversed(tapes):
        if isinstance(tape, Tape):  # the tests have both engines in one process
            return tape
    tapes.insert(0, Tape())
    return cast(Tape, tapes[0])


# ── recording ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _record(rule: Rule, operands: tuple[Value | float, ...]) -> Value:
    """Apply a rule to operands, at least one of them a Value, and append the row to their tape.

    In short: the numbers of the operands, the rule's value and derivatives for these, and a row that holds it all.
    The rest sees to it that there is one tape, that this is its thread, and what happens where floats raise.
    """
    tape: Any = None
    numbers: list[Any] = []
    for operand in operands:
        if type(operand) is Value:
            if operand._tape is not tape:
                if tape is not None:
                    raise TapeError(messages.MIXED_TAPES)
                tape = operand._tape
                began = tape._clock
            numbers.append(operand._data)
        else:
            numbers.append(operand)
    state = here.state
    if tape._state is not state:
        raise TapeError(messages.OTHER_THREAD)
    try:
        data = rule.value(FLOATS, *numbers)
    except Exception as error:
        if not state.quiet:
            if state.recorder is not None:
                state.recorder.refused(rule, operands, error)
            raise messages.failed(error, rule, operands, numbers) from None
        data = float(rule.value(IEEE, *map(IeeeFloat, numbers)))
    if not state.recording:
        if state.recorder is None:
            return _append(tape, None, data, (), ())
        return _append(tape, rule, data, operands, (None,) * len(operands))  # a Program has to know where it came from
    try:
        derivatives = rule.derivatives(FLOATS, *numbers, out=data)
    except Exception:  # at an edge of the domain: what IEEE 754 says, an infinity or nan
        try:
            derivatives = rule.derivatives(IEEE, *map(IeeeFloat, numbers), out=IeeeFloat(data))
        except Exception as error:  # a gate's, that uses math itself
            raise messages.failed(error, rule, operands, numbers) from None
        derivatives = tuple(None if d is None else float(d) for d in derivatives)
    if rule.routes and state.recorder is None:
        derivatives = tuple(d or None for d in derivatives)  # not reached, which is other than reached by 0
    if tape._clock != began:  # a gate has done more than calculate
        for x in operands:
            if type(x) is Value and x._changed >= began:
                raise StaleValueError(messages.stale(x._label, x._data))
    return _append(tape, rule, data, operands, derivatives)


def _append(tape: Tape, rule: Rule | None, data: float, operands: Any, derivatives: Any, label: str = "") -> Value:
    state, rows = tape._state, tape._rows
    row = object.__new__(Value)
    row._tape, row._rule, row._data, row._grad = tape, rule, data, None
    row._operands, row._derivatives = operands, derivatives
    row._label, row._scope, row._line = label, state.scope, messages.caller() if state.debug else None
    ref, recorded = weakref.ref(row), len(rows)
    if recorded >= tape._limit:
        tape._limit *= 2  # should a signal handler record meanwhile, it adds behind `recorded` and does not come here
        rows[:recorded] = [ref for ref in rows[:recorded] if ref() is not None]
        tape._limit = 2 * len(rows) + 1024 if tape._max_rows is None else min(2 * len(rows) + 1024, tape._max_rows)
        if len(rows) >= tape._limit:
            raise TapeError(messages.too_many_rows(tape._limit))
    row._order = row._changed = tape._clock  # from here on, no signal handler or finalizer can come between
    tape._clock += 1
    rows.append(ref)
    if state.recorder is not None:
        state.recorder.took(row)
    return row


def inputs(numbers: Iterable[object]) -> list[Value]:
    """A new input on the current tape for each of these numbers.

    >>> inputs([1.0, 2.0])
    [Value(1.0), Value(2.0)]
    """
    return [Value(x) for x in numbers]


def only_floats(numbers: list[Any]) -> bool:
    """Whether a list has floats in it and nothing else, so that nobody has to look at each.

    >>> only_floats([1.0, 2.0]), only_floats([1.0, 2])
    (True, False)
    """
    return countOf(map(type, numbers), float) == len(numbers)


def function(rule: Rule) -> Callable[..., Any]:
    """The rule as a function: it records where an operand is a Value, and else just calculates.

    >>> add = function(RULES["add"])
    >>> add(1, 2), add(Value(1), 2)
    (3.0, Value(3.0))
    """
    arity, demand = rule.arity, f"{rule.name} takes Values and real numbers"

    def apply(*operands: Any) -> Any:
        if arity is not None and len(operands) != arity:
            raise TypeError(f"{rule.name} takes {arity} operand(s), not {len(operands)}")
        if Value in map(type, operands):
            return _record(rule, tuple([x if type(x) is Value else real(demand, x) for x in operands]))
        if (m := namespace_of(*operands)) is not None:
            return rule.value(m, *operands)
        numbers = [real(demand, x) for x in operands]
        try:
            return rule.value(FLOATS, *numbers)
        except Exception as error:
            raise messages.failed(error, rule, operands, numbers) from None

    apply.__name__, apply.__doc__ = rule.name, f"{rule.name} of Values or real numbers, recorded as one row."
    return apply


def reduction(rule: Rule) -> Callable[..., Any]:
    """A rule of any number of operands as a function of lists of them.

    >>> reduction(RULES["dot"])([Value(1), Value(2)], [3, 4])
    Value(11.0)
    """
    apply = function(rule)
    return lambda *lists: apply(*chain.from_iterable(lists))


def neurons(rule: Rule | None) -> Callable[[list[Any], list[Any], list[Path], list[Any]], list[Value]]:
    """What records rule(dot(weights, xs) + bias) for the neurons of a layer, each in a scope of its own.

    It gives the outputs of the first ones, as many as it records without calling them; here that is none.

    >>> len(neurons(RULES["tanh"])([[Value(2.0)], [Value(3.0)]], [0.5, 1.0], [("first",), ("second",)], [1.0])) <= 2
    True
    """
    return lambda weights, biases, scopes, xs: []


# ── sweeping ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep(seeds: dict[Value, float], first: Value | None = None) -> dict[Value, float | None]:
    """The adjoints of all rows that the roots depend on: how much the sum of seed * root changes for a change of each.

    Of the rows reached so far, the one recorded last comes first. All rows that use it were recorded after it, and so
    have had their turn: its adjoint is complete. What only leads to an operand that was not chosen (by where, max,
    min) has its turn as well, to see that it is not stale, and gets None. What was recorded before `first`, a Value on
    the same tape, hands nothing on: the sweep ends there. Changes no `.grad`.

    >>> x = Value(3.0)
    >>> sweep({x * x: 1.0, x + 1: 10.0})[x]
    16.0
    """
    _check_ends(seeds, first)
    adjoints: dict[Value, float | None] = {root: float(seed) for root, seed in seeds.items()}
    start = -1 if first is None else first._order
    reached = {-root._order: root for root in seeds if root._order >= start}  # rows by minus their order
    latest = sorted(reached)  # a heap of these orders
    while latest:
        row = reached[heappop(latest)]
        adjoint = adjoints[row]
        for operand, derivative in zip(row._operands, row._derivatives):
            if type(operand) is not Value:
                continue  # a constant
            if operand._changed > row._order:
                raise StaleValueError(messages.stale(operand._label, operand._data))
            if operand not in adjoints:
                adjoints[operand] = None
                if operand._operands and operand._order >= start:  # an input hands on to nobody
                    reached[-operand._order] = operand
                    heappush(latest, -operand._order)
            if adjoint is not None and derivative is not None:
                adjoints[operand] = (adjoints[operand] or 0.0) + adjoint * derivative
    return adjoints


def _check_ends(roots: Iterable[Value], first: Value | None) -> None:
    """They are Values, on one tape, and this is its thread."""
    for root in roots:
        if type(root) is not Value:
            raise TypeError(messages.not_a_number("the roots of a sweep are Values", root))
    if first is not None and type(first) is not Value:
        raise TypeError(messages.not_a_number("a sweep begins at a Value", first))
    tapes = {value._tape for value in (*roots, first) if value is not None}
    if len(tapes) > 1:
        raise TapeError(messages.MIXED_TAPES)
    for tape in tapes:
        tape._check_thread()


def adjoints(seeds: dict[Value, float], xs: Sequence[Value], first: Value | None = None) -> list[float] | None:
    """Of a sweep, no more than the adjoints of xs, in a list; 0.0 for those that it did not reach.

    None, if it came to anything recorded before `first`: then there is more to tell than numbers.

    >>> x, y = Value(3.0), Value(2.0)
    >>> adjoints({x * x: 1.0}, [x, y]), adjoints({x * y: 1.0}, [y], first=y)
    ([6.0, 0.0], None)
    """
    found = sweep(seeds, first)
    if first is not None and any(row._order < first._order for row in found):
        return None
    return [found.get(x) or 0.0 for x in xs]


# ── Value ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _infix(name: str, constant_right: str = "", constant_left: str = "") -> tuple[Any, Any]:
    """The two methods that Python calls for an infix operation: v ∘ w or v ∘ 2.0, and the reflected 2.0 ∘ v."""
    rule, right, left = RULES[name], RULES[constant_right or name], RULES[constant_left or name]

    def forward(self: Value, other: object) -> Any:
        if type(other) is Value:
            return _record(rule, (self, other))
        number = as_float(other)
        return NotImplemented if number is None else _record(right, (self, number))

    def reflected(self: Value, other: object) -> Any:
        number = as_float(other)
        return NotImplemented if number is None else _record(left, (number, self))

    for method in (forward, reflected):
        method.__name__, method.__qualname__ = name, f"Value.{name}"
        method.__doc__ = f"{rule.text('x', 'y')}, recorded as one row."
    return forward, reflected


def _method(name: str) -> Any:
    """The method for an operation on one operand."""
    rule = RULES[name]

    def method(self: Value) -> Value:
        if type(self) is not Value:
            raise TypeError(messages.not_a_number("a method of Value takes a Value", self))
        return _record(rule, (self,))

    method.__name__, method.__doc__ = name, f"{rule.text('self')}, recorded as one row."
    return method


class Value(Number, metaclass=Immutable):
    """A number that remembers how it was computed: it behaves like a float, and its derivatives are one call away.

    `Value(2.0, label="x")` is an *input*; it takes an int, float, bool, Fraction or NumPy scalar, else raises
    TypeError. Arithmetic and the package's functions make *intermediates*, with the very numbers that Python's float
    and `math` give. `y.backward()` adds dy/dx to the `grad` of each input x that y depends on. Comparisons, `bool`,
    `//`, `divmod`, `round` and the roundings of `math` give plain answers, for they have no derivative but zero.

    >>> x = Value(3.0, label="x")
    >>> y = x**2 + 1
    >>> y.backward()
    >>> y, x
    (Value(10.0, grad=1.0), Value(3.0, label='x', grad=6.0))
    """

    __slots__ = (
        *("__weakref__", "_changed", "_constants", "_data", "_derivatives", "_grad"),
        *("_label", "_line", "_operands", "_order", "_rule", "_scope", "_tape"),
    )
    _tape: Tape
    _rule: Rule | None  # None for an input
    _data: float
    _operands: tuple[Value | float, ...]  # a constant is a plain number
    _derivatives: tuple[float | None, ...]  # one for each operand; None where no gradient flows
    _grad: float | None  # None before any backward pass
    _order: int  # when it was recorded, by the clock of the tape
    _changed: int  # when its data was last set
    _label: str
    _scope: tuple[str, ...]
    _line: str | None
    _constants: dict[int, Value]  # there once somebody has asked for _prev

    def __new__(cls, data: object, label: str = "") -> Self:
        number = real("the data of a Value is a real number", data)
        return cast(Self, _append(current_tape(), None, number, (), (), text(label)))

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError(messages.NO_SUBCLASS)

    @property
    def data(self) -> float:
        """The number. It can be set on an input; sweeping what was recorded from the old number then raises."""
        self._tape._state.data_read = True  # for whoever wonders where a gradient was lost
        return self._data if here.state.recorder is None else cast(float, here.state.recorder.read(self))

    @data.setter
    def data(self, data: object) -> None:
        self._check_input("setting data")
        self._check_effect("setting data")
        self._tape._check_thread()
        self._data = real("the data of a Value is a real number", data)
        self._changed = self._tape._clock
        self._tape._clock += 1

    @property
    def grad(self) -> float:
        """The adjoint: of an input the sum over all backward passes, of an intermediate that of the latest to reach it.

        0.0 before any pass (`has_grad` tells). It can be set to a number, or to None for "not yet".
        """
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, grad: object) -> None:
        self._grad = None if grad is None else real("a grad is a real number or None", grad)

    @property
    def has_grad(self) -> bool:
        """Whether a backward pass reached it, or its grad was set by hand: is a zero a real zero, or "not yet"?

        >>> p, q = Value(4.0), Value(5.0)
        >>> (p * 0.0).backward()
        >>> (p.grad, p.has_grad), (q.grad, q.has_grad)
        ((0.0, True), (0.0, False))
        """
        return self._grad is not None

    @property
    def label(self) -> str:
        """A name for pictures, tables and messages: any text."""
        return self._label

    @label.setter
    def label(self, label: str) -> None:
        self._label = text(label)

    rule = property(attrgetter("_rule"), doc="The rule that computed it; None for an input.")
    operands = property(attrgetter("_operands"), doc="What the rule was applied to: Values, and constants as numbers.")
    local_derivatives = property(attrgetter("_derivatives"), doc="For each operand; None where no gradient flows.")
    scope = property(attrgetter("_scope"), doc="The names of the scopes it was recorded in, the outermost first.")
    line = property(attrgetter("_line"), doc="Where `with debug():` saw it recorded, as file:line; else None.")
    tape = property(attrgetter("_tape"), doc="The tape it is on.")
    index = property(attrgetter("_order"), doc="Grows in the order of recording on its tape; not a number to keep.")

    def backward(self, seed: float = 1.0) -> None:
        """Sweep back from here: add seed * d(self)/dx to the grad of each input x, and set those of intermediates.

        Raises StaleValueError if the data of an input was set after this was recorded. An error changes no grad.
        """
        self._check_effect("backward()")
        adjoints = sweep({self: real("a seed is a real number", seed)})
        rows = [row for row, adjoint in adjoints.items() if adjoint is not None]
        grads = [adjoints[row] if row._operands else row.grad + adjoints[row] for row in rows]  # type: ignore[operator]
        deque(map(_SET_GRAD, rows, grads), maxlen=0)  # all or none: no interrupt comes into the middle of this

    def detach(self) -> Value:
        """A new input on the current tape, with this number and no history."""
        return Value(self._data) if here.state.recorder is None else cast(Value, here.state.recorder.detached(self))

    @property
    def _prev(self) -> set[Value]:
        """micrograd's name for the operands; constants are Values on a tape of their own, the same ones each time."""
        if not hasattr(self, "_constants"):
            with Tape():
                constants = () if self._rule is RULES["pow_const"] else self._operands  # its exponent is in `_op`
                self._constants = {i: Value(x) for i, x in enumerate(constants) if type(x) is float}
        for i, constant in self._constants.items():  # micrograd has gradients for them too
            slope = self._derivatives[i]
            constant._grad = None if self._grad is None or slope is None else self._grad * slope
        return {x for x in self._operands if type(x) is Value}.union(self._constants.values())

    __add__, __radd__ = _infix("add")
    __sub__, __rsub__ = _infix("sub")
    __mul__, __rmul__ = _infix("mul")
    __truediv__, __rtruediv__ = _infix("div")
    __mod__, __rmod__ = _infix("mod")
    __pow__, __rpow__ = _infix("pow", constant_right="pow_const", constant_left="const_pow")
    __neg__, __pos__, __abs__ = map(_method, ("neg", "pos", "abs"))
    sqrt, cbrt, relu, sigmoid, softplus, gelu = map(_method, ("sqrt", "cbrt", "relu", "sigmoid", "softplus", "gelu"))
    exp, exp2, expm1, log, log1p = map(_method, ("exp", "exp2", "expm1", "log", "log1p"))
    log2, log10, erf, erfc, lgamma = map(_method, ("log2", "log10", "erf", "erfc", "lgamma"))
    sin, cos, tan, sinh, cosh, tanh = map(_method, ("sin", "cos", "tan", "sinh", "cosh", "tanh"))
    asin, acos, atan = map(_method, ("asin", "acos", "atan"))
    asinh, acosh, atanh = map(_method, ("asinh", "acosh", "atanh"))
    arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh  # as NumPy calls them
    arctan2, hypot = function(RULES["atan2"]), function(RULES["hypot"])

    def leaky_relu(self, slope: object = 0.01) -> Value:
        """The same as scalargrad.leaky_relu(self, slope)."""
        return cast(Value, function(RULES["leaky_relu"])(self, slope))


_SET_GRAD: Callable[..., None] = vars(Value)["_grad"].__set__  # the slot's own setter, in C
