"""Picks the engine, once, at import: `SCALARGRAD_ENGINE` is auto (the default), python or native.

`auto` takes the native engine where it was built, and the readable one where it was not. `native` raises ImportError,
with the reason, where it cannot be had. The two differ in speed only.
"""

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

from scalargrad.engine.thread import debug, no_grad, scope
from scalargrad.rules import TRUTHS

if TYPE_CHECKING:  # what type checkers read is the readable engine
    from scalargrad.engine.python import (
        Tape,
        Value,
        adjoints,
        current_tape,
        function,
        inputs,
        neurons,
        only_floats,
        reduction,
        sweep,
    )

__all__ = [
    "ENGINE",
    "REASON",
    "Tape",
    "Value",
    "adjoints",
    "current_tape",
    "debug",
    "function",
    "inputs",
    "is_truth",
    "is_value",
    "neurons",
    "new_input",
    "no_grad",
    "only_floats",
    "reduction",
    "scope",
    "sweep",
]

_CHOICES = ("auto", "python", "native")


def _pick(choice: str) -> tuple[ModuleType, str]:
    """The engine's module and why it was taken."""
    if choice not in _CHOICES:
        raise ValueError(f"SCALARGRAD_ENGINE={choice!r} is not one of {', '.join(_CHOICES)}")
    python = importlib.import_module("scalargrad.engine.python")
    if choice == "python":
        return python, "SCALARGRAD_ENGINE=python asks for it"
    try:
        return importlib.import_module("scalargrad.engine.native"), f"SCALARGRAD_ENGINE is {choice}, and it is built"
    except ImportError as error:
        if choice == "native":
            raise ImportError(f"SCALARGRAD_ENGINE=native, but the native engine cannot be imported: {error}") from error
        if isinstance(error, ModuleNotFoundError) and error.name == "scalargrad.engine.native":
            return python, "the native engine is not built"
        return python, f"the native engine cannot be imported: {error}"


_engine, REASON = _pick(os.environ.get("SCALARGRAD_ENGINE", "auto"))

#: The name of the engine that runs, "python" or "native"; REASON tells why it does.
ENGINE = _engine.__name__.rpartition(".")[2]

if not TYPE_CHECKING:
    Tape, Value, current_tape = _engine.Tape, _engine.Value, _engine.current_tape
    function, reduction, inputs, neurons = _engine.function, _engine.reduction, _engine.inputs, _engine.neurons
    adjoints, sweep, only_floats = _engine.adjoints, _engine.sweep, _engine.only_floats


def is_value(x: object) -> bool:
    """Whether it is a Value of the engine that runs: for whoever takes nests apart.

    >>> is_value(Value(1.0)), is_value(1.0)
    (True, False)
    """
    return type(x) is Value


def is_truth(x: object) -> bool:
    """Whether it is a comparison that was recorded: a Value, where else there is a bool, while a Program is recorded."""
    return type(x) is Value and x.rule in TRUTHS


def new_input(data: float, label: str) -> "Value":
    """What a copied or pickled input is made again with, whichever engine runs there."""
    return Value(data, label)
