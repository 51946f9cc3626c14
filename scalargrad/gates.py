"""A user's own operation: a plain function of numbers and its derivatives, made into a rule and recorded as one row."""

import inspect
from collections.abc import Callable
from functools import wraps
from math import inf, nan
from typing import Any

from scalargrad.engine import function
from scalargrad.engine.messages import name_of, not_a_number
from scalargrad.errors import GateError
from scalargrad.namespaces import FLOATS, IEEE, as_float
from scalargrad.rules import Rule

__all__ = ["gate", "gate_rule"]


def gate(bare: None = None, /, *, derivatives: Any = None) -> Callable[..., Any]:
    """Make one operation, and so one row, of a plain function of numbers.

    `derivatives` is given the same inputs, and returns one number for each (for a single input the bare number will
    do). Raises GateError at definition if the two differ in their number of inputs, and at use if they return
    anything but real numbers, or not as many as inputs. Written with the package's functions, the derivatives can
    themselves be differentiated. Both are given floats, and Values when they are differentiated or go into a Program,
    where one that does something else with Values runs on floats, point by point.

    >>> from scalargrad import Value
    >>> @gate(derivatives=lambda x, y: (y, x))
    ... def times(x, y):
    ...     return x * y
    >>> times(Value(2.0), 5.0).local_derivatives
    (5.0, 2.0)
    """
    if bare is not None or derivatives is None:
        raise GateError("a gate is made of two functions: @gate(derivatives=lambda x, y: (y, x)) above one of x and y")

    def define(of: Callable[..., Any]) -> Callable[..., Any]:
        return wraps(of)(function(gate_rule(of, derivatives)))

    return define


def gate_rule(function: Callable[..., Any], derivatives: Callable[..., Any]) -> Rule:
    """The rule that computes `function` and takes its local derivatives from `derivatives`.

    Raises GateError if the two take different numbers of inputs. When it is used on floats, whatever they return
    other than one real number, and one for each input, raises GateError too. In the quiet namespace IEEE the value is
    nan where the function raises.
    """
    name = name_of(function)
    (least, most), (least_, most_) = _arity(function), _arity(derivatives)
    if least > most_ or least_ > most:
        raise GateError(
            f"the gate {name} has {least} input(s), but its derivatives take {least_}: both are given the same inputs"
        )

    def value(m: Any, *inputs: Any) -> Any:
        if m is IEEE:
            try:
                return value(FLOATS, *map(float, inputs))
            except (ValueError, ArithmeticError):
                return nan
        out = function(*inputs)
        return _real(f"the gate {name} returns one real number", out) if m is FLOATS else out

    def local_derivatives(m: Any, *inputs: Any, out: Any) -> tuple[Any, ...]:
        slopes = derivatives(*inputs)
        slopes = tuple(slopes) if isinstance(slopes, (tuple, list)) else (slopes,)
        if len(slopes) != len(inputs):
            raise GateError(f"the gate {name} has {len(inputs)} input(s), but {len(slopes)} derivative(s): {slopes!r}")
        if m is FLOATS or m is IEEE:
            return tuple(_real(f"the derivatives of the gate {name} are real numbers", s) for s in slopes)
        return slopes

    return Rule(name, name, value, local_derivatives)


def _real(demand: str, found: object) -> float:
    number = as_float(found)
    if number is None:
        raise GateError(not_a_number(demand, found))
    return number


def _arity(function: Callable[..., Any]) -> tuple[float, float]:
    """The least and the greatest number of inputs."""
    if not callable(function):
        raise GateError(not_a_number("a gate is made of two functions", function))
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return 1, inf  # a built-in that does not tell
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            raise GateError(f"a gate is given its inputs in order: {name_of(function)} asks for {p.name} by keyword")
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if not positional and not any_number:
        raise GateError(f"a gate has one input at least, and {name_of(function)} takes none")
    return sum(p.default is p.empty for p in positional), inf if any_number else len(positional)
