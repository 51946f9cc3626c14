"""The half of Value that records nothing: in what it behaves like a float, refuses to, or speaks micrograd."""

import math
import operator
from collections.abc import Callable
from typing import Any, NoReturn

from scalargrad.engine import messages
from scalargrad.engine.thread import here
from scalargrad.errors import GradientLostError, NotAnInputError
from scalargrad.namespaces import as_float


def _on_data(operation: Callable[..., Any]) -> Any:
    """A method that works on the bare numbers, for a bare result: it steers what is computed, and has no derivative.

    While a Program is recorded, its recorder answers: what depends on the inputs may come out differently next time.
    """

    def method(self: "Number", *others: object) -> Any:
        recorder = here.state.recorder
        if recorder is not None:
            return recorder.steered(operation, self, *others)
        return operation(self._data, *(x._data if isinstance(x, Number) else x for x in others))

    return method


def _on_truths(name: str) -> Any:
    """The methods for & and |, which only comparisons in a Program that is being recorded have."""

    def method(self: "Number", other: object) -> Any:
        recorder = here.state.recorder
        return NotImplemented if recorder is None else recorder.joined(name, self, other)

    return method


def _refused(kind: str) -> Any:
    def method(self: "Number") -> NoReturn:
        recorder = here.state.recorder
        if recorder is not None:
            recorder.converted(kind, self)
        raise GradientLostError(messages.gradient_lost(kind, self.label, self._data))

    return method


def rfloordiv(x: Any, y: Any) -> Any:
    return y // x


def rdivmod(x: Any, y: Any) -> Any:
    return divmod(y, x)


class Immutable(type):
    """The class of Value: nothing can be set on it or deleted, as on float, so that every Value does the same."""

    def __setattr__(cls, name: str, thing: object) -> NoReturn:
        raise TypeError(f"cannot set {name!r} attribute of immutable type {cls.__name__!r}")

    def __delattr__(cls, name: str) -> NoReturn:
        Immutable.__setattr__(cls, name, None)  # Python's own words for both


class Number:
    """What Value shares with float. Equality is by data, as float's; the hash by identity, as PyTorch's."""

    __slots__ = ()
    _data: Any
    label: Any
    operands: Any
    rule: Any

    __eq__, __ne__ = _on_data(operator.eq), _on_data(operator.ne)
    __lt__, __le__ = _on_data(operator.lt), _on_data(operator.le)
    __gt__, __ge__ = _on_data(operator.gt), _on_data(operator.ge)
    __hash__ = object.__hash__
    __bool__ = _on_data(bool)
    __and__ = __rand__ = _on_truths("and")
    __or__ = __ror__ = _on_truths("or")

    # their derivative is zero almost everywhere: plain numbers, without a row
    __floordiv__, __rfloordiv__ = _on_data(operator.floordiv), _on_data(rfloordiv)
    __divmod__, __rdivmod__ = _on_data(divmod), _on_data(rdivmod)
    __round__, __trunc__ = _on_data(round), _on_data(math.trunc)
    __floor__, __ceil__ = _on_data(math.floor), _on_data(math.ceil)

    __float__, __int__, __complex__ = _refused("float"), _refused("int"), _refused("complex")

    def conjugate(self) -> "Number":
        """Itself, for it is real; NumPy asks."""
        return self

    def __format__(self, specification: str) -> str:
        if here.state.recorder is not None:
            here.state.recorder.told_in_text(self)
        return format(self._data, specification)

    def __repr__(self) -> str:
        if here.state.recorder is not None:
            here.state.recorder.told_in_text(self)
        label = f", label={self.label!r}" if self.label else ""
        grad = f", grad={self.grad!r}" if self.has_grad else ""  # type: ignore[attr-defined]
        return f"Value({self._data!r}{label}{grad})"

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_input("copying or pickling")
        from scalargrad.engine import new_input  # of the engine that runs where it is loaded

        recorder = here.state.recorder
        return new_input, (self._data if recorder is None else recorder.read(self), self.label)

    def _check_input(self, what: str) -> None:
        if self.rule is not None:
            raise NotAnInputError(messages.not_an_input(what, self.rule))

    def _check_effect(self, what: str) -> None:
        if here.state.recorder is not None:
            here.state.recorder.affected(what)

    @property
    def _op(self) -> str:
        """The operation as micrograd writes it: '+', '*', '**2', 'ReLU', and '' for an input."""
        if self.rule is None:
            return ""
        exponent = self.operands[1] if self.rule.name == "pow_const" else ""
        return f"{self.rule.symbol}{exponent:g}" if exponent != "" else str(self.rule.symbol)


def real(demand: str, number: object) -> float:
    """A number of a kind that we take, as a float; else TypeError, which says what is demanded.

    >>> real("a seed is a real number", 2), real("a seed is a real number", True)
    (2.0, 1.0)
    """
    found = as_float(number)
    if found is None:
        way_out = ": v.data is its number, v.detach() a new input" if isinstance(number, Number) else ""
        raise TypeError(messages.not_a_number(demand, number) + way_out)
    return found


def text(label: object) -> str:
    if not isinstance(label, str):
        raise TypeError(messages.not_a_number("a label is a str", label))
    return label
